//! The page of a k6 run: the built binary serves it, and takes the order to stop from it.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

mod support;
#[path = "support/target.rs"]
mod target;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Face, K6, THRONG};
use target::Target;

const PATIENCE: Duration = Duration::from_secs(30);

struct Run {
    child: Child,
    address: String,
}

impl Run {
    fn start(face: Face, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script.js");
        std::fs::write(
            &script,
            "import http from 'k6/http';
             import { check, sleep } from 'k6';
             export const options = {
                 vus: 2, duration: '10m',
                 thresholds: { http_req_duration: ['p(95)<60000'], checks: ['rate>0.9'] },
             };
             export default () => {
                 const found = http.get(__ENV.URL + '/found', { tags: { name: 'found' } });
                 check(found, { 'is there': (r) => r.status === 200, 'is not': (r) => r.status === 404 });
                 http.get(__ENV.URL + '/missing');
                 sleep(0.01);
             };",
        )
        .unwrap();
        let url = format!("URL={}", Target::start().url());
        let mut child = Command::new(face.link())
            .args(["run", "-e", &url])
            .args(flags)
            .arg(&script)
            .env_clear()
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The header says where it is; the rest is read too, so that the run is not held up.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.by_ref().flatten().find(|line| line.contains("web dashboard: ")).expect("a page");
        std::thread::spawn(move || lines.count());
        let address = line.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        // The script has been loaded by then: its folder may go.
        Self { child, address }
    }

