//! The state machine of one thread: its parts of the scenarios, its virtual users and its agenda.
//!
//! Every start of an iteration, by whichever executor, goes through [`Shard::start_iteration`], and every
//! virtual user that has nothing to do through [`Shard::go_on`]: it loops, waits for a start, or goes to
//! the next scenario that has a place for it.

use std::sync::Arc;
use std::time::Duration;

use crate::action::{Action, Actions, Event, Iteration, Outcome};
use crate::counts::Counts;
use crate::deal;
use crate::engine::Engine;
use crate::executor::arrivals::Arrivals;
use crate::executor::externally_controlled::Change;
use crate::executor::looping::{Claim, Looping};
use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::layout::Layout;
use crate::stock::Stock;
use crate::time::Time;
use crate::timers::{Due, Timers};
use crate::vus::{Holder, Phase, Vus};
use crate::work::Kind;

/// One thread's share of a run. See the crate documentation for how it is driven.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing that it happened")]
pub struct Shard {
    pub(crate) engine: Arc<Engine>,
    /// What holds.
    pub(crate) layout: Arc<Layout>,
    /// The newest that is known; it may hold later.
    pub(crate) seen: Arc<Layout>,
    pub(crate) index: ShardIndex,
    pub(crate) parts: Vec<Part>,
    pub(crate) vus: Vus,
    pub(crate) timers: Timers,
    pub(crate) aborted: bool,
    /// Planned starts may be tried.
    pub(crate) has_leave: bool,
    /// What the controller is to know of the iterations that it dealt out.
    pub(crate) counts: Counts,
    /// Up to which change of the stocks nobody waits in vain.
    pub(crate) stocked: u64,
    /// A scenario has nothing left to start or run here, and the controller should know what was run.
    pub(crate) should_tell: bool,
    /// Time is over only for this worker.
    pub(crate) is_leaving: bool,
    unfinished: usize,
    /// How many virtual users run, are being interrupted, or rest.
    busy: usize,
}

/// This shard's part of one scenario.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) phase: PartPhase,
    pub(crate) regular_end: Time,
    pub(crate) hard_end: Time,
    /// How many virtual users it holds.
    pub(crate) held: usize,
    /// For how many it waits.
    pub(crate) waiting: usize,
    pub(crate) body: Body,
}

/// How far a part has come; only ever forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartPhase {
    /// Its start time has not come.
    Pending,
    /// Iterations may start.
    Running,
    /// None starts any more, but some may still run.
    Stopping,
    /// It holds no virtual user and never will.
    Ended,
}

/// The two families of executors.
#[derive(Debug)]
pub(crate) enum Body {
    Looping(Looping),
    Arrivals(Arrivals),
}

impl Shard {
    pub(crate) fn new(engine: Arc<Engine>, index: ShardIndex) -> Self {
        let layout = Arc::clone(&engine.layout);
        let placement = &layout.placement;
        let vus = Vus::new(placement.planned_vus(), placement.max_vus(), index, placement.shards());
        let part = |scenario: ScenarioIndex| {
            let work = &layout.works[scenario.index()];
            let body = deal::body(&engine, &layout, scenario, index, &vus);
            Part {
                phase: PartPhase::Pending,
                regular_end: work.regular_end,
                hard_end: work.hard_end,
                held: 0,
                waiting: 0,
                body,
            }
        };
        let parts: Vec<Part> = engine.scenarios().map(part).collect();
        let unfinished = parts.len();
        Self {
            engine,
            seen: Arc::clone(&layout),
            layout,
            index,
            parts,
            vus,
            timers: Timers::default(),
            aborted: false,
            has_leave: true,
            counts: Counts::default(),
            stocked: 0,
            should_tell: false,
            is_leaving: false,
            unfinished,
            busy: 0,
        }
    }

    /// The virtual users that have to be ready before [`Shard::start`], ascending.
    pub fn planned_vus(&self) -> impl Iterator<Item = VuId> + use<> {
        self.engine.layout.placement.planned_on(self.index)
    }

    /// The run phase begins; `now` is usually [`Time::ZERO`]. To be called once.
    pub fn start(&mut self, now: Time, actions: &mut Actions) {
        for scenario in self.engine.scenarios() {
            self.timers.push(self.layout.works[scenario.index()].start, Due::Begin(scenario));
        }
        self.on_time(now, actions);
    }

