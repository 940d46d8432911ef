//! The machines alone, on a simulated network and simulated clocks.
//!
//! A seed decides how many workers there are, how fast their messages travel, and who is killed, frozen, cut off, told to
//! leave or loses its connection, and when, and what of an old connection comes after the new one stands; and whether and when the controller is frozen, or killed and started again. What has to hold in every world is asserted; a failure prints its seed.
//! `THRONG_SEEDS=10000 cargo test -p throng-cluster --test simulation` tries that many, `THRONG_SEED=7` tries one.

#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub, reason = "tests")]

mod random;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn nothing_is_lost_doubled_or_endless_in_any_world() {
    let seeds = match number("THRONG_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("THRONG_SEEDS").unwrap_or(300),
    };
    let many = seeds.end - seeds.start >= 100;
    let (mut covered, mut discarded, mut alone, mut held_up) = (0, 0, 0, 0);
    for seed in seeds {
        let mut world = World::new(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world.run())) {
            eprintln!("THRONG_SEED={seed} fails; what happened:\n{}", world.story());
            resume_unwind(panic);
        }
        covered += world.covered;
        discarded += world.discarded;
        alone += world.alone;
        held_up += world.held_up;
    }
    assert!(
        discarded > 0 || !many,
        "in some world a worker came back with iterations that others had run again"
    );
    assert!(alone > 0 || !many, "in some world workers went on without a controller");
    assert!(
        held_up > 0 || !many,
        "in some world messages of an old connection came after those of a new one"
    );
    assert!(covered > 0 || !many, "in some world slots moved and were looked at");
}
