//! The controller itself is killed and started again with the same state directory.

use std::time::Duration;

use super::cluster::{Process, TOKEN};
use super::support::Done;
use super::target::Target;
use super::{Chaos, expect_back, expect_never_more};

/// What was measured before the controller died decides whether the threshold is crossed.
const KEPT: &str = "import http from 'k6/http'; import exec from 'k6/execution'; import { Counter } from 'k6/metrics';
    const early = new Counter('early');
    export const options = { thresholds: { early: ['count==40'] }, scenarios: { rate: { executor: 'constant-arrival-rate',
      rate: 60, duration: '9s', preAllocatedVUs: 24, maxVUs: 24, gracefulStop: '3s' } } };
    export function setup() { http.get(`${__ENV.TARGET}/setup`); return { path: 'of-setup' } }
    export default function (data) {
      const i = exec.scenario.iterationInTest;
      if (i < 40) early.add(1);
      http.get(`${__ENV.TARGET}/${data.path}/${i}`);
    }
    export function teardown(data) { http.get(`${__ENV.TARGET}/teardown/${data.path}`) }";

/// A run of three workers that is kept, and the flags that start its controller again.
struct Kept {
    chaos: Chaos,
    flags: Vec<String>,
}

impl Kept {
    fn start(grace: &str) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let state = folder.join("run").display().to_string();
        let more = ["--state-dir", &state, "--controller-grace", grace];
        let mut chaos = Chaos::with_flags("127.0.0.1", Target::start(), KEPT, 3, &more);
        for _ in 0..3 {
            chaos.add();
        }
        chaos.target.wait_for(60);
        let summary = chaos.script.path("summary.json").display().to_string();
        let target = format!("TARGET={}", chaos.target.url());
        let flags = ["--quiet", "--expect-workers", "3", "-e", &target, "--summary-export", &summary];
        let flags = [&flags[..], &more].concat().into_iter().map(str::to_owned).collect();
        Self { chaos, flags }
    }

    /// The same command, at the address that the workers know.
    fn controller(&self, script: &str) -> Process {
        let args = ["controller", "--ui=off", "--bind", &self.chaos.address];
        let flags = self.flags.iter().map(String::as_str);
        let args: Vec<&str> = args.into_iter().chain(flags).chain([script]).collect();
        Process::start(&args, TOKEN)
    }

    fn kill(&mut self) {
        self.chaos.controller.kill();
    }

    fn start_again(&mut self) {
        self.chaos.controller = self.controller(&self.chaos.script.script());
        self.chaos.controller.until("there was no controller for");
    }

    /// Tries, and fails.
    fn refused(&self, script: &str) -> Done {
        self.controller(script).wait().expect_code(104)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let state = std::path::PathBuf::from(&self.flags[self.flags.len() - 3]);
        let _ = std::fs::remove_dir_all(state.parent().unwrap());
    }
}

#[test]
fn a_controller_that_is_killed_goes_on_and_nothing_is_missing() {
    let mut kept = Kept::start("60s");
    let script = kept.chaos.script.script();
    // Another controller keeps away, be it for the same test or for another one.
    kept.refused(&script).expect_error("is in use by another controller");
    kept.kill();
    let other = kept.chaos.script.path("other.js");
    std::fs::write(&other, "export default function () {}").unwrap();
    kept.refused(&other.display().to_string()).expect_error("another test");
    std::thread::sleep(Duration::from_millis(2_500));
    kept.start_again();
    for _ in 0..3 {
        kept.chaos.controller.until("is there again");
    }
    // And once more, in the middle of it.
    kept.kill();
    kept.start_again();
    let done = kept.wait();
    let done = done.expect_code(0);
    let target = &kept.chaos.target;
    expect_never_more(target, 60);
    // Its workers went on, so in no whole second anything is missing.
    expect_back(target, 60, 7);
    assert_eq!(target.count(), 540 + 2, "setup and teardown once each");
    assert_eq!(kept.iterations(), 540);
    assert!(done.stdout.contains("there was no controller for"), "{}", done.stdout);
    assert!(!done.stdout.contains("planned starts are missing"), "{}", done.stdout);
    kept.refused(&script).expect_error("its run has ended, with exit code 0");
}

#[test]
fn a_worker_that_dies_with_the_controller_is_lost_after_the_grace() {
    let mut kept = Kept::start("1s");
    kept.kill();
    kept.chaos.workers[1].kill();
    kept.start_again();
    kept.chaos.controller.until("worker w2 (33.3 % of the test) was lost");
    kept.chaos.controller.until("2 workers share the whole test from");
    let done = kept.wait();
    let done = done.expect_code(0);
    expect_never_more(&kept.chaos.target, 60);
    expect_back(&kept.chaos.target, 60, 2);
    assert!(kept.iterations() + 2 <= kept.chaos.target.count());
    assert!(done.stdout.contains("of 540 planned starts are missing"), "{}", done.stdout);
}

#[test]
fn workers_whose_controller_does_not_come_back_stop_after_the_grace() {
    let mut kept = Kept::start("2s");
    kept.kill();
    kept.chaos.workers[0].until("the controller has died; going on without it for 2 s at most");
    std::thread::sleep(Duration::from_secs(4));
    let so_far = kept.chaos.target.count();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(kept.chaos.target.count(), so_far, "nothing more is started");
    expect_never_more(&kept.chaos.target, 60);
    let arrived = kept.chaos.target.per_second();
    assert!(arrived[1] + super::JITTER >= 60, "at first it goes on: {arrived:?}");
    // Late, but not too late: what they had measured counts.
    kept.start_again();
    let done = kept.wait().expect_code(0);
    assert_eq!(kept.iterations() + 2, kept.chaos.target.count());
    assert!(done.stdout.contains("of 540 planned starts are missing"), "{}", done.stdout);
}

impl Kept {
    /// Waits for the controller.
    fn wait(&mut self) -> Done {
        self.chaos.controller.finish()
    }

    fn iterations(&self) -> usize {
        self.chaos.iterations()
    }
}
