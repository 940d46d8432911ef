//! Iterations that are counted, where a controller deals them out: what it gave this worker and nobody has started.
//!
//! Of shared iterations all shards take from one counter; a number below the limit names an index by a chain of grants,
//! to which the next is appended without a lock. Giving back is taking many at once, so there is no way in which an index
//! is both started and given back. Iterations of a virtual user's own are kept by its place; who has run out looks there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::indices::Indices;
use crate::shared::Padded;

/// What this worker has of one scenario's iterations.
#[derive(Debug)]
pub(crate) struct Stock {
    /// How many each virtual user has, where they are not shared.
    each: Option<u64>,
    next: Padded<AtomicU64>,
    limit: Padded<AtomicU64>,
    ends: Mutex<Ends>,
    places: Mutex<BTreeMap<u64, Indices>>,
    /// All iterations of the test are over: nothing comes any more.
    is_closed: AtomicBool,
}

/// Both ends of what is left of the chain.
#[derive(Debug)]
struct Ends {
    first: Arc<Grant>,
    last: Arc<Grant>,
}

/// Indices that came together, by the numbers that name them.
#[derive(Debug)]
pub(crate) struct Grant {
    /// Numbers from here on.
    from: u64,
    /// Each range with the number of its first index, ascending.
    ranges: Box<[(u64, Range<u64>)]>,
    next: OnceLock<Arc<Grant>>,
}

impl Grant {
    fn new(from: u64, indices: &Indices) -> Arc<Self> {
        let mut number = from;
        let numbered = |range: Range<u64>| {
            let first = number;
            number += range.end - range.start;
            (first, range)
        };
        Arc::new(Self { from, ranges: indices.ranges().map(numbered).collect(), next: OnceLock::new() })
    }

    /// The index that a number names.
    fn index(&self, number: u64) -> Option<u64> {
        let position = self.ranges.partition_point(|(first, _)| *first <= number).checked_sub(1)?;
        let (first, range) = &self.ranges[position];
        Some(range.start + (number - first)).filter(|index| range.contains(index))
    }

    /// Moves on to the grant that has a number.
    fn find(cursor: &mut Arc<Self>, number: u64) {
        while let Some(next) = cursor.next.get().filter(|next| next.from <= number).map(Arc::clone) {
            *cursor = next;
        }
    }
}

impl Drop for Grant {
    /// One after another: a long chain must not be taken down by recursion.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut grant) = next.and_then(Arc::into_inner) {
            next = grant.next.take();
        }
    }
}

