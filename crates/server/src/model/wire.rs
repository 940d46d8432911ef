//! Snapshot and tick as JSON: the contract with `ui/`.

use serde::Serialize;
use serde_json::Value;

use super::parts::{
    Can, Check, Exception, Failure, Form, HistoryKind, Kind, Lag, LogLine, Mark, Metric, RunState, Scaling,
    Scenario, Threshold, Users, Worker,
};
use super::rows::Row;
use super::{Changes, Model};

/// What open pages are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// All of it, as JSON.
    Snapshot(String),
    /// What changed, as JSON.
    Tick(String),
    /// A line of the log, as JSON.
    Log(String),
    /// The statistics were reset; a snapshot follows.
    Reset,
    /// A run was kept, or something is known of it that was not.
    History,
}

impl Event {
    /// As a server-sent event.
    pub fn frame(&self) -> String {
        let (name, data) = match self {
            Self::Snapshot(text) => ("snapshot", text.as_str()),
            Self::Tick(text) => ("tick", text.as_str()),
            Self::Log(text) => ("log", text.as_str()),
            Self::Reset => ("reset", "{}"),
            Self::History => ("history", "{}"),
        };
        format!("event: {name}\ndata: {data}\n\n")
    }
}

/// As JSON on one line. What is written here always can be.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[derive(Serialize)]
pub(super) struct Snapshot<'a> {
    throng: &'static str,
    history: HistoryKind,
    kind: Kind,
    file: &'a str,
    host: Option<&'a str>,
    state: RunState,
    started_at: Option<u64>,
    ended_at: Option<u64>,
    now: u64,
    elapsed: f64,
    planned: Option<f64>,
    can: &'a [Can],
    form: &'a Form,
    extended: Option<&'a Value>,
    users: &'a Users,
    workers: &'a [Worker],
    totals: &'a Row,
    requests: Vec<&'a Row>,
    failures: &'a [Failure],
    exceptions: &'a [Exception],
    checks: &'a [Check],
    thresholds: &'a [Threshold],
    scenarios: &'a [Scenario],
    metrics: &'a [Metric],
    task_ratio: Option<&'a Value>,
    lag: Option<Lag>,
    saturated: Option<&'a str>,
    timeline: Value,
    per_request: Vec<Value>,
    watched: Vec<Value>,
    scaling: &'a [Scaling],
    marks: Vec<&'a Mark>,
    logs: Vec<&'a LogLine>,
}

impl<'a> Snapshot<'a> {
    /// `per_request` is empty where it can be fetched by name when a chart shows it.
    pub(super) fn new(model: &'a Model, now: u64, per_request: Vec<Value>) -> Self {
        let update = &model.now;
        Self {
            throng: env!("CARGO_PKG_VERSION"),
            history: model.history,
            kind: update.settings.kind,
            file: &update.settings.file,
            host: update.settings.host.as_deref(),
            state: update.state,
            started_at: update.started_at,
            ended_at: update.ended_at,
            now,
            elapsed: model.elapsed(now),
            planned: update.settings.planned,
            can: &update.can,
            form: &update.settings.form,
            extended: update.settings.extended.as_ref(),
            users: &update.users,
            workers: &update.workers,
            totals: &model.totals.row,
            requests: model.rows.iter().collect(),
            failures: &model.failures,
            exceptions: &update.exceptions,
            checks: &update.checks,
            thresholds: &update.thresholds,
            scenarios: &update.scenarios,
            metrics: &update.metrics,
            task_ratio: update.task_ratio.as_ref(),
            lag: update.lag,
            saturated: update.saturated.as_deref(),
            timeline: model.timeline.json(),
            per_request,
            watched: model.watched.json(),
            scaling: &update.scaling,
            marks: model.marks.iter().collect(),
            logs: model.lines.iter().collect(),
        }
    }
}

#[derive(Serialize)]
#[expect(clippy::option_option, reason = "absent is unchanged, and null is none")]
pub(super) struct Tick<'a> {
    now: u64,
    elapsed: f64,
    state: RunState,
    started_at: Option<u64>,
    ended_at: Option<u64>,
    can: &'a [Can],
    users: &'a Users,
    totals: &'a Row,
    requests: Vec<&'a Row>,
    point: Option<Value>,
    amend: Vec<Value>,
    per_request: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watched: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaling: Option<&'a [Scaling]>,
    marks: Vec<&'a Mark>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'a Form>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended: Option<Option<&'a Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<&'a [Worker]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exceptions: Option<&'a [Exception]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<&'a [Check]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thresholds: Option<&'a [Threshold]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenarios: Option<&'a [Scenario]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a [Metric]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_ratio: Option<Option<&'a Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<Option<Lag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saturated: Option<Option<&'a str>>,
}

impl<'a> Tick<'a> {
    pub(super) fn new(model: &'a Model, changes: &Changes) -> Self {
        let update = &model.now;
        let settings = &update.settings;
        Self {
            now: update.now,
            elapsed: model.elapsed(update.now),
            state: update.state,
            started_at: update.started_at,
            ended_at: update.ended_at,
            can: &update.can,
            users: &update.users,
            totals: &model.totals.row,
            requests: changes.rows.iter().map(|id| model.rows.row(*id)).collect(),
            point: changes.point.map(|index| model.timeline.point(index)),
            amend: changes.amended.iter().map(|index| model.timeline.point(*index)).collect(),
            per_request: changes
                .points
                .iter()
                .filter_map(|id| model.rows.last_point(*id))
                .chain(changes.amended_rows.iter().filter_map(|(id, index)| model.rows.point(*id, *index)))
                .collect(),
            watched: changes.watched.iter().filter_map(|id| model.watched.last(*id)).collect(),
            scaling: changes.scaling.then_some(&*update.scaling),
            marks: model.marks.iter().skip(model.marks.len().saturating_sub(changes.marks)).collect(),
            failures: changes.failures.iter().map(|place| &model.failures[*place]).collect(),
            host: changes.settings.then_some(settings.host.as_deref()),
            planned: changes.settings.then_some(settings.planned),
            form: changes.settings.then_some(&settings.form),
            extended: changes.settings.then_some(settings.extended.as_ref()),
            workers: changes.workers.then_some(&*update.workers),
            exceptions: changes.exceptions.then_some(&*update.exceptions),
            checks: changes.checks.then_some(&*update.checks),
            thresholds: changes.thresholds.then_some(&*update.thresholds),
            scenarios: changes.scenarios.then_some(&*update.scenarios),
            metrics: changes.metrics.then_some(&*update.metrics),
            task_ratio: changes.task_ratio.then_some(update.task_ratio.as_ref()),
            lag: changes.lag.then_some(update.lag),
            saturated: changes.saturated.then_some(update.saturated.as_deref()),
        }
    }

    pub(super) fn text(&self) -> String {
        text(self)
    }
}
