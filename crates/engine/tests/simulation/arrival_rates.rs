use std::time::Duration;

use throng_engine::{ScenarioIndex, State, Warning};
use throng_plan::{Executor, Scenario, Stage};

use crate::sim::{Sim, at, ms, scenario, stage};

fn constant(rate: u64, duration_ms: u64, pre_allocated_vus: u64, max_vus: u64) -> Scenario {
    let (time_unit, duration) = (Duration::from_secs(1), ms(duration_ms));
    scenario("a", Executor::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus })
}

fn ramping(start_rate: u64, stages: &[Stage], vus: u64) -> Scenario {
    let executor = Executor::RampingArrivalRate {
        start_rate,
        time_unit: Duration::from_secs(1),
        stages: stages.to_vec(),
        pre_allocated_vus: vus,
        max_vus: vus,
    };
    scenario("a", executor)
}

#[test]
fn ten_a_second_for_two_seconds_are_twenty_starts() {
    for shards in [1, 2, 3, 7] {
        let log = Sim::of([constant(10, 2000, 5, 5)]).shards(shards).lasting(ms(20)).run();
        assert_eq!(log.start_ms(), (0..20).map(|i| i * 100).collect::<Vec<_>>());
        assert_eq!((log.complete, log.dropped()), (20, 0));
        assert!(log.starts.iter().all(|s| s.iteration.planned == Some(s.at)), "nobody is late");
    }
}

#[test]
fn from_nothing_to_twenty_a_second_in_two_seconds_are_twenty_starts() {
    for shards in [1, 3] {
        let log = Sim::of([ramping(0, &[stage(2000, 20)], 5)]).shards(shards).lasting(ms(20)).run();
        assert_eq!((log.starts.len(), log.dropped()), (20, 0));
        assert_eq!((log.starts[0].ms(), log.starts[19].ms()), (447, 2000));
    }
}

/// Observed on k6 1.1: it does not wait for a time in which nothing is due; a constant rate does.
#[test]
fn a_rate_that_fades_is_over_with_its_last_iteration() {
    let fading = |graceful_stop_ms| Scenario {
        graceful_stop: ms(graceful_stop_ms),
        ..ramping(10, &[stage(500, 0), stage(2000, 0)], 5)
    };
    for shards in [1, 2, 7] {
        let log = Sim::of([fading(30_000)]).shards(shards).lasting(ms(20)).run();
        assert_eq!((log.starts.len(), log.dropped(), log.finished_ms()), (2, 0, 296));
        let scenario = &log.progress().scenarios[0];
        assert_eq!((scenario.state, scenario.fraction), (State::Done, 1.0));

        let log = Sim::of([fading(500)]).shards(shards).lasting(ms(60_000)).run();
        assert_eq!((log.interrupted, log.finished_ms()), (2, 3000), "what runs has all its time");

        let log = Sim::of([ramping(1, &[stage(900, 1)], 5)]).shards(shards).run();
        assert_eq!((log.starts.len(), log.finished_ms()), (0, 0), "nothing is ever due");

        let log = Sim::of([constant(1, 1500, 5, 5)]).shards(shards).lasting(ms(20)).run();
        assert_eq!((log.starts.len(), log.finished_ms()), (2, 1500));
    }
}

#[test]
fn without_graceful_stop_nothing_starts_at_the_very_end() {
    let mut scenario = ramping(0, &[stage(2000, 20)], 5);
    scenario.graceful_stop = Duration::ZERO;
    let log = Sim::of([scenario]).lasting(ms(20)).run();
    assert_eq!((log.starts.len(), log.dropped()), (19, 0));
}

