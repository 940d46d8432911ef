//! Validation of scenarios into what the engine schedules. It goes on after a problem, so that all
//! problems of all scenarios are noted.

use std::time::Duration;

use serde_json::json;

use super::{ExecutorKind, ScenarioLayer, Scenarios};
use crate::duration::Span;
use crate::reader::Reader;
use crate::scenario::{Executor, Scenario, Stage};
use crate::value::stages::StageLayer;

/// The most virtual users (or starts per time unit) a stage may aim at.
const MAX_TARGET: i64 = 100_000_000;
/// The shortest time that a scenario may be given.
const MIN_DURATION: Duration = Duration::from_secs(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const THIRTY_SECONDS: Duration = Duration::from_secs(30);

/// Validates scenarios; every problem of every scenario is noted.
pub(crate) fn validate(scenarios: &Scenarios, at: &mut Reader) -> Vec<Scenario> {
    let mut valid: Vec<Scenario> = scenarios
        .0
        .iter()
        .filter_map(|(name, layer)| at.member(name, |at| scenario(name, layer, at)))
        .collect();
    // The map is in order of names already and the sort is stable.
    valid.sort_by_key(|scenario| scenario.start_time);
    valid
}

fn scenario(name: &str, layer: &ScenarioLayer, at: &mut Reader) -> Option<Scenario> {
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !named {
        at.invalid::<()>(json!(name), "a name of latin letters, digits, underscores and dashes");
    }
    if layer.exec.as_deref() == Some("") {
        at.member("exec", |at| at.invalid::<()>("\"\"", "the name of an exported function"));
    }
    let start_time = not_negative("startTime", layer.start_time, Duration::ZERO, at);
    let graceful_stop = match (layer.executor, layer.graceful_stop) {
        (ExecutorKind::ExternallyControlled, None) => Some(Duration::ZERO),
        (ExecutorKind::ExternallyControlled, Some(given)) => {
            let expected = "nothing: externally-controlled has no gracefulStop";
            at.member("gracefulStop", |at| at.invalid(given, expected))
        }
        (_, given) => not_negative("gracefulStop", given, THIRTY_SECONDS, at),
    };
    // Read before the question marks, so that its problems are noted in any case.
    let executor = executor(layer, at);
    Some(Scenario {
        name: name.to_owned(),
        start_time: start_time?,
        graceful_stop: graceful_stop?,
        exec: layer.exec.clone().unwrap_or_else(|| "default".to_owned()),
        env: layer.env.clone().unwrap_or_default(),
        tags: layer.tags.clone().unwrap_or_default(),
        executor: executor?,
    })
}

fn executor(layer: &ScenarioLayer, at: &mut Reader) -> Option<Executor> {
    match layer.executor {
        ExecutorKind::SharedIterations => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let iterations = count("iterations", layer.iterations.or(Some(1)), 1, at);
            let max_duration = max_duration(layer, at);
            if let (Some(vus), Some(iterations)) = (vus, iterations)
                && iterations < vus
            {
                let expected = format!("at least as many as vus ({vus})");
                at.member("iterations", |at| at.invalid::<()>(iterations, expected));
            }
            Some(Executor::SharedIterations {
                vus: vus?,
                iterations: iterations?,
                max_duration: max_duration?,
            })
        }
        ExecutorKind::PerVuIterations => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let iterations = count("iterations", layer.iterations.or(Some(1)), 1, at);
            let max_duration = max_duration(layer, at);
            Some(Executor::PerVuIterations {
                vus: vus?,
                iterations: iterations?,
                max_duration: max_duration?,
            })
        }
        ExecutorKind::ConstantVus => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let duration = required_duration(layer, at);
            Some(Executor::ConstantVus { vus: vus?, duration: duration? })
        }
        ExecutorKind::RampingVus => {
            let start_vus = count("startVUs", layer.start_vus.or(Some(1)), 0, at);
            let stages = stages(layer, at);
            let graceful_ramp_down =
                not_negative("gracefulRampDown", layer.graceful_ramp_down, THIRTY_SECONDS, at);
            if let (Some(0), Some(stages)) = (start_vus, &stages)
                && stages.iter().all(|stage| stage.target == 0)
            {
                at.member("stages", |at| {
                    at.invalid::<()>("without virtual users", "startVUs or the target of a stage above 0")
                });
            }
            Some(Executor::RampingVus {
                start_vus: start_vus?,
                stages: stages?,
                graceful_ramp_down: graceful_ramp_down?,
            })
        }
        ExecutorKind::ConstantArrivalRate => {
            let rate = count("rate", layer.rate, 1, at);
            let time_unit = time_unit(layer, at);
            let duration = required_duration(layer, at);
            let vus = pool(layer, at);
            let (pre_allocated_vus, max_vus) = vus?;
            Some(Executor::ConstantArrivalRate {
                rate: rate?,
                time_unit: time_unit?,
                duration: duration?,
                pre_allocated_vus,
                max_vus,
            })
        }
        ExecutorKind::RampingArrivalRate => {
            let start_rate = count("startRate", layer.start_rate.or(Some(0)), 0, at);
            let time_unit = time_unit(layer, at);
            let stages = stages(layer, at);
            let vus = pool(layer, at);
            let (pre_allocated_vus, max_vus) = vus?;
            Some(Executor::RampingArrivalRate {
                start_rate: start_rate?,
                time_unit: time_unit?,
                stages: stages?,
                pre_allocated_vus,
                max_vus,
            })
        }
        ExecutorKind::ExternallyControlled => {
            let vus = count("vus", layer.vus.or(Some(0)), 0, at);
            let max_vus = if layer.max_vus.is_some() { count("maxVUs", layer.max_vus, 0, at) } else { vus };
            if let (Some(vus), Some(max_vus)) = (vus, max_vus)
                && max_vus < vus
            {
                at.member("maxVUs", |at| {
                    at.invalid::<()>(max_vus, format!("at least as many as vus ({vus})"))
                });
            }
            let duration = match layer.duration {
                None => at.member("duration", |at| at.missing("a duration, or 0 to run until stopped")),
                given => not_negative("duration", given, Duration::ZERO, at),
            };
            let duration = Some(duration?).filter(|duration| !duration.is_zero());
            Some(Executor::ExternallyControlled { vus: vus?, max_vus: max_vus?, duration })
        }
    }
}

