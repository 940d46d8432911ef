//! A picture of the run for the terminal, the page and `exec.scenario`, taken from the shared counters.

use std::time::Duration;

use crate::engine::Engine;
use crate::executor::shared_iterations;
use crate::ids::ScenarioIndex;
use crate::schedule::Starts;
use crate::stock::Stock;
use crate::time::Time;
use crate::work::{Kind, Work};

/// The run of this worker at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Virtual users that run an iteration or rest from one.
    pub active_vus: u64,
    /// Virtual users that exist: the planned ones and what arrival rates or scaling added.
    pub initialised_vus: u64,
    /// Iterations that ran to their end.
    pub complete: u64,
    /// Iterations that were cut short.
    pub interrupted: u64,
    /// Iterations that will not be run.
    pub dropped: u64,
    /// In the order of the plan.
    pub scenarios: Vec<ScenarioProgress>,
}

/// How one scenario is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioProgress {
    /// How far it has come.
    pub state: State,
    /// Since its start; never more than until its end.
    pub elapsed: Duration,
    /// Time until its start; zero once it has started.
    pub waiting: Duration,
    /// Its regular duration; `None` if it has no end of its own.
    pub duration: Option<Duration>,
    /// From 0 to 1, by time or by iterations, whichever ends it (`exec.scenario.progress`).
    pub fraction: f64,
    /// Virtual users that run an iteration or rest from one.
    pub active_vus: u64,
    /// Iterations that ran to their end.
    pub complete: u64,
    /// Iterations that were cut short.
    pub interrupted: u64,
    /// Iterations that will not be run.
    pub dropped: u64,
    /// What is particular to its executor.
    pub detail: Detail,
}

/// How far a scenario has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its start time has not come.
    Waiting,
    /// Iterations start.
    Running,
    /// None starts any more, but some still run.
    Stopping,
    /// It is over, and ran all it was to run.
    Done,
    /// It is over, and was stopped early or left iterations undone.
    Unfinished,
}

/// What is particular to an executor.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// constant-vus.
    Constant {
        /// How many loop.
        vus: u64,
    },
    /// ramping-vus.
    Ramping {
        /// The most it ever wants.
        max_vus: u64,
    },
    /// shared-iterations.
    Shared {
        /// How many virtual users share them.
        vus: u64,
        /// How many have been started.
        started: u64,
        /// How many there are.
        total: u64,
    },
    /// per-vu-iterations.
    PerVu {
        /// How many virtual users run them.
        vus: u64,
        /// How many have been started by all of them.
        started: u64,
        /// How many there are for all of them.
        total: u64,
        /// How many there are for each.
        each: u64,
    },
    /// Either arrival rate.
    Arrivals {
        /// Virtual users it has by now.
        vus: u64,
        /// The most it may have.
        max_vus: u64,
        /// The rate of this worker right now, in iterations per `time_unit`.
        rate: f64,
        /// What the rate is per.
        time_unit: Duration,
    },
    /// externally-controlled.
    Controlled {
        /// How many are set to loop.
        vus: u64,
        /// How many are held ready.
        max_vus: u64,
    },
}

impl Engine {
    /// How the run is doing at `now`. Counters of other threads may be a moment apart from each other.
    pub fn progress(&self, now: Time) -> Progress {
        let scenarios: Vec<_> = self.scenarios().map(|s| self.scenario_progress(s, now)).collect();
        let sum = |field: fn(&ScenarioProgress) -> u64| scenarios.iter().map(field).sum();
        Progress {
            active_vus: sum(|s| s.active_vus),
            initialised_vus: self.initialised_vus(now),
            complete: sum(|s| s.complete),
            interrupted: sum(|s| s.interrupted),
            dropped: sum(|s| s.dropped),
            scenarios,
        }
    }

    fn initialised_vus(&self, now: Time) -> u64 {
        let planned = self.layout.at(now).placement.planned_vus();
        let made = u64::from(planned) + u64::from(self.shared.extra_vus());
        let withdrawn: u64 = self.scenarios().map(|s| self.shared.scenario(s).withdrawn()).sum();
        made.saturating_sub(withdrawn)
    }

