//! The moments at which a plan begins something else, for the charts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Executor, Plan, Scenario, Stage};

/// Where there are more, their lines would hide what they are drawn upon.
const MOST: usize = 60;

/// A moment of the run phase, and what begins or ends at it, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Counted from the start of the run phase.
    pub at: Duration,
    /// What turns.
    pub text: String,
}

impl Plan {
    /// Where stages and scenarios begin and end, in order, without the begin and the end of the whole; none where there are
    /// too many to be told apart.
    pub fn turns(&self) -> Vec<Turn> {
        let mut turns: BTreeMap<Duration, Vec<String>> = BTreeMap::new();
        let several = self.scenarios.len() > 1;
        for scenario in &self.scenarios {
            let name = if several { format!("{}: ", scenario.name) } else { String::new() };
            let begin = scenario.start_time;
            let mut tell = |at: Duration, text: String| turns.entry(at).or_default().push(text);
            tell(begin, format!("{} begins", scenario.name));
            for (at, text) in stages(scenario) {
                tell(begin + at, name.clone() + &text);
            }
            // Who is controlled from outside can be paused; iterations that are counted end when they are done.
            let is_timed = several
                && !matches!(
                    scenario.executor,
                    Executor::ExternallyControlled { .. }
                        | Executor::SharedIterations { .. }
                        | Executor::PerVuIterations { .. }
                );
            if let Some(length) = scenario.executor.regular_duration().filter(|_| is_timed) {
                tell(begin + length, format!("{} ends", scenario.name));
            }
        }
        let end = self
            .scenarios
            .iter()
            .filter_map(|one| Some(one.start_time + one.executor.regular_duration()?))
            .max();
        turns.retain(|at, _| !at.is_zero() && Some(*at) != end);
        if turns.len() > MOST {
            return Vec::new();
        }
        turns.into_iter().map(|(at, texts)| Turn { at, text: texts.join("; ") }).collect()
    }
}

/// Where stages begin that are not the first, counted from the start of their scenario.
fn stages(scenario: &Scenario) -> Vec<(Duration, String)> {
    let (start, stages, unit, each): (u64, &[Stage], _, f64) = match &scenario.executor {
        Executor::RampingVus { start_vus, stages, .. } => (*start_vus, stages, "virtual users", 1.0),
        Executor::RampingArrivalRate { start_rate, time_unit, stages, .. } => {
            (*start_rate, stages, "iterations/s", time_unit.as_secs_f64())
        }
        _ => return Vec::new(),
    };
    let (mut at, mut level) = (Duration::ZERO, start);
    let mut told = Vec::new();
    for (number, stage) in (1..).zip(stages) {
        let value = (stage.target as f64 / each * 1000.0).round() / 1000.0;
        let way = match () {
            () if stage.duration.is_zero() => "at once",
            () if stage.target == level => "stays at",
            () => "to",
        };
        if number > 1 {
            told.push((at, format!("stage {number} of {}: {way} {value} {unit}", stages.len())));
        }
        at += stage.duration;
        level = stage.target;
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Options;

    fn turns(options: &serde_json::Value) -> Vec<(u64, String)> {
        let (options, _) = Options::from_script(options).expect("valid");
        let (plan, _) = Plan::new(&options).expect("valid");
        plan.turns().into_iter().map(|turn| (turn.at.as_secs(), turn.text)).collect()
    }

    #[test]
    fn stages_begin_where_those_before_them_end() {
        let stages = json!([
            { "duration": "30s", "target": 10 }, { "duration": "1m", "target": 10 },
            { "duration": "0s", "target": 3 }, { "duration": "20s", "target": 0 },
        ]);
        let expected = [
            (30, "stage 2 of 4: stays at 10 virtual users"),
            (90, "stage 3 of 4: at once 3 virtual users; stage 4 of 4: to 0 virtual users"),
        ];
        assert_eq!(turns(&json!({ "stages": stages })), expected.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn scenarios_begin_and_end() {
        let scenarios = json!({
            "a": { "executor": "constant-vus", "vus": 5, "duration": "60s" },
            "b": { "executor": "ramping-arrival-rate", "preAllocatedVUs": 1, "startRate": 0, "timeUnit": "1m", "startTime": "20s",
                "stages": [{ "duration": "20s", "target": 30 }, { "duration": "40s", "target": 0 }] },
        });
        let expected = [(20, "b begins"), (40, "b: stage 2 of 2: to 0 iterations/s"), (60, "a ends")];
        assert_eq!(
            turns(&json!({ "scenarios": scenarios })),
            expected.map(|(at, text)| (at, text.to_owned()))
        );
    }

    #[test]
    fn what_has_no_stages_or_too_many_has_none() {
        assert_eq!(turns(&json!({ "vus": 2, "iterations": 9 })), []);
        let stages: Vec<_> = (0..200).map(|at| json!({ "duration": "1s", "target": at % 7 })).collect();
        assert_eq!(turns(&json!({ "stages": stages })), []);
    }
}
