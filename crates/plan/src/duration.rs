//! Durations as k6 writes them: Go's notation (`1h2m3.5s`, `500ms`), days in front (`1d2h`), and a bare
//! number for milliseconds. Printed as Go prints them (`1m30s`, `24h0m0s`, `1.5s`, `0s`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
];
const SECOND: u64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND as i64;

/// The text is no duration, or one beyond 292 years.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: use units as in 1h30m, 90s or 500ms, or a number of milliseconds")]
pub struct DurationError(pub String);

/// A duration as an option gives it. It may be negative, so that validation can say which option
/// may not be; after validation there are only [`Duration`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    nanos: i64,
}

impl Span {
    /// From milliseconds, rounded towards zero to nanoseconds; `None` beyond 292 years.
    pub fn from_millis(millis: f64) -> Option<Self> {
        let nanos = millis * 1e6;
        // Casting saturates, so the bounds are checked before; NaN fails the check.
        (nanos.abs() < i64::MAX as f64).then_some(Self { nanos: nanos as i64 })
    }

    /// As an unsigned duration; `None` if it is negative.
    pub fn to_duration(self) -> Option<Duration> {
        u64::try_from(self.nanos).ok().map(Duration::from_nanos)
    }
}

impl From<Duration> for Span {
    /// Saturates at 292 years.
    fn from(duration: Duration) -> Self {
        Self { nanos: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl FromStr for Span {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let nanos = if let Ok(millis) = text.parse::<f64>() {
            Self::from_millis(millis).map(|span| span.nanos)
        } else if let Some((days, rest)) = text.split_once('d') {
            with_days(days, rest)
        } else {
            signed(text)
        };
        nanos.map(|nanos| Self { nanos }).ok_or_else(|| DurationError(text.to_owned()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.nanos < 0 { "-" } else { "" };
        write!(f, "{sign}{}", format(Duration::from_nanos(self.nanos.unsigned_abs())))
    }
}

/// Reads a duration that is not negative.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    text.parse::<Span>()?.to_duration().ok_or_else(|| DurationError(text.to_owned()))
}

/// Writes a duration as Go does: the largest unit first, no spaces, no trailing zeros.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let below_a_second = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => Some((1, "ns")),
        1_000..1_000_000 => Some((1_000, "µs")),
        1_000_000..1_000_000_000 => Some((1_000_000, "ms")),
        _ => None,
    };
    if let Some((unit, name)) = below_a_second {
        return decimal(nanos, unit) + name;
    }
    let (minutes, rest) = (nanos / u128::from(60 * SECOND), nanos % u128::from(60 * SECOND));
    let seconds = decimal(rest, u128::from(SECOND)) + "s";
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// `value / unit` with as many decimals as needed; `unit` is a power of ten.
fn decimal(value: u128, unit: u128) -> String {
    let width = unit.ilog10() as usize;
    let text = format!("{}.{:0width$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whole days, then a duration without sign or nothing.
fn with_days(days: &str, rest: &str) -> Option<i64> {
    let rest = if rest.is_empty() { 0 } else { i64::try_from(unsigned(rest)?).ok()? };
    let nanos = days.parse::<i64>().ok()?.checked_mul(DAY)?;
    if days.starts_with('-') { nanos.checked_sub(rest) } else { nanos.checked_add(rest) }
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(text) => i64::try_from(unsigned(text)?).ok()?.checked_neg(),
        None => i64::try_from(unsigned(text.strip_prefix('+').unwrap_or(text))?).ok(),
    }
}

/// One or more numbers, each with its unit.
fn unsigned(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut nanos = 0_u64;
    while !rest.is_empty() {
        let number = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        rest = &rest[number.len()..];
        let unit = rest.split(|c: char| c.is_ascii_digit() || c == '.').next()?;
        rest = &rest[unit.len()..];
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(scaled(number, *scale)?)?;
    }
    (!text.is_empty()).then_some(nanos)
}

/// `number` (digits with at most one point) times `scale`, decimals beyond the nanosecond cut off.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && decimals.is_empty() || decimals.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.checked_mul(scale)? };
    // Fifteen decimals of an hour are below the nanosecond: what comes after cannot matter.
    let decimals = &decimals[..decimals.len().min(15)];
    let part: u64 = if decimals.is_empty() { 0 } else { decimals.parse().ok()? };
    let unit = 10_u128.pow(decimals.len() as u32);
    whole.checked_add((u128::from(part) * u128::from(scale) / unit) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> Result<String, DurationError> {
        text.parse::<Span>().map(|span| span.to_string())
    }

    /// Each pair as k6 1.1 reads and prints it.
    #[test]
    fn every_notation_is_read_and_printed_as_observed_on_k6() {
        for (text, expected) in [
            ("10", "10ms"),
            ("2000", "2s"),
            ("1e3", "1s"),
            ("1e-3", "1µs"),
            ("0", "0s"),
            ("-0", "0s"),
            ("+5s", "5s"),
            (".5s", "500ms"),
            ("5.s", "5s"),
            ("1.5h", "1h30m0s"),
            ("90s", "1m30s"),
            ("10m", "10m0s"),
            ("2500ms", "2.5s"),
            ("1m30.5s", "1m30.5s"),
            ("1us", "1µs"),
            ("1µs", "1µs"),
            ("1μs", "1µs"),
            ("1ns", "1ns"),
            ("1.0000000001s", "1s"),
            ("1d", "24h0m0s"),
            ("1d2h", "26h0m0s"),
            ("+1d", "24h0m0s"),
            ("-1d2h", "-26h0m0s"),
            ("1d0.5h", "24h30m0s"),
            ("100000d", "2400000h0m0s"),
            ("-5s", "-5s"),
            ("9223372036854775807ns", "2562047h47m16.854775807s"),
        ] {
            assert_eq!(printed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_k6_refuses_is_refused() {
        for text in [
            "", "1.5d", "1d-2h", "1h1d", "5 s", " 5s", "5S", "0x10", "1dd", "1d1", "1h30", "1d 2h", "d", "s",
            "-", ".", ".s", "1..5s", "2562048h", "2x", "1e400", "1e30",
        ] {
            assert!(printed(text).is_err(), "{text}");
        }
    }

    /// k6 1.1 turns these into a negative duration of 292 years.
    #[test]
    fn numbers_that_are_no_time_are_refused() {
        for text in ["Inf", "NaN", "-infinity"] {
            assert!(printed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_negative_text_is_no_plain_duration() {
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1_500)));
        assert!(parse("-1s").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nanos in any::<i64>().prop_filter("the lowest has no positive twin", |n| *n != i64::MIN)) {
            let span = Span { nanos };
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.dhmsuµn e]{0,24}") {
            if let Ok(span) = text.parse::<Span>() {
                prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
            }
        }
    }
}
