use throng_engine::VuId;
use throng_plan::{Executor, Scenario};

use crate::sim::{Sim, at, ms, scenario};

fn per_vu(vus: u64, iterations: u64, max_ms: u64) -> Scenario {
    scenario("p", Executor::PerVuIterations { vus, iterations, max_duration: ms(max_ms) })
}

#[test]
fn every_user_runs_its_own_number() {
    for shards in [1, 2, 4] {
        let log = Sim::of([per_vu(3, 4, 600_000)])
            .shards(shards)
            .each_lasting(|vu, _| ms(100 * u64::from(vu.get())))
            .run();
        for vu in 1..=3 {
            assert_eq!(log.starts.iter().filter(|s| s.vu.get() == vu).count(), 4);
        }
        assert_eq!((log.complete, log.dropped(), log.finished_ms()), (12, 0, 1200));
    }
}

#[test]
fn each_user_drops_its_own_remainder_when_time_is_over() {
    let log = Sim::of([per_vu(2, 5, 1000)]).each_lasting(|vu, _| ms(300 * u64::from(vu.get()))).run();
    let dropped: Vec<_> = log.dropped.iter().map(|d| (d.0, d.2, d.3.map(VuId::get))).collect();
    assert_eq!(dropped, [(at(1000), 1, Some(1)), (at(1000), 3, Some(2))]);
    assert_eq!((log.complete, log.finished_ms()), (6, 1200));
}
