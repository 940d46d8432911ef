//! `--out json`: one JSON object per line.
//!
//! Shape as observed on k6 1.1: before its first sample a metric is described, with its thresholds and
//! sub-metrics; a sample then is a `Point`. Keys stand in k6's order, tags sorted.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use throng_metrics::{MetricId, RawSample, Registry, TagSet, Thresholds};

use super::target::{Sink, Target};
use super::{OutputError, SampleWriter, TimeFormat};
use crate::number::to_string;

const OUTPUT: &str = "json";
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// Writes samples as lines of JSON.
pub struct JsonWriter {
    target: Target,
    sink: Sink,
    registry: Arc<Registry>,
    thresholds: Thresholds,
    /// Metrics described already.
    described: Vec<MetricId>,
    line: String,
}

impl JsonWriter {
    /// Opens the target.
    pub fn new(target: Target, registry: Arc<Registry>, thresholds: Thresholds) -> Result<Self, OutputError> {
        let sink = target.open(OUTPUT)?;
        Ok(Self { target, sink, registry, thresholds, described: Vec::new(), line: String::new() })
    }

    fn describe(&mut self, metric: MetricId) -> io::Result<()> {
        let definition = self.registry.def(metric);
        let thresholds: Vec<&str> = self
            .thresholds
            .iter()
            .filter(|threshold| threshold.target.name == *definition.name)
            .map(|threshold| &*threshold.source)
            .collect();
        let submetrics: Vec<Value> = self
            .thresholds
            .submetrics()
            .iter()
            .filter(|submetric| submetric.metric == metric)
            .map(|submetric| {
                let tags: Map<String, Value> =
                    submetric.selector.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
                json!({ "name": submetric.name, "suffix": submetric.suffix, "tags": tags })
            })
            .collect();
        let line = json!({
            "type": "Metric",
            "data": {
                "name": &*definition.name,
                "type": definition.kind.as_str(),
                "contains": definition.contains.as_str(),
                "thresholds": thresholds,
                "submetrics": if submetrics.is_empty() { Value::Null } else { submetrics.into() },
            },
            "metric": &*definition.name,
        });
        writeln!(self.sink, "{line}")
    }
}

impl SampleWriter for JsonWriter {
    fn name(&self) -> &'static str {
        OUTPUT
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn flush_interval(&self) -> Duration {
        FLUSH_INTERVAL
    }

    fn write(&mut self, sample: &RawSample) -> io::Result<()> {
        if !self.described.contains(&sample.metric) {
            self.describe(sample.metric)?;
            self.described.push(sample.metric);
        }
        let definition = self.registry.def(sample.metric);
        let line = &mut self.line;
        line.clear();
        line.push_str(r#"{"metric":"#);
        quote(line, &definition.name);
        line.push_str(r#","type":"Point","data":{"time":""#);
        TimeFormat::Rfc3339Nano.write(line, sample.time);
        line.push_str(r#"","value":"#);
        // JSON has no infinity.
        line.push_str(&if sample.value.is_finite() { to_string(sample.value) } else { "null".to_owned() });
        line.push_str(r#","tags":"#);
        object(line, &sample.tags);
        if let Some(metadata) = sample.metadata.as_ref().filter(|metadata| !metadata.is_empty()) {
            line.push_str(r#","metadata":"#);
            object(line, metadata);
        }
        line.push_str("}}\n");
        self.sink.write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sink.finish()
    }
}

fn object(line: &mut String, tags: &TagSet) {
    line.push('{');
    for (index, (key, value)) in tags.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        quote(line, key);
        line.push(':');
        quote(line, value);
    }
    line.push('}');
}

/// Appends a JSON string.
fn quote(line: &mut String, text: &str) {
    let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if plain {
        line.push('"');
        line.push_str(text);
        line.push('"');
    } else {
        line.push_str(&Value::from(text).to_string());
    }
}
