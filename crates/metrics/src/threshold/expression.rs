//! The expression of a threshold: an aggregation, an operator and a number, such as `p(95)<500`.
//!
//! Grammar as observed on k6 1.1: spaces are free around the three parts and nowhere within them; the range
//! of percentiles (0 to 100) is checked as k6 does since 2.1.

use std::fmt;

use crate::distribution::Distribution;
use crate::kind::Kind;
use crate::sink::{Rate, Sink};

/// What is computed from the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// A gauge's last value.
    Value,
    /// A counter's sum.
    Count,
    /// A counter's sum per second, or a rate's share.
    Rate,
    /// A trend's mean.
    Avg,
    /// A trend's smallest value.
    Min,
    /// A trend's largest value.
    Max,
    /// A trend's median.
    Med,
    /// A percentile of a trend, in percent from 0 to 100.
    Percentile(f64),
}

/// How the computed value compares with the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==` or `===`
    Equal,
    /// `!=`
    NotEqual,
}

/// A threshold's condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What is computed.
    pub aggregation: Aggregation,
    /// The aggregation as written, `p(99.0)` for instance, for display.
    pub label: String,
    /// How it compares.
    pub operator: Operator,
    /// What it is compared with.
    pub number: f64,
}

/// Why an expression cannot be read. Columns count characters from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// No comparison in it.
    #[error("no operator found up to column {column}; expected one of <, <=, >, >=, ==, ===, !=")]
    NoOperator {
        /// Where the text ends.
        column: usize,
    },
    /// The left side is no aggregation.
    #[error(
        "{found:?} at column {column} is no aggregation; expected value, count, rate, avg, min, max, med or \
         p(N) with N from 0 to 100"
    )]
    Aggregation {
        /// The left side.
        found: String,
        /// Where it begins.
        column: usize,
    },
    /// The right side is no number.
    #[error("{found:?} at column {column} is not a number")]
    Number {
        /// The right side.
        found: String,
        /// Where it begins.
        column: usize,
    },
}

/// The longer of operators that begin alike comes first.
const OPERATORS: [(&str, Operator); 7] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let column = |byte: usize| text[..byte].chars().count() + 1;
        let found = text.char_indices().find_map(|(at, _)| {
            let operator = OPERATORS.iter().find(|(sign, _)| text[at..].starts_with(sign));
            operator.map(|(sign, operator)| (at, at + sign.len(), *operator))
        });
        let Some((at, after, operator)) = found else {
            return Err(ExpressionError::NoOperator { column: column(text.len()) });
        };
        let start = |from: usize, part: &str| column(from + part.len() - part.trim_start().len());
        let (left, right) = (&text[..at], &text[after..]);
        let label = left.trim();
        let Some(aggregation) = aggregation(label) else {
            let column = start(0, left);
            return Err(ExpressionError::Aggregation { found: label.to_owned(), column });
        };
        let Some(number) = number(right.trim()) else {
            let column = start(after, right);
            return Err(ExpressionError::Number { found: right.trim().to_owned(), column });
        };
        Ok(Self { aggregation, label: label.to_owned(), operator, number })
    }

    /// Whether the value fulfils the condition.
    pub fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::Less => value < self.number,
            Operator::LessOrEqual => value <= self.number,
            Operator::Greater => value > self.number,
            Operator::GreaterOrEqual => value >= self.number,
            Operator::Equal => value == self.number,
            Operator::NotEqual => value != self.number,
        }
    }
}

fn aggregation(label: &str) -> Option<Aggregation> {
    Some(match label {
        "value" => Aggregation::Value,
        "count" => Aggregation::Count,
        "rate" => Aggregation::Rate,
        "avg" => Aggregation::Avg,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "med" => Aggregation::Med,
        _ => {
            let percent = number(label.strip_prefix("p(")?.strip_suffix(')')?)?;
            return (0.0..=100.0).contains(&percent).then_some(Aggregation::Percentile(percent));
        }
    })
}

/// A decimal number, with exponent if wanted; digits may be grouped by underscores (observed on k6 1.1).
fn number(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || b"+-.eE_".contains(&byte);
    let starts =
        text.trim_start_matches(['+', '-']).starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !starts || !text.bytes().all(allowed) || text.contains("__") || text.ends_with('_') {
        return None;
    }
    text.replace('_', "").parse().ok()
}

impl Aggregation {
    /// Whether a metric of this kind has this aggregation.
    pub fn applies_to(self, kind: Kind) -> bool {
        match self {
            Self::Value => kind == Kind::Gauge,
            Self::Count => kind == Kind::Counter,
            Self::Rate => matches!(kind, Kind::Counter | Kind::Rate),
            Self::Avg | Self::Min | Self::Max | Self::Med | Self::Percentile(_) => kind == Kind::Trend,
        }
    }

