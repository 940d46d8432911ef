//! What the shards of a worker share: counters, and nothing that needs a lock.
//!
//! Counters that only one shard writes are cells of its own, read by anyone for progress. What shards
//! compete for (the numbers of iterations, idle virtual users of arrival rates, the right to initialise one
//! more) are atomics on cache lines of their own.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::ids::{ScenarioIndex, ShardIndex};
use crate::stock::Stock;
use crate::time::Time;
use crate::work::Work;

/// Two cache lines, as the hardware fetches them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The counters of one worker's run.
#[derive(Debug)]
pub(crate) struct Shared {
    shards: usize,
    cells: Box<[Padded<Cell>]>,
    idle: Box<[Padded<Idle>]>,
    scenarios: Box<[ScenarioShared]>,
    moves: Box<[Padded<Moves>]>,
    extra_vus: AtomicU32,
}

/// What one shard counts of one scenario. Only that shard writes.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) active: Counter,
    pub(crate) complete: Counter,
    pub(crate) interrupted: Counter,
    pub(crate) dropped: Counter,
}

/// How far one shard is with what goes to other workers. Only that shard writes.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// The version of the map that it follows.
    followed: AtomicU64,
    /// Iterations that run although their place is another worker's.
    pub(crate) running: Counter,
}

impl Moves {
    /// The shard follows the map of this version.
    pub(crate) fn follow(&self, version: u64) {
        self.followed.fetch_max(version, Ordering::Release);
    }
}

/// A number with a single writer: no read-modify-write instruction needed.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, count: u64) {
        self.0.store(self.get().saturating_sub(count), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many idle virtual users of one scenario and shard are not spoken for. Who takes one may use it.
#[derive(Debug, Default)]
pub(crate) struct Idle(AtomicU32);

impl Idle {
    /// One more is idle.
    pub(crate) fn put(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Reserves one.
    pub(crate) fn take(&self) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |idle| idle.checked_sub(1)).is_ok()
    }

    /// Reserves all and returns how many that were.
    pub(crate) fn take_all(&self) -> u32 {
        self.0.swap(0, Ordering::AcqRel)
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The numbers of a scenario's iterations, in the order of their starts over all shards.
#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicU64);

impl Sequence {
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn replace(&self, value: u64) -> u64 {
        self.0.swap(value, Ordering::Relaxed)
    }

    pub(crate) fn peek(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The right to give an arrival rate one more virtual user: one at a time over all shards.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    under_way: AtomicBool,
    used: AtomicU32,
    exhaustion_told: AtomicBool,
}

/// Whether an arrival rate may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Yes, by its extra virtual user of this number.
    Extra(usize),
    /// One is being initialised already.
    UnderWay,
    /// It has all it may have; `first` for who learns it first.
    Exhausted { first: bool },
}

impl Growth {
    /// Asks for one of `extras` more virtual users.
    pub(crate) fn request(&self, extras: usize) -> Grant {
        if self.under_way.swap(true, Ordering::AcqRel) {
            return Grant::UnderWay;
        }
        let used = self.used.load(Ordering::Relaxed);
        if (used as usize) < extras {
            self.used.store(used + 1, Ordering::Relaxed);
            return Grant::Extra(used as usize);
        }
        self.under_way.store(false, Ordering::Release);
        Grant::Exhausted { first: !self.exhaustion_told.swap(true, Ordering::Relaxed) }
    }

    /// The granted one has joined: the next may follow.
    pub(crate) fn done(&self) {
        self.under_way.store(false, Ordering::Release);
    }

    /// The granted one did not come to be: the grant is open again.
    pub(crate) fn undo(&self) {
        self.used.fetch_sub(1, Ordering::Relaxed);
        self.done();
    }

    /// How many extra virtual users have been granted.
    pub(crate) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }
}

/// What all shards share of one scenario.
#[derive(Debug)]
pub(crate) struct ScenarioShared {
    sequence: Padded<Sequence>,
    /// Where a controller deals out its iterations.
    pub(crate) stock: Option<Stock>,
    pub(crate) growth: Growth,
    parts_left: AtomicU32,
    ended_at: AtomicU64,
    cut_short: AtomicBool,
    pub(crate) clock: Clock,
    controlled_vus: AtomicU64,
    controlled_max: AtomicU64,
    controlled_peak: AtomicU64,
}

/// How long a scenario has been paused. Written by one shard, read for progress.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    paused: Counter,
    /// When the present pause began, plus one; zero for none.
    since: AtomicU64,
}

impl Clock {
    /// A pause begins or ends.
    pub(crate) fn keep(&self, paused: bool, now: Time) {
        let before = self.since.swap(if paused { now.as_nanos() + 1 } else { 0 }, Ordering::Relaxed);
        if before > 0 && !paused {
            self.paused.add((now.as_nanos() + 1).saturating_sub(before));
        }
    }

    /// The time from `start` to `now` without pauses.
    pub(crate) fn elapsed(&self, start: Time, now: Time) -> Duration {
        let since = self.since.load(Ordering::Relaxed);
        let now = if since > 0 { now.min(Time::from_nanos(since - 1)) } else { now };
        now.since(start).saturating_sub(Duration::from_nanos(self.paused.get()))
    }
}

