//! `--summary-export`: the flat JSON file.
//!
//! Shape and quirks as observed on k6 1.1, which scripts rely on: values of a metric and its thresholds side
//! by side, thresholds as "was it crossed" (true is bad), groups and checks as objects by name, an indent of
//! four spaces, no newline at the end.

use serde::Serialize;
use serde_json::{Map, Value, json};
use throng_metrics::{GroupNode, Summary};

use crate::trend_stat::TrendStat;
use crate::values::named;

/// The text of the file.
pub fn render(summary: &Summary, stats: &[TrendStat]) -> String {
    let seconds = summary.duration.as_secs_f64();
    let mut metrics = Map::new();
    for metric in &summary.metrics {
        let mut values = named(&metric.sink, stats, seconds, "value");
        if !metric.thresholds.is_empty() {
            let crossed: Map<String, Value> = metric
                .thresholds
                .iter()
                .map(|threshold| (threshold.source.clone(), Value::Bool(!threshold.ok)))
                .collect();
            values.insert("thresholds".into(), Value::Object(crossed));
        }
        metrics.insert(metric.name.clone(), Value::Object(values));
    }
    let mut root = Map::new();
    root.insert("metrics".into(), Value::Object(metrics));
    if let Some(data) = setup_data(summary) {
        root.insert("setup_data".into(), data);
    }
    root.insert("root_group".into(), group(&summary.root));
    indented(&Value::Object(root))
}

pub(crate) fn setup_data(summary: &Summary) -> Option<Value> {
    serde_json::from_str(summary.setup_data.as_deref()?).ok()
}

fn group(node: &GroupNode) -> Value {
    let groups: Map<String, Value> =
        node.groups.iter().map(|child| (child.name.to_string(), group(child))).collect();
    let checks: Map<String, Value> = node
        .checks
        .iter()
        .map(|check| {
            let value = json!({
                "name": &*check.name,
                "path": node.check_path(&check.name),
                "id": node.check_id(&check.name),
                "passes": check.counts.passes,
                "fails": check.counts.fails,
            });
            (check.name.to_string(), value)
        })
        .collect();
    json!({ "name": &*node.name, "path": &*node.path, "id": node.id(), "groups": groups, "checks": checks })
}

fn indented(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Writing a `Value` to memory cannot fail: its keys are strings and memory takes everything.
    let _ = value.serialize(&mut serializer);
    String::from_utf8(bytes).unwrap_or_default()
}
