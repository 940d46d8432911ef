//! The instant of a sample, as wall time.
//!
//! Durations are measured on the monotonic clock by whoever measures; a sample's own time is wall time
//! because outputs, other machines and people read it.

use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }
}

impl From<u64> for UnixNanos {
    fn from(nanos: u64) -> Self {
        Self(nanos)
    }
}
