//! A placement after the map of slots has changed: whoever stays keeps its virtual user.
//!
//! Virtual users have numbers in the whole test, which are dealt as places are. One whose number is somebody else's from
//! now on takes no further iteration; its machine stays, as the number may come back. A place that came takes, if it can,
//! the virtual user of the same number, which is the one it has in a run on one machine.

use std::collections::{BTreeMap, BTreeSet};

use throng_plan::Slots;

use super::{Placement, Reservation};
use crate::executor;
use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::time::Time;
use crate::work::{Kind, Work};

/// Not decided yet.
const NOBODY: VuId = VuId::new(0);

impl Placement {
    /// The placement of `works`, which are those of `slots`, from `at` on. `planned` is the worker's part of the planned
    /// virtual users of the whole test; `used` says for each scenario how many of its extra virtual users have joined.
    pub(crate) fn dealt(
        &self,
        works: &[Work],
        slots: &Slots,
        at: Time,
        planned: u32,
        used: &[usize],
    ) -> Self {
        let mut reservations: Vec<Vec<Reservation>> = works.iter().map(executor::reservations).collect();
        let mut pool = Pool::new(self, slots);
        let known: BTreeMap<(usize, u64, Time), VuId> = self
            .reservations
            .iter()
            .enumerate()
            .flat_map(|(s, list)| list.iter().map(move |r| ((s, r.global, r.from), r.vu)))
            .collect();
        for (scenario, list) in reservations.iter_mut().enumerate() {
            list.retain(|reservation| reservation.to > at);
            for reservation in list {
                let before = known.get(&(scenario, reservation.global, reservation.from));
                let keeps = before.filter(|vu| pool.may_use(**vu) || works[scenario].stays());
                if let Some(vu) = keeps {
                    reservation.vu = *vu;
                    pool.occupy(*vu, reservation.from.max(at), reservation.to);
                }
            }
        }
        let joined: Vec<Vec<VuId>> = self
            .extras
            .iter()
            .zip(used)
            .map(|(list, used)| list.iter().take(*used).copied().collect())
            .collect();
        for (list, work) in joined.iter().zip(works) {
            for vu in list {
                pool.occupy(*vu, work.start.max(at), work.hard_end);
            }
        }
        let mut order: Vec<(Time, usize, usize)> = Vec::new();
        for (scenario, list) in reservations.iter().enumerate() {
            let open = list.iter().enumerate().filter(|(_, reservation)| reservation.vu == NOBODY);
            order.extend(open.map(|(index, reservation)| (reservation.from.max(at), scenario, index)));
        }
        order.sort_unstable();
        for (from, scenario, index) in order {
            let reservation = &mut reservations[scenario][index];
            if let Some(vu) = pool.take(Some(reservation.global), from, reservation.to) {
                reservation.vu = vu;
            }
        }
        for list in &mut reservations {
            list.retain(|reservation| reservation.vu != NOBODY);
        }
        let extras = joined.into_iter().zip(works).map(|(mut list, work)| {
            let (from, to) = (work.start.max(at), work.hard_end);
            let wanted = match work.kind {
                Kind::Arrivals { pre_allocated_vus, max_vus, .. } => {
                    max_vus.saturating_sub(pre_allocated_vus)
                }
                _ => 0,
            };
            // Those that joined keep their places in the list, also if they are not this worker's any more.
            let stay = list.iter().filter(|vu| pool.may_use(**vu)).count() as u64;
            for _ in stay..wanted {
                list.extend(pool.take(None, from, to));
            }
            list
        });
        let extras = extras.collect();
        Self {
            shards: self.shards,
            planned,
            pool: pool.numbers.len() as u32,
            slots: slots.clone(),
            numbers: pool.numbers,
            reservations,
            extras,
        }
    }

    /// The virtual users of a shard that have a place, now or later.
    pub(crate) fn placed_on(&self, shard: ShardIndex) -> BTreeSet<VuId> {
        let all = self.reservations.iter().flatten().map(|reservation| reservation.vu);
        all.filter(|vu| self.shard_of(*vu) == shard).collect()
    }

    /// The virtual users that take part in a scenario, or may, in no order.
    pub(crate) fn members(&self, scenario: ScenarioIndex) -> impl Iterator<Item = VuId> {
        let planned = self.reservations(scenario).iter().map(|reservation| reservation.vu);
        // Until the map changes all extra ones are this worker's.
        let stays = |vu: &VuId| self.numbers.is_empty() || self.slots.owns(self.number(*vu));
        planned.chain(self.extras(scenario).iter().copied().filter(stays))
    }
}

/// The virtual users of a worker and when each is taken.
struct Pool<'a> {
    slots: &'a Slots,
    numbers: Vec<u64>,
    by_number: BTreeMap<u64, usize>,
    taken: Vec<Vec<(Time, Time)>>,
    /// The owned number that may be the next new one's, counted among the owned.
    nth: u64,
    /// Where the last search ended, for the same time: whoever was taken then still is.
    hint: (Time, Time, usize),
}

impl<'a> Pool<'a> {
    fn new(before: &Placement, slots: &'a Slots) -> Self {
        let numbers: Vec<u64> = (1..=before.pool).map(|vu| before.number(VuId::new(vu))).collect();
        Self {
            slots,
            by_number: numbers.iter().enumerate().map(|(index, number)| (*number, index)).collect(),
            taken: vec![Vec::new(); numbers.len()],
            numbers,
            nth: 0,
            hint: (Time::ZERO, Time::ZERO, 0),
        }
    }

    /// Whether the number of a virtual user is this worker's.
    fn may_use(&self, vu: VuId) -> bool {
        self.slots.owns(self.numbers[vu.get() as usize - 1])
    }

    fn occupy(&mut self, vu: VuId, from: Time, to: Time) {
        self.taken[vu.get() as usize - 1].push((from, to));
    }

    fn is_free(&self, index: usize, from: Time, to: Time) -> bool {
        self.slots.owns(self.numbers[index]) && self.taken[index].iter().all(|(f, t)| *t <= from || to <= *f)
    }

    /// A virtual user that is free for a time, if possible the one with this number; nothing if the worker owns no number.
    fn take(&mut self, number: Option<u64>, from: Time, to: Time) -> Option<VuId> {
        let index =
            self.of_number(number, from, to).or_else(|| self.idle(from, to)).or_else(|| self.new_one())?;
        self.taken[index].push((from, to));
        Some(VuId::new(index as u32 + 1))
    }

    fn of_number(&mut self, number: Option<u64>, from: Time, to: Time) -> Option<usize> {
        let number = number.filter(|number| self.slots.owns(*number))?;
        match self.by_number.get(&number) {
            Some(index) => self.is_free(*index, from, to).then_some(*index),
            None => Some(self.add(number)),
        }
    }

    fn idle(&mut self, from: Time, to: Time) -> Option<usize> {
        let start = if (self.hint.0, self.hint.1) == (from, to) { self.hint.2 } else { 0 };
        let found = (start..self.numbers.len()).find(|index| self.is_free(*index, from, to));
        self.hint = (from, to, found.unwrap_or(self.numbers.len()));
        found
    }

    fn new_one(&mut self) -> Option<usize> {
        loop {
            let number = self.slots.global(self.nth)?;
            self.nth += 1;
            if !self.by_number.contains_key(&number) {
                return Some(self.add(number));
            }
        }
    }

    fn add(&mut self, number: u64) -> usize {
        self.numbers.push(number);
        self.taken.push(Vec::new());
        self.by_number.insert(number, self.numbers.len() - 1);
        self.numbers.len() - 1
    }
}
