//! What holds for every plan: it ends, users are never more than planned, and all numbers add up. (The
//! simulator itself checks that users stay at home, are never doubly busy, and are initialised first.)

use std::time::Duration;

use proptest::prelude::*;
use throng_plan::{Executor, Scenario, SegmentSequence, Slots, Stage};

use crate::sim::{Command, Log, Sim, at, ms, scenario};

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    let duration = prop_oneof![Just(0_u64), 1..3000_u64];
    proptest::collection::vec((duration, 0..12_u64), 1..5)
        .prop_map(|list| list.into_iter().map(|(d, target)| Stage { duration: ms(d), target }).collect())
}

fn executor() -> impl Strategy<Value = Executor> {
    let time_unit = || prop_oneof![Just(Duration::from_secs(1)), Just(ms(300))];
    prop_oneof![
        (1..8_u64, 0..30_u64, 500..4000_u64).prop_map(|(vus, more, max)| Executor::SharedIterations {
            vus,
            iterations: vus + more,
            max_duration: ms(max)
        }),
        (1..8_u64, 1..12_u64, 500..4000_u64).prop_map(|(vus, iterations, max)| Executor::PerVuIterations {
            vus,
            iterations,
            max_duration: ms(max)
        }),
        (1..8_u64, 500..4000_u64).prop_map(|(vus, d)| Executor::ConstantVus { vus, duration: ms(d) }),
        (0..8_u64, stages(), 0..2000_u64).prop_map(|(start_vus, stages, down)| Executor::RampingVus {
            start_vus,
            stages,
            graceful_ramp_down: ms(down)
        }),
        (1..40_u64, time_unit(), 500..4000_u64, 0..6_u64, 0..6_u64).prop_map(
            |(rate, time_unit, d, pre, more)| Executor::ConstantArrivalRate {
                rate,
                time_unit,
                duration: ms(d),
                pre_allocated_vus: pre,
                max_vus: pre + more
            }
        ),
        (0..20_u64, time_unit(), stages(), 0..6_u64, 0..6_u64).prop_map(
            |(start_rate, time_unit, stages, pre, more)| Executor::RampingArrivalRate {
                start_rate,
                time_unit,
                stages,
                pre_allocated_vus: pre,
                max_vus: pre + more
            }
        ),
        (0..6_u64, 0..4_u64, 500..4000_u64).prop_map(|(vus, more, d)| Executor::ExternallyControlled {
            vus,
            max_vus: vus + more,
            duration: Some(ms(d))
        }),
    ]
}

fn scenarios() -> impl Strategy<Value = Vec<Scenario>> {
    let one = (executor(), 0..4000_u64, prop_oneof![Just(0), 1..3000_u64]);
    proptest::collection::vec(one, 1..5).prop_map(|list| {
        let scenarios = list.into_iter().map(|(executor, start, graceful)| Scenario {
            start_time: ms(start),
            graceful_stop: ms(graceful),
            ..scenario("x", executor)
        });
        scenarios.collect()
    })
}

fn slots() -> impl Strategy<Value = Slots> {
    prop_oneof![
        Just(Slots::whole()),
        (1..5_u32, 0..4_usize).prop_map(|(n, me)| {
            let sequence = SegmentSequence::equal(n);
            let segment = sequence.segments()[me % n as usize];
            Slots::of(&segment, &sequence).expect("part of it")
        }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Stop),
        Just(Command::Abort),
        Just(Command::Pause),
        Just(Command::Resume),
        (0..9_u64, 0..9_u64).prop_map(|(vus, max_vus)| Command::SetVus { vus, max_vus }),
    ]
}

/// Whether anything was done from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    Quiet,
    Meddled,
}

