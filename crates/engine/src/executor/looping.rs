//! What closed executors share: virtual users that start their next iteration when one ends.
//!
//! A *stint* is the time for which one virtual user holds one place of a scenario. It is switched on and
//! off by the schedule (or from outside); while it is on, its virtual user loops as long as the quota gives
//! it iterations. Switched off it may finish its iteration; how long, a hard stop decides.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::{externally_controlled::Control, per_vu_iterations, ramping_vus, shared_iterations};
use crate::action::{Action, Actions};
use crate::engine::Engine;
use crate::ids::{ScenarioIndex, ShardIndex};
use crate::layout::Layout;
use crate::placement::Reservation;
use crate::schedule::Span;
use crate::shard::{Body, PartPhase, Shard};
use crate::shared::ScenarioShared;
use crate::stock::Grant;
use crate::time::Time;
use crate::timers::Due;
use crate::vus::{Holder, Vus};
use crate::work::Kind;

/// A shard's part of a closed executor.
#[derive(Debug)]
pub(crate) struct Looping {
    pub(crate) stints: Vec<Stint>,
    /// Switchings in order of time.
    steps: Vec<Step>,
    next_step: usize,
    quota: Quota,
    graceful_ramp_down: Duration,
    /// Where the numbers of a stock are looked up.
    cursor: Option<Arc<Grant>>,
    pub(crate) control: Option<Control>,
}

/// One virtual user's time in one place.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "states that are independent of each other")]
pub(crate) struct Stint {
    /// The virtual user's local number.
    pub(crate) local: usize,
    /// Which of the scenario's places on this worker.
    pub(crate) place: u64,
    /// Which of the whole test's places and from when on: what it is known by when the map of slots changes.
    key: (u64, Time),
    /// Whether it may start iterations.
    pub(crate) on: bool,
    /// Whether it holds its virtual user.
    pub(crate) held: bool,
    /// Whether it waits for its virtual user.
    pub(crate) waiting: bool,
    /// Whether it has its virtual user wait for iterations that a controller may still deal out.
    pub(crate) parked: bool,
    /// The map by which it came from another worker that may still run something here; zero once it does not.
    pub(crate) awaits: u64,
    /// Its place is another worker's, and what it ran then still runs.
    pub(crate) lingers: bool,
    /// Iterations of its own that it has not started, where a controller deals them out.
    pub(crate) own: Range<u64>,
    /// Counts its switchings: a hard stop belongs to one of them.
    generation: u32,
    /// Iterations it has started.
    started: u64,
}

impl Stint {
    /// For the virtual user with a local number, in a place of this worker that is known by `key`.
    pub(crate) fn new(local: usize, place: u64, key: (u64, Time)) -> Self {
        Self {
            local,
            place,
            key,
            on: false,
            held: false,
            waiting: false,
            parked: false,
            awaits: 0,
            lingers: false,
            own: 0..0,
            generation: 0,
            started: 0,
        }
    }
}

/// What limits the number of iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// Only time.
    Endless,
    /// A number for all together.
    Shared(u64),
    /// A number for each.
    Each(u64),
    /// What is in the stock, for all together.
    Stock,
    /// What is in the stock for each place.
    StockOfPlace,
}

/// Whether a virtual user may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// With this iteration of this worker, which is that of this index.
    Start { in_instance: u64, index: Option<u64> },
    /// Perhaps later: a controller may deal out more.
    Wait,
    /// Not any more.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    at: Time,
    change: Change,
    stint: u32,
}

/// Offs come before ons of the same moment, so that a place can change hands. The highest place goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Off(std::cmp::Reverse<u64>),
    On(u64),
}

impl Stint {
    /// Which of the whole test's places it is.
    pub(crate) fn global(&self) -> u64 {
        self.key.0
    }

    /// The next iteration of its own; `more` are those that came for its place since it last had none.
    fn next_own(&mut self, more: impl Fn(u64) -> Option<Range<u64>>) -> Option<u64> {
        if self.own.is_empty() {
            self.own = more(self.global())?;
        }
        self.own.next()
    }
}

