//! How much worse a number may be: `p95=10%,failures=1`.

use serde::Serialize;

/// What is judged, and how much is tolerated; what is none is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// Growth of the median, in percent.
    pub p50: Option<f64>,
    /// Growth of the 95th percentile, in percent.
    pub p95: Option<f64>,
    /// Growth of the 99th percentile, in percent.
    pub p99: Option<f64>,
    /// Growth of the share of failures, in points (percent of all requests).
    pub failures: Option<f64>,
    /// Decrease of the rate, in percent.
    pub rps: Option<f64>,
    /// Growth of a percentile that is of no account, in ms.
    pub floor: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { p50: None, p95: Some(10.0), p99: None, failures: Some(1.0), rps: None, floor: 1.0 }
    }
}

/// A tolerance that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid tolerance '{0}': use such as p95=10%, failures=1 (points), rps=5%, floor=2 (ms), p99=off; the names are \
     p50, p95, p99, failures, rps, floor"
)]
pub struct ToleranceError(pub String);

impl Tolerance {
    /// With what `text` says; what it does not name stays as it is.
    pub fn with(mut self, text: &str) -> Result<Self, ToleranceError> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || ToleranceError(part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            let (name, value) = (name.trim(), value.trim());
            if name == "floor" {
                self.floor = number(value.trim_end_matches("ms")).ok_or_else(wrong)?;
                continue;
            }
            let field = match name {
                "p50" => &mut self.p50,
                "p95" => &mut self.p95,
                "p99" => &mut self.p99,
                "failures" => &mut self.failures,
                "rps" => &mut self.rps,
                _ => return Err(wrong()),
            };
            *field = match value {
                "off" => None,
                value => Some(number(value.trim_end_matches('%')).ok_or_else(wrong)?),
            };
        }
        Ok(self)
    }
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let value: f64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_what_they_name() {
        let tolerance = Tolerance::default().with("p95=+25%, p99=50,failures=off,rps=5 %,floor=2ms").unwrap();
        let expected = Tolerance {
            p95: Some(25.0),
            p99: Some(50.0),
            failures: None,
            rps: Some(5.0),
            floor: 2.0,
            ..Tolerance::default()
        };
        assert_eq!(tolerance, expected);
        assert_eq!(Tolerance::default().with("").unwrap(), Tolerance::default());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for wrong in ["p95", "p95=", "p95=-3", "p95=much", "p90=3", "floor=off", "p95=NaN", "p95=inf"] {
            let error = Tolerance::default().with(wrong).unwrap_err();
            assert!(error.to_string().contains(&format!("'{wrong}'")), "{error}");
        }
    }
}
