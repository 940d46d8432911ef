//! Workers come, go and die while a test runs, in processes of their own. What matters is what arrives at the target: as
//! much as planned, never more, nothing twice; and that the run ends by itself, says what happened and loses no number
//! that was reported.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "chaos/controller.rs"]
mod controller;
#[path = "support/namespace.rs"]
mod namespace;
#[path = "chaos/rogue.rs"]
mod rogue;
#[path = "chaos/steering.rs"]
mod steering;
mod support;
#[path = "support/target.rs"]
mod target;

use std::time::Duration;

use cluster::{Process, Script, controller_at, worker};
use namespace::Namespace;
use support::Done;
use target::Target;

/// How much more than planned may arrive within a second, as seconds at the target are not those of the plan.
const JITTER: usize = 5;

const RATE: &str = "import http from 'k6/http'; import exec from 'k6/execution';
    export const options = { scenarios: { rate: { executor: 'constant-arrival-rate', rate: 60, duration: '9s',
      preAllocatedVUs: 24, maxVUs: 24, gracefulStop: '3s' } } };
    export default function () { http.get(`${__ENV.TARGET}/${exec.scenario.iterationInTest}`) }";

const LOOPING: &str = "import http from 'k6/http'; import exec from 'k6/execution'; import { sleep } from 'k6';
    export const options = { scenarios: { looping: { executor: 'constant-vus', vus: 24, duration: '9s', gracefulStop: '3s' } } };
    export default function () { http.get(`${__ENV.TARGET}/${exec.scenario.iterationInTest}`); sleep(0.25) }";

/// Takes about six seconds; each path is an iteration.
const SHARED: &str = "import http from 'k6/http'; import exec from 'k6/execution'; import { sleep } from 'k6';
    export const options = { scenarios: { shared: { executor: 'shared-iterations', vus: 24, iterations: 600 } } };
    export default function () { http.get(`${__ENV.TARGET}/${exec.scenario.iterationInTest}`); sleep(0.25) }";

const EACH: &str = "import http from 'k6/http'; import exec from 'k6/execution'; import { sleep } from 'k6';
    export const options = { scenarios: { each: { executor: 'per-vu-iterations', vus: 24, iterations: 25 } } };
    export default function () {
      http.get(`${__ENV.TARGET}/${exec.vu.idInTest}-${exec.vu.iterationInScenario}`); sleep(0.25) }";

/// A run in which something happens.
struct Chaos {
    script: Script,
    target: Target,
    controller: Process,
    address: String,
    workers: Vec<Process>,
}

impl Chaos {
    /// Begins a run with so many workers and waits for its first requests.
    fn with(script: &str, count: usize) -> Self {
        let mut chaos = Self::at("127.0.0.1", Target::start(), script, count);
        for _ in 0..count {
            chaos.add();
        }
        chaos.target.wait_for(60);
        chaos
    }

    /// A run whose controller listens there and waits for so many workers.
    fn at(host: &str, target: Target, script: &str, count: usize) -> Self {
        Self::with_flags(host, target, script, count, &[])
    }

    fn with_flags(host: &str, target: Target, script: &str, count: usize, more: &[&str]) -> Self {
        let script = Script::new(script);
        let expected = count.to_string();
        let environment = format!("TARGET={}", target.url());
        let summary = script.path("summary.json").display().to_string();
        let flags =
            ["--quiet", "--expect-workers", &expected, "-e", &environment, "--summary-export", &summary];
        let flags = [&flags[..], more].concat();
        let (controller, address) = controller_at(host, &script, &flags);
        Self { script, target, controller, address, workers: Vec::new() }
    }

    fn add(&mut self) {
        let name = format!("w{}", self.workers.len() + 1);
        self.workers.push(worker(&self.address, &name));
    }

    /// Waits for the controller; returns what it left behind, and how many iterations it counted.
    fn end(self) -> (Done, Target, usize) {
        let mut chaos = self;
        let done = chaos.controller.finish();
        let iterations = chaos.iterations();
        let Self { target, .. } = chaos;
        (done, target, iterations)
    }