    /// The aggregations of a metric of this kind, for messages.
    pub(crate) fn names_for(kind: Kind) -> &'static str {
        match kind {
            Kind::Counter => "count, rate",
            Kind::Gauge => "value",
            Kind::Rate => "rate",
            Kind::Trend => "avg, min, max, med, p(N)",
        }
    }

    /// The value of this aggregation. `seconds`: how long the run has lasted, for the rate of a counter.
    ///
    /// `None` where the kind does not fit, and for the rate of no values.
    pub fn of(self, sink: &Sink, seconds: f64) -> Option<f64> {
        match (self, sink) {
            (Self::Value, Sink::Gauge(gauge)) => Some(gauge.value()),
            (Self::Count, Sink::Counter(sum)) => Some(sum.value()),
            (Self::Rate, Sink::Counter(sum)) => Some(if seconds > 0.0 { sum.value() / seconds } else { 0.0 }),
            (Self::Rate, Sink::Rate(Rate { total: 0, .. })) => None,
            (Self::Rate, Sink::Rate(rate)) => Some(rate.rate()),
            // Only thresholds on what is observed ask a gauge for these; see `Registry::observe`.
            (Self::Min, Sink::Gauge(gauge)) => Some(gauge.min()),
            (Self::Max, Sink::Gauge(gauge)) => Some(gauge.max()),
            (_, Sink::Trend(distribution)) => self.of_trend(distribution),
            _ => None,
        }
    }

    fn of_trend(self, distribution: &Distribution) -> Option<f64> {
        match self {
            Self::Avg => Some(distribution.avg()),
            Self::Min => Some(distribution.min()),
            Self::Max => Some(distribution.max()),
            Self::Med => Some(distribution.median()),
            Self::Percentile(percent) => Some(distribution.percentile(percent)),
            Self::Value | Self::Count | Self::Rate => None,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_k6_accepts_is_accepted() {
        let cases = [
            (" p(95) < 5", Aggregation::Percentile(95.0), Operator::Less, 5.0),
            ("p(99.9)>=5e2", Aggregation::Percentile(99.9), Operator::GreaterOrEqual, 500.0),
            ("p(99.)<1", Aggregation::Percentile(99.0), Operator::Less, 1.0),
            ("avg<-1", Aggregation::Avg, Operator::Less, -1.0),
            ("avg<.5", Aggregation::Avg, Operator::Less, 0.5),
            ("avg<1.", Aggregation::Avg, Operator::Less, 1.0),
            ("avg<+1 ", Aggregation::Avg, Operator::Less, 1.0),
            ("avg<1_0", Aggregation::Avg, Operator::Less, 10.0),
            ("rate===1", Aggregation::Rate, Operator::Equal, 1.0),
            ("count == 1", Aggregation::Count, Operator::Equal, 1.0),
            ("value!=0", Aggregation::Value, Operator::NotEqual, 0.0),
        ];
        for (text, aggregation, operator, number) in cases {
            let expression = Expression::parse(text).expect(text);
            let read = (expression.aggregation, expression.operator, expression.number);
            assert_eq!(read, (aggregation, operator, number), "{text}");
        }
    }

    #[test]
    fn errors_name_the_column() {
        let message = |text| Expression::parse(text).unwrap_err().to_string();
        assert!(message("avg").starts_with("no operator found up to column 4"));
        assert!(message("avg = 1").starts_with("no operator"));
        assert!(message("  AVG<1").starts_with("\"AVG\" at column 3 is no aggregation"));
        assert_eq!(message("avg< 1ms"), "\"1ms\" at column 6 is not a number");
        assert_eq!(message("avg< = 1"), "\"= 1\" at column 6 is not a number");
        for bad in
            ["", "p95<1", "p( 95 )<1", "p(9.9.9)<1", "p()<1", "a vg<1", "p(101)<1", "p(-1)<2", "p(95<1"]
        {
            assert!(Expression::parse(bad).is_err(), "{bad}");
        }
        for bad in ["avg<", "avg<1 0", "avg<- 1", "avg<0x10", "avg<1e", "avg<NaN", "avg<inf", "avg<--1"] {
            assert!(message(bad).ends_with("is not a number"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[ a-z()<>=!0-9.é+-]{0,16}") {
            let _ = Expression::parse(&text);
        }

        #[test]
        fn numbers_and_percentiles_survive(percent in 0.0..=100.0_f64, number in -1e9..1e9_f64) {
            let expression = Expression::parse(&format!("p({percent}) <= {number}")).unwrap();
            prop_assert_eq!(expression.aggregation, Aggregation::Percentile(percent));
            prop_assert_eq!(expression.number, number);
            prop_assert!(expression.holds(number) && !expression.holds(number + 1.0));
        }
    }
}
