//! Iterations that a controller deals out: each is run once, given back or dropped, and told.

use proptest::prelude::*;
use throng_engine::{Counts, Indices, Tally};
use throng_plan::{Executor, Scenario, Slots};

use crate::sim::{Command, Log, Sim, at, ms, scenario};

fn shared(vus: u64, max_ms: u64) -> Scenario {
    scenario("s", Executor::SharedIterations { vus, iterations: 1_000, max_duration: ms(max_ms) })
}

fn per_vu(vus: u64, iterations: u64) -> Scenario {
    scenario("s", Executor::PerVuIterations { vus, iterations, max_duration: ms(60_000) })
}

fn grant(from: u64, to: u64) -> Command {
    Command::Grant { from, to }
}

/// All that was told in one epoch.
fn told(log: &Log, epoch: u32) -> Tally {
    let mut all = Counts::default();
    log.counts.iter().filter(|counts| counts.epoch == epoch).for_each(|counts| all.merge(counts));
    all.scenarios.into_values().next().unwrap_or_default()
}

fn numbers(log: &Log) -> Indices {
    log.starts.iter().map(|s| s.iteration.in_test..s.iteration.in_test + 1).collect()
}

#[test]
fn virtual_users_wait_for_more_and_end_when_all_is_over() {
    for shards in [1, 2, 3] {
        let log = Sim::of([shared(4, 60_000)])
            .dealt()
            .shards(shards)
            .command(at(0), grant(10, 16))
            .command(at(500), grant(2, 4))
            .command(at(900), Command::Close)
            .run();
        assert_eq!((log.starts.len(), log.complete, log.dropped()), (8, 8, 0));
        assert_eq!(numbers(&log), [2..4, 10..16].into_iter().collect());
        assert_eq!(told(&log, 0), Tally { settled: numbers(&log), returned: Indices::default() });
        assert_eq!(log.starts.iter().filter(|start| start.at == at(500)).count(), 2);
        assert_eq!(log.finished_ms(), 900);
        assert!((log.progress().scenarios[0].fraction - 1.0).abs() < 1e-9);
    }
}

#[test]
fn what_nobody_has_started_can_be_taken_back() {
    let log = Sim::of([shared(2, 60_000)])
        .dealt()
        .shards(2)
        .command(at(0), grant(0, 10))
        .command(at(150), Command::TakeBack(4))
        .command(at(450), Command::Close)
        .run();
    assert_eq!(log.taken_back, Indices::of(4..8));
    assert_eq!(told(&log, 0).settled, [0..4, 8..10].into_iter().collect());
}

#[test]
fn when_time_is_over_what_is_left_is_dropped_also_if_it_comes_then() {
    let log = Sim::of([shared(2, 1_000)])
        .dealt()
        .lasting(ms(700))
        .command(at(0), grant(0, 6))
        .command(at(1_600), grant(6, 9))
        .command(at(1_700), Command::Close)
        .run();
    assert_eq!((log.complete, log.dropped(), log.finished_ms()), (4, 5, 1_700));
    assert_eq!(told(&log, 0), Tally { settled: Indices::of(0..9), returned: Indices::default() });
}

#[test]
fn who_leaves_gives_back_what_it_has_not_started() {
    let log =
        Sim::of([shared(2, 60_000)]).dealt().command(at(0), grant(0, 6)).command(at(50), Command::Stop).run();
    assert_eq!(told(&log, 0), Tally { settled: Indices::of(0..2), returned: Indices::of(2..6) });
    let log =
        Sim::of([per_vu(2, 4)]).dealt().command(at(0), grant(0, 8)).command(at(150), Command::Stop).run();
    assert_eq!(
        told(&log, 0),
        Tally { settled: [0..2, 4..6].into_iter().collect(), returned: [2..4, 6..8].into_iter().collect() }
    );
}

