//! constant-arrival-rate and ramping-arrival-rate: iterations start when they are due, on whoever is idle.
//!
//! The worker's starts are dealt round robin to the shards that may have virtual users of the scenario. A start
//! that finds nobody idle on its shard goes to the shard where most are idle; if nobody is idle anywhere it
//! is dropped, and one extra virtual user is initialised in the background if the scenario may have more.
//! What is missed is never made up for. A thread that was stalled tries each start it slept through once,
//! in order; [`Iteration::planned`](crate::Iteration::planned) tells how late it is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::action::{Action, Actions, ArrivalStart, Purpose, Warning};
use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::layout::Layout;
use crate::schedule::Starts;
use crate::shard::{Body, PartPhase, Shard};
use crate::shared::Grant;
use crate::time::Time;
use crate::timers::Due;
use crate::vus::{Holder, Phase};
use crate::work::{Kind, Work};

/// A shard's part of an arrival rate.
#[derive(Debug)]
pub(crate) struct Arrivals {
    starts: Starts,
    /// This shard's next start, counted on this worker; `step` more is the one after. Zero: it has none.
    nth: u64,
    step: u64,
    next: Option<Time>,
    /// Local numbers of idle virtual users, longest idle first (k6 1.1 takes them in turn as well).
    pub(crate) idle: VecDeque<usize>,
    /// Idle ones that other shards have reserved and not yet used, counted once time is over.
    pub(crate) owed: u32,
}

/// How a scenario that found nobody idle grows.
enum Growth {
    /// This virtual user was ready and free.
    Joined(usize),
    /// The start went to the shard where the new one will live.
    HandedOver,
    /// Not by someone who could run this start.
    TooLate,
}

impl Arrivals {
    /// The part of `scenario` that `shard` runs.
    pub(crate) fn new(layout: &Layout, scenario: ScenarioIndex, starts: &Starts, shard: ShardIndex) -> Self {
        let mut has_vus = vec![false; layout.placement.shards()];
        for vu in layout.placement.members(scenario) {
            has_vus[layout.placement.shard_of(vu).index()] = true;
        }
        let dealt_to = |shards: &[bool]| shards.iter().filter(|has| **has).count() as u64;
        let rank = dealt_to(&has_vus[..shard.index()]);
        let step = if has_vus[shard.index()] { dealt_to(&has_vus) } else { 0 };
        Self { starts: starts.clone(), nth: rank, step, next: None, idle: VecDeque::new(), owed: 0 }
    }

    /// The same part by a new map: `fresh` is its beginning, of which only what is due from `at` on counts.
    pub(crate) fn go_on_from(&mut self, at: Time, work: &Work, fresh: Self) {
        let since_start = Time::ZERO + at.since(work.start);
        let first = if at <= work.start { 0 } else { fresh.starts.first_from(since_start) };
        self.nth = work.iteration_slots.scale(first) + fresh.nth;
        self.step = fresh.step;
        self.starts = fresh.starts;
        self.next = None;
    }

    /// Moves on to this shard's next start.
    fn advance(&mut self, work: &Work) {
        self.next = (self.step > 0)
            .then(|| work.iteration_slots.global(self.nth))
            .flatten()
            .and_then(|index| self.starts.at(index))
            .map(|since_start| work.start + since_start.since(Time::ZERO))
            // Only without a graceful stop: a start at the very end would have no time at all.
            .filter(|at| *at < work.hard_end);
        self.nth += self.step;
    }
}

impl Shard {
    /// The scenario starts: its planned virtual users join, and its first start is noted.
    pub(crate) fn begin_arrivals(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let holder = Holder { scenario, stint: 0 };
        for local in self.planned_locals(scenario) {
            // When a new map begins to hold most of them are there.
            if self.vus[local].holder == Some(holder) {
                self.vus[local].leaves = false;
            } else if !self.vus[local].is_awaited_by(holder) {
                self.acquire(local, holder, now, actions);
            }
        }
        self.next_arrival(scenario);
    }

    fn planned_locals(&self, scenario: ScenarioIndex) -> Vec<usize> {
        let reservations = self.layout.placement.reservations(scenario);
        reservations.iter().filter_map(|reservation| self.vus.local(reservation.vu)).collect()
    }

