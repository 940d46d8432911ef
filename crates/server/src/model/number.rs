//! Numbers as the page reads them: three decimals are more than a chart shows, and not a number is null.

use serde_json::Value;

/// Rounded to three decimals; null if it is not finite.
pub(super) fn short(value: f64) -> Value {
    rounded(value).map_or(Value::Null, Value::from)
}

/// As [`short`], for what may be absent.
pub(super) fn rounded(value: f64) -> Option<f64> {
    value.is_finite().then(|| (value * 1_000.0).round() / 1_000.0)
}

/// An array of them.
pub(super) fn array(values: impl Iterator<Item = f64>) -> Value {
    Value::Array(values.map(short).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_null() {
        assert_eq!(
            array([1.234_56, f64::NAN, f64::INFINITY].into_iter()),
            serde_json::json!([1.235, null, null])
        );
    }
}
