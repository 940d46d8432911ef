//! How runs end and hand over: stop, abort, and users that go from one scenario to the next.

use std::time::Duration;

use throng_engine::State;
use throng_plan::{Executor, Scenario};

use crate::sim::{Command, Sim, at, ms, scenario, stage};

fn constant(vus: u64, start_ms: u64, duration_ms: u64, graceful_ms: u64) -> Scenario {
    let executor = Executor::ConstantVus { vus, duration: ms(duration_ms) };
    Scenario { start_time: ms(start_ms), graceful_stop: ms(graceful_ms), ..scenario("c", executor) }
}

fn one_of_each() -> Vec<Scenario> {
    let (time_unit, duration) = (Duration::from_secs(1), ms(10_000));
    let executors = [
        Executor::SharedIterations { vus: 3, iterations: 1000, max_duration: duration },
        Executor::PerVuIterations { vus: 3, iterations: 1000, max_duration: duration },
        Executor::ConstantVus { vus: 3, duration },
        Executor::RampingVus { start_vus: 0, stages: vec![stage(10_000, 5)], graceful_ramp_down: ms(500) },
        Executor::ConstantArrivalRate { rate: 9, time_unit, duration, pre_allocated_vus: 2, max_vus: 9 },
        Executor::RampingArrivalRate {
            start_rate: 1,
            time_unit,
            stages: vec![stage(10_000, 30)],
            pre_allocated_vus: 2,
            max_vus: 9,
        },
        Executor::ExternallyControlled { vus: 2, max_vus: 3, duration: Some(duration) },
    ];
    let mut all: Vec<Scenario> = executors.into_iter().map(|executor| scenario("e", executor)).collect();
    all.push(constant(2, 60_000, 1000, 1000));
    all
}

#[test]
fn an_abort_interrupts_everything_at_once_and_drops_nothing() {
    for shards in [1, 3] {
        let log = Sim::of(one_of_each())
            .shards(shards)
            .lasting(ms(950))
            .latency(ms(3))
            .command(at(5050), Command::Abort)
            .run();
        assert!(log.interrupted > 10);
        assert_eq!(log.finished_ms(), 5053);
        assert!(log.starts.iter().all(|s| s.at <= at(5050)));
        assert_eq!(log.ended.len(), 8, "also the one that never began");
        assert!(log.dropped.iter().all(|d| d.2 == 1), "only missed starts of the arrival rates");
        assert!(log.progress().scenarios.iter().all(|s| s.state == State::Unfinished));
    }
}

#[test]
fn an_abort_before_and_after_everything_does_no_harm() {
    for time in [at(0), at(59_000), at(61_500)] {
        let log = Sim::of(one_of_each()).shards(2).lasting(ms(950)).command(time, Command::Abort).run();
        assert!(log.finished <= at(61_950));
    }
}

#[test]
fn a_stop_is_an_early_end_with_its_graceful_stop() {
    for shards in [1, 2] {
        let log = Sim::of([constant(2, 0, 60_000, 30_000), constant(1, 30_000, 1000, 0)])
            .shards(shards)
            .lasting(ms(700))
            .command(at(1000), Command::Stop)
            .run();
        assert_eq!(log.start_ms(), [0, 0, 700, 700]);
        assert_eq!((log.complete, log.interrupted, log.finished_ms()), (4, 0, 1400));
        assert_eq!(log.ended.len(), 2);
    }
    let log = Sim::of([constant(2, 0, 60_000, 300)]).lasting(ms(700)).command(at(1000), Command::Stop).run();
    assert_eq!((log.complete, log.interrupted, log.finished_ms()), (2, 2, 1300));
}

#[test]
fn a_stop_ends_every_executor() {
    for shards in [1, 3] {
        let log =
            Sim::of(one_of_each()).shards(shards).lasting(ms(950)).command(at(5050), Command::Stop).run();
        assert!(log.starts.iter().all(|s| s.at <= at(5050)));
        assert_eq!(log.ended.len(), 8);
        assert!(log.finished <= at(6000), "what ran has finished");
    }
}