/// A number of things that has to be given and be at least `least`.
fn count(name: &str, given: Option<i64>, least: u64, at: &mut Reader) -> Option<u64> {
    at.member(name, |at| {
        let Some(given) = given else { return at.missing(format!("a whole number, at least {least}")) };
        let number = u64::try_from(given).ok().filter(|number| *number >= least);
        number.or_else(|| at.invalid(given, format!("at least {least}")))
    })
}

fn not_negative(name: &str, given: Option<Span>, default: Duration, at: &mut Reader) -> Option<Duration> {
    let Some(given) = given else { return Some(default) };
    let valid = given.to_duration();
    valid.or_else(|| at.member(name, |at| at.invalid(given, "a duration that is not negative")))
}

fn at_least_a_second(name: &str, given: Span, at: &mut Reader) -> Option<Duration> {
    let valid = given.to_duration().filter(|duration| *duration >= MIN_DURATION);
    valid.or_else(|| at.member(name, |at| at.invalid(given, "at least 1s")))
}

fn max_duration(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    at_least_a_second("maxDuration", layer.max_duration.unwrap_or(TEN_MINUTES.into()), at)
}

fn required_duration(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    match layer.duration {
        None => at.member("duration", |at| at.missing("a duration, at least 1s")),
        Some(duration) => at_least_a_second("duration", duration, at),
    }
}

fn time_unit(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    let given = layer.time_unit.unwrap_or(MIN_DURATION.into());
    let valid = given.to_duration().filter(|unit| !unit.is_zero());
    valid.or_else(|| at.member("timeUnit", |at| at.invalid(given, "a duration above 0")))
}

fn pool(layer: &ScenarioLayer, at: &mut Reader) -> Option<(u64, u64)> {
    let pre_allocated = count("preAllocatedVUs", layer.pre_allocated_vus, 0, at)?;
    let Some(max) = layer.max_vus else { return Some((pre_allocated, pre_allocated)) };
    let max = count("maxVUs", Some(max), 0, at)?;
    if max < pre_allocated {
        let expected = format!("at least as many as preAllocatedVUs ({pre_allocated})");
        return at.member("maxVUs", |at| at.invalid(max, expected));
    }
    Some((pre_allocated, max))
}

fn stages(layer: &ScenarioLayer, at: &mut Reader) -> Option<Vec<Stage>> {
    at.member("stages", |at| {
        let given = layer.stages.as_ref().map_or(&[][..], |stages| stages.0.as_slice());
        if given.is_empty() {
            return at.missing("at least one stage {duration, target}");
        }
        let stage = |at: &mut Reader, given: &StageLayer| {
            let duration = match given.duration {
                None => at.member("duration", |at| at.missing("a duration")),
                given => not_negative("duration", given, Duration::ZERO, at),
            };
            let target = count("target", given.target, 0, at);
            if target.is_some_and(|target| target > MAX_TARGET as u64) {
                at.member("target", |at| at.invalid::<()>(json!(target), format!("at most {MAX_TARGET}")));
            }
            Some(Stage { duration: duration?, target: target? })
        };
        let stages: Vec<Option<Stage>> =
            given.iter().enumerate().map(|(i, given)| at.element(i, |at| stage(at, given))).collect();
        stages.into_iter().collect()
    })
}