impl Stock {
    /// An empty one.
    pub(crate) fn new(each: Option<u64>) -> Self {
        let root = Grant::new(0, &Indices::default());
        Self {
            each,
            next: Padded::default(),
            limit: Padded::default(),
            ends: Mutex::new(Ends { first: Arc::clone(&root), last: root }),
            places: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Where a shard begins to look for what its numbers name.
    pub(crate) fn cursor(&self) -> Arc<Grant> {
        Arc::clone(&self.ends().first)
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<u64, Indices>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More for this worker.
    pub(crate) fn grant(&self, indices: &Indices) {
        let Some(each) = self.each else {
            let mut ends = self.ends();
            let from = self.limit.load(Ordering::Relaxed);
            let next = Grant::new(from, indices);
            // The mutex makes this the only one who appends.
            let _ = ends.last.next.set(Arc::clone(&next));
            ends.last = next;
            // Nobody asks for less than this any more.
            Grant::find(&mut ends.first, self.next.load(Ordering::Relaxed));
            self.limit.store(from + indices.count(), Ordering::Release);
            return;
        };
        let mut places = self.places();
        for range in indices.ranges() {
            let mut start = range.start;
            while start < range.end {
                let place = start / each;
                let end = range.end.min((place + 1) * each);
                places.entry(place).or_default().insert(start..end);
                start = end;
            }
        }
    }

    /// How many nobody has started; of those with places, what no virtual user has taken yet.
    pub(crate) fn left(&self) -> u64 {
        let shared = self.limit.load(Ordering::Relaxed).saturating_sub(self.next.load(Ordering::Relaxed));
        let kept: u64 =
            if self.each.is_some() { self.places().values().map(Indices::count).sum() } else { 0 };
        shared + kept
    }

    /// How many have been taken, be it to start or to give back.
    pub(crate) fn taken(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Takes one of the shared iterations.
    pub(crate) fn claim(&self, cursor: &mut Arc<Grant>) -> Option<u64> {
        let (number, _) = self.advance(1)?;
        Grant::find(cursor, number);
        cursor.index(number)
    }

    /// Takes up to `count` numbers; returns the first, and how many.
    fn advance(&self, count: u64) -> Option<(u64, u64)> {
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            let some = self.limit.load(Ordering::Acquire).saturating_sub(next).min(count);
            if some == 0 {
                return None;
            }
            match self.next.compare_exchange_weak(next, next + some, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(first) => return Some((first, some)),
                Err(present) => next = present,
            }
        }
    }

    /// Takes the iterations that a place has left here.
    pub(crate) fn claim_place(&self, place: u64) -> Option<Range<u64>> {
        let mut places = self.places();
        let indices = places.get_mut(&place)?;
        let range = indices.ranges().next()?;
        indices.remove(range.clone());
        if indices.is_empty() {
            places.remove(&place);
        }
        Some(range)
    }

    /// Takes up to `count` of the shared iterations to give them back.
    pub(crate) fn take(&self, count: u64) -> Indices {
        let ends = self.ends();
        let Some((first, some)) = self.advance(count) else { return Indices::default() };
        let mut cursor = Arc::clone(&ends.first);
        let mut taken = Indices::default();
        for number in first..first + some {
            Grant::find(&mut cursor, number);
            if let Some(index) = cursor.index(number) {
                taken.insert(index..index + 1);
            }
        }
        taken
    }

    /// Takes what is left of places for which `gone` is true.
    pub(crate) fn take_places(&self, gone: impl Fn(u64) -> bool) -> Indices {
        let mut taken = Indices::default();
        self.places().retain(|place, indices| {
            let goes = gone(*place);
            if goes {
                taken.extend(indices);
            }
            !goes
        });
        taken
    }

    /// Takes everything.
    pub(crate) fn take_all(&self) -> Indices {
        let mut taken = self.take(u64::MAX);
        taken.extend(&self.take_places(|_| true));
        taken
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_taken_once_by_whomever() {
        let stock = Stock::new(None);
        let mut cursors = [stock.cursor(), stock.cursor()];
        assert_eq!(stock.claim(&mut cursors[0]), None);
        stock.grant(&[10..12, 20..21].into_iter().collect());
        assert_eq!(stock.claim(&mut cursors[0]), Some(10));
        stock.grant(&Indices::of(5..8));
        assert_eq!((stock.left(), stock.claim(&mut cursors[1])), (5, Some(11)));
        assert_eq!(stock.take(2), [20..21, 5..6].into_iter().collect());
        assert_eq!(stock.claim(&mut cursors[1]), Some(6));
        assert_eq!(stock.claim(&mut cursors[0]), Some(7));
        assert_eq!(
            (stock.claim(&mut cursors[0]), stock.left(), stock.take(9)),
            (None, 0, Indices::default())
        );
        stock.grant(&Indices::of(0..1));
        let mut late = stock.cursor();
        assert_eq!(stock.claim(&mut late), Some(0));
    }

    #[test]
    fn what_threads_take_and_give_back_is_everything_once() {
        let stock = Stock::new(None);
        let taken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut cursor = stock.cursor();
                    let mut mine = Vec::new();
                    while !stock.is_closed() || stock.left() > 0 {
                        mine.extend(stock.claim(&mut cursor));
                    }
                    taken.lock().unwrap().extend(mine);
                });
            }
            for chunk in 0..200_u64 {
                stock.grant(
                    &[chunk * 20..chunk * 20 + 7, chunk * 20 + 7..chunk * 20 + 20].into_iter().collect(),
                );
                if chunk % 5 == 0 {
                    taken.lock().unwrap().extend(stock.take(9).ranges().flatten());
                }
            }
            stock.close();
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..4_000).collect::<Vec<_>>());
    }

    #[test]
    fn places_have_their_own() {
        let stock = Stock::new(Some(10));
        stock.grant(&Indices::of(5..25));
        assert_eq!((stock.left(), stock.claim_place(0), stock.claim_place(0)), (20, Some(5..10), None));
        assert_eq!(stock.take_places(|place| place == 2), Indices::of(20..25));
        assert_eq!((stock.take_all(), stock.left()), (Indices::of(10..20), 0));
    }

    #[test]
    fn a_long_chain_is_taken_down_without_recursion() {
        let stock = Stock::new(None);
        let _cursor = stock.cursor();
        (0..300_000).for_each(|index| stock.grant(&Indices::of(index..index + 1)));
    }
}
