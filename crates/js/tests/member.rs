//! A process that is one of several: it asks before each iteration whether it may start it.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::Script;
use throng_js::settings::Member;

/// Says no so many times, then yes; and how often it was asked.
fn reluctant(refusals: u32) -> (Member, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let counter = asked.clone();
    let may_start = Box::new(move || counter.fetch_add(1, Ordering::Relaxed) >= refusals);
    (Member { workers: 2, may_start }, asked)
}

#[test]
fn an_iteration_waits_for_its_leave_and_then_runs() {
    let script = Script::new(
        "export const options = { vus: 1, iterations: 3 }; export default function () { console.log(__ITER) }",
    );
    let (member, asked) = reluctant(2);
    script.run_as(Some(member));
    assert_eq!(script.console(), ["0", "1", "2"]);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[test]
fn a_planned_start_without_leave_is_not_made_up_for() {
    let script = Script::new(
        "export const options = { scenarios: { s: { executor: 'constant-arrival-rate', rate: 10, duration: '1s',
           preAllocatedVUs: 2 } } };
         export default function () {}",
    );
    let (member, asked) = reluctant(3);
    let ran = script.run_as(Some(member));
    let all = asked.load(Ordering::Relaxed) as usize;
    assert_eq!(ran.count("iterations"), all - 3);
    assert!((9..=11).contains(&all), "{all}");
}
