//! Which virtual user serves which scenario, and on which shard it lives.
//!
//! Scenarios share the worker's virtual users. Each of a scenario's places (its first, second, … virtual
//! user) is reserved for as long as it may be occupied, graceful endings included; the reservations are
//! intervals, and greedy colouring of intervals in order of their start needs exactly as many virtual
//! users as reservations overlap at the worst moment: k6's `vus_max`. Where one ends at the moment another
//! begins, the plan's order of their scenarios decides, as in `k6 inspect --execution-requirements` 1.1: a
//! scenario finds free what itself and those before it have given back, not what those after it have.
//!
//! Virtual user `p` (from 1) lives on shard `(p − 1) mod shards`. The placement is a pure function of plan,
//! slots and number of shards, so every shard knows everyone's place without asking.

mod redeal;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::executor;
use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::schedule::Span;
use crate::time::Time;
use crate::work::{Kind, Work};
use throng_plan::Slots;

/// A place in a scenario, held by one virtual user for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reservation {
    /// Which of the scenario's places on this worker, from 0.
    pub(crate) place: u64,
    /// Which of the whole test's, from 0: it stays the same when the map changes.
    pub(crate) global: u64,
    /// Who takes it.
    pub(crate) vu: VuId,
    /// From when it is needed.
    pub(crate) from: Time,
    /// Until when it may be occupied, exclusive.
    pub(crate) to: Time,
    /// When it starts iterations: absolute times, `off` only where that is before the regular end.
    pub(crate) spans: Vec<Span>,
}

/// The distribution of virtual users over scenarios and shards.
#[derive(Debug, Clone)]
pub struct Placement {
    shards: u32,
    planned: u32,
    pool: u32,
    slots: Slots,
    /// The numbers of virtual users in the whole test, from 0; empty until the map changes, as they follow from it.
    numbers: Vec<u64>,
    reservations: Vec<Vec<Reservation>>,
    /// Per scenario, who joins an arrival rate beyond its pre-allocated virtual users, in order.
    extras: Vec<Vec<VuId>>,
}

impl Reservation {
    /// The same under every map of slots.
    pub(crate) fn key(&self) -> (u64, Time) {
        (self.global, self.from)
    }
}

impl Placement {
    /// Places the scenarios' virtual users on `shards` shards (at least one).
    pub(crate) fn compute(works: &[Work], slots: &Slots, shards: usize) -> Self {
        let mut reservations: Vec<Vec<Reservation>> = works.iter().map(executor::reservations).collect();
        let planned = colour(&mut reservations);
        let (extras, pool) = place_extras(works, &reservations, planned);
        Self {
            shards: shards.max(1) as u32,
            planned,
            pool,
            slots: slots.clone(),
            numbers: Vec::new(),
            reservations,
            extras,
        }
    }

    /// How many virtual users have to be ready before the run phase begins: ids 1 to this.
    pub fn planned_vus(&self) -> u32 {
        self.planned
    }

    /// How many there can be at most, with all extra virtual users of arrival rates.
    pub fn max_vus(&self) -> u32 {
        self.pool
    }

    /// Where a virtual user lives.
    pub fn shard_of(&self, vu: VuId) -> ShardIndex {
        ShardIndex::new((vu.get().saturating_sub(1) % self.shards) as usize)
    }

    /// The planned virtual users of a shard, ascending.
    pub fn planned_on(&self, shard: ShardIndex) -> impl Iterator<Item = VuId> + use<> {
        (1..=self.planned).skip(shard.index()).step_by(self.shards as usize).map(VuId::new)
    }

    /// The number of a virtual user in the whole test, from 1 (`exec.vu.idInTest`).
    pub fn id_in_test(&self, vu: VuId) -> u64 {
        self.number(vu) + 1
    }

    /// The same from 0.
    fn number(&self, vu: VuId) -> u64 {
        let nth = vu.get().saturating_sub(1);
        let of_map = || self.slots.global(u64::from(nth)).unwrap_or(u64::from(nth));
        self.numbers.get(nth as usize).copied().unwrap_or_else(of_map)
    }

    pub(crate) fn reservations(&self, scenario: ScenarioIndex) -> &[Reservation] {
        &self.reservations[scenario.index()]
    }

    pub(crate) fn extras(&self, scenario: ScenarioIndex) -> &[VuId] {
        &self.extras[scenario.index()]
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards as usize
    }
}

/// Gives every reservation the lowest free virtual user and returns how many were needed.
fn colour(scenarios: &mut [Vec<Reservation>]) -> u32 {
    let mut order: Vec<(Time, usize, usize)> = scenarios
        .iter()
        .enumerate()
        .flat_map(|(s, list)| list.iter().enumerate().map(move |(r, reservation)| (reservation.from, s, r)))
        .collect();
    order.sort_unstable();
    let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    let mut busy: BinaryHeap<Reverse<(Time, usize, u32)>> = BinaryHeap::new();
    let mut count = 0;
    for (from, scenario, index) in order {
        let over = |Reverse((to, owner, _)): &Reverse<(Time, usize, u32)>| (*to, *owner) <= (from, scenario);
        while let Some(Reverse((_, _, id))) = busy.peek().copied().filter(over) {
            busy.pop();
            free.push(Reverse(id));
        }
        let id = free.pop().map_or_else(
            || {
                count += 1;
                count
            },
            |Reverse(id)| id,
        );
        let reservation = &mut scenarios[scenario][index];
        reservation.vu = VuId::new(id);
        busy.push(Reverse((reservation.to, scenario, id)));
    }
    count
}

/// Finds the virtual users that arrival rates may grow by: first planned ones that nobody needs at that
/// time, then earlier scenarios' extras, then new ones. Returns them and the size of the whole pool.
fn place_extras(works: &[Work], reservations: &[Vec<Reservation>], planned: u32) -> (Vec<Vec<VuId>>, u32) {
    let mut taken: Vec<Vec<(Time, Time)>> = vec![Vec::new(); planned as usize];
    for reservation in reservations.iter().flatten() {
        taken[reservation.vu.get() as usize - 1].push((reservation.from, reservation.to));
    }
    let mut extras = Vec::with_capacity(works.len());
    for work in works {
        let wanted = match work.kind {
            Kind::Arrivals { pre_allocated_vus, max_vus, .. } => max_vus.saturating_sub(pre_allocated_vus),
            _ => 0,
        };
        let mut own = Vec::with_capacity(wanted as usize);
        let mut candidate = 0;
        while (own.len() as u64) < wanted {
            if candidate == taken.len() {
                taken.push(Vec::new());
            }
            let intervals = &mut taken[candidate];
            candidate += 1;
            if intervals.iter().all(|(from, to)| *to <= work.start || work.hard_end <= *from) {
                intervals.push((work.start, work.hard_end));
                own.push(VuId::new(candidate as u32));
            }
        }
        extras.push(own);
    }
    (extras, taken.len() as u32)
}
