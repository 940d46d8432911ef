//! When a plan's load is at its highest: what "by the peak" means in a threshold.
//!
//! Loads of virtual users add up, and rates do. Where a plan has both, each scenario counts by the part of its own highest.

use std::time::Duration;

use crate::{Executor, Plan, Scenario, Stage};

/// From when until when, counted from the start of the run phase, the load is at its highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// It is reached for the first time.
    pub reached: Duration,
    /// It is left for good.
    pub left: Duration,
}

/// Just before a moment, or at it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    At,
}

impl Plan {
    /// The planned load at a moment of the run phase, and what it is counted in; none as for [`Plan::peak`].
    pub fn load(&self, at: Duration) -> Option<(f64, &'static str)> {
        self.scenarios.iter().map(turns).collect::<Option<Vec<_>>>()?;
        let unit = match self.rates() {
            0 => "virtual users",
            rates if rates == self.scenarios.len() => "iterations/s",
            _ => "scenarios' full load",
        };
        Some((self.total(at, Side::At), unit))
    }

    fn rates(&self) -> usize {
        self.scenarios.iter().filter(|scenario| is_rate(&scenario.executor)).count()
    }

    fn total(&self, at: Duration, side: Side) -> f64 {
        let rates = self.rates();
        let mixed = rates > 0 && rates < self.scenarios.len();
        let of = |scenario: &Scenario| {
            let load = load(scenario, at, side);
            let highest = if mixed { highest(&scenario.executor) } else { 1.0 };
            if highest > 0.0 { load / highest } else { 0.0 }
        };
        self.scenarios.iter().map(of).sum()
    }

    /// The peak; none where the load depends on how long iterations take, or on who controls it, or is nothing.
    pub fn peak(&self) -> Option<Peak> {
        let mut moments = Vec::new();
        for scenario in &self.scenarios {
            moments.extend(turns(scenario)?);
        }
        moments.sort_unstable();
        moments.dedup();
        let at = |moment: &Duration| [self.total(*moment, Side::Before), self.total(*moment, Side::At)];
        let top = moments.iter().flat_map(at).fold(0.0, f64::max);
        let reaches = |moment: &&Duration| at(moment).into_iter().any(|load| load >= top * (1.0 - 1e-9));
        let reached = *moments.iter().find(reaches)?;
        let left = *moments.iter().rev().find(reaches)?;
        (top > 0.0).then_some(Peak { reached, left })
    }
}

fn is_rate(executor: &Executor) -> bool {
    matches!(executor, Executor::ConstantArrivalRate { .. } | Executor::RampingArrivalRate { .. })
}

/// The moments at which the load changes its course; none if that cannot be known.
fn turns(scenario: &Scenario) -> Option<Vec<Duration>> {
    let mut moments = vec![scenario.start_time];
    match &scenario.executor {
        Executor::SharedIterations { .. }
        | Executor::PerVuIterations { .. }
        | Executor::ExternallyControlled { .. } => return None,
        Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
            let mut at = scenario.start_time;
            for stage in stages {
                at += stage.duration;
                moments.push(at);
            }
        }
        other => moments.push(scenario.start_time + other.regular_duration()?),
    }
    Some(moments)
}

fn load(scenario: &Scenario, at: Duration, side: Side) -> f64 {
    let Some(at) = at.checked_sub(scenario.start_time) else { return 0.0 };
    let length = scenario.executor.regular_duration().unwrap_or_default();
    let begun = at > Duration::ZERO || side == Side::At;
    let over = at > length || (at == length && side == Side::At);
    if !begun || over {
        return 0.0;
    }
    match &scenario.executor {
        Executor::RampingVus { start_vus, stages, .. } => along(*start_vus, stages, at, side),
        Executor::RampingArrivalRate { start_rate, time_unit, stages, .. } => {
            along(*start_rate, stages, at, side) / time_unit.as_secs_f64()
        }
        other => highest(other),
    }
}

/// The value of a ramp.
fn along(start: u64, stages: &[Stage], at: Duration, side: Side) -> f64 {
    let (mut value, mut begin) = (start as f64, Duration::ZERO);
    for stage in stages {
        let (end, target) = (begin + stage.duration, stage.target as f64);
        if at < end || (at == end && side == Side::Before) {
            let part =
                at.saturating_sub(begin).as_secs_f64() / stage.duration.as_secs_f64().max(f64::MIN_POSITIVE);
            return value + (target - value) * part.min(1.0);
        }
        (value, begin) = (target, end);
    }
    value
}

fn highest(executor: &Executor) -> f64 {
    let of_stages =
        |start: u64, stages: &[Stage]| stages.iter().map(|stage| stage.target).fold(start, u64::max) as f64;
    match executor {
        Executor::ConstantVus { vus, .. } => *vus as f64,
        Executor::RampingVus { start_vus, stages, .. } => of_stages(*start_vus, stages),
        Executor::ConstantArrivalRate { rate, time_unit, .. } => *rate as f64 / time_unit.as_secs_f64(),
        Executor::RampingArrivalRate { start_rate, time_unit, stages, .. } => {
            of_stages(*start_rate, stages) / time_unit.as_secs_f64()
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Options;

    fn peak(options: serde_json::Value) -> Option<(u64, u64)> {
        let (options, _) = Options::from_script(&options).expect("valid");
        let (plan, _) = Plan::new(&options).expect("valid");
        plan.peak().map(|peak| (peak.reached.as_secs(), peak.left.as_secs()))
    }

    #[test]
    fn a_ramp_has_its_peak_where_its_highest_stage_ends() {
        let stages = json!([
            { "duration": "30s", "target": 10 }, { "duration": "1m", "target": 20 },
            { "duration": "30s", "target": 30 }, { "duration": "1m", "target": 20 },
            { "duration": "30s", "target": 0 },
        ]);
        assert_eq!(peak(json!({ "stages": stages })), Some((120, 120)));
    }

    #[test]
    fn a_plateau_is_left_where_it_ends() {
        let stages = json!([
            { "duration": "1m", "target": 9 }, { "duration": "5m", "target": 9 }, { "duration": "0s", "target": 3 },
            { "duration": "1m", "target": 3 },
        ]);
        assert_eq!(peak(json!({ "stages": stages })), Some((60, 360)));
        assert_eq!(peak(json!({ "vus": 5, "duration": "30s" })), Some((0, 30)));
    }

    #[test]
    fn scenarios_add_up() {
        let scenarios = json!({
            "a": { "executor": "constant-vus", "vus": 5, "duration": "60s" },
            "b": { "executor": "constant-vus", "vus": 1, "duration": "10s", "startTime": "20s" },
        });
        assert_eq!(peak(json!({ "scenarios": scenarios })), Some((20, 30)));
        let scenarios = json!({
            "a": { "executor": "constant-vus", "vus": 500, "duration": "60s" },
            "b": { "executor": "ramping-arrival-rate", "preAllocatedVUs": 1, "startRate": 0, "timeUnit": "1m",
                "stages": [{ "duration": "40s", "target": 60 }, { "duration": "40s", "target": 0 }] },
        });
        assert_eq!(peak(json!({ "scenarios": scenarios })), Some((40, 40)));
    }

    #[test]
    fn what_is_counted_has_none() {
        assert_eq!(peak(json!({ "vus": 2, "iterations": 9 })), None);
        let scenario = json!({ "executor": "per-vu-iterations", "vus": 2, "iterations": 9 });
        assert_eq!(peak(json!({ "scenarios": { "a": scenario } })), None);
    }
}