    /// Virtual users that are not members any more by the map that holds now leave the scenario: at once, or after what
    /// they run.
    pub(crate) fn let_go_of_others(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let holder = Holder { scenario, stint: 0 };
        let layout = Arc::clone(&self.layout);
        let mut stays = vec![false; self.vus.len()];
        for local in layout.placement.members(scenario).filter_map(|vu| self.vus.local(vu)) {
            stays[local] = true;
        }
        let planned = layout.placement.placed_on(self.index);
        for (local, stays) in stays.into_iter().enumerate() {
            if stays {
                self.vus[local].leaves = false;
                continue;
            }
            self.stop_waiting(local, |waiter| *waiter == holder);
            if self.vus[local].holder != Some(holder) {
                continue;
            }
            if !planned.contains(&self.vus.id(local)) && self.vus[local].is_extra {
                self.vus[local].is_extra = false;
                self.engine.shared.extra_vu_left();
            }
            let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
            let position = arrivals.idle.iter().position(|idle| *idle == local);
            // One that another shard has reserved runs that start before it goes.
            match position.filter(|_| self.engine.shared.idle(scenario, self.index).take()) {
                Some(position) => {
                    arrivals.idle.remove(position);
                    self.release(local, now, actions);
                }
                None => self.vus[local].leaves = true,
            }
        }
    }

    fn next_arrival(&mut self, scenario: ScenarioIndex) {
        let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
        arrivals.advance(&self.layout.works[scenario.index()]);
        if let Some(at) = arrivals.next {
            self.timers.push(at, Due::Arrival(scenario));
        }
    }

    /// A planned start is due.
    pub(crate) fn arrival(
        &mut self,
        scenario: ScenarioIndex,
        planned: Time,
        now: Time,
        actions: &mut Actions,
    ) {
        let part = &self.parts[scenario.index()];
        let Body::Arrivals(arrivals) = &part.body else { return };
        // What was noted by an older map is of no account.
        if part.phase != PartPhase::Running || arrivals.next != Some(planned) {
            return;
        }
        if self.has_leave {
            self.attempt(scenario, planned, now, actions);
        }
        self.next_arrival(scenario);
    }

    fn attempt(&mut self, scenario: ScenarioIndex, planned: Time, now: Time, actions: &mut Actions) {
        if now >= self.parts[scenario.index()].hard_end {
            self.drop_start(scenario, actions);
        } else if self.engine.shared.idle(scenario, self.index).take() {
            self.start_on_idle(scenario, planned, now, actions);
        } else if let Some(shard) = self.engine.shared.take_idle_elsewhere(scenario, self.index) {
            let start = ArrivalStart { scenario, planned, purpose: Purpose::Reserved };
            actions.push(Action::Forward { shard, start });
        } else {
            match self.grow(scenario, planned, now, actions) {
                Growth::Joined(local) => self.start_arrival(local, scenario, planned, now, actions),
                Growth::HandedOver => {}
                Growth::TooLate => self.drop_start(scenario, actions),
            }
        }
    }

    /// Starts on the virtual user that has been idle for longest; one has been reserved.
    fn start_on_idle(&mut self, scenario: ScenarioIndex, planned: Time, now: Time, actions: &mut Actions) {
        let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
        match arrivals.idle.pop_front() {
            Some(local) => self.start_arrival(local, scenario, planned, now, actions),
            None => self.drop_start(scenario, actions),
        }
    }

    fn start_arrival(
        &mut self,
        local: usize,
        scenario: ScenarioIndex,
        planned: Time,
        now: Time,
        actions: &mut Actions,
    ) {
        let number = self.engine.shared.scenario(scenario).sequence().next();
        self.start_iteration(local, scenario, number, Some(planned), now, actions);
    }

    fn drop_start(&mut self, scenario: ScenarioIndex, actions: &mut Actions) {
        self.engine.shared.cell(scenario, self.index).dropped.add(1);
        actions.push(Action::Dropped { scenario, count: 1, vu: None });
    }

    /// Gives the scenario one more virtual user, if it may have one and none is on its way.
    fn grow(&mut self, scenario: ScenarioIndex, planned: Time, now: Time, actions: &mut Actions) -> Growth {
        let (engine, layout) = (Arc::clone(&self.engine), Arc::clone(&self.layout));
        let extras = layout.placement.extras(scenario);
        match engine.shared.scenario(scenario).growth.request(extras.len()) {
            Grant::UnderWay | Grant::Exhausted { first: false } => Growth::TooLate,
            Grant::Exhausted { first: true } => {
                let vus = layout.works[scenario.index()].max_vus() as u32;
                actions.push(Action::Warn(Warning::InsufficientVus { scenario, vus }));
                Growth::TooLate
            }
            Grant::Extra(number) => {
                let vu = extras[number];
                let home = layout.placement.shard_of(vu);
                if home == self.index {
                    self.join(scenario, vu, now, actions)
                } else {
                    let start = ArrivalStart { scenario, planned, purpose: Purpose::Grow(vu) };
                    actions.push(Action::Forward { shard: home, start });
                    Growth::HandedOver
                }
            }
        }
    }

