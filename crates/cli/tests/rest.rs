//! k6's REST API of the built binary, and its commands: a run is asked, paused, scaled and ended from another process.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Face, K6, THRONG};

const PATIENCE: Duration = Duration::from_secs(30);

const CONTROLLED: &str = "
    import { check, group, sleep } from 'k6';
    export const options = {
        scenarios: { x: { executor: 'externally-controlled', vus: 2, maxVUs: 6, duration: '10m' } },
        thresholds: { iterations: ['count>1000000'], checks: ['rate>0.5'] },
    };
    export function setup() { return { key: 'value' }; }
    export default () => {
        group('front', () => check(null, { 'is there': () => true }));
        sleep(0.02);
    };
    export function handleSummary() { return {}; }";

const PLAIN: &str = "
    import { sleep } from 'k6';
    export const options = { vus: 1, duration: '10m' };
    export function setup() { return { asked: 'yes' }; }
    export default (data) => { console.log('data ' + JSON.stringify(data)); sleep(0.1); };
    export function teardown(data) { console.log('torn down ' + JSON.stringify(data)); }
    export function handleSummary() { return {}; }";

struct Run {
    child: Child,
    address: String,
    face: Face,
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

impl Run {
    fn start(face: Face, script: &str, flags: &[&str]) -> Self {
        let address = free_address();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.js");
        std::fs::write(&path, script).unwrap();
        let child = Command::new(face.link())
            .args(["run", "--quiet", "--address", &address])
            .args(flags)
            .arg(&path)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let run = Self { child, address, face };
        let begun = Instant::now();
        while TcpStream::connect(&run.address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "nobody listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The script has been loaded by then: its folder may go.
        run
    }

    fn ask(&self, line: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(stream, "{line} HTTP/1.0\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n{body}", self.address)
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    fn status(&self) -> Value {
        self.ask("GET /v1/status", "").1["data"]["attributes"].clone()
    }

    fn change(&self, attributes: Value) -> (u16, Value) {
        let document = json!({ "data": { "type": "status", "id": "default", "attributes": attributes } });
        self.ask("PATCH /v1/status", &document.to_string())
    }

    #[track_caller]
    fn status_when(&self, what: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if what(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "{status:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn metric(&self, name: &str) -> Value {
        self.ask(&format!("GET /v1/metrics/{name}"), "").1["data"]["attributes"]["sample"].clone()
    }

    /// What one of k6's commands prints.
    fn command(&self, args: &[&str]) -> String {
        self.face.run(&[args, &["--address", &self.address]].concat()).expect_code(0).stdout
    }

    fn wait(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

#[test]
fn a_run_is_asked_paused_scaled_and_ended() {
    let run = Run::start(K6, CONTROLLED, &[]);
    let status = run.status_when(|status| status["vus"] == 2);
    assert_eq!(
        status,
        json!({ "status": 7, "paused": false, "vus": 2, "vus-max": 6, "stopped": false, "running": true,
                "tainted": status["tainted"] })
    );
    assert_eq!(run.ask("GET /v1/setup", "").1["data"]["attributes"]["data"], json!({ "key": "value" }));

    let (code, changed) = run.change(json!({ "vus": 5 }));
    assert_eq!(code, 200, "{changed}");
    run.status_when(|status| status["vus"] == 5);
    assert_eq!(run.change(json!({ "vus": 7 })).0, 400);
    assert_eq!(run.change(json!({ "vus-max": 5 })).0, 400);
    assert_eq!(run.change(json!({ "vus": 8, "vus-max": 8 })).0, 200);
    run.status_when(|status| status["vus"] == 8 && status["vus-max"] == 8);

    assert!(run.command(&["pause"]).contains("paused: \"true\"\n"));
    run.status_when(|status| status["vus"] == 0 && status["paused"] == true);
    // Threads tell once a second what they measured.
    std::thread::sleep(Duration::from_millis(1_300));
    let before = run.metric("iterations");
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(run.metric("iterations")["count"], before["count"], "nothing runs");
    assert!(run.command(&["resume"]).contains("paused: \"false\"\n"));
    assert!(run.command(&["scale", "-u", "1"]).starts_with("status: 7\n"));
    run.status_when(|status| status["vus"] == 1);

    let (_, groups) = run.ask("GET /v1/groups", "");
    let names: Vec<&Value> =
        groups["data"].as_array().unwrap().iter().map(|group| &group["attributes"]["name"]).collect();
    assert!(names.contains(&&json!("")) && names.contains(&&json!("front")), "{groups:#}");
    assert_eq!(run.ask("GET /v1/groups/nope", "").0, 404);
    assert_eq!(run.ask("GET /v1/metrics/nope", "").0, 404);
    assert_eq!(run.ask("GET /ping", ""), (200, json!("ok")));
    assert!(run.command(&["stats"]).contains("name: iterations\n"));

    assert_eq!(run.change(json!({ "stopped": true })).0, 200);
    let (code, errors) = run.wait();
    assert_eq!(code, Some(103), "{errors}");
}

#[test]
fn a_run_that_starts_paused_waits_and_takes_setup_data() {
    let run = Run::start(K6, PLAIN, &["--paused", "--no-setup", "--no-teardown"]);
    let status = run.status_when(|status| status["status"] == 4);
    assert_eq!((&status["paused"], &status["running"]), (&json!(true), &json!(false)));
    assert_eq!(run.ask("POST /v1/setup", "").1["data"]["attributes"]["data"], json!({ "asked": "yes" }));
    let (code, put) = run.ask("PUT /v1/setup", r#"{"mine":1}"#);
    assert_eq!((code, &put["data"]["attributes"]["data"]), (200, &json!({ "mine": 1 })));
    assert_eq!(run.change(json!({ "paused": false })).0, 200);
    run.status_when(|status| status["status"] == 7 && status["vus"] == 1);
    assert_eq!(run.ask("PUT /v1/setup", "2").0, 409);
    // Only externally controlled scenarios can be paused and scaled.
    assert_eq!(run.change(json!({ "paused": true })).0, 500);
    assert_eq!(run.change(json!({ "vus": 2 })).0, 500);
    assert_eq!(run.ask("POST /v1/teardown", "").0, 200);
    run.change(json!({ "stopped": true }));
    let (code, errors) = run.wait();
    assert_eq!(code, Some(103), "{errors}");
    assert!(
        errors.contains("data {\\\"mine\\\":1}") && errors.contains("torn down {\\\"mine\\\":1}"),
        "{errors}"
    );
}

#[test]
fn workers_are_paused_and_scaled_too() {
    let run = Run::start(THRONG, CONTROLLED, &["--workers", "2", "--paused"]);
    run.status_when(|status| status["status"] == 4);
    run.command(&["k6", "resume"]);
    run.status_when(|status| status["vus"] == 2);
    run.change(json!({ "vus": 5 }));
    run.status_when(|status| status["vus"] == 5);
    let (code, answer) = run.change(json!({ "vus-max": 7 }));
    assert_eq!(code, 500, "{answer}");
    run.change(json!({ "paused": true }));
    run.status_when(|status| status["vus"] == 0);
    run.change(json!({ "paused": false }));
    run.status_when(|status| status["vus"] == 5);
    run.change(json!({ "stopped": true }));
    assert_eq!(run.wait().0, Some(103));
}

#[test]
fn what_was_measured_can_be_asked_while_the_process_lingers() {
    let script = "export default () => {}; export function handleSummary() { return {}; }";
    let mut run = Run::start(K6, script, &["--linger", "-i", "7"]);
    run.status_when(|status| status["status"] == 9);
    assert_eq!(run.metric("iterations")["count"], 7.0);
    assert_eq!(run.change(json!({ "paused": true })).0, 409);
    // As in k6, whose second order to stop is no error either.
    for _ in 0..2 {
        let (code, answer) = run.change(json!({ "stopped": true }));
        let now = &answer["data"]["attributes"];
        assert_eq!((code, &now["status"], &now["stopped"]), (200, &json!(9), &json!(true)));
    }
    Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().unwrap();
    assert!(run.child.wait().unwrap().success());
}

#[test]
fn rates_are_those_of_the_test_and_not_of_what_is_watched_after_it() {
    let script = "export const options = { thresholds: { iterations: ['rate>0'] } };
        export default () => {}; export function handleSummary() { return {}; }";
    // Nobody is there to be watched, which does not matter here.
    let watch = ["--watch", "redis://127.0.0.1:1", "--watch-after", "1m", "-i", "7", "--ui=off"];
    let mut run = Run::start(THRONG, script, &watch);
    let begun = Instant::now();
    while run.metric("iterations")["count"] != 7.0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    // While the load goes on the rate falls with each look.
    let mut before = run.metric("iterations");
    loop {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(500));
        let now = run.metric("iterations");
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before["rate"].as_f64().unwrap() > 7.0, "{before}");
    Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().unwrap();
    assert_eq!(run.child.wait().unwrap().code(), Some(105));
}

#[test]
fn who_waits_for_a_function_when_the_run_ends_is_told_so() {
    let script = "import { sleep } from 'k6'; export default () => sleep(0.1); export function teardown() { sleep(1.5); }";
    let mut run = Run::start(K6, script, &["--linger", "-d", "10m"]);
    run.status_when(|status| status["status"] == 7);
    assert_eq!(run.change(json!({ "stopped": true })).0, 200);
    run.status_when(|status| status["status"] == 8);
    std::thread::sleep(Duration::from_millis(300));
    // The run's own teardown is over before this one.
    let (code, answer) = run.ask("POST /v1/teardown", "");
    assert_eq!((code, &answer["errors"][0]["title"]), (409, &json!("Too late")), "{answer}");
    Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().unwrap();
    run.child.wait().unwrap();
}

#[test]
fn a_signal_in_the_middle_ends_a_run_that_would_linger() {
    let script = "import { sleep } from 'k6'; export default () => sleep(0.1);";
    let mut run = Run::start(K6, script, &["--linger", "-d", "10m"]);
    run.status_when(|status| status["status"] == 7);
    Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().unwrap();
    assert_eq!(run.child.wait().unwrap().code(), Some(105));
}

#[test]
fn another_sites_page_changes_nothing() {
    let run = Run::start(K6, CONTROLLED, &[]);
    let mut stream = TcpStream::connect(&run.address).unwrap();
    write!(stream, "POST /v1/teardown HTTP/1.0\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 403 "), "{answer}");
    run.change(json!({ "stopped": true }));
    assert_eq!(run.wait().0, Some(103));
}

#[test]
fn a_port_that_is_taken_ends_the_run_only_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let script = tempfile::NamedTempFile::with_suffix(".js").unwrap();
    std::fs::write(script.path(), "export default () => {}").unwrap();
    let path = script.path().to_str().unwrap();
    K6.run(&["run", "--address", &address, path])
        .expect_code(106)
        .expect_error("cannot serve the REST API on");
    K6.run(&["run", "--address", "nowhere", path]).expect_code(106).expect_error("host:port");
    // Whether or not somebody has the default port.
    K6.run(&["run", path]).expect_code(0);
    K6.run(&["status", "--address", "127.0.0.1:1"])
        .expect_code(255)
        .expect_error("cannot ask http://127.0.0.1:1");
    K6.run(&["scale", "--address", &address]).expect_code(255).expect_error("-u/--vus");
    THRONG.run(&["run", "--paused", path]).expect_code(255).expect_error("to be resumed from");
}
