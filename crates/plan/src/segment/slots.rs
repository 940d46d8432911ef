//! The slot map: which virtual users, iteration indices and planned starts are mine.
//!
//! Slots are numbered from 0 and dealt by a pattern that repeats. With segment lengths `n_i / L` (`L`
//! their common denominator) the pattern has `L` slots; each slot in turn goes to the first segment,
//! walking from the largest to the smallest, that is not ahead of its share: the first with
//! `taken · L ≤ slot · n`. The same map answers for every index space of a test (the n-th virtual user,
//! the n-th iteration of a scenario, the n-th planned start), and that is why the union over all
//! instances is the schedule of one instance.
//!
//! A map has a version. When workers come and go while a test runs they receive a newer map ([`Slots::dealt`]) together
//! with the moment from which on it holds; only the slots of those who went, or give some, change their owner in it.

use std::sync::Arc;

use super::fraction::{gcd, lcm};
use super::{ExecutionSegment, Fraction, MAX_PERIOD, SegmentError, SegmentSequence};

/// The slots of one instance; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    version: u64,
    me: u32,
    /// The owner of each slot of one period, by position in the sequence.
    owners: Arc<[u32]>,
    /// My slots within one period, ascending.
    mine: Arc<[u32]>,
    sizing: Sizing,
}

/// How [`Slots::in_proportion_to`] deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sizing {
    /// By stripes of its own, as execution segments do.
    Striped,
    /// Each thing goes with the virtual user whose turn it is: what moves to another owner are the things of the virtual
    /// users that move. Stripes of another length would give nearly everything to somebody else.
    WithUsers,
    /// The first so many slots, again and again.
    Repeated(u64),
}

impl Slots {
    /// Every slot is mine: an instance that runs the whole test.
    pub fn whole() -> Self {
        Self::from_owners(0, 0, vec![0])
    }

    /// A map that may be followed by others while the test runs. Slot `i` belongs to `owners[i modulo their number]`.
    pub fn dealt(version: u64, me: u32, owners: Vec<u32>) -> Self {
        Self { sizing: Sizing::WithUsers, ..Self::from_owners(version, me, owners) }
    }

    /// The slots of `segment`, which has to occur in `sequence`.
    pub fn of(segment: &ExecutionSegment, sequence: &SegmentSequence) -> Result<Self, SegmentError> {
        let me =
            sequence.segments().iter().position(|s| s == segment).ok_or_else(|| {
                SegmentError::NotInSequence { segment: *segment, sequence: sequence.clone() }
            })?;
        let too_fine = || SegmentError::TooFine(sequence.clone());
        let period = sequence
            .segments()
            .iter()
            .flat_map(|s| [s.from(), s.to()])
            .try_fold(1, |period, point| lcm(period, point.denominator()))
            .filter(|period| *period <= MAX_PERIOD)
            .ok_or_else(too_fine)?;
        let slots_to = |point: Fraction| point.numerator() * (period / point.denominator());
        let lengths: Vec<u64> =
            sequence.segments().iter().map(|s| slots_to(s.to()) - slots_to(s.from())).collect();
        Ok(Self::from_owners(0, me as u32, stripe(&lengths)))
    }

    /// A map given slot by slot: `owners[i]` owns every slot that is `i` modulo the number of owners.
    /// An empty list stands for the whole test being mine.
    pub fn from_owners(version: u64, me: u32, owners: Vec<u32>) -> Self {
        let owners = if owners.is_empty() { vec![me] } else { owners };
        let mine = owners
            .iter()
            .enumerate()
            .filter(|(_, owner)| **owner == me)
            .map(|(slot, _)| slot as u32)
            .collect();
        Self { version, me, owners: owners.into(), mine, sizing: Sizing::Striped }
    }

    /// Counts the changes of the map during a run, from 0.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The number of slots after which the pattern repeats.
    pub fn period(&self) -> u64 {
        match self.sizing {
            Sizing::Repeated(length) => length,
            Sizing::Striped | Sizing::WithUsers => self.owners.len() as u64,
        }
    }

    /// My slots in each period; my share of the test is `owned_per_period / period`.
    pub fn owned_per_period(&self) -> u64 {
        match self.sizing {
            Sizing::Repeated(length) => self.count(length),
            Sizing::Striped | Sizing::WithUsers => self.mine.len() as u64,
        }
    }

    /// My share of the test, between 0 and 1.
    pub fn share(&self) -> f64 {
        self.owned_per_period() as f64 / self.period() as f64
    }

