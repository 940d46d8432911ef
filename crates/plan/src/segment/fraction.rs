//! Exact shares of a whole. Floating point would make neighbouring segments overlap or miss a slot.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::SegmentError;

/// A non-negative fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// The whole.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator` in lowest terms; `None` for a zero denominator.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        (denominator > 0).then(|| Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The number above the line.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The number below the line, never zero.
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// The greatest common divisor; that of zero and `n` is `n`.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The least common multiple, `None` on overflow or when either is zero.
pub(super) fn lcm(a: u64, b: u64) -> Option<u64> {
    a.checked_div(gcd(a, b))?.checked_mul(b)
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
        wide(self.numerator, other.denominator).cmp(&wide(other.numerator, self.denominator))
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Fraction {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let trimmed = text.trim();
        let parsed = if let Some((above, below)) = trimmed.split_once('/') {
            whole_number(above).zip(whole_number(below)).and_then(|(a, b)| Self::new(a, b))
        } else if let Some(percent) = trimmed.strip_suffix('%') {
            decimal(percent, 100)
        } else {
            decimal(trimmed, 1)
        };
        parsed.ok_or_else(|| SegmentError::NotAShare(text.to_owned()))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

/// Digits only: `u64::from_str` alone would let a leading `+` pass.
fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// `12.5` divided by `scale`, exactly.
fn decimal(text: &str, scale: u64) -> Option<Fraction> {
    let text = text.trim_end();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    let decimals = decimals.trim_end_matches('0');
    let unit = 10_u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let or_zero = |digits: &str| if digits.is_empty() { Some(0) } else { whole_number(digits) };
    let numerator = or_zero(whole)?.checked_mul(unit)?.checked_add(or_zero(decimals)?)?;
    Fraction::new(numerator, unit.checked_mul(scale)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_are_equal_however_written() {
        for text in ["1/2", "2/4", "0.5", ".5", "0.500", "50%", "50.0%"] {
            assert_eq!(text.parse(), Ok(Fraction { numerator: 1, denominator: 2 }), "{text}");
        }
    }

    #[test]
    fn order_is_exact_where_floats_would_not_be() {
        let third: Fraction = "1/3".parse().expect("valid");
        let nearly: Fraction = "0.333333333333333333".parse().expect("valid");
        assert!(nearly < third);
        assert_eq!(nearly.as_f64(), third.as_f64());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", ".", "+1", "-1", "1/", "/2", "1/0", "1e-1", "0x1", "0.99999999999999999999", "%"] {
            assert!(text.parse::<Fraction>().is_err(), "{text}");
        }
    }
}