    /// When [`Shard::on_time`] has to be called next; `None` if only events can bring anything about.
    pub fn next_wake(&self) -> Option<Time> {
        if self.is_done() { None } else { self.timers.next() }
    }

    /// Does everything that is due by `now`, in order. May be called at any time.
    pub fn on_time(&mut self, now: Time, actions: &mut Actions) {
        if self.seen.next().is_some() {
            self.look_ahead(actions);
        }
        while let Some((at, due)) = self.timers.pop(now) {
            match due {
                Due::Deal => self.follow_deal(at, now, actions),
                Due::RestOver { local, rest } => self.rest_over(local as usize, rest, now, actions),
                Due::Step(scenario) => self.step(scenario, at, now, actions),
                Due::Arrival(scenario) => self.arrival(scenario, at, now, actions),
                Due::Exhausted(scenario) => self.exhausted(scenario, now, actions),
                Due::RegularEnd(scenario) => self.regular_end(scenario, now, actions),
                Due::HardStop { scenario, stint, generation } => {
                    self.hard_stop(scenario, stint, generation, now, actions);
                }
                Due::HardEnd(scenario) => self.hard_end(scenario, now, actions),
                Due::Begin(scenario) => self.begin(scenario, now, actions),
            }
        }
        self.look_at_stocks(now, actions);
    }

    /// Takes note of an event.
    pub fn on_event(&mut self, now: Time, event: Event, actions: &mut Actions) {
        match event {
            Event::IterationEnded { vu, outcome } => self.iteration_ended(vu, outcome, now, actions),
            Event::VuReady { vu } => self.vu_ready(vu, now, actions),
            Event::VuFailed { vu } => self.vu_failed(vu, now, actions),
            Event::Forwarded(start) => {
                // The scenario may have begun for the other shard, and not yet for this one.
                self.on_time(now, actions);
                self.forwarded(start, now, actions);
            }
            Event::Pause => self.control(Change::Pause, now, actions),
            Event::Resume => self.control(Change::Resume, now, actions),
            Event::SetVus { vus, max_vus } => self.control(Change::Set { vus, max_vus }, now, actions),
        }
    }

    /// Whether planned starts may be tried from now on. Those that are not count nowhere: they may be others'.
    pub fn set_leave(&mut self, has_leave: bool) {
        self.has_leave = has_leave;
    }

    /// Ends every scenario as if its time were over: nothing starts, what runs has its graceful stop. Iterations that a
    /// controller dealt out and that are not run are given back.
    pub fn stop(&mut self, now: Time, actions: &mut Actions) {
        self.is_leaving = true;
        for scenario in self.engine.scenarios() {
            let graceful_stop = self.layout.works[scenario.index()].graceful_stop;
            let part = &mut self.parts[scenario.index()];
            match part.phase {
                PartPhase::Pending => {
                    self.cut_short(scenario);
                    self.ended(scenario, now, actions);
                }
                PartPhase::Running => {
                    part.regular_end = part.regular_end.min(now);
                    part.hard_end = part.hard_end.min(now + graceful_stop);
                    let hard_end = part.hard_end;
                    self.cut_short(scenario);
                    self.timers.push(hard_end, Due::HardEnd(scenario));
                    self.regular_end(scenario, now, actions);
                }
                // Nothing was left to start: what runs had the time of the whole plan.
                PartPhase::Stopping => {
                    part.hard_end = part.hard_end.min(part.regular_end.min(now) + graceful_stop);
                    self.timers.push(part.hard_end, Due::HardEnd(scenario));
                }
                PartPhase::Ended => {}
            }
        }
        self.on_time(now, actions);
    }

    /// Ends everything: all running iterations are to be interrupted. The shard is done once they have
    /// reported. What has not been started is not counted as dropped.
    pub fn abort(&mut self, now: Time, actions: &mut Actions) {
        self.aborted = true;
        for scenario in self.engine.scenarios() {
            let part = &self.parts[scenario.index()];
            match part.phase {
                PartPhase::Ended => continue,
                // Its time was over, and only what ran has to end.
                PartPhase::Stopping if part.regular_end <= now => {}
                PartPhase::Stopping | PartPhase::Running | PartPhase::Pending => self.cut_short(scenario),
            }
            self.close(scenario, now, actions);
            self.interrupt_all(scenario, now, actions);
            self.check_end(scenario, now, actions);
        }
    }

