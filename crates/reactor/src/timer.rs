//! Timers: a heap of deadlines with cheap re-arming and cancellation.
//!
//! The common life of a timer in a load generator is a request timeout that is set, never fires, and is
//! moved later by the next request. So moving a deadline later, or clearing it, does not touch the heap:
//! the heap keeps the earlier entry, and when that comes up the timer is queued again for what is then
//! due. Entries left behind by dropped timers are swept out once they are the majority.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::handle::Handle;
use crate::slab::{Key, Slab};

/// The deadline of a timer that is not set.
const UNSET: u64 = u64::MAX;

#[derive(Debug)]
struct Entry {
    /// When to fire, in nanoseconds since the start of the queue; [`UNSET`] for never.
    deadline: u64,
    /// The deadline under which the heap holds this timer, or [`UNSET`].
    queued: u64,
    fired: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Timers {
    start: Instant,
    entries: Slab<Entry>,
    heap: BinaryHeap<Reverse<(u64, Key)>>,
    /// Upper bound of the heap entries that no longer belong to a timer.
    stale: usize,
}

impl Timers {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, entries: Slab::new(), heap: BinaryHeap::new(), stale: 0 }
    }

    fn nanos(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos).map_or(UNSET - 1, |n| n.min(UNSET - 1))
    }

    pub(crate) fn insert(&mut self) -> Key {
        self.entries.insert(Entry { deadline: UNSET, queued: UNSET, fired: false, waker: None })
    }

    pub(crate) fn set(&mut self, key: Key, at: Instant) {
        let deadline = self.nanos(at);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.deadline = deadline;
        entry.fired = false;
        if deadline < entry.queued {
            if entry.queued != UNSET {
                self.stale += 1;
            }
            entry.queued = deadline;
            self.heap.push(Reverse((deadline, key)));
        }
    }

    pub(crate) fn clear(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.deadline = UNSET;
            entry.fired = false;
            entry.waker = None;
        }
    }

    /// The removed timer's waker, to be dropped by the caller when no borrow is held.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let entry = self.entries.remove(key)?;
        if entry.queued != UNSET {
            self.stale += 1;
            if self.stale > 64 && self.stale > self.heap.len() / 2 {
                let entries = &self.entries;
                self.heap.retain(|Reverse((t, k))| entries.get(*k).is_some_and(|e| e.queued == *t));
                self.stale = 0;
            }
        }
        entry.waker
    }

    /// Whether the timer has fired; otherwise `waker` is kept to be woken when it does.
    pub(crate) fn poll(&mut self, key: Key, waker: &Waker) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        if entry.fired {
            return true;
        }
        match &mut entry.waker {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        false
    }

    /// The time until the next timer may fire, zero if it is overdue.
    pub(crate) fn next_in(&self, now: Instant) -> Option<Duration> {
        let Reverse((deadline, _)) = self.heap.peek()?;
        Some(Duration::from_nanos(deadline.saturating_sub(self.nanos(now))))
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.heap.is_empty()
    }

    /// Fires what is due and appends the wakers to `wakers`.
    pub(crate) fn fire(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        let now = self.nanos(now);
        while let Some(&Reverse((at, key))) = self.heap.peek() {
            if at > now {
                break;
            }
            self.heap.pop();
            let Some(entry) = self.entries.get_mut(key).filter(|e| e.queued == at) else {
                self.stale = self.stale.saturating_sub(1);
                continue;
            };
            entry.queued = UNSET;
            if entry.deadline <= now {
                entry.deadline = UNSET;
                entry.fired = true;
                wakers.extend(entry.waker.take());
            } else if entry.deadline != UNSET {
                // It was moved later since it was queued.
                entry.queued = entry.deadline;
                self.heap.push(Reverse((entry.deadline, key)));
            }
        }
    }
}

/// A timer that can be set again and again, from [`Handle::timer`].
///
/// Setting it to a later moment than before costs no heap operation, which makes one timer per connection
/// the right shape for request timeouts.
pub struct Timer {
    handle: Handle,
    key: Key,
}

