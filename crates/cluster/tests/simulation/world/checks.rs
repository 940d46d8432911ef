//! Who owns which slots: never two the same, and some seconds after the last mishap somebody all.

use std::time::Duration;

use throng_cluster::Moment;
use throng_plan::Slots;

use super::{DRIFT, Due, Process, World};

impl World {
    /// What this worker owns, no other one that could work does. Clocks are read with an error, so only what both own for
    /// longer than that counts.
    pub(super) fn assert_sole_owner(&self, process: usize) {
        for other in (0..self.processes.len()).filter(|other| *other != process) {
            let (p, q) = (&self.processes[process], &self.processes[other]);
            let local = self.process_now(other);
            let idle = !q.alive || q.finished || q.leaving || q.starts_at.is_none() || q.maps.is_empty();
            if idle || local >= q.lease || q.frozen_until > self.now {
                continue;
            }
            // A moment stays where it was put, also if the clock is read better by now.
            let of = |p: &Process| {
                let last = p.errors.iter().rev().take(3).max().copied();
                last.max(p.machine.clock_error()).unwrap()
            };
            let error = of(p).max(of(q)) + DRIFT;
            let owns = |p: &Process, now: Moment, slot: u64| {
                let before = Moment::from(now.since_origin().saturating_sub(error));
                p.slots(before).owns(slot) && p.slots(now).owns(slot) && p.slots(now + error).owns(slot)
            };
            let now = self.process_now(process);
            let slots = p.slots(now).period().max(q.slots(local).period()) * 2;
            let both = (0..slots).find(|slot| owns(p, now, *slot) && owns(q, local, *slot));
            assert_eq!(both, None, "workers {process} and {other} own a slot both");
        }
    }

    /// Nobody who could work runs anything of what a map up to this version took from it.
    pub(super) fn assert_still(&self, process: usize, version: u64) {
        for (other, q) in self.processes.iter().enumerate().filter(|(other, _)| *other != process) {
            // One that is lost is not waited for: it has lost its lease.
            let idle = !q.alive || q.finished || q.leaving || q.starts_at.is_none() || q.was_lost;
            if idle || self.process_now(other) >= q.lease || q.frozen_until > self.now {
                continue;
            }
            let maps: Vec<&Slots> = q.maps.iter().map(|(_, map)| map).collect();
            for pair in
                maps.windows(2).filter(|pair| pair[1].version() < version && pair[1].version() > q.rests)
            {
                let period = pair[0].period().max(pair[1].period());
                let gave = (0..period).any(|slot| pair[0].owns(slot) && !pair[1].owns(slot));
                assert!(!gave, "worker {other} may still run what it gave by map {}", pair[1].version());
            }
        }
    }

    /// Some seconds after the last mishap the whole test is run again.
    pub(super) fn assert_all_is_owned(&mut self) {
        if self.happened.contains("all done") {
            return;
        }
        if self.processes.iter().any(|p| p.finished && !p.leaving && p.alive && p.starts_at.is_some()) {
            return;
        }
        let quiet = self.now.saturating_sub(self.quiet_since) > Duration::from_secs(6);
        let at_work = |p: &&Process| p.alive && !p.over && !p.finished && p.starts_at.is_some();
        let maps = self.processes.iter().filter(at_work).map(|p| p.slots(Moment::NEVER));
        let maps: Vec<&Slots> = maps.collect();
        if self.redistribute && quiet && !self.happened.contains("failed") && !maps.is_empty() {
            assert!(
                maps.iter().all(|map| map.version() == maps[0].version()),
                "all have the same map: {maps:?}"
            );
            let owned: u64 = maps.iter().map(|map| map.owned_per_period()).sum();
            assert_eq!(owned, maps[0].period(), "every slot is somebody's");
            self.covered += 1;
        }
        self.after(Duration::from_secs(1), Due::LookAround);
    }
}
