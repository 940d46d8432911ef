//! From options to one validated test plan: scenarios, stages, thresholds, durations, slots.
//!
//! Pure: no clock, no network, no runtime. Raw options of every layer (defaults, config file, script,
//! environment, flags) are merged by k6's precedence and validated here in one step; everything after
//! takes the validated types and cannot fail on them again.
//!
//! The way through: [`Options`] (one per layer) → [`merge()`] → [`Plan::new`].

#![forbid(unsafe_code)]

mod describe;
pub mod duration;
mod error;
pub mod merge;
mod options;
mod peak;
mod plan;
mod reader;
mod run_options;
pub mod scenario;
pub mod scenario_layer;
pub mod segment;
pub mod shortcuts;
pub mod table;
mod turns;
pub mod value;

pub use error::{EXIT_CODE, PlanError, Problem, Warning};
pub use merge::{Level, Merged, merge};
pub use options::Options;
pub use peak::Peak;
pub use plan::Plan;
pub use run_options::{HttpDebug, RunOptions};
pub use scenario::{Executor, Scenario, Stage};
pub use segment::{ExecutionSegment, SegmentSequence, Slots};
pub use turns::Turn;