    /// An extra virtual user of this shard joins the scenario: now, or when it is initialised or free.
    fn join(&mut self, scenario: ScenarioIndex, vu: VuId, now: Time, actions: &mut Actions) -> Growth {
        let local = self.vus.local_or_absent(vu);
        let holder = Holder { scenario, stint: 0 };
        let growth = &self.engine.shared.scenario(scenario).growth;
        if self.vus[local].is_free() {
            growth.done();
            self.vus[local].holder = Some(holder);
            self.parts[scenario.index()].held += 1;
            return Growth::Joined(local);
        }
        if self.vus[local].phase == Phase::Absent {
            self.vus[local].phase = Phase::Initialising { growth: Some(scenario), is_planned: false };
            actions.push(Action::InitVu { vu });
        } else {
            growth.done();
        }
        self.acquire(local, holder, now, actions);
        Growth::TooLate
    }

    /// Another shard hands over a start.
    pub(crate) fn forwarded(&mut self, start: ArrivalStart, now: Time, actions: &mut Actions) {
        let ArrivalStart { scenario, planned, purpose } = start;
        let part = &mut self.parts[scenario.index()];
        let (running, stopping) = (part.phase == PartPhase::Running, part.phase == PartPhase::Stopping);
        let (in_time, regular_end) = (now < part.hard_end, part.regular_end);
        let Body::Arrivals(arrivals) = &mut part.body else { return };
        match purpose {
            Purpose::Reserved => {
                arrivals.owed = arrivals.owed.saturating_sub(u32::from(!running));
                if in_time && !arrivals.idle.is_empty() {
                    self.start_on_idle(scenario, planned, now, actions);
                } else if !self.aborted {
                    self.drop_start(scenario, actions);
                }
                self.check_end(scenario, now, actions);
            }
            // What was due last may come when this shard knows already that nothing is left.
            Purpose::Grow(vu) if in_time && (running || stopping && now < regular_end) => {
                match self.join(scenario, vu, now, actions) {
                    Growth::Joined(local) => self.start_arrival(local, scenario, planned, now, actions),
                    Growth::HandedOver | Growth::TooLate => self.drop_start(scenario, actions),
                }
            }
            Purpose::Grow(_) => {
                self.engine.shared.scenario(scenario).growth.undo();
                if !self.aborted {
                    self.drop_start(scenario, actions);
                }
            }
        }
    }

    /// A virtual user of an arrival rate has nothing to do: it waits for a start.
    pub(crate) fn park(&mut self, local: usize, scenario: ScenarioIndex) {
        if let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body {
            arrivals.idle.push_back(local);
            self.engine.shared.idle(scenario, self.index).put();
        }
    }

    /// Time is over: the idle virtual users that no other shard has reserved are let go.
    pub(crate) fn close_arrivals(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let unreserved = self.engine.shared.idle(scenario, self.index).take_all() as usize;
        let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
        let unreserved = unreserved.min(arrivals.idle.len());
        let free: Vec<usize> = arrivals.idle.drain(..unreserved).collect();
        arrivals.owed = arrivals.idle.len() as u32;
        for local in free {
            self.release(local, now, actions);
        }
    }

    /// Nobody waits for reserved starts any longer.
    pub(crate) fn forget_reserved(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
        arrivals.owed = 0;
        for local in std::mem::take(&mut arrivals.idle) {
            self.release(local, now, actions);
        }
    }

    /// An extra virtual user asked for by `scenario` is there, or (`ready` false) could not be made.
    pub(crate) fn growth_ended(&self, scenario: ScenarioIndex, ready: bool) {
        let growth = &self.engine.shared.scenario(scenario).growth;
        if ready { growth.done() } else { growth.undo() }
    }
}

/// Whether a scenario is an arrival rate, and its schedule.
pub(crate) fn starts_of(work: &Work) -> Option<&Starts> {
    match &work.kind {
        Kind::Arrivals { starts, .. } => Some(starts),
        _ => None,
    }
}
