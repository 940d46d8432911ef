//! Numbers as text, the way JavaScript writes them.
//!
//! k6 makes its summaries in JavaScript, so the last digit of a number depends on the rules of ECMA-262
//! (`Number::toString`, `Number.prototype.toFixed`), which differ from Rust's for large numbers and ties.

/// As `String(value)`: the shortest digits that read back as the same number.
pub(crate) fn to_string(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let magnitude = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&magnitude) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    // Rust writes 1e21 where JavaScript writes 1e+21; negative exponents agree.
    if magnitude < 1.0 { text } else { text.replace('e', "e+") }
}

/// As `value.toFixed(digits)`: of two equally near results the larger one.
pub(crate) fn to_fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() || value.abs() >= 1e21 {
        return to_string(value);
    }
    // Doubles near a tie are further than 10⁻³⁰ away from it, so that 30 more digits tell a tie from a near one.
    let exact = format!("{:.*}", digits + 30, value.abs());
    let (kept, rest) = exact.split_at(exact.len() - 30);
    let is_tie = rest.strip_prefix('5').is_some_and(|zeros| zeros.bytes().all(|digit| digit == b'0'));
    let rounded = if is_tie { bump(kept) } else { format!("{:.*}", digits, value.abs()) };
    let rounded = rounded.trim_end_matches('.');
    if value < 0.0 { format!("-{rounded}") } else { rounded.to_owned() }
}

/// A decimal number with its last digit raised by one.
fn bump(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in bytes.iter_mut().rev().filter(|byte| byte.is_ascii_digit()) {
        if *byte < b'9' {
            *byte += 1;
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        *byte = b'0';
    }
    format!("1{}", String::from_utf8_lossy(&bytes))
}

/// Up to `digits` digits after the point, without trailing zeros: `Number(value.toFixed(digits))` as text.
pub(crate) fn trimmed(value: f64, digits: usize) -> String {
    to_fixed(value, digits).parse().map_or_else(|_| to_string(value), to_string)
}

/// The value cut, not rounded, after `digits` digits.
pub(crate) fn truncated(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).trunc() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_javascript() {
        let cases = [
            (1e21, "1e+21"),
            (250_000_000_000_000_000_000.0, "250000000000000000000"),
            (2.817_536_346_218_870_3e18, "2817536346218870300"),
            (1e-7, "1e-7"),
            (-0.0, "0"),
            (1_000_000_000_000_001.5, "1000000000000001.5"),
        ];
        for (value, text) in cases {
            assert_eq!(to_string(value), text);
        }
    }

    #[test]
    fn ties_go_up_and_the_rest_goes_to_the_nearest() {
        assert_eq!(to_fixed(0.125, 2), "0.13");
        assert_eq!(to_fixed(0.375, 2), "0.38");
        assert_eq!(to_fixed(1.005, 2), "1.00");
        assert_eq!(to_fixed(0.5, 0), "1");
        assert_eq!(to_fixed(2.5, 0), "3");
        assert_eq!(to_fixed(9.5, 0), "10");
        assert_eq!(to_fixed(-0.0055, 2), "-0.01");
        assert_eq!(to_fixed(249_999_998.625, 2), "249999998.63");
        assert_eq!(trimmed(-7.123_456_789, 6), "-7.123457");
        assert_eq!(trimmed(15.5, 6), "15.5");
        assert_eq!(trimmed(1e21, 6), "1e+21");
    }
}