    /// How many iterations the controller counted, once it has ended.
    fn iterations(&self) -> usize {
        let summary = std::fs::read(self.script.path("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        summary["metrics"]["iterations"]["count"].as_u64().unwrap() as usize
    }
}

/// From a second after the others were told to take over, as much arrives as planned.
#[track_caller]
fn expect_back(target: &Target, planned: usize, last_seconds: usize) {
    let arrived = target.per_second();
    // The last second is not whole.
    let end = arrived.len() - 1;
    for second in end - last_seconds..end {
        assert!(arrived[second] + JITTER >= planned, "second {second} of {arrived:?}");
    }
}

#[track_caller]
fn expect_never_more(target: &Target, planned: usize) {
    let arrived = target.per_second();
    assert!(arrived.iter().all(|count| *count <= planned + JITTER), "{arrived:?}");
    target.expect_no_doubles();
}

#[test]
fn one_worker_of_three_is_killed_and_the_rate_is_kept() {
    let mut chaos = Chaos::with(RATE, 3);
    chaos.workers[1].kill();
    chaos.controller.until("worker w2 (33.3 % of the test) was lost");
    chaos.controller.until("2 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    expect_never_more(&target, 60);
    expect_back(&target, 60, 3);
    assert!(iterations <= target.count() && target.count() <= 540, "{iterations} of {}", target.count());
    assert!(done.stdout.contains("✗ worker w2 (33.3 % of the test) was lost"), "{}", done.stdout);
    assert!(done.stdout.contains("of 540 planned starts are missing"), "{}", done.stdout);
}

#[test]
fn two_workers_of_four_are_killed_and_the_virtual_users_are_kept() {
    let mut chaos = Chaos::with(LOOPING, 4);
    chaos.workers[1].kill();
    chaos.workers[2].kill();
    chaos.controller.until("2 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    // Each of 24 begins a little less than four times a second.
    expect_never_more(&target, 96);
    expect_back(&target, 72, 3);
    assert!(iterations <= target.count());
    for name in ["w2", "w3"] {
        assert!(done.stdout.contains(&format!("✗ worker {name} (")), "{}", done.stdout);
    }
}

#[test]
fn two_workers_come_and_no_start_is_missing() {
    let mut chaos = Chaos::with(RATE, 2);
    chaos.add();
    chaos.controller.until("3 workers share the whole test from");
    chaos.add();
    chaos.controller.until("4 workers share the whole test from");
    for newcomer in &mut chaos.workers[2..] {
        newcomer.until("% of the test is this worker's from");
    }
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    expect_never_more(&target, 60);
    assert_eq!((target.count(), iterations), (540, 540));
}

#[test]
fn virtual_users_that_move_to_a_newcomer_are_never_in_two_places() {
    let mut chaos = Chaos::with(LOOPING, 2);
    chaos.add();
    chaos.controller.until("3 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    // Each of 24 begins a little less than four times a second.
    expect_never_more(&target, 96);
    expect_back(&target, 72, 3);
    assert_eq!(target.count(), iterations);
}

#[test]
fn while_a_worker_joins_no_virtual_user_stands_still() {
    let mut chaos = Chaos::with(LOOPING, 2);
    chaos.add();
    chaos.controller.until("3 workers share the whole test from");
    let (done, target, _) = chaos.end();
    done.expect_code(0);
    // Each of 24 begins a little less than four times a second. A third of them move, once their iteration has ended.
    let whole_seconds = target.per_second().len() - 2;
    expect_back(&target, 72, whole_seconds);
}

/// Every virtual user asks for as much as it gets.
const LIMITED: &str = "import http from 'k6/http'; import exec from 'k6/execution';
    export const options = { rps: 60, scenarios: { limited: { executor: 'constant-vus', vus: 24, duration: '9s',
      gracefulStop: '3s' } } };
    export default function () { http.get(`${__ENV.TARGET}/${exec.scenario.iterationInTest}`) }";

#[test]
fn the_requests_that_a_test_may_make_in_a_second_are_those_of_the_workers_that_are_left() {
    let mut chaos = Chaos::with(LIMITED, 3);
    chaos.workers[1].kill();
    chaos.controller.until("2 workers share the whole test from");
    let (done, target, _) = chaos.end();
    done.expect_code(0);
    expect_never_more(&target, 60);
    expect_back(&target, 60, 3);
}

#[test]
fn workers_are_replaced_one_after_another_and_nothing_is_missing() {
    let mut chaos = Chaos::with(RATE, 2);
    for old in 0..2 {
        chaos.add();
        chaos.controller.until("3 workers share the whole test from");
        chaos.workers[old].signal("TERM");
        chaos.controller.until("has left");
    }
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    expect_never_more(&target, 60);
    assert_eq!((target.count(), iterations), (540, 540));
    assert!(done.stdout.contains("✗ worker w1 (33.3 % of the test) has left"), "{}", done.stdout);
}

#[test]
fn a_run_that_all_workers_leave_has_failed() {
    let mut chaos = Chaos::with(LOOPING, 3);
    for worker in 0..3 {
        chaos.workers[worker].signal("TERM");
        chaos.controller.until("has left");
    }
    let (done, target, iterations) = chaos.end();
    done.expect_code(255).expect_error("no worker is left");
    expect_never_more(&target, 96);
    assert_eq!(target.count(), iterations, "what leaves reports everything");
}

#[test]
fn a_worker_that_freezes_starts_nothing_when_it_wakes_up_and_comes_back() {
    let mut chaos = Chaos::with(RATE, 3);
    chaos.workers[0].signal("STOP");
    chaos.controller.until("2 workers share the whole test from");
    std::thread::sleep(Duration::from_millis(700));
    chaos.workers[0].signal("CONT");
    chaos.controller.until("worker w1 is back");
    chaos.controller.until("3 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    expect_never_more(&target, 60);
    assert_eq!(target.count(), iterations, "what it measured before is not lost");
    let lost =
        done.stdout.lines().find(|line| line.contains("✗ worker w1 (33.3 % of the test) was lost")).unwrap();
    assert!(lost.contains("with what it had measured; meanwhile the others ran its part"), "{lost}");
    assert!(!lost.contains("is missing"), "{lost}");
}

#[test]
fn a_controller_that_freezes_gives_nobody_up_when_it_wakes_up() {
    let mut chaos = Chaos::with(RATE, 3);
    chaos.controller.signal("STOP");
    std::thread::sleep(Duration::from_secs(4));
    chaos.controller.signal("CONT");
    chaos.controller.until("the controller was held up for");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    expect_never_more(&target, 60);
    expect_back(&target, 60, 2);
    assert_eq!(target.count(), iterations);
    assert!(!done.stdout.contains("was lost"), "{}", done.stdout);
    // Nobody starts anything for long without an answer.
    assert!(done.stdout.contains("of 540 planned starts are missing"), "{}", done.stdout);
}

// --- iterations that are counted ----------------------------------------------------------------------

/// All were run and counted once; what a worker that is gone had run and not told was run again.
#[track_caller]
fn expect_all(target: &Target, iterations: usize, again: std::ops::RangeInclusive<usize>) {
    assert_eq!((target.distinct(), iterations), (600, 600));
    let more = target.count() - 600;
    assert!(again.contains(&more), "{more} were run again");
}

#[test]
fn what_a_killed_worker_has_not_told_of_shared_iterations_is_run_again_by_the_others() {
    let mut chaos = Chaos::with(SHARED, 3);
    chaos.workers[1].kill();
    chaos.controller.until("worker w2 (33.3 % of the test) was lost");
    chaos.controller.until("2 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    // Eight virtual users, of which each has done four or so since its thread told anything.
    expect_all(&target, iterations, 0..=64);
    assert!(!done.stdout.contains("are missing"), "{}", done.stdout);
}

#[test]
fn virtual_users_of_two_killed_workers_of_four_run_the_rest_of_their_iterations_elsewhere() {
    let mut chaos = Chaos::with(EACH, 4);
    chaos.workers[1].kill();
    chaos.workers[2].kill();
    chaos.controller.until("2 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    expect_all(&target, iterations, 0..=96);
}

#[test]
fn workers_that_leave_one_after_another_leave_no_counted_iteration_behind() {
    for script in [SHARED, EACH] {
        let mut chaos = Chaos::with(script, 2);
        for old in 0..2 {
            chaos.add();
            chaos.controller.until("3 workers share the whole test from");
            chaos.workers[old].signal("TERM");
            chaos.controller.until("has left");
        }
        let (done, target, iterations) = chaos.end();
        done.expect_code(0);
        expect_all(&target, iterations, 0..=0);
    }
}

#[test]
fn a_worker_that_freezes_counts_no_iteration_that_others_have_run_again() {
    let mut chaos = Chaos::with(SHARED, 3);
    chaos.workers[0].signal("STOP");
    chaos.controller.until("2 workers share the whole test from");
    std::thread::sleep(Duration::from_millis(700));
    chaos.workers[0].signal("CONT");
    chaos.controller.until("worker w1 is back");
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    expect_all(&target, iterations, 0..=72);
}

// --- longer ones, for `./x chaos` ---------------------------------------------------------------------

#[test]
#[ignore = "takes half a minute; `./x chaos` runs it"]
fn a_worker_that_freezes_for_ten_seconds_comes_back() {
    let script = LOOPING.replace("'9s'", "'20s'");
    let mut chaos = Chaos::with(&script, 3);
    chaos.workers[0].signal("STOP");
    std::thread::sleep(Duration::from_secs(10));
    chaos.workers[0].signal("CONT");
    chaos.controller.until("worker w1 is back");
    chaos.controller.until("3 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    // An iteration that was frozen ends where it began, while another worker has its virtual user.
    expect_never_more(&target, 96 + 8);
    expect_back(&target, 72, 4);
    assert_eq!(target.count(), iterations);
}

#[test]
#[ignore = "needs the right to make network namespaces; `./x chaos` runs it"]
fn a_worker_that_is_cut_off_for_ten_seconds_offers_no_load_and_comes_back() {
    let Some(namespace) = Namespace::new() else { return };
    let target = Target::at(namespace.open_host());
    let script = RATE.replace("'9s'", "'24s'");
    let mut chaos = Chaos::at(namespace.cut_host(), target, &script, 3);
    chaos.add();
    chaos.add();
    chaos.workers.push(namespace.worker(&chaos.address, "remote"));
    chaos.target.wait_for(60);
    namespace.cut();
    chaos.controller.until("worker remote (33.3 % of the test) was lost");
    chaos.controller.until("2 workers share the whole test from");
    std::thread::sleep(Duration::from_secs(8));
    namespace.heal();
    chaos.controller.until("worker remote is back");
    chaos.controller.until("3 workers share the whole test from");
    let (done, target, iterations) = chaos.end();
    let done = done.expect_code(0);
    // It could reach the target all the time.
    expect_never_more(&target, 60);
    expect_back(&target, 60, 4);
    assert_eq!(target.count(), iterations, "what it measured while it was cut off is not lost");
    assert!(done.stdout.contains("of 1440 planned starts are missing"), "{}", done.stdout);
}
