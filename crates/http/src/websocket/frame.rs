//! Frames of the WebSocket protocol (RFC 6455 section 5), without extensions.

/// More than this in one message ends the connection: a load test has no use for it, and memory has an end.
const MAX_MESSAGE: u64 = 64 << 20;

/// The bit that says that a frame is masked.
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// One frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) payload: Vec<u8>,
}

/// Takes one frame off the front of `input`; `None` while it is not all there.
pub(super) fn decode(input: &mut Vec<u8>) -> Result<Option<Frame>, &'static str> {
    let [first, second, ..] = input[..] else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err("a frame uses an extension that was not agreed on");
    }
    let opcode = Opcode::of(first & 0x0f).ok_or("a frame of an unknown kind")?;
    if second & MASKED != 0 {
        return Err("a masked frame from the server");
    }
    let last = first & 0x80 != 0;
    let control = first & 0x08 != 0;
    let (length, start) = match second & 0x7f {
        126 => match input.get(2..4) {
            Some(bytes) => (u64::from(u16::from_be_bytes([bytes[0], bytes[1]])), 4),
            None => return Ok(None),
        },
        127 => match input.get(2..10).map(<[u8; 8]>::try_from) {
            Some(Ok(bytes)) => (u64::from_be_bytes(bytes), 10),
            _ => return Ok(None),
        },
        length => (u64::from(length), 2),
    };
    if control && (!last || length > 125) {
        return Err("a control frame that is too long or in pieces");
    }
    if length > MAX_MESSAGE {
        return Err("a message of more than 64 MiB");
    }
    let end = start + length as usize;
    if input.len() < end {
        return Ok(None);
    }
    let payload = input[start..end].to_vec();
    input.drain(..end);
    Ok(Some(Frame { last, opcode, payload }))
}

/// Appends a whole message as one frame, masked as clients must.
pub(super) fn encode(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    out.push(0x80 | opcode.bits());
    match payload.len() {
        length @ 0..126 => out.push(MASKED | length as u8),
        length @ 126..0x1_0000 => {
            out.push(MASKED | 0x7e);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(MASKED | 0x7f);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a server sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..126 => bytes.push(length as u8),
            length => {
                bytes.push(126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        for length in [0, 5, 125, 126, 4000] {
            let payload = vec![7; length];
            let mut input = frame(0x82, &payload);
            input.extend_from_slice(&frame(0x01, b"more"));
            let tail = input.split_off(input.len() - 1);
            assert_eq!(decode(&mut input), Ok(Some(Frame { last: true, opcode: Opcode::Binary, payload })));
            assert_eq!(decode(&mut input), Ok(None));
            input.extend_from_slice(&tail);
            let more = Frame { last: false, opcode: Opcode::Text, payload: b"more".to_vec() };
            assert_eq!(decode(&mut input), Ok(Some(more)));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        for mut input in
            [vec![0xc1, 0], vec![0x83, 0], vec![0x81, 0x80], vec![0x09, 0], vec![0x88, 126, 1, 0]]
        {
            assert!(decode(&mut input).is_err(), "{input:x?}");
        }
        assert!(decode(&mut vec![0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn what_is_sent_is_masked() {
        let mut out = Vec::new();
        encode(&mut out, Opcode::Text, b"abcde", [1, 2, 3, 4]);
        assert_eq!(out, [0x81, 0x85, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3, b'd' ^ 4, b'e' ^ 1]);
        let mut long = Vec::new();
        encode(&mut long, Opcode::Binary, &vec![0; 70_000], [0; 4]);
        assert_eq!(long[..10], [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        assert_eq!(long.len(), 14 + 70_000);
    }
}