impl Looping {
    /// The part of `scenario` that `shard` runs.
    pub(crate) fn new(
        engine: &Engine,
        layout: &Layout,
        scenario: ScenarioIndex,
        shard: ShardIndex,
        vus: &Vus,
    ) -> Self {
        let work = &layout.works[scenario.index()];
        let stock = engine.stock(scenario);
        let (quota, graceful_ramp_down, control) = match work.kind {
            Kind::SharedIterations { .. } if stock.is_some() => (Quota::Stock, Duration::ZERO, None),
            Kind::PerVuIterations { .. } if stock.is_some() => (Quota::StockOfPlace, Duration::ZERO, None),
            Kind::SharedIterations { iterations, .. } => (Quota::Shared(iterations), Duration::ZERO, None),
            Kind::PerVuIterations { iterations, .. } => (Quota::Each(iterations), Duration::ZERO, None),
            Kind::RampingVus { graceful_ramp_down, .. } => (Quota::Endless, graceful_ramp_down, None),
            Kind::ExternallyControlled { vus, max_vus } => {
                (Quota::Endless, Duration::ZERO, Some(Control::new(vus, max_vus)))
            }
            Kind::ConstantVus { .. } | Kind::Arrivals { .. } => (Quota::Endless, Duration::ZERO, None),
        };
        let mut stints = Vec::new();
        let mut steps = Vec::new();
        for reservation in layout.placement.reservations(scenario) {
            let Some(local) = vus.local(reservation.vu) else { continue };
            debug_assert_eq!(layout.placement.shard_of(reservation.vu), shard, "local to this shard");
            let stint = stints.len() as u32;
            stints.push(Stint::new(local, reservation.place, reservation.key()));
            if control.is_none() {
                steps.extend(switchings(reservation, stint));
            }
        }
        steps.sort_unstable();
        let cursor = stock.map(crate::stock::Stock::cursor);
        Self { stints, steps, next_step: 0, quota, graceful_ramp_down, cursor, control }
    }

    /// The same part by a new map that holds from `at` on. Stints are only added, as who holds a virtual user is known by
    /// the number of its stint.
    pub(crate) fn redeal(
        &mut self,
        layout: &Layout,
        scenario: ScenarioIndex,
        vus: &mut Vus,
        at: Time,
    ) -> Turned {
        let mut turned = Turned::default();
        let known: BTreeMap<(u64, Time), usize> =
            self.stints.iter().enumerate().map(|(number, stint)| (stint.key, number)).collect();
        let mut stays = vec![false; self.stints.len()];
        let mut steps = Vec::new();
        for reservation in layout.placement.reservations(scenario) {
            let Some(local) = vus.local_of(reservation.vu) else { continue };
            let before = known.get(&reservation.key()).filter(|number| self.stints[**number].local == local);
            let stint = if let Some(number) = before {
                stays[*number] = true;
                self.stints[*number].place = reservation.place;
                *number
            } else {
                let mut stint = Stint::new(local, reservation.place, reservation.key());
                if layout.coming.owns(reservation.global) {
                    stint.awaits = layout.version;
                }
                self.stints.push(stint);
                self.stints.len() - 1
            };
            if self.control.is_some() {
                continue;
            }
            let is_on = |span: &&Span| span.on <= at && span.off.is_none_or(|off| at < off);
            if !self.stints[stint].on && reservation.spans.iter().any(|span| is_on(&span)) {
                turned.on.push(stint as u32);
            }
            let is_left =
                |step: &Step| step.at > at || step.at == at && matches!(step.change, Change::Off(_));
            steps.extend(switchings(reservation, stint as u32).filter(is_left));
        }
        for (number, _) in stays.iter().enumerate().filter(|(_, stays)| !**stays) {
            // No place: an outside control does not want it, and no later map finds it. One that was withdrawn before
            // has none already, and is not counted twice among those that linger.
            let was_withdrawn = self.stints[number].place == u64::MAX;
            self.stints[number].place = u64::MAX;
            self.stints[number].key = (u64::MAX, Time::NEVER);
            if self.control.is_none() && !was_withdrawn {
                turned.off.push(number as u32);
            }
        }
        steps.sort_unstable();
        (self.steps, self.next_step) = (steps, 0);
        if let (Some(control), Kind::ExternallyControlled { vus, max_vus }) =
            (&mut self.control, &layout.works[scenario.index()].kind)
        {
            control.redeal(*vus, *max_vus, &layout.works[scenario.index()].vu_slots);
        }
        turned
    }