    /// Whether the whole test is mine.
    pub fn is_whole(&self) -> bool {
        self.mine.len() == self.owners.len()
    }

    /// How many of `value` things (virtual users, iterations) are mine: my slots among the first `value`.
    /// Monotone in `value`, and the sum over all instances is `value`.
    pub fn scale(&self, value: u64) -> u64 {
        match self.sizing {
            Sizing::Repeated(length) => value / length * self.count(length) + self.count(value % length),
            Sizing::Striped | Sizing::WithUsers => self.count(value),
        }
    }

    /// My slots among the first `value` of the plain pattern.
    fn count(&self, value: u64) -> u64 {
        let (period, per_period) = (self.owners.len() as u64, self.mine.len() as u64);
        let rest = (value % period) as u32;
        value / period * per_period + self.mine.partition_point(|slot| *slot < rest) as u64
    }

    /// Whether the slot with this global index is mine.
    pub fn owns(&self, index: u64) -> bool {
        let index = if let Sizing::Repeated(length) = self.sizing { index % length } else { index };
        self.owners[(index % self.owners.len() as u64) as usize] == self.me
    }

    /// The global index of my `nth` slot, counted from 0; `None` if no slot is mine.
    pub fn global(&self, nth: u64) -> Option<u64> {
        let Sizing::Repeated(length) = self.sizing else { return self.nth(nth) };
        let per_length = self.count(length);
        let within = self.nth(nth.checked_rem(per_length)?)?;
        (nth / per_length).checked_mul(length)?.checked_add(within)
    }

    /// My `nth` slot of the plain pattern.
    fn nth(&self, nth: u64) -> Option<u64> {
        let per_period = self.mine.len() as u64;
        let slot = *self.mine.get(nth.checked_rem(per_period)? as usize)?;
        (nth / per_period).checked_mul(self.owners.len() as u64)?.checked_add(u64::from(slot))
    }

    /// My global indices in ascending order, without end (or empty, if no slot is mine).
    pub fn iter(&self) -> Owned {
        self.iter_from(0)
    }

    /// My global indices from `index` on.
    pub fn iter_from(&self, index: u64) -> Owned {
        Owned { slots: self.clone(), nth: self.scale(index) }
    }

    /// The map that deals work in proportion to whole virtual users: segment lengths become
    /// `scale(value) / value`. Shared iterations and arrival rates use it with their number of virtual
    /// users, so that an instance never owns work that no virtual user of its own could do.
    ///
    /// Of a map that was [dealt](Self::dealt), work `i` goes to the owner of virtual user `i` modulo `value`.
    #[must_use]
    pub fn in_proportion_to(&self, value: u64) -> Self {
        if value == 0 || self.is_whole() {
            return self.clone();
        }
        if self.sizing != Sizing::Striped {
            return Self { sizing: Sizing::Repeated(value), ..self.clone() };
        }
        let instances = self.owners.iter().max().map_or(1, |last| *last as usize + 1);
        let mut lengths = vec![0_u64; instances];
        for owner in self.owners.iter() {
            lengths[*owner as usize] += value / self.period();
        }
        for owner in self.owners.iter().take((value % self.period()) as usize) {
            lengths[*owner as usize] += 1;
        }
        // So many users that the pattern would not fit in memory: their shares are those of the segments,
        // to seven digits.
        if lengths.iter().sum::<u64>() / divisor(&lengths) > MAX_PERIOD {
            return self.clone();
        }
        Self::from_owners(self.version, self.me, stripe(&lengths))
    }
}

impl IntoIterator for &Slots {
    type Item = u64;
    type IntoIter = Owned;

    fn into_iter(self) -> Owned {
        self.iter()
    }
}

/// The owned global indices; see [`Slots::iter`].
#[derive(Debug, Clone)]
pub struct Owned {
    slots: Slots,
    nth: u64,
}

impl Iterator for Owned {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let index = self.slots.global(self.nth)?;
        self.nth += 1;
        Some(index)
    }
}

/// The largest number that divides all lengths.
fn divisor(lengths: &[u64]) -> u64 {
    lengths.iter().copied().fold(0, gcd).max(1)
}

