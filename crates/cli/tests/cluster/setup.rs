//! Workers that are lost before the first iteration, while `setup` runs.

use std::process::Command;
use std::time::{Duration, Instant};

use super::cluster::{Process, Script, TOKEN, controller, worker};

/// Takes longer to be set up than a worker has to be silent to be given up, and says so.
const SLOW: &str = "import { sleep } from 'k6';
    export const options = { scenarios: { each: { executor: 'per-vu-iterations', vus: 4, iterations: 5 } } };
    export function setup() { console.log('setup begins'); sleep(3.5); return { n: 7 } }
    export default function (data) { if (data.n !== 7) throw new Error('no setup data') }
    export function teardown() { console.log('teardown') }";

#[test]
fn another_worker_takes_the_place_of_one_that_is_killed_during_setup() {
    let script = Script::new(SLOW);
    let export = script.path("summary.json").display().to_string();
    let (mut controller, address) =
        controller(&script, &["--expect-workers", "2", "--quiet", "--summary-export", &export]);
    let (mut victim, survivor) = (worker(&address, "victim"), worker(&address, "survivor"));
    controller.until("setup begins");
    victim.kill();
    controller.until("worker victim (50.0 % of the test) was lost before the run");
    let late = worker(&address, "late");
    let done = controller.wait().expect_code(0);
    assert!(done.stderr.contains("teardown") && !done.stderr.contains("setup begins"), "{}", done.stderr);
    assert!(
        done.stdout.contains("✗ worker victim (50.0 % of the test) was lost before the run"),
        "{}",
        done.stdout
    );
    assert!(!done.stdout.contains("is missing"), "nothing had been measured: {}", done.stdout);
    for worker in [survivor, late] {
        worker.wait().expect_code(0);
    }
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(export).unwrap()).unwrap();
    assert_eq!(summary["metrics"]["iterations"]["count"], 20);
}

#[test]
fn without_another_worker_the_run_ends_and_cleans_up() {
    let script = Script::new(SLOW);
    let (mut controller, address) = controller(&script, &["--expect-workers", "2", "--gather-timeout", "7s"]);
    let (mut victim, survivor) = (worker(&address, "victim"), worker(&address, "survivor"));
    controller.until("setup begins");
    victim.kill();
    let killed = Instant::now();
    // Longer than the controller's own machine may take for an answer.
    controller.until("only 1 of 2 workers are there after 7 s");
    assert!(killed.elapsed() >= Duration::from_secs(7));
    let done = controller.wait().expect_code(255);
    assert!(done.stderr.contains("teardown"), "{}", done.stderr);
    survivor.wait();
}

#[test]
fn a_start_that_waits_for_a_worker_can_be_stopped() {
    let script = Script::new(SLOW);
    let (mut controller, address) = controller(&script, &["--expect-workers", "2"]);
    let (mut victim, survivor) = (worker(&address, "victim"), worker(&address, "survivor"));
    controller.until("setup begins");
    victim.kill();
    controller.until("the start waits for the workers that are not there");
    let stopped = Instant::now();
    controller.signal("INT");
    let done = controller.wait().expect_code(105);
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert!(done.stderr.contains("teardown"), "{}", done.stderr);
    survivor.wait();
}

#[test]
fn a_run_with_workers_of_its_own_does_not_wait_for_one_that_has_ended() {
    let script = Script::new(SLOW);
    let path = script.script();
    let mut run = Process::start(&["run", "--workers", "3", "--ui=off", &path], TOKEN);
    run.until("setup begins");
    let id = run.child.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let victim = children.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-KILL", victim]).status().unwrap().success());
    let killed = Instant::now();
    let done = run.wait().expect_code(255);
    done.expect_error("has ended before the start, and nobody else can take its place");
    assert!(killed.elapsed() < Duration::from_secs(8), "{:?}", killed.elapsed());
}
