//! Rounding half away from zero on the decimal digits that a float is shown with, as Locust rounds for its page.

/// Rounds `value` to `digits` decimal places, a five always up.
///
/// Python (and Rust) round the binary value, so that 2.675 becomes 2.67; this works on the shortest decimal text.
pub fn proper_round(value: f64, digits: usize) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let text = format!("{:?}", value.abs());
    if text.contains('e') {
        return value;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let next = fraction.as_bytes().get(digits).copied().unwrap_or(b'0');
    let kept = format!("{whole}.{}", &fraction[..digits.min(fraction.len())]);
    let kept: f64 = kept.trim_end_matches('.').parse().unwrap_or(value.abs());
    let step = if next >= b'5' { 10f64.powi(-(digits as i32)) } else { 0.0 };
    let sum = format!("{:.digits$}", kept + step).parse().unwrap_or(kept);
    if value < 0.0 { -sum } else { sum }
}

#[cfg(test)]
mod tests {
    use super::proper_round;

    /// Computed with Locust 2.47.
    #[test]
    fn fives_go_up() {
        assert_eq!(proper_round(13.005, 2), 13.01);
        assert_eq!(proper_round(2.675, 2), 2.68);
        assert_eq!(proper_round(0.5, 0), 1.0);
        assert_eq!(proper_round(2.5, 0), 3.0);
        assert_eq!(proper_round(10.976, 0), 11.0);
        assert_eq!(proper_round(1.0, 2), 1.0);
        assert_eq!(proper_round(f64::INFINITY, 2), f64::INFINITY);
    }
}
