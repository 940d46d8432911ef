//! A thread of virtual users: it carries out what the engine's shard asks for and tells it what happened.

mod driver;
mod mailbox;
mod scenario;
mod thread;
mod user;

pub use thread::{ShardControls, Shards, ShardsConfig, ThreadEvent};

/// This machine's wall clock is so many nanoseconds ahead of the controller's: samples carry the controller's time.
pub fn set_clock_ahead(nanos: i64) {
    crate::host::set_clock_ahead(nanos);
}

/// The wall clock, as samples carry it.
pub fn unix_now() -> throng_metrics::UnixNanos {
    crate::host::now()
}
