//! Scenarios in words, as the header of a run shows them.
//!
//! Numbers are those of this instance, not of the whole test: what its segment leaves of virtual users,
//! iterations and rates.

use std::time::Duration;

use crate::duration::format as time;
use crate::{Executor, Plan, Scenario, Slots, Stage};

impl Plan {
    /// The first line: `(100.00%) 2 scenarios, 4 max VUs, 33s max duration (incl. graceful stop):`.
    /// `max_vus` is the number of virtual users that the engine keeps for the plan.
    pub fn headline(&self, max_vus: u64) -> String {
        let count = self.scenarios.len();
        let plural = if count == 1 { "" } else { "s" };
        format!(
            "({:.2}%) {count} scenario{plural}, {max_vus} max VUs, {} max duration (incl. graceful stop):",
            self.slots.share() * 100.0,
            time(self.max_duration()),
        )
    }

    /// One line for each scenario: `reads: 2 looping VUs for 2s (exec: reads, gracefulStop: 1s)`.
    pub fn descriptions(&self) -> Vec<String> {
        let line = |scenario: &Scenario| format!("{}: {}", scenario.name, scenario.describe(&self.slots));
        self.scenarios.iter().map(line).collect()
    }

    /// The time after which no iteration of this instance can run any more; scenarios without end do
    /// not count.
    pub fn max_duration(&self) -> Duration {
        self.scenarios.iter().map(|scenario| scenario.latest_end(&self.slots)).max().unwrap_or_default()
    }
}

impl Scenario {
    /// What it does, in words.
    pub fn describe(&self, slots: &Slots) -> String {
        let (does, mut facts) = self.executor.describe(slots);
        if self.exec != "default" {
            facts.push(format!("exec: {}", self.exec));
        }
        if !self.start_time.is_zero() {
            facts.push(format!("startTime: {}", time(self.start_time)));
        }
        if !self.graceful_stop.is_zero() {
            facts.push(format!("gracefulStop: {}", time(self.graceful_stop)));
        }
        if facts.is_empty() { does } else { format!("{does} ({})", facts.join(", ")) }
    }

    /// When its last iteration has to be over; zero if this instance has no part in it, or if it has no
    /// end of its own.
    fn latest_end(&self, slots: &Slots) -> Duration {
        let whole = self.executor.regular_duration().map(|regular| regular + self.graceful_stop);
        let length = match &self.executor {
            Executor::RampingVus { start_vus, stages, graceful_ramp_down } => {
                let last = slots.iter().next().and_then(|first| last_needed(first, *start_vus, stages));
                match (last, whole) {
                    (Some(Needed::Until(last)), Some(whole)) => Some(whole.min(last + *graceful_ramp_down)),
                    (Some(Needed::ToTheEnd), whole) => whole,
                    _ => None,
                }
            }
            // Not dealt by segments: each instance has all of it.
            Executor::ExternallyControlled { max_vus, .. } => whole.filter(|_| *max_vus > 0),
            executor => whole.filter(|_| slots.scale(executor.max_vus()) > 0),
        };
        length.map_or(Duration::ZERO, |length| self.start_time + length)
    }
}

impl Executor {
    /// The most virtual users that it uses at a time, not counting those that are ramping down.
    pub fn max_vus(&self) -> u64 {
        match self {
            Self::SharedIterations { vus, .. }
            | Self::PerVuIterations { vus, .. }
            | Self::ConstantVus { vus, .. } => *vus,
            Self::RampingVus { start_vus, stages, .. } => highest(*start_vus, stages),
            Self::ConstantArrivalRate { max_vus, .. }
            | Self::RampingArrivalRate { max_vus, .. }
            | Self::ExternallyControlled { max_vus, .. } => *max_vus,
        }
    }

    fn describe(&self, slots: &Slots) -> (String, Vec<String>) {
        match self {
            Self::SharedIterations { vus, iterations, max_duration } => (
                format!(
                    "{} iterations shared among {} VUs",
                    slots.in_proportion_to(*vus).scale(*iterations),
                    slots.scale(*vus)
                ),
                vec![format!("maxDuration: {}", time(*max_duration))],
            ),
            Self::PerVuIterations { vus, iterations, max_duration } => (
                format!("{iterations} iterations for each of {} VUs", slots.scale(*vus)),
                vec![format!("maxDuration: {}", time(*max_duration))],
            ),
            Self::ConstantVus { vus, duration } => {
                (format!("{} looping VUs for {}", slots.scale(*vus), time(*duration)), vec![])
            }
            Self::RampingVus { start_vus, stages, graceful_ramp_down } => (
                format!(
                    "Up to {} looping VUs for {}",
                    slots.scale(highest(*start_vus, stages)),
                    over(stages)
                ),
                vec![format!("gracefulRampDown: {}", time(*graceful_ramp_down))],
            ),
            Self::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus } => {
                let share = slots.in_proportion_to(*max_vus).share();
                let rate = per_second(*rate, *time_unit, share);
                let vus = pool(slots, *pre_allocated_vus, *max_vus);
                (format!("{rate:.2} iterations/s for {}", time(*duration)), vec![vus])
            }
            Self::RampingArrivalRate { start_rate, time_unit, stages, pre_allocated_vus, max_vus } => {
                // The plain share, unlike above: observed on k6 1.1.
                let rate = per_second(highest(*start_rate, stages), *time_unit, slots.share());
                let vus = pool(slots, *pre_allocated_vus, *max_vus);
                (format!("Up to {rate:.2} iterations/s for {}", over(stages)), vec![vus])
            }
            Self::ExternallyControlled { vus, max_vus, duration } => {
                let duration = duration.map_or("infinite".to_owned(), time);
                let does = "Externally controlled execution with";
                (format!("{does} {vus} VUs, {max_vus} max VUs, {duration} duration"), vec![])
            }
        }
    }
}

fn highest(start: u64, stages: &[Stage]) -> u64 {
    stages.iter().map(|stage| stage.target).fold(start, u64::max)
}

fn over(stages: &[Stage]) -> String {
    let total: Duration = stages.iter().map(|stage| stage.duration).sum();
    format!("{} over {} stages", time(total), stages.len())
}

fn per_second(rate: u64, time_unit: Duration, share: f64) -> f64 {
    rate as f64 * share / time_unit.as_secs_f64()
}

fn pool(slots: &Slots, pre_allocated: u64, max: u64) -> String {
    match (slots.scale(pre_allocated), slots.scale(max)) {
        (least, most) if least == most => format!("maxVUs: {most}"),
        (least, most) => format!("maxVUs: {least}-{most}"),
    }
}

enum Needed {
    Until(Duration),
    ToTheEnd,
}

/// When a ramp needs the virtual user with this global index for the last time. On the way down user `k`
/// (counted from 0) goes when the line reaches `k`.
fn last_needed(index: u64, start: u64, stages: &[Stage]) -> Option<Needed> {
    let mut last = None;
    let mut from = start;
    let mut begin = Duration::ZERO;
    for stage in stages {
        let end = begin + stage.duration;
        if from > index && stage.target <= index {
            let part = (from - index) as f64 / (from - stage.target) as f64;
            last = Some(Needed::Until(begin + stage.duration.mul_f64(part)));
        } else if stage.target > index {
            last = Some(Needed::ToTheEnd);
        }
        (from, begin) = (stage.target, end);
    }
    last
}
