//! `/metrics`: the run as Prometheus reads it (text exposition format 0.0.4).

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Host, now};
use crate::model::{Model, Row, RunState};

pub(super) async fn metrics(State(shared): Host) -> Response {
    let text = shared.model(|model| render(model, now(), shared.pages()));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn render(model: &Model, now: u64, pages: usize) -> String {
    let mut text = String::new();
    let update = model.now();
    let mut one = |name: &str, kind: &str, help: &str, value: f64| {
        let _ =
            write!(text, "# HELP throng_{name} {help}\n# TYPE throng_{name} {kind}\nthrong_{name} {value}\n");
    };
    let running = matches!(update.state, RunState::Spawning | RunState::Running | RunState::Stopping);
    one("running", "gauge", "Whether a test runs.", f64::from(u8::from(running)));
    one("users", "gauge", "Virtual users that run.", update.users.now as f64);
    one("users_target", "gauge", "Virtual users that there should be.", update.users.target as f64);
    one("workers", "gauge", "Workers of this run.", update.workers.len() as f64);
    one("elapsed_seconds", "gauge", "Time since the start of the test.", model.elapsed(now));
    one("open_pages", "gauge", "Pages that watch this run.", pages as f64);
    let rows = || model.rows();
    family(&mut text, "requests_total", "counter", "Requests.", rows(), |row| Some(row.count as f64));
    family(&mut text, "failures_total", "counter", "Failed requests.", rows(), |row| Some(row.fails as f64));
    family(&mut text, "request_rate", "gauge", "Requests a second, of late.", rows(), |row| row.rps);
    let _ = writeln!(
        text,
        "# HELP throng_response_time_seconds Response times of the whole test.\n\
         # TYPE throng_response_time_seconds summary"
    );
    for row in rows() {
        let labels = labels(row);
        for (quantile, value) in [("0.5", row.median), ("0.9", row.p90), ("0.95", row.p95), ("0.99", row.p99)]
        {
            if let Some(ms) = value {
                let seconds = ms / 1_000.0;
                let _ = writeln!(
                    text,
                    "throng_response_time_seconds{{{labels},quantile=\"{quantile}\"}} {seconds}"
                );
            }
        }
        if let Some(mean) = row.avg {
            let sum = mean * row.count as f64 / 1_000.0;
            let _ = writeln!(text, "throng_response_time_seconds_sum{{{labels}}} {sum}");
            let _ = writeln!(text, "throng_response_time_seconds_count{{{labels}}} {}", row.count);
        }
    }
    text
}

fn family<'a>(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    rows: impl Iterator<Item = &'a Row>,
    value: impl Fn(&Row) -> Option<f64>,
) {
    let _ = writeln!(text, "# HELP throng_{name} {help}\n# TYPE throng_{name} {kind}");
    for row in rows {
        if let Some(value) = value(row) {
            let _ = writeln!(text, "throng_{name}{{{}}} {value}", labels(row));
        }
    }
}

fn labels(row: &Row) -> String {
    format!("method=\"{}\",name=\"{}\"", escape(&row.method), escape(&row.name))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Measured, Update};

    #[test]
    fn names_of_requests_are_labels_whatever_is_in_them() {
        let mut model = Model::default();
        let hostile = Measured {
            method: "GET".into(),
            name: "/\"x\\\ny".into(),
            count: 3,
            avg: Some(2_000.0),
            p95: Some(1.5),
            ..Measured::default()
        };
        model.apply(Update { now: 1, requests: vec![hostile], ..Update::default() });
        let text = render(&model, 1, 2);
        assert!(text.contains(r#"throng_requests_total{method="GET",name="/\"x\\\ny"} 3"#), "{text}");
        assert!(text.contains(r#"name="/\"x\\\ny",quantile="0.95"} 0.0015"#), "{text}");
        assert!(text.contains("_sum{method=\"GET\",name=\"/\\\"x\\\\\\ny\"} 6\n"), "{text}");
        assert!(text.contains("throng_open_pages 2\n"), "{text}");
    }
}
