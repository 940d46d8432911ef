//! How many virtual users a plan needs, as `k6 inspect --execution-requirements` 1.1 counts.

use std::time::Duration;

use throng_engine::{ShardIndex, VuId};
use throng_plan::{Executor, Scenario, Stage};

use crate::sim::{Sim, ms, scenario, stage};

fn constant(vus: u64, start_ms: u64, duration_ms: u64, graceful_ms: u64) -> Scenario {
    let executor = Executor::ConstantVus { vus, duration: ms(duration_ms) };
    Scenario { start_time: ms(start_ms), graceful_stop: ms(graceful_ms), ..scenario("c", executor) }
}

fn ramping(start_vus: u64, stages: &[Stage], ramp_down_ms: u64, graceful_ms: u64) -> Scenario {
    let executor =
        Executor::RampingVus { start_vus, stages: stages.to_vec(), graceful_ramp_down: ms(ramp_down_ms) };
    Scenario { graceful_stop: ms(graceful_ms), ..scenario("r", executor) }
}

fn arrivals(start_ms: u64, pre_allocated_vus: u64, max_vus: u64) -> Scenario {
    let executor = Executor::ConstantArrivalRate {
        rate: 10,
        time_unit: Duration::from_secs(1),
        duration: ms(5000),
        pre_allocated_vus,
        max_vus,
    };
    Scenario { start_time: ms(start_ms), ..scenario("a", executor) }
}

fn max_vus(scenarios: impl Into<Vec<Scenario>>) -> u32 {
    let engine = Sim::of(scenarios).shards(3).engine();
    engine.placement().max_vus()
}

#[test]
fn scenarios_one_after_the_other_share_users() {
    assert_eq!(max_vus([constant(3, 0, 5000, 0), constant(4, 5000, 5000, 30_000)]), 4);
    assert_eq!(max_vus([constant(3, 0, 5000, 1000), constant(4, 5000, 5000, 30_000)]), 7);
}

#[test]
fn a_ramp_down_beside_a_ramp_up_needs_the_peak_of_the_sum() {
    let down = [stage(5000, 0)];
    let up = ramping(0, &[stage(5000, 10)], 0, 0);
    assert_eq!(max_vus([ramping(10, &down, 0, 0), up.clone()]), 10);
    assert_eq!(max_vus([ramping(10, &down, 1000, 0), up]), 12);
}

#[test]
fn at_the_same_moment_the_order_of_scenarios_decides() {
    let (up, down) = ([stage(5000, 10)], [stage(5000, 0)]);
    assert_eq!(max_vus([ramping(0, &up, 0, 0), ramping(10, &down, 0, 0)]), 11);
    let steps = [constant(3, 1000, 5000, 0), constant(4, 2000, 5000, 0), constant(3, 6000, 5000, 0)];
    assert_eq!(max_vus(steps), 7);
}

/// A plan with a bit of everything, counted by k6 1.1.
#[test]
fn two_wild_ramps_need_twenty_users() {
    let first = [stage(5000, 10), stage(3000, 2), stage(0, 8), stage(4000, 1), stage(4000, 9)];
    let second = [stage(4000, 1), stage(3000, 12), stage(2000, 8), stage(4000, 1), stage(4000, 9)];
    assert_eq!(max_vus([ramping(0, &first, 700, 3000), ramping(3, &second, 1700, 3000)]), 20);
}

#[test]
fn leaving_users_stay_reserved_within_the_graceful_stop() {
    let down = ramping(10, &[stage(5000, 0)], 30_000, 2000);
    assert_eq!(max_vus([down.clone(), constant(4, 6000, 2000, 0)]), 14);
    assert_eq!(max_vus([down, constant(4, 7000, 2000, 0)]), 10);
    let short = ramping(10, &[stage(5000, 0)], 1000, 30_000);
    assert_eq!(max_vus([short, constant(4, 7000, 2000, 0)]), 10);
    let level = ramping(10, &[stage(5000, 10)], 1000, 30_000);
    assert_eq!(max_vus([level, constant(4, 7000, 2000, 0)]), 14);
    let half = ramping(10, &[stage(5000, 5)], 1000, 30_000);
    assert_eq!(max_vus([half, constant(4, 7000, 2000, 0)]), 10);
}

#[test]
fn a_valley_frees_users_once_the_graceful_ramp_down_is_over() {
    let valley = [stage(2000, 5), stage(0, 0), stage(3000, 0), stage(0, 3), stage(2000, 3)];
    for (ramp_down, expected) in [(1000, 7), (2000, 9), (5000, 9)] {
        let both = [ramping(5, &valley, ramp_down, 0), constant(4, 3000, 2000, 0)];
        assert_eq!(max_vus(both), expected, "{ramp_down} ms");
    }
}

#[test]
fn several_hills_need_the_highest() {
    assert_eq!(max_vus([ramping(0, &[stage(5000, 10), stage(5000, 0), stage(5000, 10)], 0, 0)]), 10);
    let spike = [stage(5000, 5), stage(0, 50), stage(0, 3), stage(5000, 3)];
    assert_eq!(max_vus([ramping(1, &spike, 1000, 30_000)]), 50);
}

#[test]
fn extra_users_of_arrival_rates_are_shared_as_well() {
    let engine = Sim::of([arrivals(0, 5, 9), arrivals(3_600_000, 2, 9)]).engine();
    assert_eq!((engine.placement().planned_vus(), engine.placement().max_vus()), (5, 9));
    // Observed on k6 1.1: at the same time, 2 planned, 10 in all.
    let engine = Sim::of([arrivals(0, 1, 5), arrivals(2000, 1, 5)]).engine();
    assert_eq!((engine.placement().planned_vus(), engine.placement().max_vus()), (2, 10));
}

#[test]
fn executors_that_end_by_number_hold_their_users_for_all_their_time() {
    let shared = scenario("s", Executor::SharedIterations { vus: 5, iterations: 5, max_duration: ms(5000) });
    let per_vu =
        scenario("p", Executor::PerVuIterations { vus: 2, iterations: 1, max_duration: ms(600_000) });
    let shared = Scenario { graceful_stop: ms(5000), ..shared };
    let late = Scenario { start_time: ms(9000), ..per_vu.clone() };
    assert_eq!(max_vus([shared, late]), 7);
    let controlled = Executor::ExternallyControlled { vus: 2, max_vus: 5, duration: Some(ms(5000)) };
    let late = Scenario { start_time: ms(5000), ..per_vu };
    assert_eq!(max_vus([scenario("x", controlled), late]), 5);
}

#[test]
fn users_live_on_shards_in_turn() {
    let engine = Sim::of([constant(7, 0, 1000, 0)]).shards(3).engine();
    let on = |shard| -> Vec<u32> {
        engine.placement().planned_on(ShardIndex::new(shard)).map(VuId::get).collect()
    };
    assert_eq!((on(0), on(1), on(2)), (vec![1, 4, 7], vec![2, 5], vec![3, 6]));
}
