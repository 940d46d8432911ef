//! What is watched beside a test: autoscalers, pods, databases, logs.
//!
//! A [`Watcher`] reads on a thread of its own what its [`Target`]s say and tells it as samples of [`Metric`]s and as
//! [`Event`]s; what becomes of them (thresholds, charts, outputs) is the business of whoever listens, as for every other
//! sample. What cannot be read is said once with what to do about it, and tried again; a test never ends for it.
//!
//! Invariant: nothing here runs on a virtual user's thread, and nothing there waits for it.

#![forbid(unsafe_code)]

mod backoff;
mod cluster;
mod database;
pub mod metric;
pub mod scale;
pub mod spec;
mod told;
mod watcher;

pub use cluster::Pattern;
pub use metric::Metric;
pub use spec::{SpecError, Target};
pub use told::{Event, EventKind, Sample, Told};
pub use watcher::{Settings, Watcher};
