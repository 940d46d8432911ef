//! One scenario reduced to what this worker runs of it: scaled numbers and absolute times.

use std::time::Duration;

use throng_plan::{Executor, Scenario, Slots, Stage};

use crate::engine::Counting;
use crate::layout::Numbers;
use crate::schedule::{ConstantRate, Ramp, RampingRate, Starts};
use crate::stock::Stock;
use crate::time::Time;

/// How long the last start of an arrival rate may take to the thread that has a virtual user for it. One that takes longer,
/// as its own thread stood still, is dropped although a virtual user of another thread was free, and counted so.
const HANDING_OVER: Duration = Duration::from_millis(10);

/// This worker's part of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// When its executor starts.
    pub(crate) start: Time,
    /// From when on no iteration starts any more.
    pub(crate) regular_end: Time,
    /// From when on nothing is left to start, on any worker, though there may be time: stages that end in nothing. k6
    /// (observed on 1.1) ends such a scenario with its last iteration, and so the rates of the summary count that time only.
    pub(crate) exhausted: Time,
    /// When what still runs is interrupted.
    pub(crate) hard_end: Time,
    /// How long that is after the regular end.
    pub(crate) graceful_stop: Duration,
    /// Which virtual users are mine.
    pub(crate) vu_slots: Slots,
    /// Which iterations are mine. Not the slots of the virtual users where work is dealt in proportion to
    /// whole virtual users (k6's rule for shared iterations and arrival rates).
    pub(crate) iteration_slots: Slots,
    /// Where their numbers go on, if the map was changed.
    numbers: Option<Numbers>,
    counting: Counting,
    /// What starts iterations.
    pub(crate) kind: Kind,
}

/// The executor with this worker's numbers.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    ConstantVus { vus: u64 },
    SharedIterations { vus: u64, iterations: u64 },
    PerVuIterations { vus: u64, iterations: u64 },
    RampingVus { start_vus: u64, stages: Vec<Stage>, peak: u64, graceful_ramp_down: Duration },
    Arrivals { starts: Starts, pre_allocated_vus: u64, max_vus: u64, time_unit: Duration },
    ExternallyControlled { vus: u64, max_vus: u64 },
}

