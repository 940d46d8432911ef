//! The validated test plan.

use crate::{RunOptions, Scenario, segment::Slots};

/// Everything a run goes by; nothing in it can fail to validate any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Options that hold for the whole run, with defaults filled in.
    pub options: RunOptions,
    /// At least one scenario, sorted by start time, then by name.
    pub scenarios: Vec<Scenario>,
    /// Which virtual users, iteration indices and planned starts this instance runs.
    pub slots: Slots,
}
