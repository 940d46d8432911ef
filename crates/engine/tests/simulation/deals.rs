//! Workers come and go while the test runs: together they run exactly the planned schedule, before and after.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use throng_engine::Time;
use throng_plan::{Executor, Scenario, Slots, Stage};

use crate::sim::{Command, Log, Sim, at, ms, scenario, stage};

const NOBODY: u32 = 99;

/// One worker: what it owns at first, and the maps it is dealt, each known some time before it holds.
fn worker(me: u32, owners: &[u32], deals: &[(u64, &[u32])], scenario: &Scenario, shards: usize) -> Log {
    let slots = Slots::dealt(0, me, owners.to_vec());
    let mut sim = Sim::of([scenario.clone()]).slots(&slots).shards(shards).lasting(ms(100));
    for (version, (from, owners)) in (1..).zip(deals) {
        sim = sim.deal(at(from - 200), at(*from), &Slots::dealt(version, me, owners.to_vec()));
    }
    sim.run()
}

fn workers(
    count: u32,
    owners: &[u32],
    deals: &[(u64, &[u32])],
    scenario: &Scenario,
    shards: usize,
) -> Vec<Log> {
    (0..count).map(|me| worker(me, owners, deals, scenario, shards)).collect()
}

fn whole(scenario: &Scenario) -> Log {
    Sim::of([scenario.clone()]).lasting(ms(100)).run()
}

/// When iterations were due or, where they are not planned, when they started.
fn times<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Vec<Time> {
    let starts = logs.into_iter().flat_map(|log| &log.starts);
    let mut times: Vec<Time> = starts.map(|start| start.iteration.planned.unwrap_or(start.at)).collect();
    times.sort_unstable();
    times
}

fn assert_unique_numbers(logs: &[Log]) {
    let mut numbers: Vec<u64> = logs.iter().flat_map(|l| &l.starts).map(|s| s.iteration.in_test).collect();
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "iterations are unique in the test");
}

/// A third worker comes at 1.5 s, gets a part, and gives it back at 3.1 s; the second one has nothing from 4.1 s on.
fn come_and_go(scenario: &Scenario) {
    let deals: &[(u64, &[u32])] = &[
        (1500, &[0, 1, NOBODY, 0, 1, NOBODY]),
        (1500, &[0, 1, 2, 0, 1, 2]),
        (3100, &[0, 1, 0, 0, 1, 1]),
        (4100, &[0, 0, 0, 0, 0, 0]),
    ];
    for shards in [1, 2, 3] {
        let logs = workers(3, &[0, 1], deals, scenario, shards);
        assert_eq!(times(&logs), times([&whole(scenario)]), "{shards} shards");
        assert_eq!(logs.iter().map(Log::dropped).sum::<u64>(), 0);
        assert_unique_numbers(&logs);
        assert!(logs[2].starts.iter().all(|start| start.at >= at(1500) && start.at < at(3100)));
        assert!(!logs[2].starts.is_empty() && logs[1].starts.iter().all(|start| start.at < at(4100)));
    }
}

fn constant_rate(rate: u64, duration: u64, vus: u64) -> Scenario {
    let executor = Executor::ConstantArrivalRate {
        rate,
        time_unit: Duration::from_secs(1),
        duration: ms(duration),
        pre_allocated_vus: vus,
        max_vus: vus,
    };
    scenario("x", executor)
}

#[test]
fn a_constant_arrival_rate_keeps_its_schedule() {
    come_and_go(&constant_rate(37, 6000, 24));
}

#[test]
fn a_ramping_arrival_rate_keeps_its_schedule() {
    let executor = Executor::RampingArrivalRate {
        start_rate: 5,
        time_unit: Duration::from_secs(1),
        stages: vec![stage(2000, 50), stage(1500, 7), stage(0, 20), stage(2000, 20)],
        pre_allocated_vus: 31,
        max_vus: 31,
    };
    come_and_go(&scenario("x", executor));
}

#[test]
fn constant_virtual_users_keep_their_number() {
    come_and_go(&scenario("x", Executor::ConstantVus { vus: 17, duration: ms(6000) }));
}

#[test]
fn ramping_virtual_users_keep_their_ramp() {
    // Switchings fall on the ends of iterations, so that whoever takes over goes on in step.
    let stages = vec![stage(2000, 20), stage(1000, 10), stage(0, 13), stage(800, 13), stage(1000, 3)];
    come_and_go(&scenario("x", Executor::RampingVus { start_vus: 0, stages, graceful_ramp_down: ms(100) }));
}

#[test]
fn externally_controlled_virtual_users_keep_their_number() {
    let executor = Executor::ExternallyControlled { vus: 9, max_vus: 12, duration: Some(ms(6000)) };
    come_and_go(&scenario("x", executor));
}

