//! The book of iterations that are counted: whose each of them is, and which are settled.
//!
//! An index is free, held by one worker, or settled. A worker settles it with the batch that carries what it measured, so
//! what is counted was measured, and what was not told when a worker is lost is free and run again under the same index.
//! Whoever comes back after it was given up has none: its epoch is another one, and what it tells of an earlier one is
//! void.
//!
//! All of it is here, apart from the machine, so that a controller can keep it beyond its own end.

use std::collections::BTreeMap;

use throng_engine::{Indices, ScenarioIndex, Tally};

use crate::ids::WorkerId;

/// A scenario whose iterations are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedWork {
    /// Which one.
    pub scenario: ScenarioIndex,
    /// How many virtual users it has.
    pub vus: u64,
    /// How many iterations: of all together, or of each.
    pub iterations: u64,
    /// Whether each virtual user has its own: iteration `n` of user `v` (both from 0) has the index `v · iterations + n`.
    pub is_each: bool,
}

impl CountedWork {
    /// How many iterations that are in all.
    pub fn total(&self) -> u64 {
        if self.is_each { self.vus.saturating_mul(self.iterations) } else { self.iterations }
    }
}

/// See the module's description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) books: Vec<Book>,
    /// How often each worker was given up.
    pub(super) epochs: BTreeMap<WorkerId, u32>,
}

/// One scenario's iterations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) work: CountedWork,
    /// Nobody has them.
    pub(super) free: Indices,
    /// Who has which and has not settled them.
    pub(super) held: BTreeMap<WorkerId, Indices>,
    /// Workers were told that all is over.
    pub(super) is_closed: bool,
}

/// Whether what a worker tells counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Counts,
    /// Others run what it tells of, as it had been given up.
    Void,
    /// It tells of what it never had.
    Nonsense,
}

impl Ledger {
    /// With everything free.
    pub(super) fn new(works: &[CountedWork]) -> Self {
        let book = |work: &CountedWork| Book {
            work: *work,
            free: Indices::of(0..work.total()),
            held: BTreeMap::new(),
            is_closed: false,
        };
        Self { books: works.iter().map(book).collect(), epochs: BTreeMap::new() }
    }

    /// How often a worker was given up.
    pub(super) fn epoch(&self, worker: WorkerId) -> u32 {
        self.epochs.get(&worker).copied().unwrap_or(0)
    }

    /// A worker was given up: what it had is free, and what it still tells of it is void.
    pub(super) fn lose(&mut self, worker: WorkerId) {
        *self.epochs.entry(worker).or_default() += 1;
        self.release(worker);
    }

    /// A worker is gone for good: what it had is free.
    pub(super) fn release(&mut self, worker: WorkerId) {
        for book in &mut self.books {
            if let Some(held) = book.held.remove(&worker) {
                book.free.extend(&held);
            }
        }
    }

    /// Books what a worker tells.
    pub(super) fn tell(
        &mut self,
        worker: WorkerId,
        epoch: u32,
        tallies: &BTreeMap<ScenarioIndex, Tally>,
    ) -> Verdict {
        if epoch != self.epoch(worker) {
            let runs = tallies.values().any(|tally| !tally.settled.is_empty());
            return if runs { Verdict::Void } else { Verdict::Counts };
        }
        for (scenario, Tally { settled, returned }) in tallies {
            let Some(book) = self.books.iter_mut().find(|book| book.work.scenario == *scenario) else {
                return Verdict::Nonsense;
            };
            let held = book.held.entry(worker).or_default();
            if !held.contains_all(settled) || !held.contains_all(returned) {
                return Verdict::Nonsense;
            }
            held.remove_all(settled);
            held.remove_all(returned);
            book.free.extend(returned);
        }
        Verdict::Counts
    }
}

impl Book {
    /// Gives free ones to a worker.
    pub(super) fn grant(&mut self, worker: WorkerId, indices: &Indices) {
        self.free.remove_all(indices);
        self.held.entry(worker).or_default().extend(indices);
    }

    /// How many a worker has that are not settled.
    pub(super) fn held_by(&self, worker: WorkerId) -> u64 {
        self.held.get(&worker).map_or(0, Indices::count)
    }

    /// How many are not settled.
    pub(super) fn open(&self) -> u64 {
        self.free.count() + self.held.values().map(Indices::count).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: CountedWork =
        CountedWork { scenario: ScenarioIndex::new(1), vus: 2, iterations: 10, is_each: false };

    fn tally(
        settled: std::ops::Range<u64>,
        returned: std::ops::Range<u64>,
    ) -> BTreeMap<ScenarioIndex, Tally> {
        let tally = Tally { settled: Indices::of(settled), returned: Indices::of(returned) };
        BTreeMap::from([(WORK.scenario, tally)])
    }

    #[test]
    fn an_index_is_free_held_or_settled() {
        let (a, b) = (WorkerId(0), WorkerId(1));
        let mut ledger = Ledger::new(&[WORK]);
        let taken = ledger.books[0].free.take(6);
        ledger.books[0].grant(a, &taken);
        assert_eq!((ledger.books[0].held_by(a), ledger.books[0].open()), (6, 10));
        assert_eq!(ledger.tell(a, 0, &tally(0..2, 5..6)), Verdict::Counts);
        assert_eq!((ledger.books[0].held_by(a), ledger.books[0].open()), (3, 8));
        assert_eq!(ledger.tell(b, 0, &tally(2..3, 0..0)), Verdict::Nonsense);
        assert_eq!(ledger.tell(a, 0, &tally(0..1, 0..0)), Verdict::Nonsense);
    }

    #[test]
    fn what_was_not_told_before_a_loss_is_free_and_void_after_it() {
        let a = WorkerId(0);
        let mut ledger = Ledger::new(&[WORK]);
        ledger.books[0].grant(a, &Indices::of(0..10));
        assert_eq!(ledger.tell(a, 0, &tally(0..4, 0..0)), Verdict::Counts);
        ledger.lose(a);
        assert_eq!(ledger.books[0].free, Indices::of(4..10));
        assert_eq!(ledger.tell(a, 0, &tally(4..5, 0..0)), Verdict::Void);
        assert_eq!(ledger.tell(a, 0, &tally(0..0, 4..5)), Verdict::Counts);
        assert_eq!(ledger.books[0].free.count(), 6);
        ledger.books[0].grant(a, &Indices::of(4..5));
        assert_eq!(ledger.tell(a, 1, &tally(4..5, 0..0)), Verdict::Counts);
        assert_eq!(ledger.books[0].open(), 5);
    }

    #[test]
    fn iterations_of_each_are_numbered_by_user() {
        assert_eq!(CountedWork { is_each: true, ..WORK }.total(), 20);
    }
}