impl Work {
    /// What an instance that owns `slots` runs of `scenario`.
    pub(crate) fn new(scenario: &Scenario, slots: &Slots, counting: Counting) -> Self {
        let mut iteration_slots = slots.clone();
        let kind = match &scenario.executor {
            Executor::ConstantVus { vus, .. } => Kind::ConstantVus { vus: slots.scale(*vus) },
            Executor::SharedIterations { vus, iterations, .. } => {
                iteration_slots = slots.in_proportion_to(*vus);
                Kind::SharedIterations {
                    vus: slots.scale(*vus),
                    iterations: iteration_slots.scale(*iterations),
                }
            }
            Executor::PerVuIterations { vus, iterations, .. } => {
                // Of fewer virtual users than workers some have none, and no numbers either. k6's segments count otherwise.
                if counting == Counting::Dealt {
                    iteration_slots = slots.in_proportion_to(*vus);
                }
                Kind::PerVuIterations { vus: slots.scale(*vus), iterations: *iterations }
            }
            Executor::RampingVus { start_vus, stages, graceful_ramp_down } => {
                let peak = stages.iter().map(|stage| stage.target).fold(*start_vus, u64::max);
                Kind::RampingVus {
                    start_vus: *start_vus,
                    stages: stages.clone(),
                    peak: slots.scale(peak),
                    graceful_ramp_down: *graceful_ramp_down,
                }
            }
            Executor::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus } => {
                iteration_slots = slots.in_proportion_to(*max_vus);
                Kind::Arrivals {
                    starts: Starts::Constant(ConstantRate::new(*rate, *time_unit, *duration)),
                    pre_allocated_vus: slots.scale(*pre_allocated_vus),
                    max_vus: slots.scale(*max_vus),
                    time_unit: *time_unit,
                }
            }
            Executor::RampingArrivalRate { start_rate, time_unit, stages, pre_allocated_vus, max_vus } => {
                iteration_slots = slots.in_proportion_to(*max_vus);
                Kind::Arrivals {
                    starts: Starts::Ramping(RampingRate::new(*start_rate, *time_unit, stages)),
                    pre_allocated_vus: slots.scale(*pre_allocated_vus),
                    max_vus: slots.scale(*max_vus),
                    time_unit: *time_unit,
                }
            }
            Executor::ExternallyControlled { vus, max_vus, .. } => {
                Kind::ExternallyControlled { vus: slots.scale(*vus), max_vus: slots.scale(*max_vus) }
            }
        };
        // k6 refuses gracefulStop for this executor: its end interrupts at once.
        let graceful_stop = match kind {
            Kind::ExternallyControlled { .. } => Duration::ZERO,
            _ => scenario.graceful_stop,
        };
        let start = Time::from(scenario.start_time);
        let regular_end = scenario.executor.regular_duration().map_or(Time::NEVER, |length| start + length);
        let over = match &kind {
            Kind::RampingVus { start_vus, stages, .. } => Ramp { start_vus: *start_vus, stages }.over(),
            Kind::Arrivals { starts: Starts::Ramping(rate), .. } => {
                let last = rate.last();
                Some(if last == Time::ZERO { last } else { last + HANDING_OVER })
            }
            _ => None,
        };
        let exhausted = over.map_or(regular_end, |over| start + over.since(Time::ZERO));
        Self {
            start,
            regular_end,
            exhausted: exhausted.min(regular_end),
            hard_end: regular_end + graceful_stop,
            graceful_stop,
            vu_slots: slots.clone(),
            iteration_slots,
            numbers: None,
            counting,
            kind,
        }
    }

    /// Whether its iterations are counted.
    fn is_counted(&self) -> bool {
        matches!(self.kind, Kind::SharedIterations { .. } | Kind::PerVuIterations { .. })
    }

    /// What a controller fills with iterations, if one deals them out.
    pub(crate) fn stock(&self) -> Option<Stock> {
        let each = match self.kind {
            Kind::PerVuIterations { iterations, .. } => Some(iterations.max(1)),
            _ => None,
        };
        (self.counting == Counting::Dealt && self.is_counted()).then(|| Stock::new(each))
    }

    /// What the worker runs of `scenario` once it owns `slots`; `numbers` says where the numbers of iterations go on in
    /// their map.
    pub(crate) fn dealt(
        &self,
        scenario: &Scenario,
        slots: &Slots,
        numbers: impl Fn(&Slots) -> Numbers,
    ) -> Self {
        if self.stays() {
            return self.clone();
        }
        let work = Self::new(scenario, slots, self.counting);
        Self { numbers: Some(numbers(&work.iteration_slots)), ..work }
    }

    /// Whether it is not moved to other workers: iterations that are counted are whose they were, if nobody deals them out.
    pub(crate) fn stays(&self) -> bool {
        self.counting == Counting::Here && self.is_counted()
    }

    /// The number of the `nth` iteration on this worker among those of the whole test.
    pub(crate) fn iteration_in_test(&self, nth: u64) -> u64 {
        let slots = &self.iteration_slots;
        match self.numbers {
            None if slots.is_whole() => nth,
            None => slots.global(nth).unwrap_or(nth),
            // Those that were started by the old map while the new one was being made have earlier numbers.
            Some(Numbers { first, base }) => {
                let nth = nth.saturating_sub(first);
                base + slots.global(nth).unwrap_or(nth)
            }
        }
    }

    /// How many virtual users it may use at most, on this worker.
    pub(crate) fn max_vus(&self) -> u64 {
        match self.kind {
            Kind::ConstantVus { vus }
            | Kind::SharedIterations { vus, .. }
            | Kind::PerVuIterations { vus, .. } => vus,
            Kind::RampingVus { peak, .. } => peak,
            Kind::Arrivals { max_vus, .. } | Kind::ExternallyControlled { max_vus, .. } => max_vus,
        }
    }
}
