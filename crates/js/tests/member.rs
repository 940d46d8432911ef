//! A process that is one of several: it starts iterations only while it has leave to.

mod common;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::Script;
use throng_js::settings::Member;

/// Has no leave for so long, counted from when it is first asked for.
fn without_leave_for(time: Duration) -> Member {
    let asked = OnceLock::new();
    Member { workers: 2, may_start: Box::new(move || asked.get_or_init(Instant::now).elapsed() >= time) }
}

#[test]
fn an_iteration_waits_for_its_leave_and_then_runs() {
    let script = Script::new(
        "export const options = { vus: 1, iterations: 3 }; export default function () { console.log(__ITER) }",
    );
    let (began, without) = (Instant::now(), Duration::from_millis(120));
    script.run_as(Some(without_leave_for(without)));
    assert_eq!(script.console(), ["0", "1", "2"]);
    assert!(began.elapsed() >= without);
}

#[test]
fn a_planned_start_without_leave_is_not_made_up_for() {
    let script = Script::new(
        "export const options = { scenarios: { s: { executor: 'constant-arrival-rate', rate: 10, duration: '1s',
           preAllocatedVUs: 2 } } };
         export default function () {}",
    );
    // Five or six of the ten or eleven starts are in that time; a slow machine may come late to some, but not to all.
    let ran = script.run_as(Some(without_leave_for(Duration::from_millis(550))));
    let iterations = ran.count("iterations");
    assert!((1..=8).contains(&iterations), "{iterations}");
}