    /// Whether all is over: no iteration runs and none will start.
    pub fn is_done(&self) -> bool {
        self.unfinished == 0 && self.busy == 0
    }

    fn begin(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let part = &mut self.parts[scenario.index()];
        if part.phase != PartPhase::Pending {
            return;
        }
        part.phase = PartPhase::Running;
        let exhausted = self.layout.works[scenario.index()].exhausted;
        if exhausted < part.regular_end {
            self.timers.push(exhausted, Due::Exhausted(scenario));
        }
        self.timers.push(part.regular_end, Due::RegularEnd(scenario));
        self.timers.push(part.hard_end, Due::HardEnd(scenario));
        match &part.body {
            Body::Arrivals(_) => self.begin_arrivals(scenario, now, actions),
            Body::Looping(looping) if looping.control.is_some() => self.apply_control(scenario, now, actions),
            Body::Looping(_) => {
                let start = self.layout.works[scenario.index()].start;
                self.step(scenario, start, now, actions);
            }
        }
        self.check_end(scenario, now, actions);
    }

    /// Ends what holds nobody any more; what runs has the time it would have had otherwise.
    fn exhausted(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        if self.parts[scenario.index()].phase == PartPhase::Running {
            self.close(scenario, now, actions);
            self.check_end(scenario, now, actions);
        }
    }

    fn regular_end(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let part = &self.parts[scenario.index()];
        // A pause may have put the end off.
        if part.phase == PartPhase::Running && part.regular_end <= now {
            self.drop_unattempted(scenario, actions);
            self.close(scenario, now, actions);
            self.check_end(scenario, now, actions);
        }
    }

    fn hard_end(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let part = &self.parts[scenario.index()];
        if part.phase == PartPhase::Stopping && part.hard_end <= now {
            self.interrupt_all(scenario, now, actions);
            self.check_end(scenario, now, actions);
        }
    }

    /// Nothing of the scenario starts any more; who waits or is idle is let go.
    fn close(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let part = &mut self.parts[scenario.index()];
        let was_running = part.phase == PartPhase::Running;
        part.phase = PartPhase::Stopping;
        if let Body::Looping(looping) = &mut part.body {
            for stint in &mut looping.stints {
                stint.on = false;
            }
        }
        self.unpark(scenario, |_| true, now, actions);
        let part = &self.parts[scenario.index()];
        if part.waiting > 0 {
            for local in 0..self.vus.len() {
                self.stop_waiting(local, |holder| holder.scenario == scenario);
            }
        }
        if was_running {
            self.close_arrivals(scenario, now, actions);
        }
    }

    fn interrupt_all(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        self.forget_reserved(scenario, now, actions);
        if self.parts[scenario.index()].held == 0 {
            return;
        }
        for local in 0..self.vus.len() {
            if self.vus[local].holder.is_some_and(|holder| holder.scenario == scenario) {
                self.interrupt(local, now, actions);
            }
        }
    }

    fn cut_short(&self, scenario: ScenarioIndex) {
        self.engine.shared.scenario(scenario).cut_short();
    }

    /// Ends the scenario's part if it holds and awaits nobody and nothing more can come.
    pub(crate) fn check_end(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let part = &self.parts[scenario.index()];
        if part.held > 0 || part.waiting > 0 {
            return;
        }
        // Where a controller deals out iterations, those of others may yet have to be dropped.
        let is_closed = self.engine.stock(scenario).is_none_or(Stock::is_closed);
        let over = match (part.phase, &part.body) {
            (PartPhase::Stopping, Body::Looping(_)) => is_closed || self.aborted || self.is_leaving,
            (PartPhase::Stopping, Body::Arrivals(arrivals)) => arrivals.owed == 0,
            (PartPhase::Running, Body::Looping(looping)) => {
                looping.is_exhausted(self.engine.shared.scenario(scenario))
            }
            _ => false,
        };
        if over {
            self.ended(scenario, now, actions);
        } else {
            self.should_tell |= !is_closed;
        }
    }

    fn ended(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        self.parts[scenario.index()].phase = PartPhase::Ended;
        self.unfinished -= 1;
        if self.engine.shared.scenario(scenario).part_ended(now) {
            actions.push(Action::ScenarioEnded { scenario });
        }
    }

