use std::time::Duration;

use throng_plan::{Executor, Scenario};

use crate::sim::{Command, Sim, at, ms, scenario};

fn controlled(vus: u64, max_vus: u64, duration: Option<Duration>) -> Scenario {
    scenario("x", Executor::ExternallyControlled { vus, max_vus, duration })
}

#[test]
fn the_set_number_loops_and_the_end_interrupts_at_once() {
    for shards in [1, 2] {
        let log = Sim::of([controlled(2, 5, Some(ms(1000)))]).shards(shards).lasting(ms(400)).run();
        assert_eq!(log.start_ms(), [0, 0, 400, 400, 800, 800]);
        assert_eq!((log.complete, log.interrupted, log.finished_ms()), (4, 2, 1000));
    }
}

/// Observed on k6 1.1, also that the paused time is not the scenario's.
#[test]
fn a_pause_lets_iterations_finish_and_puts_off_the_end() {
    for shards in [1, 2] {
        let log = Sim::of([controlled(2, 2, Some(ms(4000)))])
            .shards(shards)
            .lasting(ms(1000))
            .command(at(500), Command::Pause)
            .command(at(2500), Command::Resume)
            .run();
        assert_eq!(log.start_ms(), [0, 0, 2500, 2500, 3500, 3500, 4500, 4500, 5500, 5500]);
        assert_eq!((log.complete, log.interrupted, log.finished_ms()), (8, 2, 6000));
        assert_eq!(log.progress().scenarios[0].elapsed, ms(4000));
    }
}

#[test]
fn a_pause_before_its_start_holds_it_back() {
    let mut late = controlled(1, 1, Some(ms(1000)));
    late.start_time = ms(1000);
    let log = Sim::of([late])
        .lasting(ms(600))
        .command(at(500), Command::Pause)
        .command(at(5000), Command::Resume)
        .run();
    assert_eq!((log.start_ms(), log.finished_ms()), (vec![5000, 5600], 6000));
}

#[test]
fn a_stop_ends_a_paused_scenario() {
    let log = Sim::of([controlled(1, 1, Some(ms(1000)))])
        .lasting(ms(600))
        .command(at(500), Command::Pause)
        .command(at(9000), Command::Stop)
        .run();
    assert_eq!((log.start_ms(), log.finished_ms()), (vec![0], 9000));
}

/// Observed on k6 1.1: who is beyond the new number is interrupted at once.
#[test]
fn scaling_up_and_down_changes_who_loops() {
    for shards in [1, 2] {
        let log = Sim::of([controlled(1, 3, Some(ms(3000)))])
            .shards(shards)
            .lasting(ms(500))
            .command(at(1000), Command::SetVus { vus: 3, max_vus: 3 })
            .command(at(2100), Command::SetVus { vus: 1, max_vus: 3 })
            .run();
        let mut who: Vec<_> = log.starts.iter().map(|s| (s.ms(), s.vu.get())).collect();
        who.sort_unstable();
        let expected = [(0, 1), (500, 1), (1000, 1), (1000, 2), (1000, 3), (1500, 1), (1500, 2), (1500, 3)];
        assert_eq!(who[..8], expected);
        assert_eq!(who[8..], [(2000, 1), (2000, 2), (2000, 3), (2500, 1)]);
        let mut cut: Vec<_> = log.interrupts.iter().map(|(time, vu)| (*time, vu.get())).collect();
        cut.sort_unstable();
        assert_eq!(cut, [(at(2100), 2), (at(2100), 3), (at(3000), 1)]);
    }
}

#[test]
fn a_higher_maximum_initialises_more_users() {
    for shards in [1, 2, 3] {
        let log = Sim::of([controlled(1, 2, Some(ms(1000)))])
            .shards(shards)
            .lasting(ms(200))
            .command(at(500), Command::SetVus { vus: 4, max_vus: 5 })
            .run();
        let mut inits: Vec<_> = log.inits.iter().map(|(_, vu)| vu.get()).collect();
        inits.sort_unstable();
        assert_eq!(inits, [3, 4, 5]);
        assert_eq!(log.peak, 4);
        assert_eq!(log.progress().initialised_vus, 5);
        let first_of_third = log.starts.iter().find(|s| s.vu.get() == 3).expect("it runs");
        assert_eq!(first_of_third.ms(), 505, "as soon as it is initialised");
    }
}

#[test]
fn a_raised_maximum_can_be_lowered_to_the_scenarios_own() {
    let log = Sim::of([controlled(1, 2, Some(ms(4000)))])
        .lasting(ms(300))
        .command(at(500), Command::SetVus { vus: 4, max_vus: 4 })
        .command(at(1500), Command::SetVus { vus: 1, max_vus: 1 })
        .command(at(2500), Command::SetVus { vus: 3, max_vus: 3 })
        .run();
    assert_eq!(log.inits.len(), 2, "withdrawn users are used again");
    assert_eq!(log.progress().initialised_vus, 3);
    let busy = |from: u64, to: u64| {
        let mut who: Vec<_> =
            log.starts.iter().filter(|s| (from..to).contains(&s.ms())).map(|s| s.vu.get()).collect();
        who.sort_unstable();
        who.dedup();
        who
    };
    assert_eq!(
        (busy(600, 1500), busy(1500, 2500), busy(2500, 4000)),
        (vec![1, 2, 3, 4], vec![1], vec![1, 2, 3])
    );
}

#[test]
fn without_a_duration_it_goes_on_until_it_is_stopped() {
    let log =
        Sim::of([controlled(1, 1, None)]).lasting(ms(60_000)).command(at(3_600_500), Command::Abort).run();
    assert_eq!((log.complete, log.finished_ms()), (60, 3_600_500));
}
