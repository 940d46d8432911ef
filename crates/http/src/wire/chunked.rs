//! The chunked transfer coding (RFC 9112 section 7.1), fed in pieces.

/// Chunk extensions and trailers longer than this are refused.
const LINE_LIMIT: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Reading hexadecimal digits; `true` once there was one.
    Size(bool),
    /// After the digits, up to the end of the line.
    Extension,
    Data,
    /// The line end after a chunk's data; `true` once the carriage return was seen.
    DataEnd(bool),
    /// In the trailer section, counting the bytes of the current line.
    Trailer(usize),
    Done,
}

/// A decoder of one chunked body.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes left in the chunk, or its size while that is read.
    left: u64,
    overhead: usize,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { state: State::Size(false), left: 0, overhead: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes input, hands data to `out`, and returns how much was taken: all of it unless the body ended.
    ///
    /// The errors are Go's texts, which k6 shows.
    pub(crate) fn feed(&mut self, input: &[u8], mut out: impl FnMut(&[u8])) -> Result<usize, &'static str> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            let b = input[at];
            self.state = match self.state {
                State::Data => {
                    let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - at);
                    out(&input[at..at + n]);
                    at += n;
                    self.left -= n as u64;
                    if self.left == 0 {
                        self.state = State::DataEnd(false);
                    }
                    continue;
                }
                State::Size(any) => match (b, char::from(b).to_digit(16)) {
                    (_, Some(digit)) => {
                        if self.left >> 60 != 0 {
                            return Err("http chunk length too large");
                        }
                        self.left = self.left << 4 | u64::from(digit);
                        State::Size(true)
                    }
                    (b'\n', _) if any => self.after_size(),
                    (b'\r' | b';' | b' ' | b'\t', _) if any => State::Extension,
                    (b'\r' | b'\n', _) => return Err("empty hex number for chunk length"),
                    _ => return Err("invalid byte in chunk length"),
                },
                State::Extension if b == b'\n' => self.after_size(),
                State::Extension => {
                    self.count_overhead()?;
                    State::Extension
                }
                State::DataEnd(false) if b == b'\r' => State::DataEnd(true),
                State::DataEnd(_) if b == b'\n' => {
                    self.left = 0;
                    State::Size(false)
                }
                State::DataEnd(_) => return Err("malformed chunked encoding"),
                State::Trailer(0) if b == b'\n' => State::Done,
                State::Trailer(0) if b == b'\r' => State::Trailer(0),
                State::Trailer(_) if b == b'\n' => State::Trailer(0),
                State::Trailer(n) => {
                    self.count_overhead()?;
                    State::Trailer(n + 1)
                }
                State::Done => break,
            };
            at += 1;
        }
        Ok(at)
    }

    fn after_size(&self) -> State {
        if self.left == 0 { State::Trailer(0) } else { State::Data }
    }

    fn count_overhead(&mut self) -> Result<(), &'static str> {
        self.overhead += 1;
        if self.overhead > LINE_LIMIT {
            Err("http: chunked encoding contains too much non-data")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8]) -> Result<(Vec<u8>, usize, bool), &'static str> {
        let mut chunked = Chunked::new();
        let mut out = Vec::new();
        let used = chunked.feed(input, |data| out.extend_from_slice(data))?;
        Ok((out, used, chunked.is_done()))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let input = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: 1\r\n\r\nNEXT";
        assert_eq!(decode(input), Ok((b"hello world".to_vec(), input.len() - 4, true)));
    }

    #[test]
    fn malformed_sizes_and_ends_are_errors() {
        assert_eq!(decode(b"zz\r\n"), Err("invalid byte in chunk length"));
        assert_eq!(decode(b"\r\n"), Err("empty hex number for chunk length"));
        assert_eq!(decode(b"1\r\nab"), Err("malformed chunked encoding"));
        assert_eq!(decode(b"11111111111111111\r\n"), Err("http chunk length too large"));
    }

    proptest::proptest! {
        #[test]
        fn any_split_of_the_input_gives_the_same_body(
            chunks in proptest::collection::vec(proptest::collection::vec(0u8.., 1..20), 0..6),
            cut in 0usize..200,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let cut = cut.min(wire.len());
            let mut chunked = Chunked::new();
            let mut out = Vec::new();
            let a = chunked.feed(&wire[..cut], |d| out.extend_from_slice(d)).unwrap();
            let b = chunked.feed(&wire[cut..], |d| out.extend_from_slice(d)).unwrap();
            proptest::prop_assert_eq!(a + b, wire.len());
            proptest::prop_assert!(chunked.is_done());
            proptest::prop_assert_eq!(out, chunks.concat());
        }

        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(0u8.., 0..200)) {
            let _ = decode(&input);
        }
    }
}
