use std::time::Duration;

use throng_engine::{Detail, ScenarioIndex, ShardIndex, State, Time};
use throng_plan::Executor;

use crate::sim::{Sim, at, ms, scenario, stage};

#[test]
fn a_scenario_waits_runs_stops_and_is_done() {
    let mut late = scenario("c", Executor::ConstantVus { vus: 2, duration: ms(2000) });
    late.start_time = ms(1000);
    let engine = Sim::of([late]).engine();
    let progress = |time: Time| engine.scenario_progress(ScenarioIndex::new(0), time);

    assert_eq!((progress(at(400)).state, progress(at(400)).waiting), (State::Waiting, ms(600)));
    let half = progress(at(2000));
    assert_eq!(
        (half.state, half.elapsed, half.duration, half.fraction),
        (State::Running, ms(1000), Some(ms(2000)), 0.5)
    );
    assert_eq!(half.detail, Detail::Constant { vus: 2 });
    assert_eq!((progress(at(3500)).state, progress(at(3500)).fraction), (State::Stopping, 1.0));

    let mut actions = Vec::new();
    let mut shard = engine.shard(ShardIndex::new(0));
    shard.start(Time::ZERO, &mut actions);
    shard.on_time(at(1000), &mut actions);
    assert_eq!((progress(at(1000)).active_vus, engine.progress(at(1000)).active_vus), (2, 2));
    shard.abort(at(1500), &mut actions);
    assert_eq!(progress(at(1500)).state, State::Stopping);
}

#[test]
fn numbers_of_iterations_are_the_progress_where_they_are_the_end() {
    let shared = Executor::SharedIterations { vus: 2, iterations: 8, max_duration: ms(1000) };
    let per_vu = Executor::PerVuIterations { vus: 2, iterations: 4, max_duration: ms(60_000) };
    let log = Sim::of([scenario("s", shared), scenario("p", per_vu)]).shards(2).lasting(ms(400)).run();
    let [shared, per_vu] = &log.progress().scenarios[..] else { panic!("two scenarios") };
    assert_eq!(shared.detail, Detail::Shared { vus: 2, started: 6, total: 8 });
    assert_eq!((shared.state, shared.fraction, shared.dropped), (State::Unfinished, 0.75, 2));
    assert_eq!(per_vu.detail, Detail::PerVu { vus: 2, started: 8, total: 8, each: 4 });
    assert_eq!((per_vu.state, per_vu.fraction, per_vu.elapsed), (State::Done, 1.0, ms(1600)));
}

#[test]
fn arrival_rates_show_their_rate_and_their_users() {
    let executor = Executor::RampingArrivalRate {
        start_rate: 0,
        time_unit: Duration::from_secs(1),
        stages: vec![stage(2000, 20)],
        pre_allocated_vus: 1,
        max_vus: 3,
    };
    let sim = Sim::of([scenario("a", executor)]);
    let engine = sim.engine();
    let half = engine.scenario_progress(ScenarioIndex::new(0), at(1000)).detail;
    assert_eq!(half, Detail::Arrivals { vus: 1, max_vus: 3, rate: 10.0, time_unit: Duration::from_secs(1) });
    let log = sim.lasting(ms(5000)).run();
    assert!(matches!(log.progress().scenarios[0].detail, Detail::Arrivals { vus: 3, .. }));
}

#[test]
fn a_controlled_scenario_shows_its_numbers_before_it_begins() {
    let mut late =
        scenario("x", Executor::ExternallyControlled { vus: 2, max_vus: 5, duration: Some(ms(1000)) });
    late.start_time = ms(500);
    let progress = Sim::of([late]).engine().scenario_progress(ScenarioIndex::new(0), Time::ZERO);
    assert_eq!(progress.detail, Detail::Controlled { vus: 2, max_vus: 5 });
}
