//! The starts of a constant arrival rate: number `i` is due at `i · time_unit / rate`.

use std::time::Duration;

use super::mul_div;
use crate::time::Time;

/// An even schedule of `rate` starts per time unit, the first at 0, none at or after the end.
#[derive(Debug, Clone, Copy)]
pub struct ConstantRate {
    rate: u64,
    time_unit: u64,
    duration: u64,
}

impl ConstantRate {
    /// `rate` starts in each `time_unit` (neither zero) during `duration`.
    pub fn new(rate: u64, time_unit: Duration, duration: Duration) -> Self {
        Self { rate, time_unit: Time::from(time_unit).as_nanos(), duration: Time::from(duration).as_nanos() }
    }

    /// The rate, per time unit.
    pub fn rate(&self) -> f64 {
        self.rate as f64
    }

    /// When start `index` is due. The end is exclusive, so that 10 per second for 2 seconds are 20 starts
    /// (k6 1.1 makes it 20 or 21, as its timers race at the end).
    pub fn at(&self, index: u64) -> Option<Time> {
        if self.rate == 0 {
            return None;
        }
        let in_time = u128::from(index) * u128::from(self.time_unit)
            < u128::from(self.duration) * u128::from(self.rate);
        in_time.then(|| Time::from_nanos(mul_div(index, self.time_unit, self.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(rate: u64, unit_ms: u64, duration_ms: u64) -> Vec<u64> {
        let rate =
            ConstantRate::new(rate, Duration::from_millis(unit_ms), Duration::from_millis(duration_ms));
        (0..).map_while(|i| rate.at(i)).map(Time::as_nanos).collect()
    }

    #[test]
    fn ten_a_second_for_two_seconds_are_twenty_even_starts() {
        let expected: Vec<u64> = (0..20).map(|i| i * 100_000_000).collect();
        assert_eq!(starts(10, 1000, 2000), expected);
    }

    #[test]
    fn a_spacing_that_is_no_whole_nanosecond_does_not_drift() {
        let thirds = starts(3, 1000, 3000);
        assert_eq!(thirds.len(), 9);
        assert_eq!(thirds[1..4], [333_333_333, 666_666_666, 1_000_000_000]);
        assert_eq!(thirds[6], 2_000_000_000);
    }

    #[test]
    fn a_start_within_the_last_partial_interval_counts() {
        assert_eq!(starts(10, 1000, 1050).len(), 11);
        assert_eq!(starts(1, 60_000, 60_000), [0]);
    }

    #[test]
    fn large_indices_do_not_overflow() {
        let rate = ConstantRate::new(1_000_000, Duration::from_secs(1), Duration::from_hours(240));
        let last = 864_000 * 1_000_000 - 1;
        assert_eq!(rate.at(last), Some(Time::from_nanos(863_999_999_999_000)));
        assert_eq!(rate.at(last + 1), None);
    }
}
