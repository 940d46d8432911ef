//! What a request to k6's REST API asks for.

use serde::Deserialize;
use throng_server::Foreign;

/// What is asked.
#[derive(Debug, PartialEq)]
pub(in crate::run) enum Question {
    /// How the run stands.
    Status,
    /// To change that.
    Change(Change),
    /// All metrics.
    Metrics,
    /// One of them.
    Metric(String),
    /// All groups.
    Groups,
    /// One of them, by its id.
    Group(String),
    /// What `setup` returned.
    SetupData,
    /// To use this instead, JSON.
    SetSetupData(String),
    /// To run `setup` now.
    RunSetup,
    /// To run `teardown` now.
    RunTeardown,
    /// Whether somebody is there.
    Ping,
    /// Something that is not there.
    Nothing,
}

/// What of the status is to be changed.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::run) struct Change {
    #[serde(default)]
    pub(in crate::run) paused: Option<bool>,
    #[serde(default)]
    pub(in crate::run) vus: Option<i64>,
    #[serde(default, rename = "vus-max")]
    pub(in crate::run) max_vus: Option<i64>,
    #[serde(default)]
    pub(in crate::run) stopped: Option<bool>,
}

impl Change {
    /// Whether it asks for nothing but the end, if for anything.
    pub(in crate::run) fn only_ends(&self) -> bool {
        self.paused.is_none() && self.vus.is_none() && self.max_vus.is_none()
    }
}

/// Why a request cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The path knows other methods.
    Method,
    /// The body is not what it has to be: k6's title for that, and why.
    Body(&'static str, String),
}

/// A document of JSON:API. One without data asks for nothing, as in k6.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    data: Resource,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    attributes: Change,
}

/// Reads a request.
pub(super) fn read(request: &Foreign) -> Result<Question, Unclear> {
    let path = request.path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let method = request.method.as_str();
    match (parts.as_slice(), method) {
        (["v1", "status"], "GET" | "HEAD") => Ok(Question::Status),
        (["v1", "status"], "PATCH") => change(&request.body).map(Question::Change),
        (["v1", "metrics"], "GET" | "HEAD") => Ok(Question::Metrics),
        (["v1", "metrics", id], "GET" | "HEAD") => Ok(Question::Metric(decoded(id))),
        (["v1", "groups"], "GET" | "HEAD") => Ok(Question::Groups),
        (["v1", "groups", id], "GET" | "HEAD") => Ok(Question::Group(decoded(id))),
        (["v1", "setup"], "GET" | "HEAD") => Ok(Question::SetupData),
        (["v1", "setup"], "PUT") => setup_data(&request.body).map(Question::SetSetupData),
        (["v1", "setup"], "POST") => Ok(Question::RunSetup),
        (["v1", "teardown"], "POST") => Ok(Question::RunTeardown),
        (
            ["v1", "status" | "metrics" | "groups" | "setup" | "teardown"] | ["v1", "metrics" | "groups", _],
            _,
        ) => Err(Unclear::Method),
        (["v1", ..], _) => Ok(Question::Nothing),
        // k6 answers so to all else.
        _ => Ok(Question::Ping),
    }
}

fn change(body: &[u8]) -> Result<Change, Unclear> {
    let document: Document =
        serde_json::from_slice(body).map_err(|error| Unclear::Body("Invalid data", reason(&error)))?;
    Ok(document.data.attributes)
}

/// The body is the data itself.
fn setup_data(body: &[u8]) -> Result<String, Unclear> {
    let unreadable = |error: serde_json::Error| Unclear::Body("Error parsing request body", reason(&error));
    let data: serde_json::Value = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(data.to_string())
}

/// Why a body cannot be read; in k6's words where there are such for it.
fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}

/// A part of a path, which is percent-encoded: names of sub-metrics have braces.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(body: &'static str) -> Result<Question, Unclear> {
        let body = body.into();
        let (query, remote) = (String::new(), String::new());
        let (method, path) = ("PATCH".to_owned(), "/v1/status".to_owned());
        read(&Foreign { method, path, query, headers: Vec::new(), body, remote })
    }

    #[test]
    fn a_document_without_data_changes_nothing() {
        for body in ["{}", r#"{"data":{}}"#, r#"{"data":{"attributes":{}}}"#] {
            assert_eq!(patch(body), Ok(Question::Change(Change::default())), "{body}");
        }
        let why = "unexpected end of JSON input".to_owned();
        assert_eq!(patch("["), Err(Unclear::Body("Invalid data", why.clone())));
        assert_eq!(patch(""), Err(Unclear::Body("Invalid data", why)));
    }

    #[test]
    fn only_changes_of_what_runs_are_more_than_the_end() {
        for (body, only) in
            [("{}", true), (r#"{"stopped":true}"#, true), (r#"{"stopped":true,"vus":1}"#, false)]
        {
            let change: Change = serde_json::from_str(body).unwrap();
            assert_eq!(change.only_ends(), only, "{body}");
        }
    }
}
