//! Sizes such as `64MB`: read from the command line and written in progress and results.
//!
//! `KB`, `MB`, `GB` and `TB` are powers of 1000, `KiB` and the like powers of 1024, as in the standards. A bare `M` is
//! refused rather than guessed, as programs disagree about it.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is no size; use a number above 0 with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 64MB"
)]
pub struct SizeError {
    text: String,
}

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
];

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let error = || SizeError { text: text.to_owned() };
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
        let (number, unit) = trimmed.split_at(end);
        let unit = unit.trim_start().to_ascii_uppercase();
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let number: f64 = number.parse().map_err(|_| error())?;
        let bytes = (number * *factor as f64).round();
        // Above 2^53 a float does not hold every byte; 9 petabytes are not filled by this program.
        if !(1.0..=9e15).contains(&bytes) {
            return Err(error());
        }
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for Size {
    /// In the unit that leaves one to three digits before the point: `64.0 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut amount, mut unit) = (self.0 as f64, "B");
        for next in ["kB", "MB", "GB", "TB"] {
            // 999 950 would be shown as 1000.0 kB.
            if amount < 999.95 {
                break;
            }
            (amount, unit) = (amount / 1000.0, next);
        }
        if unit == "B" { write!(f, "{} B", self.0) } else { write!(f, "{amount:.1} {unit}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_systems() {
        for (text, bytes) in [
            ("64MB", 64_000_000),
            ("64 mb", 64_000_000),
            ("1.5GB", 1_500_000_000),
            ("1KiB", 1024),
            ("2MiB", 2_097_152),
            ("12B", 12),
            ("500kb", 500_000),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_an_example() {
        for text in ["", "64", "64M", "MB", "-1MB", "1.2.3MB", "0MB", "99999TB", "1e3MB"] {
            let error = text.parse::<Size>().expect_err(text).to_string();
            assert!(error.contains("64MB"), "{error}");
        }
    }

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        for (bytes, text) in
            [(999, "999 B"), (1000, "1.0 kB"), (64_000_123, "64.0 MB"), (999_960_000, "1.0 GB"), (0, "0 B")]
        {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
