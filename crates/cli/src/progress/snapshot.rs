//! What the progress display needs to know at one moment.

use std::time::Duration;

/// The run at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What the whole run is doing.
    pub phase: Phase,
    /// The longest that the run may take, graceful stops included; fixes the width of the clock.
    pub max_duration: Duration,
    /// The most virtual users that the plan has; fixes the width of their numbers.
    pub max_vus: u64,
    /// One entry for each scenario, in the order of the plan.
    pub scenarios: Vec<ScenarioProgress>,
}

/// What the whole run is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Virtual users are made.
    Init {
        /// Those that are ready.
        ready: u64,
        /// Those that the plan needs.
        total: u64,
    },
    /// Waiting to be resumed, before or while running.
    Paused,
    /// `setup()` runs.
    Setup,
    /// Scenarios run, or have run and `teardown()` does.
    Running {
        /// Time since the run phase began, `setup()` included.
        elapsed: Duration,
        /// Virtual users that run an iteration or loop.
        active: u64,
        /// Virtual users that exist.
        initialised: u64,
        /// Iterations that went to their end.
        complete: u64,
        /// Iterations that were cut short.
        interrupted: u64,
    },
}

/// One scenario at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioProgress {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// The time during which it starts iterations; `None` has no end of its own.
    pub duration: Option<Duration>,
    /// What its executor counts.
    pub work: Work,
}

/// Where a scenario stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The run phase has not begun.
    Created,
    /// Its `startTime` has not come.
    Waiting {
        /// Its `startTime`.
        start: Duration,
        /// What is left of it.
        left: Duration,
    },
    /// It starts iterations.
    Running {
        /// Time since its start.
        elapsed: Duration,
    },
    /// It starts none any more and waits for those that run.
    Stopping {
        /// Time since its start.
        elapsed: Duration,
    },
    /// It did all it had to do.
    Done {
        /// Time from its start to its end.
        elapsed: Duration,
    },
    /// It ended with work left undone, or was aborted.
    Unfinished {
        /// Time from its start to its end.
        elapsed: Duration,
    },
}

/// What the executor of a scenario counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// `shared-iterations`.
    SharedIterations {
        /// Virtual users that share the work.
        vus: u64,
        /// Iterations that ended.
        done: u64,
        /// Iterations in all.
        total: u64,
    },
    /// `per-vu-iterations`.
    PerVuIterations {
        /// Virtual users.
        vus: u64,
        /// Iterations that ended, of all virtual users.
        done: u64,
        /// Iterations of each.
        each: u64,
    },
    /// `constant-vus`.
    ConstantVus {
        /// Virtual users.
        vus: u64,
    },
    /// `ramping-vus`.
    RampingVus {
        /// Virtual users that loop now.
        active: u64,
        /// The most that any stage asks for.
        max: u64,
    },
    /// `constant-arrival-rate` and `ramping-arrival-rate`.
    ArrivalRate {
        /// Virtual users that run an iteration now.
        busy: u64,
        /// Virtual users that exist for this scenario.
        initialised: u64,
        /// `maxVUs`.
        max: u64,
        /// Starts per second that the schedule asks for now.
        rate: f64,
        /// The highest rate of the schedule; fixes the width of the number.
        peak_rate: f64,
    },
    /// `externally-controlled`.
    External {
        /// Virtual users that loop now.
        active: u64,
        /// The most there may be.
        max: u64,
    },
}

impl ScenarioProgress {
    /// How much is done, from 0 to 1: by iterations where they are counted, else by time.
    pub(super) fn fraction(&self) -> f64 {
        let fraction = match (self.status, self.work) {
            (Status::Created | Status::Waiting { .. }, _) => 0.0,
            (_, Work::SharedIterations { done, total, .. }) => share(done, total),
            (_, Work::PerVuIterations { vus, done, each }) => share(done, vus.saturating_mul(each)),
            (status, _) => match (status.elapsed(), self.duration) {
                (Some(elapsed), Some(total)) if !total.is_zero() => {
                    elapsed.as_secs_f64() / total.as_secs_f64()
                }
                _ => 1.0,
            },
        };
        fraction.clamp(0.0, 1.0)
    }
}

impl Status {
    /// Time since the scenario's start, once it has started.
    pub(super) fn elapsed(self) -> Option<Duration> {
        match self {
            Self::Created | Self::Waiting { .. } => None,
            Self::Running { elapsed }
            | Self::Stopping { elapsed }
            | Self::Done { elapsed }
            | Self::Unfinished { elapsed } => Some(elapsed),
        }
    }
}

fn share(done: u64, total: u64) -> f64 {
    if total == 0 { 1.0 } else { done as f64 / total as f64 }
}