    /// A scenario wants a virtual user: it gets it now or as soon as its holder lets go.
    pub(crate) fn acquire(&mut self, local: usize, holder: Holder, now: Time, actions: &mut Actions) {
        if self.vus[local].is_free() {
            self.grant(local, holder, now, actions);
            return;
        }
        if self.vus[local].phase == Phase::Absent {
            self.vus[local].phase = Phase::Initialising { growth: None, is_planned: false };
            actions.push(Action::InitVu { vu: self.vus.id(local) });
        }
        self.vus[local].wait(holder);
        self.parts[holder.scenario.index()].waiting += 1;
        if let Some(stint) = self.stint(holder.scenario, holder.stint) {
            stint.waiting = true;
        }
    }

    fn grant(&mut self, local: usize, holder: Holder, now: Time, actions: &mut Actions) {
        self.vus[local].holder = Some(holder);
        self.parts[holder.scenario.index()].held += 1;
        if let Some(stint) = self.stint(holder.scenario, holder.stint) {
            stint.held = true;
            stint.waiting = false;
        }
        self.go_on(local, now, actions);
    }

    /// A virtual user's holder has nothing more for it to do.
    pub(crate) fn release(&mut self, local: usize, now: Time, actions: &mut Actions) {
        let Some(holder) = self.vus[local].holder.take() else { return };
        self.parts[holder.scenario.index()].held -= 1;
        if let Some(stint) = self.stint(holder.scenario, holder.stint) {
            stint.held = false;
            if std::mem::take(&mut stint.lingers) {
                self.engine.shared.moves(self.index).running.sub(1);
            }
        }
        self.check_end(holder.scenario, now, actions);
        self.hand_over(local, now, actions);
    }

    /// Gives a free virtual user to who waits for it.
    fn hand_over(&mut self, local: usize, now: Time, actions: &mut Actions) {
        if let Some(next) = self.vus[local].next_waiter() {
            self.parts[next.scenario.index()].waiting -= 1;
            self.grant(local, next, now, actions);
        }
    }

    pub(crate) fn stop_waiting(&mut self, local: usize, gone: impl Fn(&Holder) -> bool) {
        let parts = &mut self.parts;
        self.vus[local].stop_waiting(gone, |holder| {
            let part = &mut parts[holder.scenario.index()];
            part.waiting -= 1;
            if let Body::Looping(looping) = &mut part.body {
                looping.stints[holder.stint as usize].waiting = false;
            }
        });
    }

    /// A virtual user could start an iteration: its holder decides.
    pub(crate) fn go_on(&mut self, local: usize, now: Time, actions: &mut Actions) {
        let Some(Holder { scenario, stint }) = self.vus[local].holder else { return };
        let part = &mut self.parts[scenario.index()];
        let running = part.phase == PartPhase::Running;
        match &mut part.body {
            Body::Looping(looping) => {
                let number = stint as usize;
                let is_on = running && looping.stints[number].on && now < part.regular_end;
                if is_on && looping.stints[number].awaits > 0 {
                    if looping.stints[number].awaits > self.engine.still_by() {
                        looping.stints[number].parked = true;
                        self.set_idle(local, scenario);
                        return;
                    }
                    looping.stints[number].awaits = 0;
                }
                if is_on {
                    match looping.claim(number, self.engine.shared.scenario(scenario)) {
                        Claim::Start { in_instance, index } => {
                            self.vus[local].index = index;
                            self.start_iteration(local, scenario, in_instance, None, now, actions);
                            return;
                        }
                        Claim::Wait => {
                            looping.stints[number].parked = true;
                            self.set_idle(local, scenario);
                            self.note_parked(scenario);
                            return;
                        }
                        Claim::Over => looping.stints[number].on = false,
                    }
                }
                self.set_idle(local, scenario);
                self.give_back_own(scenario, stint);
                self.release(local, now, actions);
            }
            Body::Arrivals(_) => {
                self.set_idle(local, scenario);
                if running && !self.vus[local].leaves {
                    self.park(local, scenario);
                } else {
                    self.vus[local].leaves = false;
                    self.release(local, now, actions);
                }
            }
        }
    }