/// What no run may do, whatever happens to it.
fn check(scenarios: &[Scenario], slots: &Slots, log: &Log, outside: Outside) {
    let longest = scenarios
        .iter()
        .map(|s| s.start_time + s.executor.regular_duration().expect("finite") + s.graceful_stop)
        .max()
        .expect("not empty");
    let put_off = if outside == Outside::Meddled { ms(9500 + 4000) } else { Duration::ZERO };
    assert!(log.finished.since(throng_engine::Time::ZERO) <= longest + put_off + ms(1000), "over in time");
    assert_eq!(log.ended.len(), scenarios.len(), "every scenario ends once");
    for (index, scenario) in scenarios.iter().enumerate() {
        let starts = log.of(index);
        let mut numbers: Vec<u64> = starts.iter().map(|s| s.iteration.in_instance).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..starts.len() as u64).collect::<Vec<_>>(), "numbered without gaps");
        let begin = throng_engine::Time::from(scenario.start_time);
        assert!(starts.iter().all(|s| s.at >= begin), "nothing before its time");
        let dropped: u64 = log.dropped.iter().filter(|d| d.1.index() == index).map(|d| d.2).sum();
        let total = starts.len() as u64 + dropped;
        match &scenario.executor {
            Executor::SharedIterations { vus, iterations, .. } => {
                let mine = slots.in_proportion_to(*vus).scale(*iterations);
                assert!(total <= mine && (outside == Outside::Meddled || total == mine), "{total} of {mine}");
            }
            Executor::PerVuIterations { vus, iterations, .. } => {
                let mine = slots.scale(*vus) * iterations;
                assert!(total <= mine && (outside == Outside::Meddled || total == mine), "{total} of {mine}");
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn every_plan_runs_to_its_end(
        scenarios in scenarios(),
        slots in slots(),
        shards in 1..4_usize,
        latency in 0..40_u64,
        lengths in proptest::collection::vec(1..1500_u64, 1..8),
    ) {
        let mut next = 0;
        let sim = Sim::of(scenarios.clone()).slots(&slots).shards(shards).latency(ms(latency)).each_lasting(
            move |_, _| {
                next = (next + 1) % lengths.len();
                ms(lengths[next])
            },
        );
        let max = sim.engine().placement().max_vus() as usize;
        let log = sim.run();
        prop_assert!(log.peak <= max, "{} of {max} users", log.peak);
        check(&scenarios, &slots, &log, Outside::Quiet);
    }

    #[test]
    fn whatever_is_done_from_outside_it_ends(
        scenarios in scenarios(),
        shards in 1..4_usize,
        latency in 0..40_u64,
        commands in proptest::collection::vec((0..9000_u64, command()), 0..6),
        stall in (0..3_usize, 0..4000_u64, 0..4000_u64),
        min_iteration in prop_oneof![Just(0), 1..500_u64],
        failing in 0..4_usize,
    ) {
        let mut sim = Sim::of(scenarios.clone())
            .shards(shards)
            .latency(ms(latency))
            .min_iteration(ms(min_iteration))
            .failing_inits(failing)
            .lasting(ms(170));
        if stall.1 > 0 {
            sim = sim.stall(stall.0 % shards, at(stall.1), at(stall.1 + stall.2));
        }
        for (time, command) in commands {
            sim = sim.command(at(time), command);
        }
        // A pause without end would be one.
        let log = sim.command(at(9500), Command::Resume).run();
        check(&scenarios, &Slots::whole(), &log, Outside::Meddled);
    }

    #[test]
    fn arrivals_are_started_or_dropped(
        rate in 1..60_u64,
        vus in 1..5_u64,
        more in 0..5_u64,
        shards in 1..5_usize,
        length in 1..400_u64,
        latency in 0..20_u64,
    ) {
        let executor = Executor::ConstantArrivalRate {
            rate,
            time_unit: Duration::from_secs(1),
            duration: ms(3000),
            pre_allocated_vus: vus,
            max_vus: vus + more,
        };
        let log = Sim::of([scenario("a", executor)]).shards(shards).latency(ms(latency)).lasting(ms(length)).run();
        prop_assert_eq!(log.starts.len() as u64 + log.dropped(), 3 * rate);
        prop_assert!(log.peak as u64 <= vus + more);
        let mut planned: Vec<_> = log.starts.iter().map(|s| s.iteration.planned.expect("planned")).collect();
        planned.sort_unstable();
        prop_assert!(planned.windows(2).all(|pair| pair[0] < pair[1]), "each start once");
    }
}
