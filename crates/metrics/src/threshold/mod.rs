//! Thresholds: what a run must fulfil, judged on the merged whole.

mod expression;
mod set;
mod window;

pub use expression::{Aggregation, Expression, ExpressionError, Operator};
pub use set::{Evaluation, Phase, Source, Threshold, ThresholdError, Thresholds, Verdict, Windowed};
pub use window::{Anchor, Moment, Moments, Standing, Window, WindowError};
