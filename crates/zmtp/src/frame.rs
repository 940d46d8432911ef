//! Frames: a byte of flags, a length of one or eight bytes, a body.

use crate::error::Error;
use crate::limits::Limits;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A command: its name and data.
    Command(&'a [u8]),
    /// A part of a message.
    Message {
        body: &'a [u8],
        /// Whether further parts follow.
        more: bool,
    },
}

/// The first frame in `bytes` and its length; `None` while it is not complete.
///
/// `message` is how many bytes the message that it belongs to has already.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    message: u64,
) -> Result<Option<(Frame<'a>, usize)>, Error> {
    let Some(flags) = bytes.first() else { return Ok(None) };
    let command = flags & COMMAND != 0;
    if flags & !(MORE | LONG | COMMAND) != 0 || command && flags & MORE != 0 {
        return Err(Error::Malformed("frame: its flags are not known"));
    }
    let (size, header) = if flags & LONG == 0 {
        let Some(size) = bytes.get(1) else { return Ok(None) };
        (u64::from(*size), 2)
    } else {
        let Some(size) = bytes.get(1..9).and_then(|size| size.first_chunk()) else { return Ok(None) };
        (u64::from_be_bytes(*size), 9)
    };
    let (what, taken, limit) =
        if command { ("a command", 0, limits.command) } else { ("a message", message, limits.message) };
    // Before the body is there: nobody need send a gigabyte to hear that it is too much.
    if size > limit.saturating_sub(taken) {
        return Err(Error::TooLarge { what, size: size.saturating_add(taken), limit });
    }
    let length = header + size as usize;
    let Some(body) = bytes.get(header..length) else { return Ok(None) };
    let frame = if command { Frame::Command(body) } else { Frame::Message { body, more: flags & MORE != 0 } };
    Ok(Some((frame, length)))
}

/// Appends a frame to `output`.
pub(crate) fn write(output: &mut Vec<u8>, frame: &Frame<'_>) {
    let (mut flags, body) = match frame {
        Frame::Command(body) => (COMMAND, body),
        Frame::Message { body, more } => (u8::from(*more), body),
    };
    if let Ok(size) = u8::try_from(body.len()) {
        output.extend([flags, size]);
    } else {
        flags |= LONG;
        output.push(flags);
        output.extend((body.len() as u64).to_be_bytes());
    }
    output.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_less(body in proptest::collection::vec(any::<u8>(), 0..600), kind in 0..3) {
            let frame = match kind {
                0 => Frame::Command(&body),
                1 => Frame::Message { body: &body, more: false },
                _ => Frame::Message { body: &body, more: true },
            };
            let mut bytes = Vec::new();
            write(&mut bytes, &frame);
            for length in 0..bytes.len() {
                prop_assert_eq!(read(&bytes[..length], &Limits::default(), 0), Ok(None));
            }
            let length = bytes.len();
            bytes.extend(b"rest");
            prop_assert_eq!(read(&bytes, &Limits::default(), 0), Ok(Some((frame, length))));
        }
    }

    #[test]
    fn lengths_change_their_form_at_256() {
        for (length, first) in [(255_usize, &[0, 255][..]), (256, &[2, 0, 0, 0, 0, 0, 0, 1, 0])] {
            let mut bytes = Vec::new();
            write(&mut bytes, &Frame::Message { body: &vec![7; length], more: false });
            assert_eq!(&bytes[..first.len()], first);
        }
    }

    #[test]
    fn a_gigabyte_is_refused_by_its_header() {
        let mut header = vec![LONG];
        header.extend((1_u64 << 30).to_be_bytes());
        let refused = read(&header, &Limits::default(), 0);
        let (size, limit) = (1 << 30, Limits::default().message);
        assert_eq!(refused, Err(Error::TooLarge { what: "a message", size, limit }));
        header[1..].copy_from_slice(&u64::MAX.to_be_bytes());
        assert!(matches!(read(&header, &Limits::default(), 5), Err(Error::TooLarge { size: u64::MAX, .. })));
    }

    #[test]
    fn the_parts_of_a_message_share_its_limit() {
        let limits = Limits { message: 10, ..Limits::default() };
        let mut bytes = Vec::new();
        write(&mut bytes, &Frame::Message { body: b"123456", more: false });
        assert!(read(&bytes, &limits, 4).is_ok());
        assert_eq!(read(&bytes, &limits, 5), Err(Error::TooLarge { what: "a message", size: 11, limit: 10 }));
    }

    #[test]
    fn reserved_flags_and_commands_in_parts_are_refused() {
        for flags in [8, 0x80, COMMAND | MORE] {
            assert!(matches!(read(&[flags, 0], &Limits::default(), 0), Err(Error::Malformed(_))), "{flags}");
        }
    }
}
