//! Why a peer is refused.

use crate::Stranger;

/// What a peer did that ends the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first bytes are not ZMTP's.
    #[error("the peer does not speak ZMTP: {0}")]
    NotZmtp(Stranger),
    /// A version from before 2013.
    #[error("the peer speaks ZMTP {0}.x, which is not supported; 3.0 and later are (ZeroMQ 4 and later)")]
    Version(u8),
    /// A security mechanism other than NULL.
    #[error("the peer wants the security mechanism {0:?}; only NULL, which is none, is supported")]
    Mechanism(String),
    /// A socket that does not go together with ours.
    #[error("the peer's socket is {found:?}; this end talks only to {wanted}")]
    SocketType {
        /// What the peer says it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The peer refused us, for the reason it gives.
    #[error("the peer refused the connection: {0:?}")]
    Refused(String),
    /// More than [`crate::Limits`] allows.
    #[error("the peer announces {what} of {size}; at most {limit} are accepted")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// Bytes that mean nothing at their place.
    #[error("the peer sent a malformed {0}")]
    Malformed(&'static str),
}
