//! What a peer may cost.

/// Sizes beyond which a peer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all frames of one message together.
    pub message: u64,
    /// Bytes of the first message, until which nobody knows who the peer is.
    pub first_message: u64,
    /// Frames of one message.
    pub frames: usize,
    /// Bytes of a command: the handshake's, or a ping.
    pub command: u64,
}

impl Default for Limits {
    /// A report of a thousand endpoints is about a megabyte.
    fn default() -> Self {
        Self { message: 64 << 20, first_message: 64 << 20, frames: 16, command: 8 << 10 }
    }
}