#[test]
fn a_stop_of_a_limited_number_reports_the_rest_as_dropped() {
    let executor = Executor::SharedIterations { vus: 1, iterations: 10, max_duration: ms(60_000) };
    let log = Sim::of([scenario("s", executor)]).lasting(ms(400)).command(at(1000), Command::Stop).run();
    assert_eq!((log.complete, log.dropped()), (3, 7));
}

#[test]
fn a_stop_while_stopping_changes_nothing_and_an_abort_cuts_it_short() {
    let run =
        |command| Sim::of([constant(1, 0, 1000, 30_000)]).lasting(ms(5000)).command(at(2000), command).run();
    assert_eq!((run(Command::Stop).complete, run(Command::Stop).finished_ms()), (1, 5000));
    assert_eq!((run(Command::Abort).interrupted, run(Command::Abort).finished_ms()), (1, 2000));
}

/// Three starts within 311 ms, and then nothing until 10.5 s.
fn fading(max_vus: u64) -> Executor {
    Executor::RampingArrivalRate {
        start_rate: 14,
        time_unit: Duration::from_secs(1),
        stages: vec![stage(500, 0), stage(10_000, 0)],
        pre_allocated_vus: 1,
        max_vus,
    }
}

#[test]
fn what_runs_when_nothing_is_left_to_start_is_cut_short_as_well() {
    for shards in [1, 2] {
        let run = |command| {
            let fading = Scenario { graceful_stop: ms(500), ..scenario("f", fading(1)) };
            let log = Sim::of([fading]).shards(shards).lasting(ms(60_000)).command(at(1000), command).run();
            (log.interrupted, log.finished_ms(), log.progress().scenarios[0].state)
        };
        assert_eq!(run(Command::Abort), (1, 1000, State::Unfinished));
        assert_eq!(run(Command::Stop), (1, 1500, State::Done), "it has no more than its graceful stop");
    }
}

#[test]
fn the_last_start_of_a_rate_that_fades_finds_a_free_user_of_another_thread() {
    for latency in [0, 3] {
        let before = Executor::PerVuIterations { vus: 2, iterations: 1, max_duration: ms(500) };
        let before = Scenario { graceful_stop: ms(0), ..scenario("b", before) };
        let fading = Scenario { start_time: ms(1000), ..scenario("f", fading(2)) };
        let log = Sim::of([before, fading])
            .shards(2)
            .latency(ms(latency))
            .each_lasting(|_, iteration| {
                ms(if iteration.scenario.index() == 1 && iteration.in_instance > 0 { 5000 } else { 10 })
            })
            .run();
        assert!(log.forwards > 0);
        assert_eq!((log.of(1).len(), log.dropped()), (3, 0), "{latency}");
        assert_eq!(log.progress().scenarios[1].state, State::Done);
    }
}

#[test]
fn a_user_goes_on_to_the_next_scenario_with_its_own_counters() {
    let log = Sim::of([constant(1, 0, 1000, 0), constant(1, 1000, 1000, 0)]).lasting(ms(500)).run();
    let numbers: Vec<_> = log
        .starts
        .iter()
        .map(|s| (s.vu.get(), s.iteration.scenario.index(), s.iteration.in_vu, s.iteration.in_vu_scenario))
        .collect();
    assert_eq!(numbers, [(1, 0, 0, 0), (1, 0, 1, 1), (1, 1, 2, 0), (1, 1, 3, 1)]);
}

#[test]
fn a_scenario_waits_for_a_user_whose_interruption_takes_its_time() {
    for shards in [1, 2] {
        let log = Sim::of([constant(2, 0, 1000, 0), constant(2, 1000, 1000, 0)])
            .shards(shards)
            .lasting(ms(600))
            .latency(ms(250))
            .run();
        assert_eq!(log.start_ms(), [0, 0, 600, 600, 1250, 1250, 1850, 1850]);
        assert_eq!(log.interrupted, 4);
    }
}

#[test]
fn a_scenario_that_never_gets_its_user_ends_all_the_same() {
    let log = Sim::of([constant(1, 0, 1000, 0), constant(1, 1000, 1000, 0)])
        .lasting(ms(10_000))
        .latency(ms(3000))
        .run();
    assert_eq!(log.starts.len(), 1);
    assert_eq!((log.ended.len(), log.finished_ms()), (2, 4000));
}
