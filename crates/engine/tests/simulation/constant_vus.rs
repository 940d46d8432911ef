use throng_plan::Executor;

use crate::sim::{Sim, at, ms, scenario};

fn constant(vus: u64, seconds: u64) -> throng_plan::Scenario {
    scenario("c", Executor::ConstantVus { vus, duration: ms(seconds * 1000) })
}

#[test]
fn every_user_loops_until_the_end() {
    for shards in [1, 2, 5] {
        let log = Sim::of([constant(3, 2)]).shards(shards).lasting(ms(500)).run();
        assert_eq!(log.start_ms(), [0, 0, 0, 500, 500, 500, 1000, 1000, 1000, 1500, 1500, 1500]);
        assert_eq!((log.complete, log.interrupted, log.finished_ms()), (12, 0, 2000));
        assert_eq!(log.ended.len(), 1, "said once, whatever the number of shards");
    }
}

#[test]
fn an_iteration_under_way_at_the_end_may_finish() {
    let log = Sim::of([constant(1, 10)]).lasting(ms(3000)).run();
    assert_eq!(log.start_ms(), [0, 3000, 6000, 9000]);
    assert_eq!((log.complete, log.interrupted, log.finished_ms()), (4, 0, 12_000));
}

#[test]
fn what_outlasts_the_graceful_stop_is_interrupted() {
    let mut reads = constant(2, 10);
    reads.graceful_stop = ms(1000);
    let log = Sim::of([reads]).lasting(ms(3000)).latency(ms(7)).run();
    assert_eq!((log.complete, log.interrupted, log.finished_ms()), (6, 2, 11_007));
    assert!(log.interrupts.iter().all(|(time, _)| *time == at(11_000)));
}

#[test]
fn iterations_are_numbered_in_every_way() {
    let log = Sim::of([constant(2, 1)]).shards(2).lasting(ms(250)).run();
    let mut in_instance: Vec<u64> = log.starts.iter().map(|s| s.iteration.in_instance).collect();
    in_instance.sort_unstable();
    assert_eq!(in_instance, (0..8).collect::<Vec<_>>());
    let of_first: Vec<_> = log.starts.iter().filter(|s| s.vu.get() == 1).collect();
    let numbers: Vec<_> = of_first.iter().map(|s| (s.iteration.in_vu, s.iteration.in_vu_scenario)).collect();
    assert_eq!(numbers, [(0, 0), (1, 1), (2, 2), (3, 3)]);
    assert!(of_first.iter().all(|s| s.iteration.planned.is_none()));
}

#[test]
fn a_start_time_puts_everything_off() {
    let mut late = constant(1, 1);
    late.start_time = ms(5000);
    let log = Sim::of([late]).lasting(ms(400)).run();
    assert_eq!(log.start_ms(), [5000, 5400, 5800]);
    assert_eq!(log.finished_ms(), 6200);
}

/// Observed on k6 1.1: one empty iteration with `minIterationDuration` 2 s takes the run 2 s, and the rest
/// is waited out within the graceful stop.
#[test]
fn a_short_iteration_is_rested_out_even_beyond_the_end() {
    let log = Sim::of([constant(1, 1)]).lasting(ms(1)).min_iteration(ms(4000)).run();
    assert_eq!((log.start_ms(), log.complete, log.finished_ms()), (vec![0], 1, 4000));

    let mut hasty = constant(1, 1);
    hasty.graceful_stop = ms(500);
    let log = Sim::of([hasty]).lasting(ms(1)).min_iteration(ms(4000)).run();
    assert_eq!(
        (log.complete, log.interrupted, log.finished_ms()),
        (1, 0, 1500),
        "resting is cut, not counted"
    );
}

#[test]
fn an_iteration_longer_than_the_minimum_is_not_delayed() {
    let log = Sim::of([constant(1, 1)]).lasting(ms(300)).min_iteration(ms(200)).run();
    assert_eq!(log.start_ms(), [0, 300, 600, 900]);
    let log = Sim::of([constant(1, 1)]).lasting(ms(100)).min_iteration(ms(400)).run();
    assert_eq!(log.start_ms(), [0, 400, 800]);
}

#[test]
fn an_hour_of_a_hundred_users_is_simulated_in_no_time() {
    let log = Sim::of([constant(100, 3600)]).shards(3).lasting(ms(2000)).run();
    assert_eq!(log.complete, 100 * 1800);
    assert_eq!(log.peak, 100);
}
