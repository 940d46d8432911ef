//! Durations in the progress display: a clock whose width never changes during a run.

use std::fmt::Write as _;
use std::time::Duration;

/// `elapsed` with the units and digits that `total` needs: `01.0s` of 10 s, `0m01.0s` of 2 min,
/// `0d00h00m01.0s` of 26 h. Tenths are cut, not rounded.
pub(super) fn fixed(elapsed: Duration, total: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let whole = total.as_secs();
    let mut left = elapsed.as_secs();
    let tenths = elapsed.subsec_millis() / 100;
    let mut out = String::new();
    // The biggest unit takes the digits of the total; each unit below it always two.
    let mut biggest = true;
    for (unit, letter) in [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')] {
        if whole >= unit {
            let width = if biggest { digits(whole / unit) } else { 2 };
            let _ = write!(out, "{:0width$}{letter}", left / unit);
            left %= unit;
            biggest = false;
        }
    }
    let width = if biggest { digits(whole) } else { 2 };
    let _ = write!(out, "{left:0width$}.{tenths}s");
    out
}

/// The decimal digits of `n`.
pub(super) fn digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_total() {
        for (total, expected) in [
            (2, "1.0s"),
            (33, "01.0s"),
            (100, "0m01.0s"),
            (600, "00m01.0s"),
            (5_400, "0h00m01.0s"),
            (93_600, "0d00h00m01.0s"),
        ] {
            assert_eq!(fixed(Duration::from_millis(1_090), Duration::from_secs(total)), expected);
        }
    }

    #[test]
    fn units_carry() {
        let elapsed = Duration::from_secs(3_600 + 59 * 60 + 59);
        assert_eq!(fixed(elapsed, Duration::from_hours(2)), "1h59m59.0s");
    }

    #[test]
    fn time_beyond_the_total_is_shown() {
        assert_eq!(fixed(Duration::from_secs(12), Duration::from_secs(2)), "12.0s");
    }
}