    fn ask(&self, line: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn snapshot_when(&self, what: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let snapshot = serde_json::from_str(&self.ask("GET /api/v1/snapshot", "").1).unwrap();
            if what(&snapshot) {
                return snapshot;
            }
            assert!(begun.elapsed() < PATIENCE, "{snapshot:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

fn has_measured(snapshot: &Value) -> bool {
    snapshot["timeline"]["rps"].as_array().is_some_and(|points| points.len() >= 2)
}

#[test]
fn a_run_is_seen_while_it_runs_and_can_be_stopped() {
    let run = Run::start(THRONG, &["--ui=127.0.0.1:0"], &[]);
    let seen = run.snapshot_when(has_measured);
    assert_eq!(
        (&seen["kind"], &seen["state"], &seen["can"][0]),
        (&"k6".into(), &"running".into(), &"stop".into())
    );
    assert_eq!((&seen["planned"], &seen["users"]["now"]), (&600.0.into(), &2.into()));
    let rows = seen["requests"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["name"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!((&row("found")["fails"], &row("found")["method"]), (&0.into(), &"GET".into()));
    assert_eq!(row("/missing")["fails"], row("/missing")["count"]);
    assert!(row("found")["p95"].as_f64().unwrap() > 0.0 && row("found")["rps"].as_f64().unwrap() > 1.0);
    assert_eq!(seen["failures"][0]["error"], "unexpected status 404");
    let verdicts: Vec<_> = seen["thresholds"].as_array().unwrap().iter().map(|one| &one["ok"]).collect();
    assert_eq!(verdicts, [false, true], "of checks and of http_req_duration");
    assert_eq!(seen["checks"][1]["passes"], 0);
    assert_eq!(seen["scenarios"][0]["executor"], "constant-vus");

    assert!(run.ask("POST /api/v1/stop", "").0.starts_with("HTTP/1.1 403 "));
    let (head, body) = run.ask("POST /api/v1/reset", "X-Throng: 1\r\n");
    assert!(head.starts_with("HTTP/1.1 422 "), "{head} {body}");
    let (head, _) = run.ask("POST /api/v1/stop", "X-Throng: 1\r\n");
    assert!(head.starts_with("HTTP/1.1 202 "), "{head}");
    let (code, errors) = run.wait();
    assert_eq!(code, Some(103), "{errors}");
    assert!(errors.contains("stopped from its page"), "{errors}");
}

#[test]
fn stages_are_lines_in_the_charts() {
    let run = Run::start(THRONG, &["--ui=127.0.0.1:0", "--stage", "1s:2,0s:4,10m:4"], &[]);
    let is_stage = |mark: &&Value| mark["kind"] == "stage";
    let seen = run
        .snapshot_when(|snapshot| snapshot["marks"].as_array().unwrap().iter().any(|mark| is_stage(&mark)));
    let mark = seen["marks"].as_array().unwrap().iter().find(is_stage).unwrap();
    assert_eq!(
        (&mark["kind"], &mark["text"]),
        (
            &"stage".into(),
            &"stage 2 of 3: at once 4 virtual users; stage 3 of 3: stays at 4 virtual users".into()
        )
    );
    let after = mark["at"].as_u64().unwrap() - seen["started_at"].as_u64().unwrap();
    assert!((990..5_000).contains(&after), "{after}");
    run.ask("POST /api/v1/stop", "X-Throng: 1\r\n");
    assert_eq!(run.wait().0, Some(103));
}

#[test]
fn the_workers_of_a_run_are_seen() {
    let run = Run::start(THRONG, &["--ui=127.0.0.1:0", "--workers", "2"], &[]);
    let seen = run.snapshot_when(|snapshot| {
        has_measured(snapshot)
            && snapshot["workers"]
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one["users"] == 1 && one["memory"].is_u64()))
    });
    let states: Vec<_> = seen["workers"].as_array().unwrap().iter().map(|worker| &worker["state"]).collect();
    assert_eq!(states, ["running", "running"]);
    let memory = seen["workers"][0]["memory"].as_u64().unwrap();
    assert!((1 << 20..4 << 30).contains(&memory), "{memory} bytes");
    run.ask("POST /api/v1/stop", "X-Throng: 1\r\n");
    assert_eq!(run.wait().0, Some(103));
}

#[test]
fn k6s_variables_open_it_too() {
    let environment = [("K6_WEB_DASHBOARD", "true"), ("K6_WEB_DASHBOARD_PORT", "0")];
    let run = Run::start(K6, &[], &environment);
    run.snapshot_when(|snapshot| snapshot["state"] == "running");
    run.ask("POST /api/v1/stop", "X-Throng: 1\r\n");
    assert_eq!(run.wait().0, Some(103));
}

#[test]
fn k6s_report_is_written_with_and_without_a_server_and_a_browser_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let script = path("a.js");
    std::fs::write(&script, "export const options = { iterations: 3 };\nexport default () => {};").unwrap();
    // A browser that notes what it is to show.
    let opened = path("opened");
    std::fs::write(path("xdg-open"), format!("#!/bin/sh\necho \"$1\" > {opened}\n")).unwrap();
    std::fs::set_permissions(path("xdg-open"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let search = format!("{}:/usr/bin:/bin", folder.path().display());
    let run = |port: &str, export: &str, more: &[(&str, &str)]| {
        let dashboard = [("K6_WEB_DASHBOARD", "true"), ("K6_WEB_DASHBOARD_PORT", port)];
        let export = [("K6_WEB_DASHBOARD_EXPORT", export), ("K6_WEB_DASHBOARD_PERIOD", "1s")];
        let all: Vec<_> = dashboard.into_iter().chain(export).chain(more.iter().copied()).collect();
        K6.run_with(&["run", "--address", "", &script], &all)
    };
    if std::env::var_os("THRONG_EXPECT_PAGE").is_none() && !throng_server::has_report() {
        run("-1", &path("r.html"), &[]).expect_code(104).expect_error("K6_WEB_DASHBOARD_EXPORT");
        return;
    }
    run("0", &path("r.html"), &[("K6_WEB_DASHBOARD_OPEN", "true"), ("PATH", &search)]).expect_code(0);
    let report = std::fs::read_to_string(path("r.html")).unwrap();
    assert!(report.contains("\"iterations\"") && report.contains("id=\"run\""), "{} bytes", report.len());
    let until = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(&opened).is_ok_and(|url| url.starts_with("http://127.0.0.1:")) {
        assert!(Instant::now() < until, "no browser was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    run("-1", &path("r.html.gz"), &[]).expect_code(0);
    assert_eq!(std::fs::read(path("r.html.gz")).unwrap()[..2], [0x1f, 0x8b]);
    // As in k6, what cannot be written is no failure of the test.
    run("-1", "/nowhere/r.html", &[]).expect_code(0).expect_error("/nowhere/r.html");
    // Without the dashboard there is no report.
    K6.run_with(&["run", "--address", "", &script], &[("K6_WEB_DASHBOARD_EXPORT", &path("none.html"))])
        .expect_code(0);
    assert!(!std::path::Path::new(&path("none.html")).exists());
}

#[test]
fn an_address_that_cannot_be_had_ends_the_run_before_it_begins() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--ui={}", taken.local_addr().unwrap());
    let script = tempfile::NamedTempFile::with_suffix(".js").unwrap();
    std::fs::write(script.path(), "export default () => {}").unwrap();
    let path = script.path().to_str().unwrap();
    THRONG.run(&["run", &address, path]).expect_code(255).expect_error("cannot serve the page on");
    THRONG.run(&["run", "--ui=nowhere:x", path]).expect_code(255).expect_error("invalid address of the page");
}