#[test]
fn what_was_set_from_outside_is_shared_by_every_map() {
    let executor = Executor::ExternallyControlled { vus: 2, max_vus: 12, duration: Some(ms(6000)) };
    let mut later = scenario("x", executor.clone());
    later.start_time = ms(2500);
    for scenario in [scenario("x", executor), later] {
        for shards in [1, 2] {
            let slots = |version, owners: &[u32]| Slots::dealt(version, 0, owners.to_vec());
            let log = Sim::of([scenario.clone()])
                .slots(&slots(0, &[0, 1]))
                .shards(shards)
                .lasting(ms(100))
                .command(at(1050), Command::SetVus { vus: 10, max_vus: 12 })
                .deal(at(1900), at(2100), &slots(1, &[0, 0]))
                .run();
            let busy = |from: u64| {
                let during = log.starts.iter().filter(|start| (from..from + 100).contains(&start.ms()));
                during.count()
            };
            let first = if scenario.start_time.is_zero() { 5 } else { 0 };
            assert_eq!((busy(1800), busy(3000), busy(6000)), (first, 10, if first == 0 { 10 } else { 0 }));
        }
    }
}

#[test]
fn a_scenario_that_has_not_begun_begins_by_the_new_map() {
    let mut later = constant_rate(20, 2000, 12);
    later.start_time = ms(4500);
    let deals: &[(u64, &[u32])] = &[(1500, &[0, 1, NOBODY]), (1500, &[0, 1, 2]), (4500, &[0, 0, 0])];
    for shards in [1, 2] {
        let logs = workers(3, &[0, 1], deals, &later, shards);
        assert_eq!(times(&logs), times([&whole(&later)]));
        assert_eq!(logs[0].starts.len(), 40, "the last map holds from its first start on");
    }
}

#[test]
fn what_was_due_before_the_map_was_known_is_not_made_up_for() {
    let scenario = constant_rate(10, 3000, 10);
    let slots = |version, owners: &[u32]| Slots::dealt(version, 0, owners.to_vec());
    let sim = Sim::of([scenario]).slots(&slots(0, &[0, 1])).lasting(ms(50));
    // Known half a second after it was to hold.
    let log = sim.deal(at(1500), at(1000), &slots(1, &[0, 0])).run();
    assert_eq!(log.dealt, [at(1505)]);
    let before = log.starts.iter().filter(|start| start.at < at(1505)).count();
    assert_eq!((before, log.starts.len()), (8, 8 + 14));
}

#[test]
fn without_leave_planned_starts_are_neither_run_nor_dropped() {
    let scenario = constant_rate(10, 1000, 10);
    let engine = Sim::of([scenario]).engine();
    let (mut shard, mut actions) = (engine.shard(throng_engine::ShardIndex::new(0)), Vec::new());
    shard.start(at(0), &mut actions);
    shard.set_leave(false);
    shard.on_time(at(450), &mut actions);
    shard.set_leave(true);
    shard.on_time(at(999), &mut actions);
    assert_eq!((actions.len(), engine.progress(at(999)).dropped), (1 + 5, 0));
    assert_eq!(engine.planned_starts(throng_engine::ScenarioIndex::new(0)), Some(10));
}

#[test]
fn a_stalled_thread_keeps_to_the_maps_by_the_time_that_was_planned() {
    let scenario = constant_rate(100, 3000, 300);
    let slots = |version, me, owners: &[u32]| Slots::dealt(version, me, owners.to_vec());
    let run = |me, stalled: bool| {
        let mut sim = Sim::of([scenario.clone()]).slots(&slots(0, me, &[0, 1])).shards(2).lasting(ms(50));
        sim = sim.deal(at(1100), at(1400), &slots(1, me, &[0, 0]));
        if stalled { sim.stall(1, at(1200), at(1800)).run() } else { sim.run() }
    };
    let logs = [run(0, true), run(1, true)];
    assert_eq!(times(&logs), times([&whole(&scenario)]));
}