impl ScenarioShared {
    pub(crate) fn sequence(&self) -> &Sequence {
        &self.sequence.0
    }

    /// One shard is done with the scenario; whether it was the last.
    pub(crate) fn part_ended(&self, now: Time) -> bool {
        self.ended_at.fetch_max(now.as_nanos(), Ordering::Relaxed);
        self.parts_left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// When the last shard was done with it.
    pub(crate) fn ended_at(&self) -> Option<Time> {
        let ended = self.parts_left.load(Ordering::Acquire) == 0;
        ended.then(|| Time::from_nanos(self.ended_at.load(Ordering::Relaxed)))
    }

    /// It was stopped from outside before its time.
    pub(crate) fn cut_short(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    /// What an externally controlled scenario is set to: looping and at most.
    pub(crate) fn set_controlled(&self, vus: u64, max_vus: u64) {
        self.controlled_vus.store(vus, Ordering::Relaxed);
        self.controlled_max.store(max_vus, Ordering::Relaxed);
        self.controlled_peak.fetch_max(max_vus, Ordering::Relaxed);
    }

    /// What it is set to once another map of slots holds; nobody was withdrawn from that.
    pub(crate) fn reset_controlled(&self, vus: u64, max_vus: u64) {
        self.controlled_peak.store(max_vus, Ordering::Relaxed);
        self.set_controlled(vus, max_vus);
    }

    pub(crate) fn controlled(&self) -> (u64, u64) {
        (self.controlled_vus.load(Ordering::Relaxed), self.controlled_max.load(Ordering::Relaxed))
    }

    /// How many virtual users of an externally controlled scenario a lowered maximum has withdrawn.
    pub(crate) fn withdrawn(&self) -> u64 {
        let peak = self.controlled_peak.load(Ordering::Relaxed);
        peak.saturating_sub(self.controlled_max.load(Ordering::Relaxed))
    }
}

impl Shared {
    pub(crate) fn new(works: &[Work], shards: usize) -> Self {
        let scenarios = works.len();
        let scenario = |work: &Work| ScenarioShared {
            sequence: Padded::default(),
            stock: work.stock(),
            growth: Growth::default(),
            parts_left: AtomicU32::new(shards as u32),
            ended_at: AtomicU64::new(0),
            cut_short: AtomicBool::new(false),
            controlled_vus: AtomicU64::new(0),
            controlled_max: AtomicU64::new(0),
            controlled_peak: AtomicU64::new(0),
            clock: Clock::default(),
        };
        Self {
            shards,
            cells: (0..scenarios * shards).map(|_| Padded::default()).collect(),
            idle: (0..scenarios * shards).map(|_| Padded::default()).collect(),
            scenarios: works.iter().map(scenario).collect(),
            moves: (0..shards).map(|_| Padded::default()).collect(),
            extra_vus: AtomicU32::new(0),
        }
    }

    pub(crate) fn scenario(&self, scenario: ScenarioIndex) -> &ScenarioShared {
        &self.scenarios[scenario.index()]
    }

    pub(crate) fn cell(&self, scenario: ScenarioIndex, shard: ShardIndex) -> &Cell {
        &self.cells[scenario.index() * self.shards + shard.index()].0
    }

    pub(crate) fn cells(&self, scenario: ScenarioIndex) -> impl Iterator<Item = &Cell> {
        let first = scenario.index() * self.shards;
        self.cells[first..first + self.shards].iter().map(|cell| &cell.0)
    }

    pub(crate) fn moves(&self, shard: ShardIndex) -> &Moves {
        &self.moves[shard.index()]
    }

    pub(crate) fn is_still(&self, version: u64) -> bool {
        // The order matters: what runs is counted before a shard says that it follows.
        self.moves
            .iter()
            .all(|moves| moves.followed.load(Ordering::Acquire) >= version && moves.running.get() == 0)
    }

    pub(crate) fn idle(&self, scenario: ScenarioIndex, shard: ShardIndex) -> &Idle {
        &self.idle[scenario.index() * self.shards + shard.index()].0
    }

    /// Reserves an idle virtual user on a shard other than `me`, where most are idle.
    pub(crate) fn take_idle_elsewhere(&self, scenario: ScenarioIndex, me: ShardIndex) -> Option<ShardIndex> {
        let others = || (0..self.shards).map(ShardIndex::new).filter(|shard| *shard != me);
        // Another thread may be faster than the count: then the next best, until all are empty.
        loop {
            let best = others().max_by_key(|shard| self.idle(scenario, *shard).get())?;
            if self.idle(scenario, best).get() == 0 {
                return None;
            }
            if self.idle(scenario, best).take() {
                return Some(best);
            }
        }
    }

    /// One more virtual user than planned is ready.
    pub(crate) fn extra_vu_ready(&self) {
        self.extra_vus.fetch_add(1, Ordering::Relaxed);
    }

    /// One of those has left: its number is another worker's.
    pub(crate) fn extra_vu_left(&self) {
        let _ =
            self.extra_vus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |extra| extra.checked_sub(1));
    }

    pub(crate) fn extra_vus(&self) -> u32 {
        self.extra_vus.load(Ordering::Relaxed)
    }
}
