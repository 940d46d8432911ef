//! Thresholds: what a run must fulfil, judged on the merged whole.

mod expression;
mod set;

pub use expression::{Aggregation, Expression, ExpressionError, Operator};
pub use set::{Evaluation, Phase, Source, Threshold, ThresholdError, Thresholds, Verdict};
