//! From options to one validated test plan: scenarios, stages, thresholds, durations, slots.
//!
//! Pure: no clock, no network, no runtime. Raw options of every layer (defaults, config file, script,
//! environment, flags) are merged by k6's precedence and validated here in one step; everything after
//! takes the validated types and cannot fail on them again.

pub mod scenario;

pub use scenario::{Executor, Scenario, Stage};
