//! Messages put together from frames, within a limit.

use bytes::{Bytes, BytesMut};

use super::Frame;

/// Puts messages together from frames.
#[derive(Debug, Default)]
pub struct Assembly {
    parts: BytesMut,
}

/// A message with more bytes than its sender may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it sent a message of more than {0} bytes")]
pub struct TooLong(usize);

impl Assembly {
    /// Adds a frame; the message, if it was its last.
    pub fn add(&mut self, frame: Frame, limit: usize) -> Result<Option<Bytes>, TooLong> {
        if self.parts.len() + frame.part.len() > limit {
            return Err(TooLong(limit));
        }
        if !frame.more && self.parts.is_empty() {
            return Ok(Some(frame.part));
        }
        self.parts.extend_from_slice(&frame.part);
        Ok((!frame.more).then(|| self.parts.split().freeze()))
    }

    /// The bytes of a message that is not whole yet.
    pub fn held(&self) -> usize {
        self.parts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_beyond_the_limit_is_refused_before_it_is_whole() {
        let mut assembly = Assembly::default();
        let frame = |more| Frame { part: vec![0; 600].into(), more };
        assert_eq!(assembly.add(frame(true), 1_000), Ok(None));
        assert_eq!(assembly.add(frame(true), 1_000), Err(TooLong(1_000)));
        assert_eq!(assembly.held(), 600);
    }
}