    /// Starts iteration `in_instance` of the scenario on a virtual user that it holds.
    pub(crate) fn start_iteration(
        &mut self,
        local: usize,
        scenario: ScenarioIndex,
        in_instance: u64,
        planned: Option<Time>,
        now: Time,
        actions: &mut Actions,
    ) {
        let vu = &mut self.vus[local];
        if vu.phase == Phase::Idle {
            self.busy += 1;
            self.engine.shared.cell(scenario, self.index).active.add(1);
        }
        vu.phase = Phase::Running;
        vu.began = now;
        let (in_vu, mut in_vu_scenario) = vu.count(scenario);
        let work = &self.layout.works[scenario.index()];
        let mut in_test = work.iteration_in_test(in_instance);
        match (vu.index, &work.kind) {
            (Some(index), Kind::SharedIterations { .. }) => in_test = index,
            // It goes on where it is, also if it began elsewhere.
            (Some(index), Kind::PerVuIterations { iterations, .. }) => {
                in_vu_scenario = index % iterations.max(&1);
            }
            _ => {}
        }
        let iteration = Iteration { scenario, in_vu, in_vu_scenario, in_instance, in_test, planned };
        actions.push(Action::Start { vu: self.vus.id(local), iteration });
    }

    fn set_idle(&mut self, local: usize, scenario: ScenarioIndex) {
        if self.vus[local].phase != Phase::Idle {
            self.vus[local].phase = Phase::Idle;
            self.busy -= 1;
            self.engine.shared.cell(scenario, self.index).active.sub(1);
        }
    }

    /// Cuts short what a virtual user does.
    pub(crate) fn interrupt(&mut self, local: usize, now: Time, actions: &mut Actions) {
        match self.vus[local].phase {
            Phase::Running => {
                self.vus[local].phase = Phase::Interrupting;
                actions.push(Action::Interrupt { vu: self.vus.id(local) });
            }
            Phase::Resting => self.go_on(local, now, actions),
            _ => {}
        }
    }

    fn iteration_ended(&mut self, vu: VuId, outcome: Outcome, now: Time, actions: &mut Actions) {
        let Some(local) = self.vus.local(vu) else { return };
        let (phase, began) = (self.vus[local].phase, self.vus[local].began);
        let Some(holder) = self.vus[local].holder else { return };
        if !matches!(phase, Phase::Running | Phase::Interrupting) {
            return;
        }
        let cell = self.engine.shared.cell(holder.scenario, self.index);
        match outcome {
            Outcome::Complete => cell.complete.add(1),
            Outcome::Interrupted => cell.interrupted.add(1),
            Outcome::Withheld => {}
        }
        self.note_outcome(local, holder.scenario, outcome);
        let min = self.engine.min_iteration;
        if min > Duration::ZERO
            && phase == Phase::Running
            && outcome == Outcome::Complete
            && began + min > now
        {
            let rest = self.vus[local].iterations();
            self.vus[local].phase = Phase::Resting;
            self.timers.push(began + min, Due::RestOver { local: local as u32, rest });
            return;
        }
        self.go_on(local, now, actions);
    }

    fn rest_over(&mut self, local: usize, rest: u64, now: Time, actions: &mut Actions) {
        if self.vus[local].phase == Phase::Resting && self.vus[local].iterations() == rest {
            self.go_on(local, now, actions);
        }
    }

    fn vu_ready(&mut self, vu: VuId, now: Time, actions: &mut Actions) {
        let Some(local) = self.vus.local(vu) else { return };
        let Phase::Initialising { growth, is_planned } = self.vus[local].phase else { return };
        self.vus[local].phase = Phase::Idle;
        if !is_planned {
            self.vus[local].is_extra = true;
            self.engine.shared.extra_vu_ready();
        }
        if let Some(scenario) = growth {
            self.growth_ended(scenario, true);
        }
        self.hand_over(local, now, actions);
    }

    fn vu_failed(&mut self, vu: VuId, now: Time, actions: &mut Actions) {
        let Some(local) = self.vus.local(vu) else { return };
        let Phase::Initialising { growth, .. } = self.vus[local].phase else { return };
        self.vus[local].phase = Phase::Absent;
        if let Some(scenario) = growth {
            self.growth_ended(scenario, false);
        }
        self.stop_waiting(local, |_| true);
        for scenario in self.engine.scenarios() {
            self.check_end(scenario, now, actions);
        }
    }
}
