//! Runs from files: a report, a snapshot, a summary export of k6, a table of Locust's.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Measured, Request};

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is nothing that is known.
    #[error(
        "{path} is nothing that can be compared ({reason}): it must be a report of the page (HTML), its run.json, a \
         file of --summary-export, or a …_stats.csv of Locust"
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What was measured in the run that a file is of, and the snapshot in it, if there is one.
pub fn read(path: &Path) -> Result<(Measured, Option<String>), FileError> {
    let text = std::fs::read(path).map_err(|error| FileError::Read { path: path.to_owned(), error })?;
    let text = String::from_utf8_lossy(&text);
    let (mut measured, snapshot) =
        parse(&text).map_err(|reason| FileError::Unknown { path: path.to_owned(), reason })?;
    if measured.file.is_empty() {
        measured.file = path.display().to_string();
    }
    Ok((measured, snapshot))
}

fn parse(text: &str) -> Result<(Measured, Option<String>), String> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return report(text);
    }
    if start.starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return if value.get("totals").is_some() { of_snapshot(text) } else { Ok((summary(&value)?, None)) };
    }
    Ok((table(text)?, None))
}

fn of_snapshot(text: &str) -> Result<(Measured, Option<String>), String> {
    let measured = Measured::of_snapshot(text).map_err(|error| error.to_string())?;
    Ok((measured, Some(text.to_owned())))
}

/// The snapshot in a report.
fn report(text: &str) -> Result<(Measured, Option<String>), String> {
    let data = text.split_once(r#"id="run">"#).and_then(|(_, rest)| rest.split_once("</script>"));
    let (data, _) = data.ok_or("it is a page without a run in it")?;
    of_snapshot(data)
}

/// The totals of k6's `--summary-export`: it has no rows.
fn summary(value: &Value) -> Result<Measured, String> {
    let metric = |name: &str| value.get("metrics")?.get(name);
    let number = |metric: Option<&Value>, name: &str| metric?.get(name)?.as_f64();
    let requests = metric("http_reqs");
    let count = number(requests, "count").ok_or("it has no metric http_reqs")?;
    let rate = number(requests, "rate").unwrap_or_default();
    let times = metric("http_req_duration");
    let totals = Request {
        count: count as u64,
        // Of this rate a pass is a failed request.
        fails: number(metric("http_req_failed"), "passes").unwrap_or_default() as u64,
        median: number(times, "med"),
        p95: number(times, "p(95)"),
        p99: number(times, "p(99)"),
        ..Request::default()
    };
    let elapsed = if rate > 0.0 { count / rate } else { 0.0 };
    Ok(Measured { kind: "k6".to_owned(), elapsed, totals, ..Measured::default() })
}

/// Locust's table of requests, or the page's.
fn table(text: &str) -> Result<Measured, String> {
    let mut rows = records(text).into_iter();
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| {
        head.iter().position(|cell| cell == name).ok_or_else(|| format!("it has no column {name:?}"))
    };
    let (method, name) = (column("Type")?, column("Name")?);
    let (count, fails) = (column("Request Count")?, column("Failure Count")?);
    let (rate, p50, p95, p99) = (column("Requests/s")?, column("50%")?, column("95%")?, column("99%")?);
    let mut measured = Measured { kind: "locust".to_owned(), ..Measured::default() };
    for row in rows {
        let text = |place: usize| row.get(place).map(String::as_str).unwrap_or_default();
        let number = |place: usize| text(place).parse::<f64>().ok();
        let request = Request {
            method: text(method).to_owned(),
            name: text(name).to_owned(),
            count: number(count).ok_or("it has a row without a count")? as u64,
            fails: number(fails).unwrap_or_default() as u64,
            median: number(p50),
            p95: number(p95),
            p99: number(p99),
        };
        if request.name == "Aggregated" && request.method.is_empty() {
            let rate = number(rate).unwrap_or_default();
            measured.elapsed = if rate > 0.0 { request.count as f64 / rate } else { 0.0 };
            measured.totals = request;
        } else {
            measured.requests.push(request);
        }
    }
    if measured.totals.name.is_empty() { Err("it has no row Aggregated".to_owned()) } else { Ok(measured) }
}

/// Comma-separated values, quoted as RFC 4180 has it.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(one) = characters.next() {
        match one {
            '"' if quoted && characters.peek() == Some(&'"') => {
                cell.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            '\r' if !quoted => {}
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_and_its_snapshot_are_the_same_run() {
        let snapshot = r#"{"kind":"k6","file":"s.js","elapsed":4.0,"totals":{"count":8,"p95":1.5},"requests":[{"method":"GET","name":"a<b","count":8}]}"#;
        let html = format!(
            r#"<!doctype html><body><script type="application/json" id="run">{}</script></body>"#,
            snapshot.replace('<', "\\u003c")
        );
        let (run, text) = parse(snapshot).unwrap();
        assert_eq!(text.as_deref(), Some(snapshot));
        assert_eq!(parse(&html).unwrap().0, run);
        assert_eq!((run.requests[0].name.as_str(), run.rate(8)), ("a<b", Some(2.0)));
    }

    #[test]
    fn a_summary_export_has_totals() {
        let (run, snapshot) = parse(
            r#"{"metrics":{"http_reqs":{"count":100,"rate":20},"http_req_failed":{"passes":3,"fails":97,"value":0.03},
                "http_req_duration":{"med":2.0,"p(95)":9.5}}}"#,
        )
        .unwrap();
        let totals =
            Request { count: 100, fails: 3, median: Some(2.0), p95: Some(9.5), ..Request::default() };
        assert_eq!((run.totals, run.elapsed, snapshot), (totals, 5.0, None));
    }

    #[test]
    fn a_table_of_locust_has_rows_and_totals() {
        let text = "Type,Name,Request Count,Failure Count,Requests/s,50%,95%,99%\r\n\
                    GET,\"/a,\"\"b\"\"\n\",40,1,4.0,2,5,9\r\n,Aggregated,40,1,4.0,2,5,9\r\n";
        let (run, _) = parse(text).unwrap();
        assert_eq!((run.requests.len(), run.requests[0].name.as_str(), run.elapsed), (1, "/a,\"b\"\n", 10.0));
        assert_eq!((run.totals.count, run.totals.p95), (40, Some(5.0)));
    }

    #[test]
    fn anything_else_is_said_to_be_none() {
        for (text, reason) in [
            ("<p>hello</p>", "without a run"),
            ("{\"a\":1}", "no metric http_reqs"),
            ("{", "EOF"),
            ("hello", "no column \"Type\""),
            ("", "no column"),
        ] {
            assert!(parse(text).unwrap_err().contains(reason), "{text}");
        }
        assert!(read("/no/such".as_ref()).unwrap_err().to_string().contains("cannot read /no/such"));
    }
}
