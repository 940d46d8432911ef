//! What was set from outside outlives the controller that was told.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Chaos;
use super::cluster::{Process, TOKEN};
use super::target::Target;

const CONTROLLED: &str = "import http from 'k6/http'; import { sleep } from 'k6';
    export const options = { scenarios: { x: { executor: 'externally-controlled', vus: 4, maxVUs: 8, duration: '10m' } } };
    export default function (data) { http.get(`${__ENV.TARGET}/${data.path}`); sleep(0.1) }";

const PATIENCE: Duration = Duration::from_secs(30);

fn ask(api: &str, line: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(api).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(stream, "{line} HTTP/1.0\r\nHost: {api}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn change(api: &str, attributes: Value) -> Value {
    let document = json!({ "data": { "type": "status", "id": "default", "attributes": attributes } });
    ask(api, "PATCH /v1/status", &document.to_string())
}

/// Waits for a status in which so many virtual users loop.
#[track_caller]
fn expect(api: &str, paused: bool, vus: u64) {
    let begun = Instant::now();
    loop {
        let status = ask(api, "GET /v1/status", "")["data"]["attributes"].clone();
        if status["paused"] == paused && status["vus"] == vus {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{status:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_controller_that_goes_on_knows_what_is_paused_and_how_many_users_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("run").display().to_string();
    let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let more = ["--state-dir", &state, "--paused", "--address", &api];
    let mut chaos = Chaos::with_flags("127.0.0.1", Target::start(), CONTROLLED, 2, &more);
    chaos.add();
    chaos.add();
    let target = format!("TARGET={}", chaos.target.url());
    let (bind, script) = (chaos.address.clone(), chaos.script.script());
    let command =
        ["controller", "--ui=off", "--quiet", "--bind", &bind, "--expect-workers", "2", "-e", &target];
    let command = [&command[..], &more, &[&script]].concat();
    let start_again = |chaos: &mut Chaos| {
        chaos.controller.kill();
        chaos.controller = Process::start(&command, TOKEN);
        chaos.controller.until("there was no controller for");
        for _ in 0..2 {
            chaos.controller.until("is there again");
        }
    };
    // Paused before the start, and what was put as setup data.
    expect(&api, true, 0);
    ask(&api, "PUT /v1/setup", r#"{"path": "put"}"#);
    start_again(&mut chaos);
    expect(&api, true, 0);
    assert_eq!(chaos.target.count(), 0);
    change(&api, json!({ "paused": false }));
    expect(&api, false, 4);
    chaos.target.wait_for(10);
    chaos.target.expect_only("/put");
    // It runs on, although the command line says that it starts paused.
    change(&api, json!({ "vus": 6 }));
    expect(&api, false, 6);
    start_again(&mut chaos);
    expect(&api, false, 6);
    // Paused while it runs; one that joins afterwards is told.
    change(&api, json!({ "paused": true }));
    expect(&api, true, 0);
    start_again(&mut chaos);
    expect(&api, true, 0);
    chaos.add();
    chaos.controller.until("3 workers share the whole test from");
    let so_far = chaos.target.count();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(chaos.target.count(), so_far);
    change(&api, json!({ "paused": false }));
    expect(&api, false, 6);
    change(&api, json!({ "stopped": true }));
    chaos.controller.finish().expect_code(103);
}
