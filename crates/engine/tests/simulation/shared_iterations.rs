use throng_plan::{Executor, Scenario};

use crate::sim::{Sim, at, ms, scenario};

fn shared(vus: u64, iterations: u64, max_ms: u64) -> Scenario {
    scenario("s", Executor::SharedIterations { vus, iterations, max_duration: ms(max_ms) })
}

#[test]
fn users_share_the_iterations_first_come_first_served() {
    for shards in [1, 2, 4] {
        let log = Sim::of([shared(3, 11, 600_000)])
            .shards(shards)
            .each_lasting(|vu, _| ms(if vu.get() == 1 { 100 } else { 1000 }))
            .run();
        assert_eq!((log.starts.len(), log.complete, log.dropped()), (11, 11, 0));
        let fast = log.starts.iter().filter(|s| s.vu.get() == 1).count();
        assert_eq!(fast, 9, "the fast one takes what the slow ones leave");
        let mut numbers: Vec<u64> = log.starts.iter().map(|s| s.iteration.in_test).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..11).collect::<Vec<_>>());
        assert_eq!(log.finished_ms(), 1000, "over as soon as the last is");
    }
}

#[test]
fn what_nobody_has_attempted_in_time_is_dropped_in_one_sample() {
    for shards in [1, 3] {
        let log = Sim::of([shared(3, 20, 1000)]).shards(shards).lasting(ms(400)).run();
        assert_eq!(log.complete, 9, "three each, the third finishes within the graceful stop");
        assert_eq!(log.dropped.len(), 1);
        assert_eq!((log.dropped[0].0, log.dropped[0].2, log.dropped[0].3), (at(1000), 11, None));
        assert_eq!(log.finished_ms(), 1200);
    }
}

#[test]
fn an_interrupted_iteration_is_not_dropped_as_well() {
    let mut scenario = shared(2, 2, 1000);
    scenario.graceful_stop = ms(0);
    let log = Sim::of([scenario]).lasting(ms(5000)).run();
    assert_eq!((log.complete, log.interrupted, log.dropped(), log.finished_ms()), (0, 2, 0, 1000));
}
