//! Why the edge cannot begin its work.

use std::io;
use std::net::SocketAddr;

use super::StateError;

/// Why the edge cannot begin its work.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Certificates or keys cannot be used.
    #[error("cannot use {what} for TLS: {reason}")]
    Tls {
        /// Which of them.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The controller's address is none.
    #[error("`{0}` is no address of a controller: use HOST:PORT")]
    Address(String),
    /// The folder of the run cannot be used.
    #[error("the state directory {0}")]
    State(#[from] StateError),
    /// No thread, no runtime or no random numbers.
    #[error("cannot start the cluster's network thread: {0}")]
    System(#[from] io::Error),
}