impl Timer {
    pub(crate) fn new(handle: Handle) -> Self {
        let key = handle.timers(Timers::insert);
        Self { handle, key }
    }

    /// Fires at `at`, or at once if that has passed. A firing not yet noticed is forgotten.
    pub fn set(&self, at: Instant) {
        self.handle.timers(|timers| timers.set(self.key, at));
        self.handle.timers_changed();
    }

    /// Does not fire until it is set again.
    pub fn clear(&self) {
        self.handle.timers(|timers| timers.clear(self.key));
    }

    /// Ready once the timer has fired, and until it is set or cleared.
    pub fn poll_fired(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.handle.timers(|timers| timers.poll(self.key, cx.waker())) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = self.handle.timers(|timers| timers.remove(self.key));
        drop(waker);
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A future that ends at a moment, from [`Handle::sleep_until`].
#[derive(Debug)]
#[must_use = "a sleep does nothing unless awaited"]
pub struct Sleep {
    timer: Timer,
}

impl Sleep {
    pub(crate) fn new(handle: Handle, at: Instant) -> Self {
        let timer = Timer::new(handle);
        timer.set(at);
        Self { timer }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_fired(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(timers: &mut Timers, at: Instant) -> usize {
        let mut wakers = Vec::new();
        timers.fire(at, &mut wakers);
        wakers.len()
    }

    #[test]
    fn moving_a_deadline_later_postpones_the_firing() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let key = timers.insert();
        timers.set(key, start + Duration::from_secs(1));
        timers.set(key, start + Duration::from_secs(3));
        assert!(!timers.poll(key, Waker::noop()));
        assert_eq!(fired(&mut timers, start + Duration::from_secs(2)), 0);
        assert_eq!(fired(&mut timers, start + Duration::from_secs(3)), 1);
        assert!(timers.poll(key, Waker::noop()));
        assert!(timers.is_idle());
    }

    #[test]
    fn moving_a_deadline_earlier_fires_once() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let key = timers.insert();
        timers.set(key, start + Duration::from_secs(3));
        timers.set(key, start + Duration::from_secs(1));
        assert!(!timers.poll(key, Waker::noop()));
        assert_eq!(fired(&mut timers, start + Duration::from_secs(1)), 1);
        assert_eq!(fired(&mut timers, start + Duration::from_secs(5)), 0);
    }

    #[test]
    fn a_cleared_timer_does_not_fire() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let key = timers.insert();
        timers.set(key, start + Duration::from_secs(1));
        assert!(!timers.poll(key, Waker::noop()));
        timers.clear(key);
        assert_eq!(fired(&mut timers, start + Duration::from_secs(9)), 0);
        assert!(!timers.poll(key, Waker::noop()));
    }

    #[test]
    fn dropped_timers_do_not_pile_up_in_the_heap() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        for _ in 0..10_000 {
            let key = timers.insert();
            timers.set(key, start + Duration::from_mins(1));
            timers.remove(key);
        }
        assert!(timers.heap.len() < 200, "{} entries", timers.heap.len());
    }

    proptest::proptest! {
        /// Whatever the order of settings, a timer fires exactly at its last deadline.
        #[test]
        fn timers_fire_at_their_last_deadline(ops in proptest::collection::vec((0usize..8, 1u64..50), 1..60)) {
            let start = Instant::now();
            let at = |t: u64| start + Duration::from_millis(t);
            let mut timers = Timers::new(start);
            let keys: Vec<_> = (0..8).map(|_| timers.insert()).collect();
            let mut due = [None; 8];
            for (i, t) in ops {
                timers.set(keys[i], at(t));
                due[i] = Some(t);
            }
            for t in 0..=50 {
                timers.fire(at(t), &mut Vec::new());
                for (i, key) in keys.iter().enumerate() {
                    let expected = due[i].is_some_and(|d| d <= t);
                    proptest::prop_assert_eq!(timers.poll(*key, Waker::noop()), expected);
                }
            }
        }
    }
}