/// Observed on k6 1.1: idle users are taken in turn.
#[test]
fn the_longest_idle_user_is_next() {
    let log = Sim::of([constant(10, 1000, 3, 3)]).lasting(ms(20)).run();
    let who: Vec<u32> = log.starts.iter().map(|s| s.vu.get()).collect();
    assert_eq!(who, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn a_start_that_finds_nobody_idle_is_dropped_and_not_made_up_for() {
    let log = Sim::of([constant(10, 1000, 1, 1)]).lasting(ms(250)).run();
    assert_eq!(log.start_ms(), [0, 300, 600, 900]);
    assert_eq!(log.dropped(), 6);
    assert_eq!(log.warnings, [Warning::InsufficientVus { scenario: ScenarioIndex::new(0), vus: 1 }], "once");
    let numbers: Vec<u64> = log.starts.iter().map(|s| s.iteration.in_test).collect();
    assert_eq!(numbers, [0, 1, 2, 3], "iterations are numbered as they start");
}

/// As observed on k6 1.1 (100/s, 1 of at most 5, 400 ms): starts at 0, 20, 40, 60, 80 ms.
#[test]
fn a_drop_initialises_one_more_user_at_a_time() {
    for shards in [1, 2, 4] {
        let log = Sim::of([constant(100, 100, 1, 5)]).shards(shards).lasting(ms(400)).run();
        assert_eq!(log.start_ms(), [0, 20, 40, 60, 80]);
        assert_eq!(log.dropped(), 5);
        let inits: Vec<u32> = log.inits.iter().map(|(_, vu)| vu.get()).collect();
        assert_eq!(inits, [2, 3, 4, 5]);
        assert_eq!(log.warnings.len(), 1);
        assert_eq!(log.progress().initialised_vus, 5);
    }
}

#[test]
fn while_one_is_initialised_further_drops_ask_for_no_other() {
    let log = Sim::of([constant(1000, 10, 1, 9)]).lasting(ms(400)).run();
    assert_eq!(log.inits.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [at(1), at(8)]);
}

#[test]
fn a_failed_initialisation_is_tried_again() {
    for shards in [1, 2] {
        let log = Sim::of([constant(100, 100, 1, 2)]).shards(shards).lasting(ms(400)).failing_inits(2).run();
        assert_eq!(log.inits.iter().map(|(_, vu)| vu.get()).collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(log.starts.len(), 2);
    }
}

#[test]
fn a_start_is_forwarded_to_a_shard_where_someone_is_idle() {
    // Odd users are slow: those of shard 0 are all busy after two of its starts.
    let log = Sim::of([constant(10, 1000, 4, 4)])
        .shards(2)
        .each_lasting(|vu, _| ms(if vu.get() % 2 == 1 { 10_000 } else { 50 }))
        .run();
    assert_eq!(log.dropped(), 0);
    assert_eq!(log.starts.len(), 10);
    assert_eq!(log.forwards, 3, "of shard 0's five starts the last three");
}

#[test]
fn a_reserved_user_waits_for_the_start_that_is_under_way() {
    let one_by_one = |duration, latency| {
        let mut scenario = constant(10, duration, 2, 2);
        scenario.graceful_stop = ms(1000);
        Sim::of([scenario])
            .shards(2)
            .latency(ms(latency))
            .each_lasting(|vu, _| ms(if vu.get() == 1 { 1950 } else { 30 }))
            .run()
    };
    let log = one_by_one(1000, 60);
    assert_eq!((log.dropped(), log.starts.len()), (0, 10));
    let late = log.starts.iter().filter(|s| s.iteration.planned != Some(s.at)).count();
    assert_eq!(late, 4, "the forwarded ones");
    // The last of shard 0's starts is planned at 800 ms and arrives at 950 ms, after the end.
    let log = one_by_one(900, 150);
    assert_eq!((log.start_ms(), log.dropped()), (vec![0, 100, 350, 550, 750, 950], 3));
}

#[test]
fn only_shards_with_users_are_dealt_starts() {
    let log = Sim::of([constant(10, 1000, 1, 1)]).shards(4).lasting(ms(50)).run();
    assert_eq!((log.starts.len(), log.forwards, log.dropped()), (10, 0, 0));
}

#[test]
fn a_stalled_thread_tries_each_start_it_slept_through_once_in_order() {
    let log = Sim::of([constant(10, 2000, 3, 3)]).lasting(ms(40)).stall(0, at(260), at(1050)).run();
    let stalled: Vec<_> = log.starts.iter().filter(|s| s.ms() == 1050).collect();
    assert_eq!(stalled.len(), 3, "as many as are idle");
    assert_eq!(
        stalled.iter().map(|s| s.iteration.planned.expect("planned")).collect::<Vec<_>>(),
        [at(300), at(400), at(500)]
    );
    assert_eq!(log.dropped(), 5, "600 to 1000");
    assert_eq!(log.starts.len(), 15);
}

#[test]
fn a_stall_beyond_the_end_leaves_nothing_running() {
    let mut scenario = constant(10, 1000, 3, 3);
    scenario.graceful_stop = ms(500);
    let log = Sim::of([scenario]).lasting(ms(50)).stall(0, at(250), at(5000)).run();
    assert_eq!((log.starts.len(), log.dropped()), (3, 7));
    assert_eq!(log.finished_ms(), 5000);
}

#[test]
fn users_beyond_the_graceful_stop_are_interrupted() {
    let mut scenario = constant(1, 1000, 1, 1);
    scenario.graceful_stop = ms(500);
    let log = Sim::of([scenario]).lasting(ms(5000)).run();
    assert_eq!((log.interrupted, log.finished_ms()), (1, 1500));
}

#[test]
fn a_resting_user_is_not_idle() {
    let log = Sim::of([constant(10, 1000, 1, 1)]).lasting(ms(20)).min_iteration(ms(150)).run();
    assert_eq!(log.start_ms(), [0, 200, 400, 600, 800]);
    assert_eq!(log.dropped(), 5);
}

#[test]
fn a_later_scenario_grows_by_users_that_exist_already() {
    let mut late = constant(100, 100, 1, 5);
    late.start_time = ms(60_000);
    let log = Sim::of([constant(100, 100, 1, 5), late]).shards(2).lasting(ms(400)).run();
    assert_eq!(log.inits.len(), 4, "by the first scenario");
    let starts: Vec<u64> = log.of(1).iter().map(|s| s.ms() - 60_000).collect();
    assert_eq!(starts, [0, 10, 20, 30, 40], "at once, as nobody has to be initialised");
}
