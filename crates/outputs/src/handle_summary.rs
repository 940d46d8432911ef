//! The data handed to a script's `handleSummary`, and the newer machine-readable form.

use serde_json::{Map, Value, json};
use throng_metrics::{CheckStats, GroupNode, Kind, Sink, Summary};

use crate::export::setup_data;
use crate::trend_stat::TrendStat;
use crate::values::{named, number};

/// What the data says about the run's surroundings.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `summaryTimeUnit` as given, empty when it was not.
    pub time_unit: String,
    /// Whether colours are off.
    pub no_color: bool,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
}

/// The argument of `handleSummary(data)`, in the shape observed on k6 1.1.
pub fn data(summary: &Summary, stats: &[TrendStat], surroundings: &Surroundings) -> Value {
    let seconds = summary.duration.as_secs_f64();
    let mut metrics = Map::new();
    for metric in &summary.metrics {
        let mut value = Map::new();
        value.insert("type".into(), metric.kind.as_str().into());
        value.insert("contains".into(), metric.contains.as_str().into());
        value.insert("values".into(), Value::Object(named(&metric.sink, stats, seconds, "rate")));
        if !metric.thresholds.is_empty() {
            let verdicts: Map<String, Value> = metric
                .thresholds
                .iter()
                .map(|threshold| (threshold.source.clone(), json!({ "ok": threshold.ok })))
                .collect();
            value.insert("thresholds".into(), Value::Object(verdicts));
        }
        metrics.insert(metric.name.clone(), Value::Object(value));
    }
    let labels: Vec<&str> = stats.iter().map(TrendStat::label).collect();
    let mut data = json!({
        "root_group": group(&summary.root),
        "options": {
            "summaryTrendStats": labels,
            "summaryTimeUnit": surroundings.time_unit,
            "noColor": surroundings.no_color,
        },
        "state": {
            "isStdOutTTY": surroundings.stdout_is_terminal,
            "isStdErrTTY": surroundings.stderr_is_terminal,
            "testRunDurationMs": number(seconds * 1e3),
        },
        "metrics": metrics,
    });
    if let (Some(setup), Some(object)) = (setup_data(summary), data.as_object_mut()) {
        object.insert("setup_data".into(), setup);
    }
    data
}

/// The checks of a group, as the data has them.
pub fn checks(node: &GroupNode) -> Vec<Value> {
    node.checks
        .iter()
        .map(|check| {
            json!({
                "name": &*check.name,
                "path": node.check_path(&check.name),
                "id": node.check_id(&check.name),
                "passes": check.counts.passes,
                "fails": check.counts.fails,
            })
        })
        .collect()
}

fn group(node: &GroupNode) -> Value {
    let groups: Vec<Value> = node.groups.iter().map(group).collect();
    let checks = checks(node);
    json!({ "name": &*node.name, "path": &*node.path, "id": node.id(), "groups": groups, "checks": checks })
}

/// What the machine-readable summary says about the run itself.
#[derive(Clone, Debug, Default)]
pub struct RunMetadata {
    /// When the summary was made, in RFC 3339.
    pub generated_at: String,
    /// The version that k6's field `k6Version` names.
    pub version: String,
    /// Path of the script.
    pub script: String,
}

/// The version of the machine-readable form.
const MACHINE_READABLE_VERSION: &str = "1.0.0";

/// The data of `--new-machine-readable-summary` (k6 2.x).
pub fn machine_readable(summary: &Summary, stats: &[TrendStat], run: &RunMetadata) -> Value {
    let seconds = summary.duration.as_secs_f64();
    let is_check = |name: &str| name == "checks" || name.starts_with("checks{");
    let metric = |metric: &throng_metrics::SummaryMetric| {
        let values = match &metric.sink {
            Sink::Rate(rate) => json!({ "rate": rate.rate(), "matches": rate.passes, "total": rate.total }),
            Sink::Counter(sum) => json!({ "count": number(sum.value()) }),
            sink => Value::Object(named(sink, stats, seconds, "rate")),
        };
        json!({
            "name": metric.name,
            "type": metric.kind.as_str(),
            "contains": metric.contains.as_str(),
            "values": values,
        })
    };
    let metrics: Vec<Value> =
        summary.metrics.iter().filter(|entry| !is_check(&entry.name)).map(metric).collect();
    json!({
        "version": MACHINE_READABLE_VERSION,
        "metadata": { "generatedAt": run.generated_at, "k6Version": run.version },
        "config": { "script": run.script, "duration": number(seconds), "execution": "local" },
        "results": {
            "metrics": metrics,
            "checks": { "metrics": check_metrics(summary), "results": check_results(&summary.checks) },
        },
    })
}

fn check_metrics(summary: &Summary) -> Vec<Value> {
    let rate = summary.check_rate();
    if rate.total == 0 {
        return Vec::new();
    }
    let fails = rate.total - rate.passes;
    let entry = |name: &str, kind: Kind, values: Value| json!({ "name": name, "type": kind.as_str(), "contains": "default", "values": values });
    let share =
        |part: u64| json!({ "rate": part as f64 / rate.total as f64, "matches": part, "total": rate.total });
    vec![
        entry("checks_total", Kind::Counter, json!({ "count": rate.total })),
        entry("checks_succeeded", Kind::Rate, share(rate.passes)),
        entry("checks_failed", Kind::Rate, share(fails)),
    ]
}

fn check_results(checks: &[CheckStats]) -> Vec<Value> {
    checks
        .iter()
        .map(|check| json!({ "name": &*check.name, "passes": check.counts.passes, "fails": check.counts.fails }))
        .collect()
}
