//! What the page is shown of a run, from what the conductor has.

use serde_json::{Map, Value, json};
use throng_engine::{Detail, Progress, State};
use throng_metrics::threshold::Evaluation;
use throng_metrics::{Aggregate, GroupNode, Sink, Thresholds};
use throng_plan::{Executor, Plan};
use throng_server::{Check, Metric, Scenario, ScenarioState, Threshold};

pub(super) fn scenarios(plan: &Plan, progress: &Progress, has_begun: bool) -> Vec<Scenario> {
    let texts = plan.scenarios.iter().map(|scenario| scenario.describe(&plan.slots));
    plan.scenarios
        .iter()
        .zip(&progress.scenarios)
        .zip(texts)
        .map(|((scenario, now), text)| Scenario {
            name: scenario.name.clone(),
            executor: scenario.executor.name().to_owned(),
            progress: Some((now.fraction * 1_000.0).round() / 1_000.0).filter(|part| part.is_finite()),
            vus: now.active_vus,
            max_vus: match now.detail {
                Detail::Constant { vus } | Detail::Shared { vus, .. } | Detail::PerVu { vus, .. } => vus,
                Detail::Ramping { max_vus }
                | Detail::Arrivals { max_vus, .. }
                | Detail::Controlled { max_vus, .. } => max_vus,
            },
            iterations: now.complete + now.interrupted,
            state: match now.state {
                _ if !has_begun => ScenarioState::Waiting,
                State::Waiting => ScenarioState::Waiting,
                State::Running | State::Stopping => ScenarioState::Running,
                State::Done => ScenarioState::Finished,
                State::Unfinished => ScenarioState::Interrupted,
            },
            text,
        })
        .collect()
}

/// How many virtual users are wanted, where that is set from outside alone.
pub(super) fn controlled(progress: &Progress) -> Option<u64> {
    let wanted = progress.scenarios.iter().map(|scenario| match scenario.detail {
        Detail::Controlled { vus, .. } => Some(vus),
        _ => None,
    });
    wanted.sum()
}

/// How long the run will take in seconds, if that depends on time alone.
pub(super) fn planned(plan: &Plan) -> Option<f64> {
    let ends = plan.scenarios.iter().map(|scenario| match scenario.executor {
        Executor::SharedIterations { .. } | Executor::PerVuIterations { .. } => None,
        _ => Some((scenario.start_time + scenario.executor.regular_duration()?).as_secs_f64()),
    });
    ends.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

pub(in crate::run) fn thresholds(thresholds: &Thresholds, evaluation: &Evaluation) -> Vec<Threshold> {
    let of = |index| evaluation.verdicts.iter().find(|verdict| verdict.index == index);
    thresholds
        .iter()
        .enumerate()
        .map(|(index, threshold)| Threshold {
            metric: threshold.target.name.clone(),
            source: threshold.source.clone(),
            value: of(index).and_then(|verdict| verdict.observed).filter(|value| value.is_finite()),
            ok: of(index).map(|verdict| verdict.ok),
            abort: threshold.abort_on_fail,
        })
        .collect()
}

pub(super) fn checks(node: &GroupNode) -> Vec<Check> {
    let own = node.checks.iter().map(|check| Check {
        name: check.name.to_string(),
        group: node.path.to_string(),
        passes: check.counts.passes,
        fails: check.counts.fails,
    });
    own.chain(node.groups.iter().flat_map(checks)).collect()
}

/// `elapsed` is in seconds.
pub(super) fn metrics(aggregate: &Aggregate, elapsed: f64) -> Vec<Metric> {
    let registry = aggregate.registry();
    aggregate
        .totals()
        .map(|(metric, sink)| {
            let definition = registry.def(metric);
            Metric {
                name: definition.name.to_string(),
                kind: definition.kind.as_str().to_owned(),
                contains: definition.contains.as_str().to_owned(),
                values: values(sink, elapsed),
            }
        })
        .collect()
}

fn values(sink: &Sink, elapsed: f64) -> Map<String, Value> {
    let value = match sink {
        Sink::Counter(sum) => {
            let count = sum.value();
            json!({ "count": count, "rate": if elapsed > 0.0 { count / elapsed } else { 0.0 } })
        }
        Sink::Gauge(gauge) => json!({ "value": gauge.value(), "min": gauge.min(), "max": gauge.max() }),
        Sink::Rate(rate) => {
            json!({ "rate": rate.rate(), "passes": rate.passes, "fails": rate.total - rate.passes })
        }
        Sink::Trend(times) => {
            let at = times.percentiles(&[50.0, 90.0, 95.0, 99.0]);
            json!({
                "count": times.count(), "avg": times.avg(), "min": times.min(), "med": at[0], "max": times.max(),
                "p(90)": at[1], "p(95)": at[2], "p(99)": at[3],
            })
        }
    };
    match value {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}
