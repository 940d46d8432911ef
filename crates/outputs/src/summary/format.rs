//! Values as text: times, bytes, shares, plain numbers. The rules are those observed on k6 1.1.

use std::str::FromStr;

use throng_metrics::Contains;

use crate::number::{to_fixed, to_string, trimmed, truncated};

/// A fixed unit for all times (`summaryTimeUnit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
}

/// A `summaryTimeUnit` that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read summary time unit {0:?}: expected s, ms or us")]
pub struct TimeUnitError(pub String);

impl FromStr for TimeUnit {
    type Err = TimeUnitError;

    fn from_str(text: &str) -> Result<Self, TimeUnitError> {
        match text {
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Milliseconds),
            "us" => Ok(Self::Microseconds),
            _ => Err(TimeUnitError(text.to_owned())),
        }
    }
}

/// A value in the unit of its metric.
pub(super) fn value(value: f64, contains: Contains, unit: Option<TimeUnit>) -> String {
    match contains {
        Contains::Default => trimmed(value, 6),
        Contains::Data => bytes(value),
        Contains::Time => match unit {
            Some(TimeUnit::Seconds) => format!("{}s", to_fixed(value / 1e3, 2)),
            Some(TimeUnit::Milliseconds) => format!("{}ms", to_fixed(value, 2)),
            Some(TimeUnit::Microseconds) => format!("{}µs", to_fixed(value * 1e3, 2)),
            None => time(value),
        },
    }
}

/// A share as a percentage, cut after two digits.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", to_fixed(truncated(share * 100.0, 2), 2))
}

/// Bytes in powers of 1,000: one digit after the point below ten of a unit. Below ten bytes all digits are
/// shown (a rate of 5.567… B/s; observed on k6 1.1).
pub(super) fn bytes(value: f64) -> String {
    const UNITS: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    if value.abs() < 10.0 {
        return format!("{} B", to_string(value));
    }
    let mut scaled = value;
    let mut unit = 0;
    while scaled.abs() >= 1_000.0 && unit + 1 < UNITS.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    let rounded = (scaled * 10.0 + 0.5).floor() / 10.0;
    let digits = usize::from(rounded.abs() < 10.0);
    format!("{} {}", to_fixed(rounded, digits), UNITS[unit])
}

/// Milliseconds in the unit that suits them, cut after two digits; from a minute on in whole seconds.
fn time(millis: f64) -> String {
    let cut = |value: f64| trimmed(truncated(value, 2), 2);
    if millis == 0.0 {
        "0s".to_owned()
    } else if millis < 1e-3 {
        format!("{}ns", trimmed((millis * 1e6).trunc(), 0))
    } else if millis < 1.0 {
        format!("{}µs", cut(millis * 1e3))
    } else if millis < 1e3 {
        format!("{}ms", cut(millis))
    } else if millis < 60e3 {
        format!("{}s", cut(millis / 1e3))
    } else {
        let seconds = (millis / 1e3).trunc();
        let (minutes, rest) = ((seconds / 60.0).trunc(), seconds % 60.0);
        if minutes < 60.0 {
            return format!("{minutes}m{rest}s");
        }
        format!("{}h{}m{rest}s", (minutes / 60.0).trunc(), minutes % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_observed_on_k6() {
        let cases = [
            (0.0, "0s"),
            (1e-6, "1ns"),
            (0.000_999, "999ns"),
            (0.000_999_9, "999ns"),
            (0.001, "1µs"),
            (0.999_9, "999.9µs"),
            (0.999_99, "999.99µs"),
            (1.0, "1ms"),
            (1.005, "1ms"),
            (12.345_678, "12.34ms"),
            (999.999, "999.99ms"),
            (1_000.0, "1s"),
            (1_009.99, "1s"),
            (59_999.9, "59.99s"),
            (60_000.0, "1m0s"),
            (61_500.0, "1m1s"),
            (3_599_999.0, "59m59s"),
            (3_600_000.0, "1h0m0s"),
            (3_661_500.5, "1h1m1s"),
            (90_061_001.0, "25h1m1s"),
            (-1.0, "-1000000ns"),
            (-61_500.0, "-61500000000ns"),
        ];
        for (millis, text) in cases {
            assert_eq!(time(millis), text, "{millis}");
        }
    }

    #[test]
    fn a_fixed_unit_has_two_digits() {
        let in_unit = |millis, unit| value(millis, Contains::Time, Some(unit));
        assert_eq!(in_unit(12.345_678, TimeUnit::Seconds), "0.01s");
        assert_eq!(in_unit(12.345_678, TimeUnit::Milliseconds), "12.35ms");
        assert_eq!(in_unit(12.345_678, TimeUnit::Microseconds), "12345.68µs");
        assert_eq!(in_unit(1_009.99, TimeUnit::Seconds), "1.01s");
        assert_eq!(in_unit(-5.5, TimeUnit::Seconds), "-0.01s");
    }

    #[test]
    fn bytes_and_shares_read_as_observed_on_k6() {
        let cases =
            [(0.0, "0 B"), (848.0, "848 B"), (3_622.0, "3.6 kB"), (1_000.0, "1.0 kB"), (10_400.0, "10 kB")];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(percent(46.0 / 64.0), "71.87%");
        assert_eq!(percent(1.0), "100.00%");
        assert_eq!(percent(0.0), "0.00%");
    }
}
