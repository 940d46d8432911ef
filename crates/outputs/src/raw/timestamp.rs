//! Instants as text.

use std::fmt::Write;

use throng_metrics::UnixNanos;

/// How an instant is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since 1970.
    #[default]
    Unix,
    /// Milliseconds since 1970.
    UnixMilli,
    /// Microseconds since 1970.
    UnixMicro,
    /// Nanoseconds since 1970.
    UnixNano,
    /// RFC 3339 in UTC, to the second.
    Rfc3339,
    /// RFC 3339 in UTC, with the fraction of a second without trailing zeros.
    Rfc3339Nano,
}

impl TimeFormat {
    pub(super) fn write(self, out: &mut String, at: UnixNanos) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Unix => write!(out, "{}", at.0 / 1_000_000_000),
            Self::UnixMilli => write!(out, "{}", at.0 / 1_000_000),
            Self::UnixMicro => write!(out, "{}", at.0 / 1_000),
            Self::UnixNano => write!(out, "{}", at.0),
            Self::Rfc3339 => write!(out, "{}Z", date_time(at.seconds())),
            Self::Rfc3339Nano => {
                let fraction = format!("{:09}", at.0 % 1_000_000_000);
                let fraction = fraction.trim_end_matches('0');
                let point = if fraction.is_empty() { "" } else { "." };
                write!(out, "{}{point}{fraction}Z", date_time(at.seconds()))
            }
        };
    }
}

/// `2026-11-22T02:03:07` of seconds since 1970, in the proleptic Gregorian calendar.
fn date_time(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March put the leap day last; 400 of them have 146,097 days
    // (H. Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_in_go() {
        let text = |format: TimeFormat, nanos| {
            let mut out = String::new();
            format.write(&mut out, UnixNanos(nanos));
            out
        };
        let at = 1_795_312_987_478_903_600;
        assert_eq!(text(TimeFormat::Rfc3339Nano, at), "2026-11-22T02:03:07.4789036Z");
        assert_eq!(text(TimeFormat::Rfc3339Nano, 951_782_400_000_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(text(TimeFormat::Rfc3339, at), "2026-11-22T02:03:07Z");
        assert_eq!(text(TimeFormat::Unix, at), "1795312987");
        assert_eq!(text(TimeFormat::UnixMilli, at), "1795312987478");
        assert_eq!(text(TimeFormat::UnixMicro, at), "1795312987478903");
        assert_eq!(text(TimeFormat::UnixNano, at), "1795312987478903600");
        assert_eq!(text(TimeFormat::Rfc3339, 0), "1970-01-01T00:00:00Z");
        assert_eq!(text(TimeFormat::Rfc3339, 1_709_164_799_000_000_000), "2024-02-28T23:59:59Z");
    }
}