#[test]
fn a_worker_that_was_given_up_forgets_and_begins_anew() {
    for shards in [1, 2] {
        let log = Sim::of([shared(2, 60_000)])
            .dealt()
            .shards(shards)
            .command(at(0), grant(0, 10))
            .command(at(250), Command::Void(1))
            .command(at(300), grant(4, 7))
            .command(at(600), Command::Close)
            .run();
        assert_eq!(told(&log, 0), Tally { settled: Indices::of(0..4), returned: Indices::default() });
        assert_eq!(told(&log, 1), Tally { settled: Indices::of(4..7), returned: Indices::default() });
        assert_eq!((log.complete, log.interrupted), (7, 2));
    }
}

#[test]
fn a_virtual_user_moves_with_what_it_still_has_to_do() {
    let slots = |version, me, owners: &[u32]| Slots::dealt(version, me, owners.to_vec());
    let run = |me: u32, grants: &[(u64, Command)]| {
        let mut sim = Sim::of([per_vu(4, 10)]).dealt().shards(2).slots(&slots(0, me, &[0, 1]));
        for (from, command) in grants {
            sim = sim.command(at(*from), *command);
        }
        // The second user of the first worker goes to the second.
        sim.deal(at(200), at(450), &slots(1, me, &[0, 1, 1, 1])).command(at(3_000), Command::Close).run()
    };
    let first = run(0, &[(0, grant(0, 10)), (0, grant(20, 30))]);
    // It begins its fifth when it is to move, and ends it.
    let given = Tally { settled: [0..10, 20..25].into_iter().collect(), returned: Indices::of(25..30) };
    assert_eq!(told(&first, 0), given);
    let second = run(1, &[(0, grant(10, 20)), (0, grant(30, 40)), (550, grant(25, 30))]);
    assert_eq!(told(&second, 0).settled, [10..20, 25..40].into_iter().collect());
    let moved: Vec<_> = second.starts.iter().filter(|start| start.vu.get() == 3).collect();
    assert_eq!(moved.iter().map(|s| s.iteration.in_vu_scenario).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    assert_eq!(moved[0].at, at(550));
}

#[test]
fn what_comes_for_a_place_of_others_goes_back() {
    let slots = |version, owners: &[u32]| Slots::dealt(version, 0, owners.to_vec());
    let log = Sim::of([per_vu(2, 5)])
        .dealt()
        .slots(&slots(0, &[0, 1]))
        .command(at(0), grant(0, 10))
        .deal(at(100), at(300), &slots(1, &[0, 1]))
        .command(at(900), Command::Close)
        .run();
    assert_eq!(told(&log, 0), Tally { settled: Indices::of(0..5), returned: Indices::of(5..10) });
}

proptest! {
    /// Whatever comes and goes when, each index is settled, given back or taken back once.
    #[test]
    fn nothing_is_run_twice_or_forgotten(
        vus in 1..12_u64,
        shards in 1..4_usize,
        commands in proptest::collection::vec((0..30_u64, 0..40_u64, any::<bool>()), 1..20),
        max in 1..40_u64,
        lengths in proptest::collection::vec(1..400_u64, 1..9),
        stops in proptest::option::of(0..40_u64),
    ) {
        let mut sim = Sim::of([shared(vus, max * 100)]).dealt().shards(shards);
        let (mut from, mut granted) = (0, 0);
        for (pause, count, grants) in commands {
            from += pause * 17;
            if grants {
                sim = sim.command(at(from), grant(granted, granted + count));
                granted += count;
            } else {
                sim = sim.command(at(from), Command::TakeBack(count));
            }
        }
        if let Some(stop) = stops {
            sim = sim.command(at(stop * 100), Command::Stop);
        }
        sim = sim.command(at(max * 100 + 40_000), Command::Close);
        let mut nth = 0;
        let log = sim.each_lasting(move |_, _| { nth += 1; ms(lengths[nth % lengths.len()]) }).run();
        let Tally { settled, returned } = told(&log, 0);
        let mut all = settled.clone();
        all.extend(&returned);
        all.extend(&log.taken_back);
        prop_assert_eq!(all.count(), settled.count() + returned.count() + log.taken_back.count());
        // What comes once all is over stays where it is.
        prop_assert!(Indices::of(0..granted).contains_all(&all));
        prop_assert_eq!(settled.count(), log.complete + log.interrupted + log.dropped());
        prop_assert_eq!(numbers(&log).count(), log.starts.len() as u64);
    }
}
