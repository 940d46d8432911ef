use throng_engine::State;
use throng_plan::{Executor, Scenario, Stage};

use crate::sim::{Sim, at, ms, scenario, stage};

fn ramping(start_vus: u64, stages: &[Stage], ramp_down_ms: u64) -> Scenario {
    let executor =
        Executor::RampingVus { start_vus, stages: stages.to_vec(), graceful_ramp_down: ms(ramp_down_ms) };
    scenario("r", executor)
}

#[test]
fn users_start_when_the_ramp_reaches_them() {
    for shards in [1, 3] {
        let log = Sim::of([ramping(1, &[stage(900, 10)], 0)]).shards(shards).lasting(ms(10_000)).run();
        assert_eq!(
            log.start_ms(),
            [0, 100, 200, 300, 400, 500, 600, 700, 800],
            "the tenth would start at the end"
        );
        assert_eq!((log.peak, log.complete), (9, 9));
    }
}

#[test]
fn the_highest_stops_first_and_may_finish_in_time() {
    for shards in [1, 2] {
        // Users leave at 100 (the fifth), 200, 300, 400 and 500 ms, each with 250 ms to finish.
        let log = Sim::of([ramping(5, &[stage(500, 0), stage(1000, 0)], 250)])
            .shards(shards)
            .each_lasting(|vu, _| ms(if vu.get() == 5 { 340 } else { 1000 }))
            .run();
        assert_eq!(log.starts.len(), 5, "nobody starts anew");
        let hard: Vec<_> = log.interrupts.iter().map(|(time, vu)| (*time, vu.get())).collect();
        assert_eq!(hard, [(at(450), 4), (at(550), 3), (at(650), 2), (at(750), 1)]);
        assert_eq!((log.complete, log.interrupted, log.finished_ms()), (1, 4, 750));
    }
}

/// Observed on k6 1.1: what is left of the stages once nobody is wanted any more is not waited for.
#[test]
fn a_ramp_that_stays_at_nobody_is_over_with_its_last_iteration() {
    for shards in [1, 3] {
        let stages = [stage(1000, 2), stage(500, 0), stage(2000, 0)];
        let log = Sim::of([ramping(0, &stages, 30_000)]).shards(shards).lasting(ms(100)).run();
        assert!((1500..1600).contains(&log.finished_ms()), "{} ms", log.finished_ms());
        let scenario = &log.progress().scenarios[0];
        assert_eq!((scenario.state, scenario.fraction), (State::Done, 1.0));

        let back = [stage(500, 0), stage(1000, 0), stage(500, 1)];
        let log = Sim::of([ramping(1, &back, 30_000)]).shards(shards).lasting(ms(100)).run();
        assert_eq!(log.finished_ms(), 2000, "somebody comes again");
    }
}

#[test]
fn a_leaving_user_that_is_wanted_again_goes_on() {
    // The only user leaves at 1000 and is wanted again at 2000, in the midst of its iteration.
    let stages = [stage(0, 1), stage(1000, 1), stage(0, 0), stage(1000, 0), stage(0, 1), stage(2000, 1)];
    let log = Sim::of([ramping(0, &stages, 5000)]).lasting(ms(1600)).run();
    assert_eq!(log.start_ms(), [0, 2000, 3600], "idle from 1600 to 2000");
    assert_eq!((log.interrupted, log.finished_ms()), (0, 5200));

    let log = Sim::of([ramping(0, &stages, 5000)]).lasting(ms(2500)).run();
    assert_eq!(log.start_ms(), [0, 2500], "never noticed that it was to leave");
    assert_eq!((log.interrupted, log.finished_ms()), (0, 5000));
}

#[test]
fn the_hard_stop_of_an_earlier_leaving_does_not_hit_a_later_iteration() {
    // Leaves at 1000 (hard stop 2500), is back at 2000 and still there at 2500.
    let stages = [stage(1000, 1), stage(0, 0), stage(1000, 0), stage(0, 1), stage(2000, 1)];
    let log = Sim::of([ramping(1, &stages, 1500)]).lasting(ms(1200)).run();
    assert_eq!(log.start_ms(), [0, 2000, 3200]);
    assert_eq!(log.interrupted, 0);
}

#[test]
fn the_graceful_stop_caps_the_graceful_ramp_down() {
    let mut scenario = ramping(2, &[stage(1000, 0)], 30_000);
    scenario.graceful_stop = ms(500);
    let log = Sim::of([scenario]).lasting(ms(60_000)).run();
    assert_eq!((log.interrupted, log.finished_ms()), (2, 1500));
}

#[test]
fn who_is_still_wanted_at_the_end_has_the_graceful_stop() {
    let log = Sim::of([ramping(2, &[stage(1000, 2)], 0)]).lasting(ms(700)).run();
    assert_eq!(log.start_ms(), [0, 0, 700, 700]);
    assert_eq!((log.complete, log.finished_ms()), (4, 1400));
}

/// Observed on k6 1.1 (`0s:20,0s:2` between two plateaus): 20 users are initialised, 2 run.
#[test]
fn a_spike_without_length_reserves_users_that_run_nothing() {
    let sim = Sim::of([ramping(1, &[stage(1000, 1), stage(0, 20), stage(0, 2), stage(1000, 2)], 1000)]);
    assert_eq!(sim.engine().placement().planned_vus(), 20);
    let log = sim.lasting(ms(500)).run();
    assert_eq!(log.peak, 2);
    assert_eq!(log.start_ms(), [0, 500, 1000, 1000, 1500, 1500]);
}
