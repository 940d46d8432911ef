//! Run options after validation: every value present, every default filled in.

use std::time::Duration;

/// What a run goes by beside its scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Wait for a resume before setup.
    pub paused: bool,
    /// An iteration takes at least this long; zero for no minimum.
    pub min_iteration_duration: Duration,
}
