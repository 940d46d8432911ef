//! What a controller hears, from strangers and from workers: nothing of it makes it panic, lets a stranger in, or keeps a run
//! from ending.

#![no_main]

#[path = "../../crates/cluster/tests/support/attacker.rs"]
mod attacker;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| attacker::attack(data));
