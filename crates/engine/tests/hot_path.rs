//! The path of every iteration, from its end to the start of the next: no allocation, and quick.
#![expect(unsafe_code, reason = "counting allocations takes a global allocator, which is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use throng_engine::{Action, Actions, Config, Engine, Event, Outcome, Shard, ShardIndex, Time, VuId};
use throng_plan::{Executor, Scenario, Slots};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches a plain cell that
// needs no initialisation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `System`, as `alloc` above is the only source.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn shard(executor: Executor, min_iteration_duration: Duration) -> Shard {
    let scenario = Scenario {
        name: "hot".to_owned(),
        start_time: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        exec: "default".to_owned(),
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
        executor,
    };
    let slots = Slots::whole();
    let config = Config {
        scenarios: &[scenario],
        slots: &slots,
        shards: 1,
        min_iteration_duration,
        counting: throng_engine::Counting::Here,
    };
    Engine::new(&config).shard(ShardIndex::new(0))
}

/// Ends every running iteration once a millisecond, `rounds` times; returns how many were started.
fn drive(shard: &mut Shard, actions: &mut Actions, running: &mut Vec<VuId>, from: u64, rounds: u64) -> usize {
    let mut started = 0;
    for round in from..from + rounds {
        let now = Time::from_nanos(round * 1_000_000);
        for vu in running.drain(..) {
            shard.on_event(now, Event::IterationEnded { vu, outcome: Outcome::Complete }, actions);
        }
        shard.on_time(now, actions);
        for action in actions.drain(..) {
            if let Action::Start { vu, .. } = action {
                running.push(vu);
                started += 1;
            }
        }
    }
    started
}

fn executors() -> Vec<(&'static str, Executor, Duration)> {
    let (time_unit, duration) = (Duration::from_secs(1), Duration::from_hours(1));
    let (vus, max) = (100, u64::MAX / 1000);
    vec![
        ("constant-vus", Executor::ConstantVus { vus, duration }, Duration::ZERO),
        (
            "shared-iterations",
            Executor::SharedIterations { vus, iterations: max, max_duration: duration },
            Duration::ZERO,
        ),
        (
            "per-vu-iterations",
            Executor::PerVuIterations { vus, iterations: max, max_duration: duration },
            Duration::ZERO,
        ),
        (
            "constant-arrival-rate",
            Executor::ConstantArrivalRate {
                rate: 100_000,
                time_unit,
                duration,
                pre_allocated_vus: vus + 1,
                max_vus: vus + 1,
            },
            Duration::ZERO,
        ),
        ("resting", Executor::ConstantVus { vus, duration }, Duration::from_micros(1500)),
    ]
}

#[test]
fn the_next_iteration_is_started_without_an_allocation() {
    for (name, executor, min_iteration) in executors() {
        let mut shard = shard(executor, min_iteration);
        let (mut actions, mut running) = (Actions::new(), Vec::new());
        shard.start(Time::ZERO, &mut actions);
        drive(&mut shard, &mut actions, &mut running, 1, 50);
        let before = ALLOCATIONS.get();
        let started = drive(&mut shard, &mut actions, &mut running, 51, 200);
        assert_eq!(ALLOCATIONS.get() - before, 0, "{name}");
        assert!(started >= 9000, "{name}: {started}");
    }
}

/// `cargo test -p throng-engine --test hot_path -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a check"]
fn nanoseconds_per_iteration() {
    for (name, executor, min_iteration) in executors() {
        let mut shard = shard(executor, min_iteration);
        let (mut actions, mut running) = (Actions::new(), Vec::new());
        shard.start(Time::ZERO, &mut actions);
        drive(&mut shard, &mut actions, &mut running, 1, 1000);
        let begin = Instant::now();
        let started = drive(&mut shard, &mut actions, &mut running, 1001, 10_000);
        let each = begin.elapsed().as_nanos() as f64 / started as f64;
        println!("{name}: {each:.1} ns for each of {started} iterations, with the loop around it");
    }
}