    /// How one scenario is doing at `now`.
    pub fn scenario_progress(&self, scenario: ScenarioIndex, now: Time) -> ScenarioProgress {
        let work = &self.layout.at(now).works[scenario.index()];
        let shared = self.shared.scenario(scenario);
        let ended_at = shared.ended_at();
        let elapsed = shared.clock.elapsed(work.start, ended_at.unwrap_or(now));
        let duration = (!work.regular_end.is_never()).then(|| work.regular_end.since(work.start));
        let detail = self.detail(scenario, work, elapsed);
        let is_closed = self.stock(scenario).is_some_and(Stock::is_closed);
        let fraction = match (&detail, duration) {
            // A worker may run more or less than its share of them.
            (Detail::Shared { .. } | Detail::PerVu { .. }, _) if is_closed => 1.0,
            (Detail::Shared { started, total, .. } | Detail::PerVu { started, total, .. }, _) => {
                if *total == 0 { 1.0 } else { (*started as f64 / *total as f64).min(1.0) }
            }
            // Stages that end in nothing end with what they started last.
            (Detail::Ramping { .. } | Detail::Arrivals { .. }, _)
                if ended_at.is_some() && !shared.was_cut_short() =>
            {
                1.0
            }
            (_, Some(duration)) if !duration.is_zero() => {
                (elapsed.as_secs_f64() / duration.as_secs_f64()).min(1.0)
            }
            (_, Some(_)) => 1.0,
            (_, None) => f64::from(u8::from(ended_at.is_some())),
        };
        let state = if ended_at.is_some() {
            let undone = shared.was_cut_short() || fraction < 1.0;
            if undone { State::Unfinished } else { State::Done }
        } else if now < work.start {
            State::Waiting
        } else if duration.is_none_or(|duration| elapsed < duration) && !shared.was_cut_short() {
            State::Running
        } else {
            State::Stopping
        };
        let (mut active_vus, mut complete, mut interrupted, mut dropped) = (0, 0, 0, 0);
        for cell in self.shared.cells(scenario) {
            active_vus += cell.active.get();
            complete += cell.complete.get();
            interrupted += cell.interrupted.get();
            dropped += cell.dropped.get();
        }
        let waiting = work.start.since(now);
        ScenarioProgress {
            state,
            elapsed,
            waiting,
            duration,
            fraction,
            active_vus,
            complete,
            interrupted,
            dropped,
            detail,
        }
    }

    fn detail(&self, scenario: ScenarioIndex, work: &Work, elapsed: Duration) -> Detail {
        let shared = self.shared.scenario(scenario);
        match &work.kind {
            Kind::ConstantVus { vus } => Detail::Constant { vus: *vus },
            Kind::RampingVus { peak, .. } => Detail::Ramping { max_vus: *peak },
            Kind::SharedIterations { vus, iterations } => {
                let started = match shared.stock {
                    Some(_) => shared.sequence().peek(),
                    None => self.shared_started(scenario, *iterations),
                };
                Detail::Shared { vus: *vus, started, total: *iterations }
            }
            Kind::PerVuIterations { vus, iterations } => {
                let total = vus.saturating_mul(*iterations);
                Detail::PerVu {
                    vus: *vus,
                    started: match shared.stock {
                        Some(_) => shared.sequence().peek(),
                        None => shared.sequence().peek().min(total),
                    },
                    total,
                    each: *iterations,
                }
            }
            Kind::Arrivals { starts, pre_allocated_vus, max_vus, time_unit } => {
                let share = work.iteration_slots.share();
                let rate = match starts {
                    Starts::Constant(rate) => rate.rate(),
                    Starts::Ramping(rate) => rate.rate_at(elapsed),
                };
                Detail::Arrivals {
                    vus: pre_allocated_vus + u64::from(shared.growth.used()),
                    max_vus: *max_vus,
                    rate: rate * share,
                    time_unit: *time_unit,
                }
            }
            Kind::ExternallyControlled { .. } => {
                let (vus, max_vus) = shared.controlled();
                Detail::Controlled { vus, max_vus }
            }
        }
    }

    /// Started iterations of a shared counter; once it is closed, those that were not dropped.
    fn shared_started(&self, scenario: ScenarioIndex, total: u64) -> u64 {
        let dropped: u64 = self.shared.cells(scenario).map(|cell| cell.dropped.get()).sum();
        shared_iterations::taken(self.shared.scenario(scenario).sequence(), total) - dropped.min(total)
    }
}
