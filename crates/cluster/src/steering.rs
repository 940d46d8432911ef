//! What of a test is set from outside while it runs.

/// How externally controlled scenarios are set. It is told as a whole each time, so that telling it twice changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steering {
    /// Whether they start no iterations.
    pub paused: bool,
    /// How many virtual users of the whole test loop, and how many there are at most; as the script has it, if nothing is
    /// said. It concerns the first of the scenarios.
    pub vus: Option<(u64, u64)>,
}
