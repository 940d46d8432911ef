//! From options to one validated test plan: scenarios, stages, thresholds, durations, slots.
//!
//! Pure: no clock, no network, no runtime. Raw options of every layer (defaults, config file, script,
//! environment, flags) are merged by k6's precedence and validated here in one step; everything after
//! takes the validated types and cannot fail on them again.

#![forbid(unsafe_code)]

mod plan;
mod run_options;
pub mod scenario;
pub mod segment;

pub use plan::Plan;
pub use run_options::RunOptions;
pub use scenario::{Executor, Scenario, Stage};
pub use segment::{ExecutionSegment, SegmentSequence, Slots};
