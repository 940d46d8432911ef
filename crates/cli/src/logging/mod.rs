//! Log records, from the script's `console` and from throng itself, in k6's formats.
//!
//! Any thread may log; the shard threads hold a clone of the [`Logger`]. On a terminal, records go through
//! the same lock as the progress display, so that the two never tear each other.

mod error;
mod format;
mod logger;
mod record;
mod setup;

pub use error::LogError;
pub use format::Format;
pub use logger::{Logger, Sink};
pub use record::{Field, Level, Record};
pub use setup::{LogOutput, LogSetup};
