//! The union of what segments run is what one instance runs, for every executor and number of shards.

use std::time::Duration;

use throng_plan::{Executor, Scenario, SegmentSequence, Slots};

use crate::sim::{Log, Sim, ms, scenario, stage};

const SEQUENCES: [&str; 4] = ["0,1/3,2/3,1", "0,1/4,1/2,1", "0,0.1,0.3,1", "0,1/5,1/2,1"];

fn segments(sequence: &str) -> Vec<Slots> {
    let sequence: SegmentSequence = sequence.parse().expect(sequence);
    sequence.segments().iter().map(|s| Slots::of(s, &sequence).expect("part of it")).collect()
}

fn run(scenario: &Scenario, slots: &Slots, shards: usize) -> Log {
    Sim::of([scenario.clone()]).slots(slots).shards(shards).lasting(ms(130)).run()
}

/// Start times of one instance, and of all segments together.
fn one_and_all(scenario: &Scenario) {
    let sorted = |mut times: Vec<u64>| {
        times.sort_unstable();
        times
    };
    let one = run(scenario, &Slots::whole(), 1);
    for shards in [1, 2, 3] {
        let whole = run(scenario, &Slots::whole(), shards);
        assert_eq!(sorted(whole.start_ms()), sorted(one.start_ms()), "{shards} shards");
        for sequence in SEQUENCES {
            let logs: Vec<Log> =
                segments(sequence).iter().map(|slots| run(scenario, slots, shards)).collect();
            let union: Vec<u64> = logs.iter().flat_map(Log::start_ms).collect();
            assert_eq!(sorted(union), sorted(one.start_ms()), "{sequence} on {shards} shards");
            let ids: Vec<u64> =
                sorted(logs.iter().flat_map(|l| &l.starts).map(|s| s.iteration.in_test).collect());
            assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "iterations are unique in the test");
        }
    }
}

#[test]
fn constant_vus() {
    one_and_all(&scenario("x", Executor::ConstantVus { vus: 17, duration: ms(2000) }));
}

#[test]
fn per_vu_iterations() {
    let executor = Executor::PerVuIterations { vus: 7, iterations: 9, max_duration: ms(1000) };
    one_and_all(&scenario("x", executor));
}

#[test]
fn ramping_vus() {
    let stages = vec![stage(1000, 20), stage(500, 4), stage(0, 13), stage(777, 13), stage(333, 0)];
    one_and_all(&scenario("x", Executor::RampingVus { start_vus: 3, stages, graceful_ramp_down: ms(100) }));
}

#[test]
fn constant_arrival_rate() {
    let executor = Executor::ConstantArrivalRate {
        rate: 37,
        time_unit: Duration::from_secs(1),
        duration: ms(3000),
        pre_allocated_vus: 29,
        max_vus: 29,
    };
    one_and_all(&scenario("x", executor));
}

#[test]
fn ramping_arrival_rate() {
    let executor = Executor::RampingArrivalRate {
        start_rate: 5,
        time_unit: Duration::from_secs(1),
        stages: vec![stage(1000, 50), stage(1500, 7), stage(0, 20), stage(400, 20)],
        pre_allocated_vus: 40,
        max_vus: 40,
    };
    one_and_all(&scenario("x", executor));
}

#[test]
fn shared_iterations_are_dealt_without_rest() {
    let executor = Executor::SharedIterations { vus: 5, iterations: 11, max_duration: ms(60_000) };
    let scenario = scenario("x", executor);
    for sequence in SEQUENCES {
        let logs: Vec<Log> = segments(sequence).iter().map(|slots| run(&scenario, slots, 2)).collect();
        let mut numbers: Vec<u64> =
            logs.iter().flat_map(|l| &l.starts).map(|s| s.iteration.in_test).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..11).collect::<Vec<_>>(), "{sequence}");
    }
}

/// k6 1.1, 5 virtual users and 11 iterations over three thirds: 2/5, 2/4, 1/2.
#[test]
fn shared_iterations_follow_the_scaled_users() {
    let executor = Executor::SharedIterations { vus: 5, iterations: 11, max_duration: ms(60_000) };
    let scenario = scenario("x", executor);
    let counts: Vec<(usize, usize)> = segments("0,1/3,2/3,1")
        .iter()
        .map(|slots| run(&scenario, slots, 1))
        .map(|l| (l.peak, l.starts.len()))
        .collect();
    assert_eq!(counts, [(2, 5), (2, 4), (1, 2)]);
}

/// k6 1.1, 10/s with at most 7 users over three thirds: 4.29, 2.86 and 2.86 per second.
#[test]
fn arrival_rates_follow_the_scaled_users() {
    let executor = Executor::ConstantArrivalRate {
        rate: 10,
        time_unit: Duration::from_secs(1),
        duration: ms(70_000),
        pre_allocated_vus: 7,
        max_vus: 7,
    };
    let scenario = scenario("x", executor);
    let counts: Vec<usize> =
        segments("0,1/3,2/3,1").iter().map(|slots| run(&scenario, slots, 2).starts.len()).collect();
    assert_eq!(counts, [300, 200, 200]);
}

#[test]
fn a_segment_without_users_runs_nothing_and_ends() {
    let last = &segments("0,1/3,2/3,1")[2];
    let rate = Executor::ConstantArrivalRate {
        rate: 10,
        time_unit: Duration::from_secs(1),
        duration: ms(1000),
        pre_allocated_vus: 2,
        max_vus: 2,
    };
    let shared = Executor::SharedIterations { vus: 2, iterations: 20, max_duration: ms(1000) };
    for executor in [rate, shared] {
        let log = run(&scenario("x", executor), last, 2);
        assert_eq!((log.starts.len(), log.dropped()), (0, 0));
    }
}

#[test]
fn ids_in_the_test_are_those_of_the_segments_slots() {
    let slots = &segments("0,1/3,2/3,1")[1];
    let scenario = scenario("x", Executor::ConstantVus { vus: 9, duration: ms(1000) });
    let engine = Sim::of([scenario]).slots(slots).shards(2).engine();
    let ids: Vec<u64> =
        (1..=3).map(|id| engine.placement().id_in_test(throng_engine::VuId::new(id))).collect();
    assert_eq!(ids, [2, 5, 8]);
}
