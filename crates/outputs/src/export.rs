//! `--summary-export`: the flat JSON file.
//!
//! Shape and quirks as observed on k6 1.1, which scripts rely on: values of a metric and its thresholds side
//! by side, thresholds as "was it crossed" (true is bad), groups and checks as objects by name, an indent of
//! four spaces, no newline at the end. It is made from the data of `handleSummary` as that function left it,
//! so that what a script deletes, changes or adds there is deleted, changed or added here.

use serde::Serialize;
use serde_json::{Map, Value};
use throng_metrics::Summary;

/// Why there is no export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// What is left is not an object with a `root_group`.
    #[error("handleSummary() deleted root_group from its data, which --summary-export needs")]
    NoRootGroup,
}

/// The text of the file; `data` is that of [`handle_summary::data`](crate::handle_summary::data).
pub fn render(data: &Value) -> Result<String, ExportError> {
    let root_group = data.get("root_group").filter(|group| !group.is_null());
    let (Some(fields), Some(root_group)) = (data.as_object(), root_group) else {
        return Err(ExportError::NoRootGroup);
    };
    let mut root = Map::new();
    if let Some(metrics) = fields.get("metrics") {
        root.insert("metrics".into(), each(metrics, metric));
    }
    let others = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "metrics" | "root_group" | "options" | "state"));
    root.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    root.insert("root_group".into(), group(root_group));
    Ok(indented(&Value::Object(root)))
}

pub(crate) fn setup_data(summary: &Summary) -> Option<Value> {
    serde_json::from_str(summary.setup_data.as_deref()?).ok()
}

/// The elements of an object or a list, made into others or left out.
fn each(value: &Value, make: impl Fn(&Value) -> Option<Value>) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().filter_map(|(key, value)| Some((key.clone(), make(value)?))).collect()
        }
        Value::Array(elements) => elements.iter().filter_map(make).collect(),
        other => other.clone(),
    }
}

/// A metric's values with its thresholds; nothing of what has no values.
fn metric(metric: &Value) -> Option<Value> {
    let mut values = metric.get("values")?.clone();
    let kind = metric.get("type").and_then(Value::as_str);
    let Some(fields) = values.as_object_mut() else { return Some(values) };
    if kind == Some("rate") && fields.contains_key("rate") {
        *fields = std::mem::take(fields)
            .into_iter()
            .map(|(key, value)| (if key == "rate" { "value".to_owned() } else { key }, value))
            .collect();
    }
    let thresholds: Option<Map<String, Value>> = match metric.get("thresholds") {
        Some(Value::Object(known)) => {
            Some(known.iter().map(|(key, value)| (key.clone(), crossed(value))).collect())
        }
        Some(Value::Array(known)) => {
            Some(known.iter().enumerate().map(|(at, value)| (at.to_string(), crossed(value))).collect())
        }
        _ => None,
    };
    if let Some(thresholds) = thresholds {
        fields.insert("thresholds".into(), Value::Object(thresholds));
    }
    Some(values)
}

fn crossed(threshold: &Value) -> Value {
    Value::Bool(threshold.get("ok") != Some(&Value::Bool(true)))
}

/// A group with what is in it by name.
fn group(node: &Value) -> Value {
    let Value::Object(fields) = node else { return node.clone() };
    let field = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("groups", Value::Array(groups)) => by_name(groups, group),
            ("checks", Value::Array(checks)) => by_name(checks, Value::clone),
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    fields.iter().map(field).collect()
}

fn by_name(list: &[Value], make: impl Fn(&Value) -> Value) -> Value {
    let name = |value: &Value| match value.get("name") {
        Some(Value::String(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => "undefined".to_owned(),
    };
    list.iter().map(|value| (name(value), make(value))).collect()
}

fn indented(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Writing a `Value` to memory cannot fail: its keys are strings and memory takes everything.
    let _ = value.serialize(&mut serializer);
    String::from_utf8(bytes).unwrap_or_default()
}
