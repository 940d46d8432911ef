//! The language between controller and worker.
//!
//! One gRPC call per worker, `throng.cluster.v1.Cluster/Join`, streams both ways. A meeting begins with `Hello` and
//! `Challenge`, in which each side sends a nonce and proves that it knows the token, then `Join` and `Welcome`. After that
//! the worker sends heartbeats, batches of what it has to report and its status; the controller answers heartbeats,
//! acknowledges batches and sends commands. Batches and commands are numbered (see [`crate::lane`]); everything else may
//! be lost with a connection.
//!
//! The messages are protocol buffers, written down here as Rust types: there is no second implementation that would
//! need a `.proto` file, and no compiler for one is needed to build throng.

mod assembly;
mod bundle;
mod counting;
mod log;
mod messages;
mod progress;

use std::time::Duration;

pub use assembly::{Assembly, TooLong};
pub use counting::*;
pub use messages::*;

/// Raised with every change that an older side would misread.
pub const VERSION: u32 = 2;

/// How long a worker may start iterations after it sent the last heartbeat that was answered.
pub const LEASE: Duration = Duration::from_secs(2);

/// By how much the controller waits longer than the lease before it gives a worker up: clocks of two machines run at
/// the same speed to about 0.01 %, and whoever checks the lease does so a moment before the iteration starts.
pub const LEASE_MARGIN: Duration = Duration::from_millis(250);

/// How often a worker sends a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a side may be silent when nothing depends on the lease: loading a large test on a busy machine takes time.
pub const SILENCE: Duration = Duration::from_secs(10);

/// How much of a message one frame carries.
pub const FRAME_PART: usize = 256 << 10;

/// The largest frame that is read.
pub const MAX_FRAME: usize = 1 << 20;

/// The largest message of someone who has not proved to know the token.
pub const MAX_STRANGERS_MESSAGE: usize = 16 << 10;

/// The largest message of a worker: a delta of 10,000 series with full distributions has a few dozen megabytes.
pub const MAX_WORKERS_MESSAGE: usize = 128 << 20;

/// The largest message of the controller: a bundle.
pub const MAX_CONTROLLERS_MESSAGE: usize = 260 << 20;
