//! Scenarios and their executors, validated: what the engine schedules.
//!
//! Everything here is whole-test: counts and rates are those of the script, not of one worker.
//! Which share of them a worker runs is decided by [`crate::segment`] alone.

use std::collections::BTreeMap;
use std::time::Duration;

/// A validated scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its key in `options.scenarios`; `default` for the shortcuts (`vus`, `duration`, `stages`, …).
    pub name: String,
    /// When it starts, counted from the start of the run phase.
    pub start_time: Duration,
    /// How long a running iteration may go on once the executor's own time is over.
    pub graceful_stop: Duration,
    /// The exported function that an iteration calls.
    pub exec: String,
    /// Entries laid over `__ENV` while a virtual user runs this scenario.
    pub env: BTreeMap<String, String>,
    /// Tags on every sample of this scenario.
    pub tags: BTreeMap<String, String>,
    /// What starts iterations, and when.
    pub executor: Executor,
}

/// One step of a ramp: reach `target` (virtual users, or iterations per time unit) after `duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Length of the ramp; zero is an instant jump.
    pub duration: Duration,
    /// The value at the end of the stage.
    pub target: u64,
}

/// The seven executors, with their validated settings.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// `iterations` shared among `vus`, first come first served.
    SharedIterations {
        /// Virtual users, at least one.
        vus: u64,
        /// Iterations in total, at least `vus`.
        iterations: u64,
        /// No iteration starts after this.
        max_duration: Duration,
    },
    /// Each of `vus` runs `iterations`.
    PerVuIterations {
        /// Virtual users, at least one.
        vus: u64,
        /// Iterations of each virtual user, at least one.
        iterations: u64,
        /// No iteration starts after this.
        max_duration: Duration,
    },
    /// `vus` loop for `duration`.
    ConstantVus {
        /// Virtual users, at least one.
        vus: u64,
        /// No iteration starts after this.
        duration: Duration,
    },
    /// The number of looping virtual users follows `stages`.
    RampingVus {
        /// Virtual users at the start.
        start_vus: u64,
        /// The ramps, at least one; somewhere they or `start_vus` are above zero.
        stages: Vec<Stage>,
        /// How long a running iteration may go on once its virtual user is ramped down.
        graceful_ramp_down: Duration,
    },
    /// `rate` iterations start in each `time_unit`, evenly spaced.
    ConstantArrivalRate {
        /// Starts per `time_unit`, at least one.
        rate: u64,
        /// What `rate` is counted in, above zero.
        time_unit: Duration,
        /// No iteration starts after this.
        duration: Duration,
        /// Virtual users made before the start.
        pre_allocated_vus: u64,
        /// Virtual users at most, at least `pre_allocated_vus`. Zero is possible: nothing starts then.
        max_vus: u64,
    },
    /// The start rate (per `time_unit`) follows `stages`.
    RampingArrivalRate {
        /// Starts per `time_unit` at the start.
        start_rate: u64,
        /// What rates are counted in, above zero.
        time_unit: Duration,
        /// The ramps of the rate, at least one. The rate may be zero throughout: nothing starts then.
        stages: Vec<Stage>,
        /// Virtual users made before the start.
        pre_allocated_vus: u64,
        /// Virtual users at most, at least `pre_allocated_vus`. Zero is possible: nothing starts then.
        max_vus: u64,
    },
    /// Looping virtual users whose number is set from outside; no `duration` means "until stopped".
    ExternallyControlled {
        /// Virtual users at the start.
        vus: u64,
        /// Virtual users at most, at least `vus`. Zero is possible: nothing starts then.
        max_vus: u64,
        /// No iteration starts after this.
        duration: Option<Duration>,
    },
}

impl Executor {
    /// The executor's name in `options.scenarios`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SharedIterations { .. } => "shared-iterations",
            Self::PerVuIterations { .. } => "per-vu-iterations",
            Self::ConstantVus { .. } => "constant-vus",
            Self::RampingVus { .. } => "ramping-vus",
            Self::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Self::RampingArrivalRate { .. } => "ramping-arrival-rate",
            Self::ExternallyControlled { .. } => "externally-controlled",
        }
    }

    /// The time during which iterations may start; `None` has no end of its own.
    pub fn regular_duration(&self) -> Option<Duration> {
        match self {
            Self::SharedIterations { max_duration, .. } | Self::PerVuIterations { max_duration, .. } => {
                Some(*max_duration)
            }
            Self::ConstantVus { duration, .. } | Self::ConstantArrivalRate { duration, .. } => {
                Some(*duration)
            }
            Self::RampingVus { stages, .. } | Self::RampingArrivalRate { stages, .. } => {
                Some(stages.iter().map(|s| s.duration).sum())
            }
            Self::ExternallyControlled { duration, .. } => *duration,
        }
    }
}