    /// When the next switching is due.
    pub(crate) fn next_step(&self) -> Option<Time> {
        self.steps.get(self.next_step).map(|step| step.at)
    }

    /// Whether nothing can start any more although time is left: the quota is used up. Only to be asked
    /// when no stint holds or awaits a virtual user.
    pub(crate) fn is_exhausted(&self, shared: &ScenarioShared) -> bool {
        let is_used_up = match (&shared.stock, self.quota) {
            (_, Quota::Endless) => false,
            (Some(stock), _) => stock.is_closed(),
            (None, _) => true,
        };
        is_used_up && self.next_step == self.steps.len()
    }

    /// Takes the stint's next iteration, if it may have one.
    pub(crate) fn claim(&mut self, stint: usize, shared: &ScenarioShared) -> Claim {
        let sequence = shared.sequence();
        let stint = &mut self.stints[stint];
        let number = match (self.quota, &shared.stock) {
            (Quota::Shared(total), _) => shared_iterations::claim(sequence, total),
            (Quota::Each(each), _) => {
                per_vu_iterations::may_start(stint.started, each).then(|| sequence.next())
            }
            (Quota::Endless, _) | (_, None) => Some(sequence.next()),
            (quota, Some(stock)) => {
                let index = match (&mut self.cursor, quota) {
                    (Some(cursor), Quota::Stock) => stock.claim(cursor),
                    _ => stint.next_own(|place| stock.claim_place(place)),
                };
                let Some(index) = index else {
                    return if stock.is_closed() { Claim::Over } else { Claim::Wait };
                };
                stint.started += 1;
                return Claim::Start { in_instance: sequence.next(), index: Some(index) };
            }
        };
        let Some(in_instance) = number else { return Claim::Over };
        stint.started += 1;
        Claim::Start { in_instance, index: None }
    }
}

/// Stints that a new map of slots turns on and off.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    pub(crate) on: Vec<u32>,
    pub(crate) off: Vec<u32>,
}

/// When the virtual user of a reservation begins and ends to loop.
fn switchings(reservation: &Reservation, stint: u32) -> impl Iterator<Item = Step> {
    let spans = reservation.spans.iter().filter(|span| span.off != Some(span.on));
    spans.flat_map(move |span| {
        let on = Step { at: span.on, change: Change::On(reservation.place), stint };
        let off = |at| Step { at, change: Change::Off(std::cmp::Reverse(reservation.place)), stint };
        [Some(on), span.off.map(off)].into_iter().flatten()
    })
}

impl Shard {
    /// Carries out the switchings that are due by `planned`, then notes the next.
    pub(crate) fn step(&mut self, scenario: ScenarioIndex, planned: Time, now: Time, actions: &mut Actions) {
        while let Some(step) = self.due_step(scenario, planned) {
            match step.change {
                Change::On(_) => self.switch_on(scenario, step.stint, now, actions),
                Change::Off(_) => self.switch_off(scenario, step.stint, Some(step.at)),
            }
        }
        self.note_next_step(scenario);
    }

    pub(crate) fn note_next_step(&mut self, scenario: ScenarioIndex) {
        let part = &self.parts[scenario.index()];
        if part.phase == PartPhase::Running
            && let Body::Looping(looping) = &part.body
            && let Some(next) = looping.next_step()
        {
            self.timers.push(next, Due::Step(scenario));
        }
    }

    fn due_step(&mut self, scenario: ScenarioIndex, planned: Time) -> Option<Step> {
        let part = &mut self.parts[scenario.index()];
        let Body::Looping(looping) = &mut part.body else { return None };
        let step = *looping.steps.get(looping.next_step)?;
        if part.phase != PartPhase::Running || step.at > planned {
            return None;
        }
        looping.next_step += 1;
        Some(step)
    }

    /// A stint may start iterations: at once, if its virtual user is free, or goes on with what it holds.
    pub(crate) fn switch_on(
        &mut self,
        scenario: ScenarioIndex,
        stint: u32,
        now: Time,
        actions: &mut Actions,
    ) {
        let Some(state) = self.stint(scenario, stint) else { return };
        state.on = true;
        state.generation += 1;
        let (local, settled) = (state.local, state.held || state.waiting);
        if !settled {
            self.acquire(local, Holder { scenario, stint }, now, actions);
        }
    }

