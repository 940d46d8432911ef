//! What the summary shows of a trend, and in which unit of time.

use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;

use super::{Kind, Value, comma_separated};
use crate::reader::Reader;

/// A figure of a trend.
#[derive(Debug, Clone, PartialEq)]
pub enum TrendStat {
    /// Arithmetic mean.
    Avg,
    /// Smallest value.
    Min,
    /// Median.
    Med,
    /// Largest value.
    Max,
    /// Number of values.
    Count,
    /// A percentile.
    Percentile {
        /// As written, `p(99.9)`: the summary's key.
        text: String,
        /// From 0 to 100.
        value: f64,
    },
}

impl TrendStat {
    /// What the summary shows unless told otherwise.
    pub fn defaults() -> Vec<Self> {
        let percentile = |value: f64| Self::Percentile { text: format!("p({value})"), value };
        vec![Self::Avg, Self::Min, Self::Med, Self::Max, percentile(90.0), percentile(95.0)]
    }
}

impl FromStr for TrendStat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percentile = || {
            let value: f64 = text.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
            (0.0..=100.0).contains(&value).then(|| Self::Percentile { text: text.to_owned(), value })
        };
        match text {
            "avg" => Ok(Self::Avg),
            "min" => Ok(Self::Min),
            "med" => Ok(Self::Med),
            "max" => Ok(Self::Max),
            "count" => Ok(Self::Count),
            _ => percentile()
                .ok_or_else(|| "avg, min, med, max, count or p(N) with N from 0 to 100".to_owned()),
        }
    }
}

impl fmt::Display for TrendStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Med => "med",
            Self::Max => "max",
            Self::Count => "count",
            Self::Percentile { text, .. } => text,
        })
    }
}

impl Value for TrendStat {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        text.parse().or_else(|expected: String| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

impl Value for Vec<TrendStat> {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        comma_separated(text).map(str::parse).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.extend(next);
    }
}

/// The one unit of all times in a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
}

/// A choice of unit; empty lets each time have the unit that fits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeUnitChoice(pub Option<TimeUnit>);

impl Value for TimeUnitChoice {
    const KIND: Kind = Kind::Choice(&["s", "ms", "us"]);

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self(None)),
            "s" => Ok(Self(Some(TimeUnit::Seconds))),
            "ms" => Ok(Self(Some(TimeUnit::Milliseconds))),
            "us" => Ok(Self(Some(TimeUnit::Microseconds))),
            _ => Err("s, ms or us".to_owned()),
        }
    }

    fn to_json(&self) -> Json {
        let text = match self.0 {
            None => "",
            Some(TimeUnit::Seconds) => "s",
            Some(TimeUnit::Milliseconds) => "ms",
            Some(TimeUnit::Microseconds) => "us",
        };
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_keep_their_spelling() {
        let stats = Vec::<TrendStat>::from_text("avg, p(99.90),count").expect("valid");
        assert_eq!(stats.to_json(), json!(["avg", "p(99.90)", "count"]));
        assert_eq!(stats[1], TrendStat::Percentile { text: "p(99.90)".into(), value: 99.9 });
        for text in ["nope", "p(101)", "p(-1)", "p()", "p(NaN)", "p95", "AVG"] {
            assert!(text.parse::<TrendStat>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_default_figures_are_k6s() {
        assert_eq!(TrendStat::defaults().to_json(), json!(["avg", "min", "med", "max", "p(90)", "p(95)"]));
    }
}
