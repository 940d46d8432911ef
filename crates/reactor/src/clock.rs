//! The two clocks a measurement needs, and how one is translated to the other.
//!
//! Durations come from the monotonic clock. The kernel however stamps received packets with the wall
//! clock, so a [`Stamp`] takes both at the start of a measurement and [`Stamp::until`] uses the kernel's
//! time only where the two agree.

use std::time::{Duration, Instant};

/// Nanoseconds since the Unix epoch, from the wall clock.
pub fn unix_now() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is a valid, writable timespec for the duration of the call.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

/// One moment, read from both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The monotonic clock.
    pub at: Instant,
    /// The wall clock, nanoseconds since the Unix epoch.
    pub unix: u64,
}

impl Stamp {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self { at: Instant::now(), unix: unix_now() }
    }

    /// The moment at which the kernel received something, on the monotonic clock.
    ///
    /// `kernel` is the wall clock time the kernel put on the packet, `seen` the monotonic time at which
    /// the program read it. The stamp is believed only if it lies between this stamp and `seen`: a
    /// stepped wall clock, or a packet that was received before the measurement began, gives `seen`.
    pub fn received_at(&self, kernel: Option<u64>, seen: Instant) -> Instant {
        let Some(since) = kernel.and_then(|k| k.checked_sub(self.unix)) else { return seen };
        let at = self.at + Duration::from_nanos(since);
        if at > seen { seen } else { at }
    }

    /// The wall clock at `at`, nanoseconds since the Unix epoch, carried forward on the monotonic clock.
    pub fn unix_at(&self, at: Instant) -> u64 {
        self.unix + at.saturating_duration_since(self.at).as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_stamp_between_start_and_read_is_used() {
        let start = Stamp { at: Instant::now(), unix: 1_000_000 };
        let seen = start.at + Duration::from_millis(5);
        let kernel = 1_000_000 + 2_000_000;
        assert_eq!(start.received_at(Some(kernel), seen), start.at + Duration::from_millis(2));
    }

    #[test]
    fn an_implausible_kernel_stamp_falls_back_to_the_time_of_reading() {
        let start = Stamp { at: Instant::now(), unix: 1_000_000_000 };
        let seen = start.at + Duration::from_millis(5);
        assert_eq!(start.received_at(None, seen), seen);
        assert_eq!(start.received_at(Some(999_000_000), seen), seen, "before the start");
        assert_eq!(start.received_at(Some(9_000_000_000), seen), seen, "after the read");
    }
}
