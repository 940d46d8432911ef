//! The seeds of the fuzz target `cluster`, and simple mutations of them. `THRONG_ROUNDS=1000000` tries more of these.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "tests")]

#[path = "support/attacker.rs"]
mod attacker;
#[path = "simulation/random.rs"]
#[expect(dead_code, reason = "the simulation uses more of it")]
mod random;

use random::Random;

#[test]
fn made_up_bytes_leave_a_controller_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/cluster");
    let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() >= 9, "the seeds are there");
    for seed in &seeds {
        attacker::attack(seed);
    }
    let rounds = std::env::var("THRONG_ROUNDS").map_or(20_000, |text| text.parse().unwrap());
    let mut random = Random(1);
    for _ in 0..rounds {
        let mut bytes = seeds[random.range(0..seeds.len() as u64) as usize].clone();
        for _ in 0..random.range(1..8) {
            mutate(&mut bytes, &mut random, &seeds);
        }
        attacker::attack(&bytes);
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random, seeds: &[Vec<u8>]) {
    let length = bytes.len() as u64;
    let at = random.range(0..length.max(1)) as usize;
    match random.range(0..6) {
        _ if bytes.is_empty() => bytes.push(random.next() as u8),
        0 => bytes[at] ^= 1 << random.range(0..8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes.insert(at, random.next() as u8),
        3 => drop(bytes.remove(at)),
        // One goes on as another.
        4 => {
            let other = &seeds[random.range(0..seeds.len() as u64) as usize];
            bytes.truncate(at.max(1));
            bytes.extend_from_slice(&other[1..]);
        }
        _ => bytes[0] = random.next() as u8,
    }
}