#[test]
fn numbers_of_virtual_users_are_unique_and_come_back() {
    let scenario = scenario("x", Executor::ConstantVus { vus: 12, duration: ms(6000) });
    let slots = |version, me, owners: &[u32]| Slots::dealt(version, me, owners.to_vec());
    let engine = |me| Sim::of([scenario.clone()]).slots(&slots(0, me, &[0, 1, 2])).shards(2).engine();
    let mut taken: BTreeMap<u64, u32> = BTreeMap::new();
    for me in [0, 2] {
        let engine = engine(me);
        let numbers = || {
            (1..=engine.placement().max_vus())
                .map(|vu| engine.placement().id_in_test(throng_engine::VuId::new(vu)))
        };
        let before: Vec<u64> = numbers().collect();
        engine.deal(&slots(1, me, &[0, 2, 2]), &none(), at(1000), || at(800));
        let after: Vec<u64> = numbers().collect();
        assert_eq!(after[..before.len()], before);
        assert_eq!(u64::from(engine.placement().planned_vus()), slots(1, me, &[0, 2, 2]).scale(12));
        for number in after {
            assert_eq!(taken.insert(number, me), None);
        }
        engine.deal(&slots(2, me, &[0, 1, 2]), &none(), at(2000), || at(1800));
        engine.deal(&slots(3, me, &[0, 2, 2]), &none(), at(3000), || at(2800));
        assert_eq!(
            u64::from(engine.placement().max_vus()),
            slots(1, me, &[0, 2, 2]).scale(12),
            "who comes back is known"
        );
    }
    assert_eq!(taken.keys().copied().collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
}

fn none() -> Slots {
    Slots::from_owners(0, 0, vec![1])
}

#[test]
fn what_comes_begins_once_whoever_had_it_has_ended() {
    let scenario = scenario("x", Executor::ConstantVus { vus: 12, duration: ms(6000) });
    let owners = ([0, 1], [0, 0]);
    for shards in [1, 2, 3] {
        let slots = |version, me, owners: &[u32]| Slots::dealt(version, me, owners.to_vec());
        let sim = |me| {
            let sim =
                Sim::of([scenario.clone()]).slots(&slots(0, me, &owners.0)).shards(shards).lasting(ms(700));
            sim.deal(at(1300), at(1500), &slots(1, me, &owners.1))
        };
        let giver = sim(1).run();
        assert_eq!(giver.still, Some(at(2100)), "its third iterations end");
        // A newcomer brings two maps for one moment; what was taken away is counted once.
        let twice = sim(1).deal(at(1400), at(1500), &slots(2, 1, &owners.1)).run();
        assert_eq!((twice.still, twice.starts.len()), (Some(at(2100)), giver.starts.len()));
        let taker = sim(0).coming(&slots(1, 1, &owners.0)).command(at(2150), Command::Still(1)).run();
        let begun = |from, to| taker.starts.iter().filter(|s| s.at >= at(from) && s.at < at(to)).count();
        assert_eq!((begun(1500, 2100), begun(2150, 2151)), (0, 6));
        let whole = taker.starts.iter().chain(&giver.starts);
        let runs = |time| whole.clone().filter(|s| s.at <= time && time < s.at + ms(700)).count();
        assert!((0..5900).step_by(10).all(|time| runs(at(time)) <= 12), "never more than planned");
    }
}

#[test]
fn whoever_leaves_before_its_map_holds_is_waited_for_too() {
    let scenario = scenario("x", Executor::ConstantVus { vus: 12, duration: ms(6000) });
    for shards in [1, 2, 3] {
        let slots = |version, owners: &[u32]| Slots::dealt(version, 1, owners.to_vec());
        let giver = Sim::of([scenario.clone()]).slots(&slots(0, &[0, 1])).shards(shards).lasting(ms(700));
        let giver = giver.deal(at(1300), at(1500), &slots(1, &[0, 0])).command(at(1499), Command::Stop).run();
        assert_eq!((giver.starts.len(), giver.complete), (18, 18));
        // It may end with the last of them, which is not looked at any more.
        assert!(giver.still.is_none_or(|still| still >= at(2100)), "{:?}", giver.still);
    }
}

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    proptest::collection::vec((1..20_u64, 0..12_u64), 1..5)
        .prop_map(|list| list.into_iter().map(|(d, target)| stage(d * 100, target)).collect())
}

proptest! {
    /// Whatever maps follow each other, planned starts are run once each as long as nobody runs out of virtual users.
    #[test]
    fn any_maps_make_one_schedule(
        stages in stages(),
        start_rate in 0..20_u64,
        maps in proptest::collection::vec((1..40_u64, proptest::collection::vec(0..4_u32, 1..9)), 1..5),
        shards in 1..4_usize,
    ) {
        let executor = Executor::RampingArrivalRate {
            start_rate, time_unit: ms(300), stages, pre_allocated_vus: 60, max_vus: 60,
        };
        let scenario = scenario("x", executor);
        let mut from = 200;
        let deals: Vec<(u64, Vec<u32>)> = maps.into_iter().map(|(pause, owners)| { from += pause * 37; (from, owners) }).collect();
        let deals: Vec<(u64, &[u32])> = deals.iter().map(|(from, owners)| (*from, &owners[..])).collect();
        let logs = workers(4, &[0, 1], &deals, &scenario, shards);
        prop_assert_eq!(logs.iter().map(Log::dropped).sum::<u64>() as usize + times(&logs).len(), times([&whole(&scenario)]).len());
        let union = times(&logs);
        prop_assert!(union.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_unique_numbers(&logs);
        if logs.iter().all(|log| log.dropped() == 0) {
            prop_assert_eq!(union, times([&whole(&scenario)]));
        }
    }
}