    /// A stint starts no more iterations. With `left` (when the ramp left it) what runs is interrupted once
    /// the graceful ramp-down is over; without, it may take as long as it likes.
    pub(crate) fn switch_off(&mut self, scenario: ScenarioIndex, stint: u32, left: Option<Time>) {
        let Some(state) = self.stint(scenario, stint) else { return };
        state.on = false;
        state.generation += 1;
        let (local, held, waiting, generation) = (state.local, state.held, state.waiting, state.generation);
        if waiting {
            self.stop_waiting(local, |holder| *holder == Holder { scenario, stint });
        }
        if held && let Some(left) = left {
            let Body::Looping(looping) = &self.parts[scenario.index()].body else { return };
            let work = &self.layout.works[scenario.index()];
            let stop = ramping_vus::hard_stop(work, left, looping.graceful_ramp_down);
            self.timers.push(stop, Due::HardStop { scenario, stint, generation });
        }
    }

    /// A stint's place is another worker's from `at` on. What runs may end within the graceful stop, which for a ramp is that
    /// of its way down.
    pub(crate) fn withdraw(&mut self, scenario: ScenarioIndex, stint: u32, at: Time, actions: &mut Actions) {
        let work = &self.layout.works[scenario.index()];
        let grace = match work.kind {
            Kind::RampingVus { graceful_ramp_down, .. } => graceful_ramp_down,
            _ => work.graceful_stop,
        };
        let stop = (at + grace).min(work.hard_end);
        self.switch_off(scenario, stint, None);
        self.unpark(scenario, |number| number == stint, at, actions);
        if !self.stint(scenario, stint).is_some_and(|stint| stint.held) {
            self.give_back_own(scenario, stint);
        }
        if let Some(&mut Stint { held: true, generation, local, .. }) = self.stint(scenario, stint) {
            if let Some(stint) = self.stint(scenario, stint) {
                stint.lingers = true;
            }
            self.engine.shared.moves(self.index).running.add(1);
            actions.push(Action::Withhold { vu: self.vus.id(local) });
            self.timers.push(stop, Due::HardStop { scenario, stint, generation });
        }
    }

    /// The graceful ramp-down of a stint is over.
    pub(crate) fn hard_stop(
        &mut self,
        scenario: ScenarioIndex,
        stint: u32,
        generation: u32,
        now: Time,
        actions: &mut Actions,
    ) {
        let Some(state) = self.stint(scenario, stint) else { return };
        if state.generation == generation && state.held && !state.on {
            let local = state.local;
            self.interrupt(local, now, actions);
        }
    }

    /// Time is over for a closed executor: reports what will not be attempted.
    pub(crate) fn drop_unattempted(&mut self, scenario: ScenarioIndex, actions: &mut Actions) {
        let Body::Looping(looping) = &self.parts[scenario.index()].body else { return };
        let cell = self.engine.shared.cell(scenario, self.index);
        match looping.quota {
            Quota::Endless => {}
            Quota::Shared(total) => {
                let sequence = self.engine.shared.scenario(scenario).sequence();
                let count = shared_iterations::close(sequence, total);
                if count > 0 {
                    cell.dropped.add(count);
                    actions.push(Action::Dropped { scenario, count, vu: None });
                }
            }
            Quota::Stock | Quota::StockOfPlace => self.drop_stock(scenario, actions),
            Quota::Each(each) => {
                for stint in &looping.stints {
                    let count = per_vu_iterations::remainder(stint.started, each);
                    if count > 0 {
                        cell.dropped.add(count);
                        actions.push(Action::Dropped { scenario, count, vu: Some(self.vus.id(stint.local)) });
                    }
                }
            }
        }
    }

    pub(crate) fn stint(&mut self, scenario: ScenarioIndex, stint: u32) -> Option<&mut Stint> {
        match &mut self.parts[scenario.index()].body {
            Body::Looping(looping) => looping.stints.get_mut(stint as usize),
            Body::Arrivals(_) => None,
        }
    }
}
