//! The right to start iterations, for the next two seconds.
//!
//! A worker that is cut off or frozen must not go on offering load that the controller believes to be gone. The
//! controller renews the lease with each heartbeat; the worker counts it from the moment at which it *sent* the
//! heartbeat, so it ends on the worker before it does on the controller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether iterations may start; cheap to clone and to ask, from any thread.
#[derive(Debug, Clone)]
pub struct Lease {
    origin: Instant,
    /// Nanoseconds since `origin`.
    until: Arc<AtomicU64>,
}

impl Lease {
    /// A lease without end: a local run.
    pub fn unlimited() -> Self {
        Self { origin: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// A lease that is not valid yet.
    pub(crate) fn new(origin: Instant) -> Self {
        Self { origin, until: Arc::default() }
    }

    /// Whether an iteration may start at `now`.
    pub fn is_valid(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.origin).as_nanos() as u64;
        now < self.until.load(Ordering::Acquire)
    }

    /// Sets its end, since its origin.
    pub(crate) fn set(&self, until: Duration) {
        self.until.store(until.as_nanos() as u64, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_unless_it_is_renewed() {
        let origin = Instant::now();
        let at = |millis| origin + Duration::from_millis(millis);
        let lease = Lease::new(origin);
        assert!(!lease.is_valid(origin));
        lease.set(Duration::from_secs(2));
        assert!(lease.clone().is_valid(at(1_999)));
        assert!(!lease.is_valid(at(2_000)));
        lease.set(Duration::from_secs(3));
        assert!(lease.is_valid(at(2_000)));
        assert!(Lease::unlimited().is_valid(at(1_000_000)));
    }
}
