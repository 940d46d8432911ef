//! Who owns which slot when workers come and go: only lost and given slots move.
//!
//! A map names the owner of each slot of one period. To deal slots evenly among a number of owners that does not divide
//! the period, the period is repeated; that changes nobody's slots. Where it would become too long, shares differ by one
//! slot of many.

use std::collections::BTreeMap;

/// Longer periods are not made. Shares then differ by at most 1/4096 of the test.
const LONGEST: usize = 4_096;

/// The map in which `seats` own everything, about evenly, with as few slots moved as that takes. `owners` must not be
/// empty; without seats nothing can be dealt and the map stays.
pub(super) fn deal(owners: &[u32], seats: &[u32]) -> Vec<u32> {
    if seats.is_empty() {
        return owners.to_vec();
    }
    let mut dealt = owners.to_vec();
    while !dealt.len().is_multiple_of(seats.len()) && dealt.len() + owners.len() <= LONGEST {
        dealt.extend_from_slice(owners);
    }
    if !dealt.len().is_multiple_of(seats.len()) {
        // No multiple fits: as long as possible, so that a slot more or less matters little.
        dealt = owners.repeat((LONGEST / owners.len()).max(1));
    }
    let mut held: BTreeMap<u32, usize> = seats.iter().map(|seat| (*seat, 0)).collect();
    for owner in &dealt {
        if let Some(count) = held.get_mut(owner) {
            *count += 1;
        }
    }
    let quotas = quotas(dealt.len(), &held);
    // What the departed held, and what others hold beyond their quota, evenly over the period; each of them begins
    // elsewhere in it, so that also of a few virtual users everyone has about as many.
    let mut excess: BTreeMap<u32, Excess> = (0..)
        .zip(&held)
        .map(|(rank, (seat, count))| {
            let give = count.saturating_sub(quotas[seat]);
            let phase =
                count.saturating_sub(1) * (held.len() - 1 - rank) / held.len().saturating_sub(1).max(1);
            (*seat, Excess { slots: *count, give, seen: 0, phase })
        })
        .collect();
    let free: Vec<usize> = (0..dealt.len())
        .filter(|slot| excess.get_mut(&dealt[*slot]).is_none_or(Excess::gives_next))
        .collect();
    let mut wanting: BTreeMap<u32, usize> =
        held.iter().map(|(seat, count)| (*seat, quotas[seat].saturating_sub(*count))).collect();
    for slot in free {
        // Whoever lacks most comes first, so that what one gets is spread over the period too.
        let next = wanting.iter_mut().max_by_key(|(seat, lacks)| (**lacks, std::cmp::Reverse(**seat)));
        if let Some((seat, lacks)) = next {
            dealt[slot] = *seat;
            *lacks = lacks.saturating_sub(1);
        }
    }
    dealt
}

/// How many slots each is to hold. Where they cannot be equal, those that hold most keep one more.
fn quotas(slots: usize, held: &BTreeMap<u32, usize>) -> BTreeMap<u32, usize> {
    let (each, more) = (slots / held.len(), slots % held.len());
    let mut by_count: Vec<(u32, usize)> = held.iter().map(|(seat, count)| (*seat, *count)).collect();
    by_count.sort_by_key(|(seat, count)| (std::cmp::Reverse(*count), *seat));
    (0..).zip(by_count).map(|(rank, (seat, _))| (seat, each + usize::from(rank < more))).collect()
}

/// A holder that gives some of its slots away, spread over the period.
struct Excess {
    slots: usize,
    give: usize,
    seen: usize,
    /// Below `slots`; the higher, the earlier it gives its first.
    phase: usize,
}

impl Excess {
    fn gives_next(&mut self) -> bool {
        let before = (self.seen * self.give + self.phase) / self.slots.max(1);
        self.seen += 1;
        (self.seen * self.give + self.phase) / self.slots.max(1) > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(owners: &[u32]) -> BTreeMap<u32, usize> {
        owners.iter().fold(BTreeMap::new(), |mut counts, owner| {
            *counts.entry(*owner).or_default() += 1;
            counts
        })
    }

    /// The map as it is after repeating the old one.
    fn stretched(owners: &[u32], to: usize) -> Vec<u32> {
        owners.iter().copied().cycle().take(to).collect()
    }

    #[test]
    fn the_slots_of_a_lost_worker_are_dealt_to_the_others_and_no_others_move() {
        let dealt = deal(&[0, 1, 2], &[0, 2]);
        assert_eq!(counts(&dealt), BTreeMap::from([(0, 3), (2, 3)]));
        for (before, after) in stretched(&[0, 1, 2], dealt.len()).into_iter().zip(&dealt) {
            assert!(before == 1 || before == *after);
        }
    }

    #[test]
    fn a_newcomer_gets_its_part_from_all_and_they_give_nothing_to_each_other() {
        let before = [0, 1, 2];
        let dealt = deal(&before, &[0, 1, 2, 3]);
        assert_eq!(counts(&dealt), BTreeMap::from([(0, 3), (1, 3), (2, 3), (3, 3)]));
        for (before, after) in stretched(&before, dealt.len()).into_iter().zip(&dealt) {
            assert!(before == *after || *after == 3);
        }
    }

    #[test]
    fn a_newcomer_has_its_part_also_of_a_few() {
        let dealt = deal(&[0, 1, 2], &[0, 1, 2, 3]);
        for few in 4..=12 {
            let its = dealt[..few].iter().filter(|owner| **owner == 3).count();
            assert!(its.abs_diff(few / 4) <= 1, "{its} of {few} in {dealt:?}");
        }
    }

    #[test]
    fn without_a_worker_nothing_is_dealt() {
        assert_eq!(deal(&[0, 1], &[]), [0, 1]);
        assert_eq!(deal(&[0, 1], &[5]), [5, 5]);
    }

    #[test]
    fn however_workers_come_and_go_shares_stay_even_and_the_period_bounded() {
        let mut owners: Vec<u32> = (0..7).collect();
        let mut seats: Vec<u32> = owners.clone();
        // A fixed walk through losses and arrivals.
        for step in 0_u32..200 {
            if step.wrapping_mul(2_654_435_761) >> 31 == 0 && seats.len() > 1 {
                seats.remove(step as usize % seats.len());
            } else {
                seats.push(7 + step);
            }
            let before = owners;
            owners = deal(&before, &seats);
            assert!(owners.len() <= LONGEST.max(before.len()));
            let counts = counts(&owners);
            assert_eq!(counts.keys().copied().collect::<Vec<_>>(), {
                seats.sort_unstable();
                seats.clone()
            });
            let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
            assert!(most - least <= 1, "{counts:?}");
            // Slots move away from the departed, or to those who lacked; nobody who stays both gives and gets.
            let mut flows: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
            for (from, to) in stretched(&before, owners.len()).into_iter().zip(&owners) {
                if from != *to {
                    flows.entry(from).or_default().0 += 1;
                    flows.entry(*to).or_default().1 += 1;
                }
            }
            assert!(flows.values().all(|(gave, got)| *gave == 0 || *got == 0), "{flows:?}");
        }
    }
}
