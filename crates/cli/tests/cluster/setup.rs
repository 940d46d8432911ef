//! Workers that are lost before the first iteration, while `setup` runs.

use std::time::{Duration, Instant};

use super::cluster::{Script, controller, worker};

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
