//! Files of the run to take away: a report, and tables with Locust's names and columns.
//!
//! A locustfile's process has its own (`/stats/…`), which know more of its statistics; these are for all others.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Host, commands, json, now, problem};
use crate::host::{Ask, Reply};
use crate::model::{Failure, Model, Row};

/// The page with the run in it, as one file.
pub(super) async fn report(State(shared): Host) -> Response {
    let now = now();
    as_report("report.html", &shared.model(|model| model.whole(now)))
}

/// The page with `data` in it, as one file.
pub(super) fn as_report(name: &str, data: &str) -> Response {
    match throng_web_assets::report(data) {
        Some(html) => download("text/html; charset=utf-8", name, html),
        None => problem(
            StatusCode::NOT_FOUND,
            "this binary was built without its page, which is the report too: build it with ./x build",
        ),
    }
}

/// What `handleSummary` is given.
pub(super) async fn summary(State(shared): Host) -> Response {
    let (reply, answer) = Reply::new();
    (shared.inbox)(Ask::Summary(reply));
    match answer.await {
        Ok(Ok(text)) => json(StatusCode::OK, text),
        Ok(Err(refusal)) => commands::refused(&refusal),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the run answers no questions any more"),
    }
}

pub(super) async fn requests(State(shared): Host) -> Response {
    download("text/csv; charset=utf-8", "requests.csv", shared.model(|model| requests_table(model)))
}

pub(super) async fn failures(State(shared): Host) -> Response {
    download(
        "text/csv; charset=utf-8",
        "failures.csv",
        shared.model(|model| failures_table(model.failures())),
    )
}

fn download(kind: &'static str, name: &str, body: String) -> Response {
    let disposition = format!("attachment; filename=throng_{name}");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body)
        .into_response()
}

fn requests_table(model: &Model) -> String {
    let mut text = String::from(
        "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
         Max Response Time,Requests/s,Failures/s,50%,90%,95%,99%,100%\r\n",
    );
    let elapsed = model.elapsed(model.now().now);
    let total = Row { name: "Aggregated".to_owned(), ..model.totals().clone() };
    for row in model.rows().chain([&total]) {
        let rate = |count: u64| if elapsed > 0.0 { count as f64 / elapsed } else { 0.0 };
        let number = |value: Option<f64>| value.map_or_else(|| "N/A".to_owned(), |value| value.to_string());
        let cells = [
            cell(&row.method),
            cell(&row.name),
            row.count.to_string(),
            row.fails.to_string(),
            number(row.median),
            number(row.avg),
            number(row.min),
            number(row.max),
            rate(row.count).to_string(),
            rate(row.fails).to_string(),
            number(row.median),
            number(row.p90),
            number(row.p95),
            number(row.p99),
            number(row.max),
        ];
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

fn failures_table(failures: &[Failure]) -> String {
    let mut text = String::from("Method,Name,Error,Occurrences,First Seen,Last Seen\r\n");
    for failure in failures {
        let at = |ms: Option<u64>| ms.map(|ms| (ms as f64 / 1_000.0).to_string()).unwrap_or_default();
        let Failure { method, name, error, count, first, last } = failure;
        let cells = [cell(method), cell(name), cell(error), count.to_string(), at(*first), at(*last)];
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// As a spreadsheet reads it as text: quoted where it must be, and never as a formula.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Measured, Update};

    #[test]
    fn a_table_has_a_row_for_each_name_and_one_for_all() {
        let mut model = Model::default();
        let row = |name: &str| Measured {
            method: "GET".into(),
            name: name.into(),
            count: 4,
            p95: Some(1.5),
            ..Measured::default()
        };
        let requests = vec![row("/a,\"b\""), row("=cmd()")];
        model.apply(Update {
            now: 3_000,
            started_at: Some(1_000),
            requests,
            totals: row(""),
            ..Update::default()
        });
        let table = requests_table(&model);
        let lines: Vec<&str> = table.split("\r\n").collect();
        assert!(lines[0].starts_with("Type,Name,Request Count,"));
        assert_eq!(lines[1], "GET,\"/a,\"\"b\"\"\",4,0,N/A,N/A,N/A,N/A,2,0,N/A,N/A,1.5,N/A,N/A");
        assert!(lines[2].starts_with("GET,\"'=cmd()\",4,"), "{}", lines[2]);
        assert!(lines[3].contains(",Aggregated,4,"), "{}", lines[3]);
    }
}