/// Deals the slots of one period to segments of the given lengths; the result names each slot's owner.
fn stripe(lengths: &[u64]) -> Vec<u32> {
    let divisor = divisor(lengths);
    let lengths: Vec<u64> = lengths.iter().map(|length| length / divisor).collect();
    let period: u64 = lengths.iter().sum();
    let mut walk: Vec<usize> = (0..lengths.len()).filter(|i| lengths[*i] > 0).collect();
    walk.sort_by_key(|i| std::cmp::Reverse(lengths[*i]));
    let mut taken = vec![0_u64; lengths.len()];
    let mut owners = Vec::with_capacity(period as usize);
    for slot in 0..period {
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let due = |i: &&usize| wide(taken[**i], period) <= wide(slot, lengths[**i]);
        // Someone is always due: if all were ahead of their share, more slots than exist would be taken.
        let owner = walk.iter().find(due).or(walk.first()).copied().unwrap_or_default();
        taken[owner] += 1;
        owners.push(owner as u32);
    }
    owners
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots(segment: &str, sequence: &str) -> Slots {
        let sequence: SegmentSequence = sequence.parse().expect(sequence);
        Slots::of(&segment.parse().expect(segment), &sequence.filled()).expect("part of the sequence")
    }

    fn first(slots: &Slots, count: usize) -> Vec<u64> {
        slots.iter().take(count).collect()
    }

    /// Iteration indices and virtual users printed by k6 1.1 for 24 iterations shared by 12 users.
    #[test]
    fn stripes_are_those_observed_on_k6() {
        for (segment, sequence, indices) in [
            ("1/4:1/2", "1/4,1/2", vec![3, 7, 11, 15, 19, 23]),
            ("0.3:0.5", "0,0.3,0.5,0.6,1", vec![2, 7, 14, 19]),
            ("0:1/5", "0,1/5,1/2,1", vec![5, 11, 17, 23]),
            ("1/4:1/2", "1/4,1/2,3/4", vec![1, 5, 9, 13, 17, 21]),
            ("0:10%", "0,0.1,1", vec![1, 7, 13, 19]),
        ] {
            let slots = slots(segment, sequence).in_proportion_to(12);
            assert_eq!(first(&slots, indices.len()), indices, "{segment} of {sequence}");
            assert_eq!(slots.scale(24), indices.len() as u64);
        }
    }

    #[test]
    fn virtual_users_are_those_observed_on_k6() {
        assert_eq!(first(&slots("1/4:1/2", "1/4,1/2"), 3), [3, 7, 11]);
        assert_eq!(first(&slots("0.3:0.5", "0,0.3,0.5,0.6,1"), 2), [2, 6]);
        assert_eq!(first(&slots("0:10%", "0,0.1,1"), 2), [1, 11]);
    }

    /// 5 virtual users and 11 iterations over three equal segments, observed on k6 1.1.
    #[test]
    fn shared_iterations_follow_the_virtual_users() {
        let dealt: Vec<(u64, u64)> = SegmentSequence::equal(3)
            .segments()
            .iter()
            .map(|segment| {
                let slots = Slots::of(segment, &SegmentSequence::equal(3)).expect("part of the sequence");
                (slots.scale(5), slots.in_proportion_to(5).scale(11))
            })
            .collect();
        assert_eq!(dealt, [(2, 5), (2, 4), (1, 2)]);
    }

    #[test]
    fn the_whole_test_owns_every_index() {
        let whole = Slots::whole();
        assert!(whole.is_whole());
        assert_eq!(first(&whole, 3), [0, 1, 2]);
        assert_eq!(whole.scale(17), 17);
        assert_eq!(whole.in_proportion_to(5), whole);
    }

    #[test]
    fn an_instance_without_virtual_users_gets_no_work() {
        let slots = slots("2/3:1", "0,1/3,2/3,1").in_proportion_to(2);
        assert_eq!((slots.scale(100), slots.owned_per_period()), (0, 0));
        assert_eq!(slots.iter().next(), None);
        assert_eq!(slots.global(0), None);
    }

    #[test]
    fn very_many_virtual_users_need_no_pattern_of_their_own() {
        let slots = slots("1/3:2/3", "0,1/3,2/3,1");
        assert_eq!(slots.in_proportion_to(i64::MAX as u64 - 1), slots);
    }

    #[test]
    fn iteration_can_go_on_from_an_index() {
        let slots = slots("1/4:1/2", "1/4,1/2");
        assert_eq!(slots.iter_from(7).take(2).collect::<Vec<_>>(), [7, 11]);
        assert_eq!(slots.iter_from(8).take(2).collect::<Vec<_>>(), [11, 15]);
    }

    #[test]
    fn a_changed_map_moves_only_the_slots_it_names() {
        let before = Slots::from_owners(0, 1, vec![0, 1, 2]);
        let after = Slots::from_owners(1, 1, vec![0, 1, 1]);
        assert_eq!(first(&before, 3), [1, 4, 7]);
        assert_eq!(first(&after, 4), [1, 2, 4, 5]);
        assert_eq!(after.version(), 1);
    }

    #[test]
    fn work_of_a_dealt_map_moves_only_with_its_virtual_users() {
        let owners = [vec![0, 1, 2, 0, 1, 2], vec![0, 0, 2, 0, 2, 2]];
        let work = |version: usize, me| {
            Slots::dealt(version as u64, me, owners[version].clone()).in_proportion_to(7)
        };
        assert_eq!(first(&work(0, 1), 5), [1, 4, 8, 11, 15]);
        assert_eq!(first(&work(1, 0), 7), [0, 1, 3, 6, 7, 8, 10]);
        assert_eq!(
            (work(1, 0).period(), work(1, 0).owned_per_period(), work(1, 1).owned_per_period()),
            (7, 4, 0)
        );
        assert_eq!(work(1, 1).global(0), None);
        for index in 0..100 {
            assert!(
                work(0, 1).owns(index) || work(0, 0).owns(index) == work(1, 0).owns(index) || index % 7 == 1
            );
            assert_eq!((0..3).filter(|me| work(1, *me).owns(index)).count(), 1);
            let scaled: u64 = (0..3).map(|me| work(1, me).scale(index)).sum();
            assert_eq!(scaled, index);
            assert!(
                work(1, 2).iter_from(index).next().is_some_and(|next| next >= index && work(1, 2).owns(next))
            );
        }
    }

    #[test]
    fn a_foreign_segment_and_a_too_fine_cut_are_refused() {
        let third = "0:1/3".parse().expect("valid");
        assert!(matches!(
            Slots::of(&third, &SegmentSequence::equal(2)),
            Err(SegmentError::NotInSequence { .. })
        ));
        let fine: SegmentSequence = "0,0.12345678,1".parse().expect("valid");
        assert!(matches!(Slots::of(&fine.segments()[0], &fine), Err(SegmentError::TooFine(_))));
    }

    fn sequences() -> impl Strategy<Value = SegmentSequence> {
        (2_u64..60, proptest::collection::btree_set(1_u64..60, 0..6)).prop_map(|(denominator, points)| {
            let inner = points.into_iter().filter(|p| *p < denominator);
            let points: Vec<String> = inner.map(|p| format!("{p}/{denominator}")).collect();
            [vec!["0".into()], points, vec!["1".into()]].concat().join(",").parse().expect("ascending points")
        })
    }

    proptest! {
        #[test]
        fn every_index_has_one_owner(sequence in sequences(), value in 0_u64..500, resize in 0_u64..50) {
            let all: Vec<Slots> = sequence.segments().iter()
                .map(|segment| Slots::of(segment, &sequence).expect("part of the sequence")).collect();
            let resized: Vec<Slots> = all.iter().map(|slots| slots.in_proportion_to(resize)).collect();
            for maps in [&all, &resized] {
                let mut union: Vec<u64> =
                    maps.iter().flat_map(|slots| slots.iter().take_while(|i| *i < value)).collect();
                union.sort_unstable();
                prop_assert_eq!(union, (0..value).collect::<Vec<_>>());
                prop_assert_eq!(maps.iter().map(|slots| slots.scale(value)).sum::<u64>(), value);
            }
            for (before, after) in all.iter().zip(&resized) {
                prop_assert!(resize == 0 || before.scale(resize) > 0 || after.owned_per_period() == 0);
            }
        }

        #[test]
        fn a_share_is_monotone_fair_and_consistent(sequence in sequences(), value in 0_u64..500) {
            for segment in sequence.segments() {
                let slots = Slots::of(segment, &sequence).expect("part of the sequence");
                let step = slots.scale(value + 1) - slots.scale(value);
                prop_assert_eq!(step, u64::from(slots.owns(value)));
                prop_assert_eq!(slots.iter_from(value).next().map(|i| i >= value && slots.owns(i)), Some(true));
                prop_assert_eq!(slots.scale(slots.period()), slots.owned_per_period());
                prop_assert!((slots.share() - segment.share()).abs() < 1e-9);
                prop_assert!((slots.scale(value) as f64 - segment.share() * value as f64).abs() < sequence.segments().len() as f64);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9/.,:% -]{0,20}") {
            if let Ok(sequence) = text.parse::<SegmentSequence>() {
                prop_assert_eq!(sequence.to_string().parse::<SegmentSequence>(), Ok(sequence));
            }
            if let Ok(segment) = text.parse::<ExecutionSegment>() {
                prop_assert_eq!(segment.to_string().parse::<ExecutionSegment>(), Ok(segment));
            }
        }
    }
}
