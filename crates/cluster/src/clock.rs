//! How a worker reads the controller's clock.
//!
//! Each heartbeat is a sample: the controller looked at its clock somewhere between the sending and the answer. With half
//! of the round trip as the guess the error is at most the other half, so the sample with the shortest round trip among
//! the recent ones is the best (Cristian's algorithm, 1989). Old samples go, as clocks drift.

use std::collections::VecDeque;
use std::time::Duration;

use crate::moment::Moment;

/// At two heartbeats a second, the samples of about half a minute.
const SAMPLES: usize = 64;

/// An estimate of the difference between two monotonic clocks.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    samples: VecDeque<Sample>,
    /// The next sample is of another clock.
    has_changed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    round_trip: Duration,
    /// Nanoseconds to add to the controller's moment to get this machine's.
    to_local: i64,
}

impl Clock {
    /// A heartbeat left at `sent`, the controller's clock said `theirs`, and its answer came at `received`.
    pub(crate) fn sample(&mut self, sent: Moment, theirs: Moment, received: Moment) {
        let round_trip = received.since(sent);
        let middle = sent + round_trip / 2;
        let to_local = middle.as_nanos().wrapping_sub(theirs.as_nanos()) as i64;
        if std::mem::take(&mut self.has_changed) {
            self.samples.clear();
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { round_trip, to_local });
    }

    /// The clock may be another one from now on: it is that of another process, which has made it go on. What is known of it
    /// holds until there is something better.
    pub(crate) fn changes(&mut self) {
        self.has_changed = true;
    }

    /// The controller's moment on this machine's clock; the same number if nothing is known yet.
    pub(crate) fn to_local(&self, theirs: Moment) -> Moment {
        let to_local = self.best().map_or(0, |sample| sample.to_local);
        Moment::from_nanos(theirs.as_nanos().saturating_add_signed(to_local))
    }

    /// By how much [`Clock::to_local`] may be wrong; `None` before the first sample.
    pub(crate) fn error(&self) -> Option<Duration> {
        self.best().map(|sample| sample.round_trip / 2)
    }

    fn best(&self) -> Option<Sample> {
        self.samples.iter().copied().min_by_key(|sample| sample.round_trip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from(Duration::from_millis(millis))
    }

    #[test]
    fn the_shortest_round_trip_gives_the_difference() {
        let mut clock = Clock::default();
        assert_eq!(clock.to_local(at(7)), at(7));
        // The controller's clock is 5,000 ms ahead. First an answer that was held up for 80 ms.
        clock.sample(at(1_000), at(6_010), at(1_100));
        clock.sample(at(2_000), at(7_002), at(2_004));
        clock.sample(at(3_000), at(8_090), at(3_100));
        assert_eq!(clock.to_local(at(9_000)), at(4_000));
        assert_eq!(clock.error(), Some(Duration::from_millis(2)));
        assert_eq!(clock.to_local(at(0)), at(0), "before this machine's origin is its origin");
    }

    #[test]
    fn a_controller_that_started_later_is_read_as_well() {
        let mut clock = Clock::default();
        clock.sample(at(90_000), at(10), at(90_002));
        assert_eq!(clock.to_local(at(1_009)), at(91_000));
    }

    #[test]
    fn old_samples_are_forgotten() {
        let mut clock = Clock::default();
        clock.sample(at(0), at(500), at(0));
        for n in 1..=64 {
            clock.sample(at(n * 1_000), at(n * 1_000 + 602), at(n * 1_000 + 4));
        }
        assert_eq!(clock.to_local(at(600)), at(0));
    }
}
