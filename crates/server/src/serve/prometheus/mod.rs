//! `/metrics`: the run as Prometheus reads it (text exposition format 0.0.4).
//!
//! Names follow its conventions: seconds and bytes, `_total` for what only grows, a ratio from 0 to 1. What a script calls its
//! metrics is part of a name (k6 lets them be nothing else); what it calls requests, checks and thresholds are labels. There
//! are at most [`SERIES_AT_MOST`] of each: further ones are counted together.

mod exposition;
#[cfg(test)]
mod tests;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::{Host, now};
use crate::model::{Check, Metric, Model, Row, RunState, Threshold};
use exposition::{Exposition, Kind};

/// Requests, checks, thresholds and metrics that are kept apart, each.
const SERIES_AT_MOST: usize = 1_000;
/// What stands for the others.
const OTHERS: &str = "(others)";
/// Metrics that the families of requests, checks and users say better.
const SAID: [&str; 4] = ["checks", "vus", "vus_max", "http_reqs"];

pub(super) async fn metrics(State(shared): Host) -> Response {
    let text = shared.model(|model| render(model, now(), shared.pages()));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn render(model: &Model, now: u64, pages: usize) -> String {
    let mut all = Exposition::default();
    let update = model.now();
    let running = matches!(update.state, RunState::Spawning | RunState::Running | RunState::Stopping);
    let mut gauge = |name: &str, help: &str, value: f64| all.one(name, Kind::Gauge, help, value);
    gauge("throng_running", "Whether a test runs.", f64::from(u8::from(running)));
    gauge("throng_users", "Virtual users that run.", update.users.now as f64);
    gauge("throng_users_target", "Virtual users that there should be.", update.users.target as f64);
    gauge("throng_workers", "Workers of this run.", update.workers.len() as f64);
    gauge("throng_elapsed_seconds", "Time since the start of the test.", model.elapsed(now));
    gauge("throng_open_pages", "Pages that watch this run.", pages as f64);
    if let Some(lag) = update.lag {
        gauge("throng_generator_lag_seconds", "How late the generator was (99th percentile).", lag.p99 / 1e3);
    }
    requests(&mut all, &model.rows().collect::<Vec<_>>());
    checks(&mut all, &update.checks);
    thresholds(&mut all, &update.thresholds);
    for metric in update.metrics.iter().filter(|one| !SAID.contains(&&*one.name)).take(SERIES_AT_MOST) {
        custom(&mut all, metric);
    }
    all.into_text()
}

fn requests(all: &mut Exposition, rows: &[&Row]) {
    let (apart, others) = rows.split_at(rows.len().min(SERIES_AT_MOST));
    let labels = |row: &'_ Row| [("method", row.method.clone()), ("name", row.name.clone())];
    let mut counter = |name: &str, help: &str, count: fn(&Row) -> u64| {
        let mut family = all.family(name, Kind::Counter, help);
        for row in apart {
            let [(method, of), (name, called)] = &labels(row);
            family.sample(&[(method, of), (name, called)], count(row) as f64);
        }
        if !others.is_empty() {
            let sum: u64 = others.iter().map(|row| count(row)).sum();
            family.sample(&[("method", ""), ("name", OTHERS)], sum as f64);
        }
    };
    counter("throng_requests_total", "Requests.", |row| row.count);
    counter("throng_failures_total", "Failed requests.", |row| row.fails);
    let mut family = all.family("throng_request_rate", Kind::Gauge, "Requests a second, of late.");
    for row in apart {
        if let Some(rate) = row.rps {
            family.sample(&[("method", &row.method), ("name", &row.name)], rate);
        }
    }
    let help = "Response times of the whole test.";
    let mut family = all.family("throng_response_time_seconds", Kind::Summary, help);
    for row in apart {
        if let Some(mean) = row.avg {
            let at = [row.median, row.p90, row.p95, row.p99].map(|ms| ms.map(|ms| ms / 1e3));
            let sum = mean * row.count as f64 / 1e3;
            family.summary(&[("method", &row.method), ("name", &row.name)], at, sum, row.count as f64);
        }
    }
}

fn checks(all: &mut Exposition, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    let (apart, others) = checks.split_at(checks.len().min(SERIES_AT_MOST));
    let mut family = all.family("throng_checks_total", Kind::Counter, "Checks of the script by outcome.");
    let mut both = |group: &str, name: &str, passes: u64, fails: u64| {
        for (outcome, count) in [("passed", passes), ("failed", fails)] {
            family.sample(&[("group", group), ("check", name), ("outcome", outcome)], count as f64);
        }
    };
    for check in apart {
        both(&check.group, &check.name, check.passes, check.fails);
    }
    if !others.is_empty() {
        let sum = |count: fn(&Check) -> u64| others.iter().map(count).sum();
        both("", OTHERS, sum(|check| check.passes), sum(|check| check.fails));
    }
}

fn thresholds(all: &mut Exposition, thresholds: &[Threshold]) {
    if thresholds.is_empty() {
        return;
    }
    let mut apart: Vec<&Threshold> = Vec::new();
    for threshold in thresholds.iter().take(SERIES_AT_MOST) {
        // A script may have the same one twice.
        let is_same =
            |known: &&Threshold| (&known.metric, &known.source) == (&threshold.metric, &threshold.source);
        if !apart.iter().any(is_same) {
            apart.push(threshold);
        }
    }
    let mut family = all.family("throng_threshold_ok", Kind::Gauge, "Whether a threshold holds so far.");
    for threshold in &apart {
        if let Some(ok) = threshold.ok {
            let labels = [("metric", &*threshold.metric), ("threshold", &*threshold.source)];
            family.sample(&labels, f64::from(u8::from(ok)));
        }
    }
    let help = "What a threshold judges, in the unit of its metric.";
    let mut family = all.family("throng_threshold_value", Kind::Gauge, help);
    for threshold in &apart {
        if let Some(value) = threshold.value {
            family.sample(&[("metric", &threshold.metric), ("threshold", &threshold.source)], value);
        }
    }
}

/// A metric of the script, or one of k6's, in Prometheus's units.
fn custom(all: &mut Exposition, metric: &Metric) {
    // k6 lets names be nothing else; what comes from elsewhere might.
    let name: String =
        metric.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    let (unit, scale) = match metric.contains.as_str() {
        "time" => ("_seconds", 1e-3),
        "data" => ("_bytes", 1.0),
        _ => ("", 1.0),
    };
    let name = format!("throng_k6_{name}");
    // Those that are called so already: to Prometheus only what only grows is a total.
    let name = name.trim_end_matches("_total");
    let name = name.strip_suffix(unit).unwrap_or(name);
    let of = |key: &str| number(&metric.values, key);
    let scaled = |key: &str| of(key).map(|value| value * scale);
    let help = format!("The metric {} of the script.", metric.name);
    match metric.kind.as_str() {
        "counter" => {
            if let Some(count) = scaled("count") {
                if count < 0.0 {
                    // What went down is no counter to Prometheus.
                    all.one(&format!("{name}{unit}"), Kind::Gauge, &help, count);
                } else {
                    all.one(&format!("{name}{unit}_total"), Kind::Counter, &help, count);
                }
            }
        }
        "gauge" => {
            if let Some(value) = scaled("value") {
                all.one(&format!("{name}{unit}"), Kind::Gauge, &help, value);
            }
        }
        "rate" => {
            let name = name.strip_suffix("_ratio").unwrap_or(name);
            if let Some(rate) = of("rate") {
                all.one(&format!("{name}_ratio"), Kind::Gauge, &help, rate);
            }
            if let (Some(passes), Some(fails)) = (of("passes"), of("fails")) {
                let mut family = all.family(&format!("{name}_total"), Kind::Counter, &help);
                family.sample(&[("value", "true")], passes);
                family.sample(&[("value", "false")], fails);
            }
        }
        "trend" => {
            let at = [scaled("med"), scaled("p(90)"), scaled("p(95)"), scaled("p(99)")];
            if let (Some(count), Some(mean)) = (of("count"), scaled("avg")) {
                let name = format!("{name}{unit}");
                all.family(&name, Kind::Summary, &help).summary(&[], at, mean * count, count);
            }
        }
        _ => {}
    }
}

fn number(values: &Map<String, Value>, key: &str) -> Option<f64> {
    values.get(key).and_then(Value::as_f64)
}
