//! Runs that are kept, seen again and compared: the built binary, its page of past runs, and exit codes for CI.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

mod support;
#[path = "support/target.rs"]
mod target;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Done, THRONG};
use target::Target;

const SCRIPT: &str = "import http from 'k6/http';
    export const options = {
        vus: 4, iterations: Number(__ENV.ITERATIONS || 240),
        thresholds: { http_req_failed: ['rate<0.5'] },
    };
    export default () => { http.get(`${__ENV.URL}/${__ENV.WAY || ''}`, { tags: { name: 'the <page>' } }); };";

struct Place {
    folder: tempfile::TempDir,
    url: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.js"), SCRIPT).unwrap();
        Self { folder, url: Target::start().url() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, flags: &[&str]) -> Done {
        let (url, script) = (format!("URL={}", self.url), self.path("script.js"));
        let mut all = vec!["run", "--quiet", "-e", &url];
        all.extend(flags);
        all.push(&script);
        THRONG.run_with(&all, &[("THRONG_HISTORY", &self.path("runs"))])
    }

    fn throng(&self, args: &[&str]) -> Done {
        THRONG.run_with(args, &[("THRONG_HISTORY", &self.path("runs"))])
    }
}

/// A body from a page of past runs.
fn ask(address: &str, line: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn runs_are_kept_listed_judged_and_seen_on_a_page_of_their_own() {
    let place = Place::new();
    place.run(&["--run-name", "the good one"]).expect_code(0);
    place.run(&["-e", "WAY=slow"]).expect_code(0);
    place.run(&["-e", "WAY=broken"]).expect_code(99);

    let list = place.throng(&["history", "--list"]).expect_code(0).stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[1].contains("failed") && lines[1].ends_with("script"), "{list}");
    assert!(lines[3].contains("passed") && lines[3].ends_with("the good one"), "{list}");

    let worse = place.throng(&["compare", "1", "2"]).expect_code(99).stdout;
    assert!(
        worse.contains("GET the <page>: p95 ") && worse.ends_with("verdict: worse than the base\n"),
        "{worse}"
    );
    place.throng(&["compare", "2", "1"]).expect_code(0);
    place.throng(&["compare", "1", "2", "--tolerance", "p95=off"]).expect_code(0);
    let text =
        place.throng(&["compare", "1", "last", "--tolerance", "p95=off", "--json"]).expect_code(99).stdout;
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&json["judgement"], &json["base"]["id"], &json["run"]["id"]),
        (&"worse".into(), &1.into(), &3.into())
    );
    assert_eq!(json["total"]["run"]["failed"], 1.0);

    // Its page: a baseline is marked there, and then holds for the command line.
    let mut child = Command::new(THRONG.link())
        .args(["history", "--ui=127.0.0.1:0", "--dir", &place.path("runs")])
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let (_, body) = ask(&address, "GET /api/v1/history", "", "");
    let runs: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 3);
    assert_eq!((&runs["runs"][0]["exit_code"], &runs["runs"][0]["verdict"]), (&99.into(), &"failed".into()));
    let (_, body) = ask(&address, "GET /api/v1/history/2/snapshot", "", "");
    let snapshot: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&snapshot["state"], &snapshot["totals"]["count"]), (&"stopped".into(), &240.into()));
    assert_eq!(snapshot["requests"][0]["name"], "the <page>");
    let mark = r#"{"baseline":true}"#;
    let (head, _) = ask(&address, "POST /api/v1/history/1/baseline", "", mark);
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (head, _) = ask(&address, "POST /api/v1/history/1/baseline", "X-Throng: 1\r\n", mark);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let (_, body) = ask(&address, "GET /api/v1/compare?run=2", "", "");
    let judged: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&judged["judgement"], &judged["base"]["baseline"]), (&"worse".into(), &true.into()));
    for (line, status) in [
        ("GET /api/v1/history/77", 404),
        ("GET /api/v1/history/x/snapshot", 404),
        ("GET /api/v1/compare?run=77", 404),
        ("GET /api/v1/compare?run=2&tolerance=p95", 400),
        ("DELETE /api/v1/history/2", 403),
        ("POST /api/v1/stop", 403),
    ] {
        let (head, body) = ask(&address, line, "", "");
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")) && body.contains("error"),
            "{line}: {head} {body}"
        );
    }
    let (head, _) = ask(&address, "DELETE /api/v1/history/3", "X-Throng: 1\r\n", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    child.kill().unwrap();
    child.wait().unwrap();

    place.throng(&["compare", "2"]).expect_code(99);
    place.throng(&["compare", "3"]).expect_code(255).expect_error("there is no run 3");
}

#[test]
fn a_run_that_is_too_short_says_nothing() {
    let place = Place::new();
    place.run(&["-e", "ITERATIONS=40"]).expect_code(0);
    place.run(&["-e", "ITERATIONS=40", "-e", "WAY=slow"]).expect_code(0);
    let text = place.throng(&["compare", "1", "2"]).expect_code(113).stdout;
    assert!(text.contains("not enough to say: 40 requests, and 200 are needed"), "{text}");
    place.throng(&["compare", "2"]).expect_code(255).expect_error("is marked as the baseline");
}

#[test]
fn files_are_compared_too() {
    let place = Place::new();
    let (before, after) = (place.path("before.json"), place.path("after.json"));
    place.run(&["--summary-export", &before]).expect_code(0);
    place.run(&["--summary-export", &after, "-e", "WAY=slow"]).expect_code(0);
    THRONG.run(&["compare", &before, &after]).expect_code(99);
    THRONG.run(&["compare", "--baseline", &after, &before]).expect_code(0);
    let script = place.path("script.js");
    THRONG.run(&["compare", &before, &script]).expect_code(255).expect_error("nothing that can be compared");
    THRONG.run(&["compare", "1", "2"]).expect_code(2).expect_error("a history is needed");
    THRONG.run(&["compare"]).expect_code(2).expect_error("one or two runs");
}

#[test]
fn a_history_that_cannot_be_used_ends_the_run_before_it_begins() {
    let place = Place::new();
    std::fs::create_dir(place.path("runs")).unwrap();
    std::fs::write(Path::new(&place.path("runs")).join("history.db"), "no database".repeat(100)).unwrap();
    place.run(&[]).expect_code(104).expect_error("history.db is damaged, or is no database");
    THRONG
        .run(&["run", "--history-keep", "3", "x.js"])
        .expect_code(255)
        .expect_error("need --history FOLDER");
}

#[test]
fn old_runs_make_room() {
    let place = Place::new();
    for _ in 0..3 {
        place.run(&["--history-keep", "2", "-e", "ITERATIONS=4"]).expect_code(0);
    }
    let list = place.throng(&["history", "--list"]).expect_code(0).stdout;
    assert_eq!(list.lines().count(), 3, "{list}");
}
