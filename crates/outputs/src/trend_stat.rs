//! The statistics shown of a trend (`summaryTrendStats`).

use std::fmt;
use std::str::FromStr;

use throng_metrics::Distribution;

/// One statistic of a trend, with the label it was asked for by.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendStat {
    label: String,
    kind: StatKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum StatKind {
    Avg,
    Min,
    Med,
    Max,
    Count,
    Percentile(f64),
}

/// A name in `summaryTrendStats` that is no statistic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read trend statistic {0:?}: expected avg, min, med, max, count or p(N) with N from 0 to 100")]
pub struct TrendStatError(pub String);

impl FromStr for TrendStat {
    type Err = TrendStatError;

    fn from_str(text: &str) -> Result<Self, TrendStatError> {
        let kind = match text {
            "avg" => StatKind::Avg,
            "min" => StatKind::Min,
            "med" => StatKind::Med,
            "max" => StatKind::Max,
            "count" => StatKind::Count,
            _ => {
                let percent =
                    text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')?.parse::<f64>().ok());
                let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
                StatKind::Percentile(percent.ok_or_else(|| TrendStatError(text.to_owned()))?)
            }
        };
        Ok(Self { label: text.to_owned(), kind })
    }
}

impl fmt::Display for TrendStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

impl TrendStat {
    /// k6's default: `avg, min, med, max, p(90), p(95)`.
    pub fn defaults() -> Vec<Self> {
        let stat = |label: &str, kind| Self { label: label.to_owned(), kind };
        vec![
            stat("avg", StatKind::Avg),
            stat("min", StatKind::Min),
            stat("med", StatKind::Med),
            stat("max", StatKind::Max),
            stat("p(90)", StatKind::Percentile(90.0)),
            stat("p(95)", StatKind::Percentile(95.0)),
        ]
    }

    /// The label it was asked for by.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the statistic is a plain number of values, without the unit of the metric.
    pub fn is_count(&self) -> bool {
        self.kind == StatKind::Count
    }

    /// The statistics of a distribution, in order.
    pub fn values(stats: &[Self], distribution: &Distribution) -> Vec<f64> {
        let percents: Vec<f64> = stats
            .iter()
            .filter_map(|stat| match stat.kind {
                StatKind::Med => Some(50.0),
                StatKind::Percentile(percent) => Some(percent),
                _ => None,
            })
            .collect();
        let mut percentiles = distribution.percentiles(&percents).into_iter();
        stats
            .iter()
            .map(|stat| match stat.kind {
                StatKind::Avg => distribution.avg(),
                StatKind::Min => distribution.min(),
                StatKind::Max => distribution.max(),
                StatKind::Count => distribution.count() as f64,
                StatKind::Med | StatKind::Percentile(_) => percentiles.next().unwrap_or_default(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_as_in_k6() {
        for good in ["avg", "count", "p(0)", "p(99.99)", "p(100)"] {
            assert_eq!(good.parse::<TrendStat>().unwrap().label(), good);
        }
        for bad in ["", "p95", "p(101)", "p(-1)", "p()", "p(95", "mean"] {
            assert_eq!(bad.parse::<TrendStat>(), Err(TrendStatError(bad.into())));
        }
    }
}
