//! How a shard deals with iterations that a controller deals out: it waits for more of them, tells what became of them, and
//! forgets those that are not this worker's any more.
//!
//! A virtual user without an iteration keeps its place and waits, as the iterations of a worker that is lost may come; the
//! scenario is over when the controller says that all of them are, or when its time is.

use std::collections::BTreeSet;

use crate::action::{Action, Actions, Outcome};
use crate::counts::Counts;
use crate::executor::looping::Looping;
use crate::ids::ScenarioIndex;
use crate::indices::Indices;
use crate::shard::{Body, PartPhase, Shard};
use crate::time::Time;
use crate::vus::Phase;

impl Shard {
    /// What became of dealt iterations since the last call. Whoever takes it takes what they measured at the same time.
    pub fn take_counts(&mut self) -> Counts {
        let epoch = self.counts.epoch;
        self.should_tell = false;
        std::mem::replace(&mut self.counts, Counts { epoch, ..Counts::default() })
    }

    /// Whether a scenario has come to a stop here, so that what was run should be told at once.
    pub fn should_tell(&self) -> bool {
        self.should_tell && !self.counts.is_empty()
    }

    /// Whether the worker was given up and this shard has yet to forget what it was dealt ([`Shard::void`]). What it has to
    /// tell should be taken before.
    pub fn is_outdated(&self) -> bool {
        self.counts.epoch != self.engine.epoch()
    }

    /// Forgets what this worker was dealt before it was given up, as others run it: what runs is interrupted, and nobody is
    /// told of it.
    pub fn void(&mut self, now: Time, actions: &mut Actions) {
        self.counts = Counts { epoch: self.engine.epoch(), ..Counts::default() };
        for part in &mut self.parts {
            if let Body::Looping(looping) = &mut part.body {
                for stint in &mut looping.stints {
                    stint.own = 0..0;
                }
            }
        }
        for local in 0..self.vus.len() {
            if self.vus[local].index.take().is_some() && self.vus[local].phase == Phase::Running {
                self.interrupt(local, now, actions);
            }
        }
    }

    /// Has those go on who waited for iterations, if some have come or none will come.
    pub(crate) fn look_at_stocks(&mut self, now: Time, actions: &mut Actions) {
        let stocked = self.engine.stocked.load(std::sync::atomic::Ordering::Acquire);
        if stocked == std::mem::replace(&mut self.stocked, stocked) {
            return;
        }
        for scenario in self.engine.scenarios() {
            match self.parts[scenario.index()].phase {
                PartPhase::Running => {
                    self.unpark(scenario, |_| true, now, actions);
                    self.check_end(scenario, now, actions);
                }
                // They came too late to be run.
                PartPhase::Stopping if !self.aborted && self.engine.stock(scenario).is_some() => {
                    self.drop_stock(scenario, actions);
                    self.check_end(scenario, now, actions);
                }
                _ => {}
            }
        }
    }

    /// Virtual users that wait for iterations look again whether they may go on.
    pub(crate) fn unpark(
        &mut self,
        scenario: ScenarioIndex,
        which: impl Fn(u32) -> bool,
        now: Time,
        actions: &mut Actions,
    ) {
        let Body::Looping(looping) = &mut self.parts[scenario.index()].body else { return };
        let mut parked = Vec::new();
        for (number, stint) in (0..).zip(&mut looping.stints) {
            if stint.parked && which(number) {
                stint.parked = false;
                parked.push(stint.local);
            }
        }
        for local in parked {
            self.go_on(local, now, actions);
        }
    }

    /// Somebody has begun to wait.
    pub(crate) fn note_parked(&mut self, scenario: ScenarioIndex) {
        let cell = self.engine.shared.cell(scenario, self.index);
        self.should_tell |= cell.active.get() == 0;
    }

    /// What became of the iteration that ended on a virtual user.
    pub(crate) fn note_outcome(&mut self, local: usize, scenario: ScenarioIndex, outcome: Outcome) {
        let Some(index) = self.vus[local].index.take() else { return };
        let part = &self.parts[scenario.index()];
        let is_over = part.phase != PartPhase::Running && !self.is_leaving;
        match outcome {
            Outcome::Interrupted if is_over => self.settle(scenario, &Indices::of(index..index + 1)),
            // It was cut short only because its virtual user has moved, or not begun.
            Outcome::Interrupted | Outcome::Withheld => {
                self.counts.give_back(scenario, &Indices::of(index..index + 1));
            }
            Outcome::Complete => self.settle(scenario, &Indices::of(index..index + 1)),
        }
    }

    fn settle(&mut self, scenario: ScenarioIndex, indices: &Indices) {
        self.counts.settle(scenario, indices);
    }

    /// A stint whose place is another worker's has ended its last iteration here: the rest goes with the place.
    pub(crate) fn give_back_own(&mut self, scenario: ScenarioIndex, stint: u32) {
        let is_running = self.parts[scenario.index()].phase == PartPhase::Running;
        let Some(stint) = self.stint(scenario, stint) else { return };
        let own = std::mem::replace(&mut stint.own, 0..0);
        if is_running && !own.is_empty() {
            self.counts.give_back(scenario, &Indices::of(own));
            self.should_tell = true;
        }
    }

    /// What came for places that are not this worker's by the newest map, and nobody has taken, goes back.
    pub(crate) fn give_back_places(&mut self, scenario: ScenarioIndex) {
        let Some(stock) = self.engine.stock(scenario) else { return };
        let places = self.seen.placement.reservations(scenario);
        let places: BTreeSet<u64> = places.iter().map(|reservation| reservation.global).collect();
        let returned = stock.take_places(|place| !places.contains(&place));
        if !returned.is_empty() {
            self.counts.give_back(scenario, &returned);
            self.should_tell = true;
        }
    }

    /// Time is over: what nobody has started is dropped, or goes back if it is over only for this worker.
    pub(crate) fn drop_stock(&mut self, scenario: ScenarioIndex, actions: &mut Actions) {
        let Some(stock) = self.engine.stock(scenario) else { return };
        let unstarted = stock.take_all();
        let Body::Looping(Looping { stints, .. }) = &mut self.parts[scenario.index()].body else { return };
        let own: Vec<_> = stints
            .iter_mut()
            .map(|stint| (stint.local, std::mem::replace(&mut stint.own, 0..0)))
            .filter(|(_, own)| !own.is_empty())
            .collect();
        let whose = own.into_iter().map(|(local, own)| (Indices::of(own), Some(self.vus.id(local))));
        for (indices, vu) in whose.chain([(unstarted, None)]).collect::<Vec<_>>() {
            let count = indices.count();
            if count == 0 {
                continue;
            }
            if self.is_leaving {
                self.counts.give_back(scenario, &indices);
                self.should_tell = true;
            } else {
                self.counts.settle(scenario, &indices);
                self.should_tell = true;
                self.engine.shared.cell(scenario, self.index).dropped.add(count);
                actions.push(Action::Dropped { scenario, count, vu });
            }
        }
    }
}
