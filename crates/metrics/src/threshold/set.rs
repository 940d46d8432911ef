//! All thresholds of a run: reading them against the registry, and judging them.

use std::time::Duration;

use super::expression::{Aggregation, Expression, ExpressionError};
use crate::aggregate::Aggregate;
use crate::builtin;
use crate::kind::Kind;
use crate::registry::Registry;
use crate::selector::{Selector, SelectorError, Submetric};
use crate::sink::Sink;

/// A threshold as the options give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The expression, such as `p(95)<500`.
    pub expression: String,
    /// Whether crossing it ends the run.
    pub abort_on_fail: bool,
    /// How long after the start it may first end the run.
    pub delay_abort_eval: Option<Duration>,
}

/// A threshold that was read and fits its metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The metric or sub-metric it is about.
    pub target: Submetric,
    /// The expression as written, without spaces around it.
    pub source: String,
    /// The expression.
    pub expression: Expression,
    /// Whether crossing it ends the run.
    pub abort_on_fail: bool,
    /// How long after the start it may first end the run.
    pub delay_abort_eval: Option<Duration>,
}

/// Why thresholds cannot be used. k6 ends with exit code 104 on these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// The metric's name is not readable or not known.
    #[error("read thresholds: {0}")]
    Metric(#[from] SelectorError),
    /// The expression is not readable.
    #[error("read threshold {expression:?} on metric {metric:?}: {source}")]
    Expression {
        /// The metric as written.
        metric: String,
        /// The expression as written.
        expression: String,
        /// What is wrong.
        source: ExpressionError,
    },
    /// The metric has no such aggregation.
    #[error(
        "read threshold {expression:?} on metric {metric:?}: a {kind} has no {aggregation:?}; it has {}",
        Aggregation::names_for(*kind)
    )]
    Unsupported {
        /// The metric as written.
        metric: String,
        /// The expression as written.
        expression: String,
        /// The aggregation as written.
        aggregation: String,
        /// The metric's kind.
        kind: Kind,
    },
}

/// Whether more samples may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The run goes on: metrics without samples are not judged yet.
    Running,
    /// The run is over: metrics without samples are judged as zero, and an empty rate passes.
    Final,
}

/// What became of one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which threshold, as an index into [`Thresholds::iter`].
    pub index: usize,
    /// Whether it holds.
    pub ok: bool,
    /// The value it was judged by; `None` for the rate of no values.
    pub observed: Option<f64>,
}

/// The result of judging all thresholds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// One verdict per judged threshold, in their order.
    pub verdicts: Vec<Verdict>,
    /// Names of the metrics with a crossed threshold, sorted, each once.
    pub crossed: Vec<String>,
    /// Whether a crossed threshold asks to end the run now.
    pub abort: bool,
}

/// The thresholds of a run.
#[derive(Clone, Debug, Default)]
pub struct Thresholds {
    list: Vec<Threshold>,
}

impl Thresholds {
    /// Reads the thresholds of the options. Custom metrics must be registered before.
    pub fn parse(sources: &[(String, Vec<Source>)], registry: &Registry) -> Result<Self, ThresholdError> {
        let mut list = Vec::new();
        for (metric, sources) in sources {
            let target = Submetric::parse(metric, registry)?;
            let kind = registry.def(target.metric).kind;
            for source in sources {
                let text = source.expression.trim();
                let expression =
                    Expression::parse(&source.expression).map_err(|error| ThresholdError::Expression {
                        metric: metric.clone(),
                        expression: text.to_owned(),
                        source: error,
                    })?;
                if !expression.aggregation.applies_to(kind) {
                    return Err(ThresholdError::Unsupported {
                        metric: metric.clone(),
                        expression: text.to_owned(),
                        aggregation: expression.label,
                        kind,
                    });
                }
                list.push(Threshold {
                    target: target.clone(),
                    source: text.to_owned(),
                    expression,
                    abort_on_fail: source.abort_on_fail,
                    delay_abort_eval: source.delay_abort_eval,
                });
            }
        }
        Ok(Self { list })
    }

    /// The thresholds in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Threshold> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The sub-metrics an aggregate must track: those with thresholds, and always
    /// `http_req_duration{expected_response:true}`.
    pub fn submetrics(&self) -> Vec<Submetric> {
        let mut submetrics: Vec<Submetric> = Vec::new();
        let expected = Submetric {
            metric: builtin::HTTP_REQ_DURATION,
            name: "http_req_duration{expected_response:true}".into(),
            suffix: "expected_response:true".into(),
            selector: Selector::new([("expected_response", "true")]),
        };
        let named = self.list.iter().map(|threshold| &threshold.target);
        for target in named.filter(|target| !target.selector.is_empty()).chain([&expected]) {
            if !submetrics.iter().any(|known| known.name == target.name) {
                submetrics.push(target.clone());
            }
        }
        submetrics
    }

    /// The selectors a recorder must keep apart when series fold.
    pub fn selectors(&self) -> Vec<Selector> {
        self.submetrics().into_iter().map(|submetric| submetric.selector).collect()
    }

    /// Judges all thresholds on what is merged so far. `elapsed`: since the start of the run phase.
    pub fn evaluate(&self, aggregate: &Aggregate, elapsed: Duration, phase: Phase) -> Evaluation {
        let mut evaluation = Evaluation::default();
        for (index, threshold) in self.list.iter().enumerate() {
            let empty;
            let sink = match (aggregate.find(&threshold.target), phase) {
                (Some(sink), _) => sink,
                (None, Phase::Running) => continue,
                (None, Phase::Final) => {
                    empty = Sink::empty(aggregate.registry().def(threshold.target.metric).kind);
                    &empty
                }
            };
            let observed = threshold.expression.aggregation.of(sink, elapsed.as_secs_f64());
            let ok = observed.is_none_or(|value| threshold.expression.holds(value));
            if !ok {
                let due = threshold.delay_abort_eval.is_none_or(|delay| elapsed > delay);
                evaluation.abort |= threshold.abort_on_fail && due;
                evaluation.crossed.push(threshold.target.name.clone());
            }
            evaluation.verdicts.push(Verdict { index, ok, observed });
        }
        evaluation.crossed.sort();
        evaluation.crossed.dedup();
        evaluation
    }
}
