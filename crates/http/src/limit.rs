//! k6's `rps`: a limit on all requests of the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Deals out moments at which requests may start, evenly spaced, to all threads without a lock.
#[derive(Debug)]
pub struct RateLimiter {
    start: Instant,
    per_second: u64,
    /// Nanoseconds between two requests.
    interval: AtomicU64,
    /// The next free moment, in nanoseconds since `start`.
    next: AtomicU64,
}

impl RateLimiter {
    /// At most `per_second` requests a second; `None` for 0, which k6 reads as no limit.
    pub fn new(per_second: u64) -> Option<Self> {
        Self::part_of(per_second, 1)
    }

    /// The even share of one of `parts` processes that keep to the limit together.
    pub fn part_of(per_second: u64, parts: u32) -> Option<Self> {
        let interval = AtomicU64::new(interval(per_second, parts)?);
        Some(Self { start: Instant::now(), per_second, interval, next: AtomicU64::new(0) })
    }

    /// From now on so many processes keep to the limit together.
    pub fn share_among(&self, parts: u32) {
        if let Some(interval) = interval(self.per_second, parts) {
            self.interval.store(interval, Ordering::Relaxed);
        }
    }

    /// The moment at which the next request may start; every call takes one. Moments that nobody took are
    /// lost: a pause is not made up for by a burst.
    pub fn reserve(&self, now: Instant) -> Instant {
        let now = now.saturating_duration_since(self.start).as_nanos() as u64;
        let interval = self.interval.load(Ordering::Relaxed);
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            let at = next.max(now);
            // Only the schedule itself is shared, so no other memory needs ordering.
            match self.next.compare_exchange_weak(next, at + interval, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return self.start + Duration::from_nanos(at),
                Err(current) => next = current,
            }
        }
    }
}

fn interval(per_second: u64, parts: u32) -> Option<u64> {
    (1_000_000_000 * u64::from(parts.max(1))).checked_div(per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_evenly_spaced_and_a_pause_is_not_made_up_for() {
        let limiter = RateLimiter::new(10).unwrap();
        let at = |ms: u64| limiter.start + Duration::from_millis(ms);
        assert_eq!([0, 0, 50].map(|ms| limiter.reserve(at(ms))), [at(0), at(100), at(200)]);
        assert_eq!([1000, 1000].map(|ms| limiter.reserve(at(ms))), [at(1000), at(1100)]);
        assert!(RateLimiter::new(0).is_none());
    }

    #[test]
    fn a_process_of_several_has_its_share() {
        let limiter = RateLimiter::part_of(10, 3).unwrap();
        let at = |ms: u64| limiter.start + Duration::from_millis(ms);
        assert_eq!([0, 0].map(|ms| limiter.reserve(at(ms))), [at(0), at(300)]);
        limiter.share_among(2);
        assert_eq!([600, 600].map(|ms| limiter.reserve(at(ms))), [at(600), at(800)]);
    }
}
