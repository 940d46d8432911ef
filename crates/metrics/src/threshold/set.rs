//! All thresholds of a run: reading them against the registry, and judging them.

use std::time::Duration;

use super::expression::{Aggregation, Expression, ExpressionError};
use super::window::{Standing, Window, WindowError};
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
    /// The part of the run that is judged, if not all of it.
    pub window: Option<Window>,
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
    /// The window is not readable.
    #[error("read threshold {expression:?} on metric {metric:?}: {source}")]
    Window {
        /// The metric as written.
        metric: String,
        /// The expression as written.
        expression: String,
        /// What is wrong.
        source: WindowError,
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

/// What an aggregate must keep for a threshold with a window.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// What counts.
    pub target: Submetric,
    /// When it counts.
    pub window: Window,
    /// What it must fulfil: it may be enough that it does so once.
    pub expression: Expression,
}

/// Which grammar an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// k6's own.
    K6,
    /// With a window behind it.
    Windowed,
}

/// The thresholds of a run.
#[derive(Clone, Debug, Default)]
pub struct Thresholds {
    list: Vec<Threshold>,
}

impl Thresholds {
    /// Reads the thresholds of the options. Custom metrics must be registered before.
    pub fn parse(sources: &[(String, Vec<Source>)], registry: &Registry) -> Result<Self, ThresholdError> {
        let mut thresholds = Self::default();
        thresholds.read(sources, registry, Dialect::K6)?;
        Ok(thresholds)
    }

    /// Reads further ones, which may have windows (`max>=4 by peak`).
    ///
    /// They are apart from those of the options so that what k6 refuses is refused in k6's place: a script that k6 runs
    /// keeps running there.
    pub fn add_windowed(
        &mut self,
        sources: &[(String, Vec<Source>)],
        registry: &Registry,
    ) -> Result<(), ThresholdError> {
        self.read(sources, registry, Dialect::Windowed)
    }

    fn read(
        &mut self,
        sources: &[(String, Vec<Source>)],
        registry: &Registry,
        dialect: Dialect,
    ) -> Result<(), ThresholdError> {
        for (metric, sources) in sources {
            let target = Submetric::parse(metric, registry)?;
            let kind = registry.def(target.metric).kind;
            for source in sources {
                let text = source.expression.trim();
                let (metric, written) = (|| metric.clone(), || text.to_owned());
                let (expression, window) =
                    match dialect {
                        Dialect::K6 => (source.expression.as_str(), None),
                        Dialect::Windowed => Window::split(text).map_err(|source| {
                            ThresholdError::Window { metric: metric(), expression: written(), source }
                        })?,
                    };
                let expression = Expression::parse(expression).map_err(|source| {
                    ThresholdError::Expression { metric: metric(), expression: written(), source }
                })?;
                let is_extreme = matches!(expression.aggregation, Aggregation::Min | Aggregation::Max);
                let of_observed = is_extreme && kind == Kind::Gauge && registry.is_observed(target.metric);
                if !expression.aggregation.applies_to(kind) && !of_observed {
                    return Err(ThresholdError::Unsupported {
                        metric: metric(),
                        expression: written(),
                        aggregation: expression.label,
                        kind,
                    });
                }
                self.list.push(Threshold {
                    target: target.clone(),
                    source: written(),
                    expression,
                    window,
                    abort_on_fail: source.abort_on_fail,
                    delay_abort_eval: source.delay_abort_eval,
                });
            }
        }
        Ok(())
    }

    /// What an aggregate must keep beside the whole run; see [`Aggregate::track`].
    pub fn windowed(&self) -> Vec<Windowed> {
        let of = |threshold: &Threshold| {
            let (target, expression) = (threshold.target.clone(), threshold.expression.clone());
            Some(Windowed { target, window: threshold.window?, expression })
        };
        self.list.iter().filter_map(of).collect()
    }

    /// Whether one of them looks at a time after the load.
    pub fn look_after_end(&self) -> bool {
        self.list.iter().filter_map(|one| one.window).any(|window| !window.after_end().is_zero())
    }

    /// Whether what is still open of windows after the end of the load could change a verdict.
    pub fn are_decided(&self, aggregate: &Aggregate) -> bool {
        self.windowed().iter().enumerate().all(|(place, windowed)| {
            if windowed.window.after_end().is_zero() {
                return true;
            }
            let part = aggregate.part(place);
            let held = matches!(windowed.window, Window::Within { .. }) && part.held;
            held || part.standing == Standing::Over
        })
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
        let mut windowed = 0;
        for (index, threshold) in self.list.iter().enumerate() {
            let judged = match threshold.window {
                Some(window) => {
                    windowed += 1;
                    judge_window(threshold, window, aggregate, windowed - 1, phase)
                }
                None => judge(threshold, aggregate, elapsed, phase),
            };
            let Some((ok, observed)) = judged else { continue };
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

/// Whether a threshold on the whole run holds, and the value that says so; nothing if it is too early to tell.
fn judge(
    threshold: &Threshold,
    aggregate: &Aggregate,
    elapsed: Duration,
    phase: Phase,
) -> Option<(bool, Option<f64>)> {
    let empty;
    let sink = match (aggregate.find(&threshold.target), phase) {
        (Some(sink), _) => sink,
        (None, Phase::Running) => return None,
        // What nobody could look at does not hold.
        (None, Phase::Final) if aggregate.registry().is_observed(threshold.target.metric) => {
            return Some((false, None));
        }
        (None, Phase::Final) => {
            empty = Sink::empty(aggregate.registry().def(threshold.target.metric).kind);
            &empty
        }
    };
    let observed = threshold.expression.aggregation.of(sink, elapsed.as_secs_f64());
    Some((observed.is_none_or(|value| threshold.expression.holds(value)), observed))
}

/// The same of a threshold with a window, the so many-th of those.
fn judge_window(
    threshold: &Threshold,
    window: Window,
    aggregate: &Aggregate,
    place: usize,
    phase: Phase,
) -> Option<(bool, Option<f64>)> {
    let part = aggregate.part(place);
    let observed = part.sink.and_then(|sink| threshold.expression.aggregation.of(sink, part.seconds));
    match (window, phase) {
        (Window::Within { .. }, _) if part.held => Some((true, observed)),
        (_, Phase::Running) if part.standing != Standing::Over => None,
        (Window::Within { .. }, _) => Some((false, observed)),
        // A window that never came, or in which nobody could look, shows nothing.
        _ => Some((observed.is_some_and(|value| threshold.expression.holds(value)), observed)),
    }
}
