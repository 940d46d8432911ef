//! per-vu-iterations: every virtual user runs the same number of iterations.

/// Whether a virtual user that has started `started` of its `iterations` starts another.
pub(crate) fn may_start(started: u64, iterations: u64) -> bool {
    started < iterations
}

/// What a virtual user has not attempted when time is over: its `dropped_iterations`.
pub(crate) fn remainder(started: u64, iterations: u64) -> u64 {
    iterations.saturating_sub(started)
}
