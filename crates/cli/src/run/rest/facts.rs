//! The run as k6's REST API shows it, and the documents that say so. Shapes as observed on k6 1.1 (docs/page.md).

use serde_json::{Map, Value, json};
use throng_metrics::{GroupNode, Sink, Summary, SummaryMetric};
use throng_outputs::handle_summary;

use super::Answer;
use super::question::Question;

/// How far a run is: k6's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::run) enum Step {
    /// Virtual users are initialised.
    InitVus = 1,
    /// It waits to be resumed before `setup`.
    PausedBeforeRun = 4,
    /// `setup` runs.
    Setup = 6,
    /// Iterations run.
    Running = 7,
    /// `teardown` runs.
    Teardown = 8,
    /// It is over.
    Ended = 9,
    /// It was ended early.
    Interrupted = 10,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "as k6 says it")]
pub(in crate::run) struct Status {
    pub(in crate::run) step: Step,
    pub(in crate::run) paused: bool,
    pub(in crate::run) vus: u64,
    pub(in crate::run) max_vus: u64,
    pub(in crate::run) stopped: bool,
    pub(in crate::run) running: bool,
    pub(in crate::run) tainted: bool,
}

/// All that can be asked for.
#[derive(Debug, Clone)]
pub(in crate::run) struct Facts {
    pub(in crate::run) status: Status,
    /// With the thresholds as they stand.
    pub(in crate::run) summary: Summary,
}

impl Facts {
    /// The answer to a question that changes nothing.
    pub(in crate::run) fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Status | Question::Change(_) => self.status(),
            Question::Metrics => {
                let all = self.summary.metrics.iter().map(|one| self.metric(one)).collect();
                Answer::data(Value::Array(all))
            }
            Question::Metric(id) => match self.summary.metric(id) {
                Some(metric) => Answer::data(self.metric(metric)),
                None => Answer::error(404, "Not Found", "No metric with that ID was found"),
            },
            Question::Groups => {
                let mut all = Vec::new();
                groups(&self.summary.root, None, &mut all);
                Answer::data(Value::Array(all.into_iter().map(|(_, group)| group).collect()))
            }
            Question::Group(wanted) => {
                let mut all = Vec::new();
                groups(&self.summary.root, None, &mut all);
                match all.into_iter().find(|(id, _)| id == wanted) {
                    Some((_, group)) => Answer::data(group),
                    None => Answer::error(404, "Not Found", "No group with that ID was found"),
                }
            }
            Question::SetupData | Question::SetSetupData(_) | Question::RunSetup => {
                let data: Option<Value> =
                    self.summary.setup_data.as_deref().and_then(|text| serde_json::from_str(text).ok());
                let attributes = data.map_or_else(|| json!({}), |data| json!({ "data": data }));
                Answer::data(json!({ "type": "setupData", "id": "default", "attributes": attributes }))
            }
            Question::RunTeardown => Answer::empty(200),
            Question::Ping => Answer::text(200, "ok"),
            Question::Nothing => Answer::text(404, "404 page not found\n"),
        }
    }

    fn status(&self) -> Answer {
        let Status { step, paused, vus, max_vus, stopped, running, tainted } = self.status;
        Answer::data(json!({
            "type": "status",
            "id": "default",
            "attributes": {
                "status": step as u8,
                "paused": paused,
                "vus": vus,
                "vus-max": max_vus,
                "stopped": stopped,
                "running": running,
                "tainted": tainted,
            },
        }))
    }

    fn metric(&self, metric: &SummaryMetric) -> Value {
        let tainted = match metric.thresholds.as_slice() {
            [] => Value::Null,
            all => Value::Bool(all.iter().any(|threshold| !threshold.ok)),
        };
        json!({
            "type": "metrics",
            "id": metric.name,
            "attributes": {
                "type": metric.kind.as_str(),
                "contains": metric.contains.as_str(),
                "tainted": tainted,
                "sample": sample(&metric.sink, self.summary.duration.as_secs_f64()),
            },
        })
    }
}

fn sample(sink: &Sink, seconds: f64) -> Value {
    let finite = |value: f64| if value.is_finite() { json!(value) } else { json!(0) };
    match sink {
        Sink::Counter(sum) => {
            json!({ "count": finite(sum.value()), "rate": finite(sum.value() / seconds) })
        }
        Sink::Gauge(gauge) => json!({ "value": finite(gauge.value()) }),
        Sink::Rate(rate) => json!({ "rate": finite(rate.rate()) }),
        Sink::Trend(times) if times.count() == 0 => {
            let names = ["min", "max", "avg", "med", "p(90)", "p(95)"];
            Value::Object(names.map(|name| (name.to_owned(), json!(0))).into_iter().collect())
        }
        Sink::Trend(times) => {
            let at = times.percentiles(&[50.0, 90.0, 95.0]);
            json!({
                "min": times.min(), "max": times.max(), "avg": times.avg(),
                "med": at[0], "p(90)": at[1], "p(95)": at[2],
            })
        }
    }
}

/// All groups with their ids, each before those within it.
fn groups(node: &GroupNode, parent: Option<&str>, all: &mut Vec<(String, Value)>) {
    let reference = |id: &str| json!({ "type": "groups", "id": id });
    let id = node.id();
    let checks = handle_summary::checks(node);
    let within: Vec<Value> = node.groups.iter().map(|group| reference(&group.id())).collect();
    let mut related = Map::new();
    related.insert("groups".to_owned(), json!({ "data": within }));
    related.insert("parent".to_owned(), json!({ "data": parent.map(reference) }));
    let group = json!({
        "type": "groups",
        "id": id,
        "attributes": {
            "path": &*node.path,
            "name": &*node.name,
            "checks": if checks.is_empty() { Value::Null } else { Value::Array(checks) },
        },
        "relationships": related,
    });
    all.push((id.clone(), group));
    for group in &node.groups {
        groups(group, Some(&id), all);
    }
}
