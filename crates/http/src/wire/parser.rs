//! Responses, fed in pieces as they arrive.
//!
//! The common response comes in one piece and is parsed where it lies in the shared read buffer; only a
//! head that is cut in two is copied together first.

use std::mem::MaybeUninit;

use bytes::Bytes;

use super::chunked::Chunked;
use super::explain::{explain, explain_cut};
use crate::error::Cause;
use crate::request::BodyMode;
use crate::response::{Head, Proto};

/// Headers parsed on the stack; a response with more takes a slower path.
const HEADERS_ON_STACK: usize = 48;
const HEADERS_AT_MOST: usize = 65_536;

/// Space reserved at once for a body, whatever length the peer claims.
const RESERVE_AT_MOST: u64 = 1 << 20;

/// How far a response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More input is needed.
    Partial,
    /// The response is complete; this many bytes of the last piece were its own.
    Done(usize),
}

/// A complete response.
#[derive(Debug)]
pub(crate) struct ParsedResponse {
    pub(crate) status: u16,
    pub(crate) proto: Proto,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) has_body: bool,
    /// Nothing forbids using the connection again.
    pub(crate) keep_alive: bool,
    pub(crate) notable: Notable,
}

/// Which headers that the client acts upon are there, noted on arrival so that the head of the common
/// response is never searched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Notable {
    pub(crate) location: bool,
    pub(crate) set_cookie: bool,
    pub(crate) content_encoding: bool,
}

#[derive(Debug)]
enum Framing {
    None,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

#[derive(Debug)]
enum State {
    /// What arrived of the head, if it came in several pieces.
    Head(Vec<u8>),
    Body {
        framing: Framing,
        buffer: Vec<u8>,
    },
    Done,
}

/// What the headers said about the body and the connection.
struct Facts {
    framing: Framing,
    keep_alive: bool,
    notable: Notable,
}

/// A parser for one response.
#[derive(Debug)]
pub(crate) struct ResponseParser {
    state: State,
    request_was_head: bool,
    body_mode: BodyMode,
    head_limit: usize,
    response: Option<ParsedResponse>,
    /// The end of a body whose response has been taken already.
    last_piece: Vec<u8>,
}

impl ResponseParser {
    pub(crate) fn new(request_was_head: bool, body_mode: BodyMode, head_limit: usize) -> Self {
        Self {
            state: State::Head(Vec::new()),
            request_was_head,
            body_mode,
            head_limit,
            response: None,
            last_piece: Vec::new(),
        }
    }

    /// What has arrived of the body so far.
    pub(crate) fn take_partial_body(&mut self) -> Option<Bytes> {
        match &mut self.state {
            State::Body { buffer, .. } => Some(Bytes::from(std::mem::take(buffer))),
            State::Head(_) | State::Done => None,
        }
    }

    /// What the end of the connection means now, if it is not the end of the body.
    pub(crate) fn cause_of_end(&self) -> Cause {
        match &self.state {
            State::Head(pending) if pending.is_empty() => Cause::Closed,
            State::Body { framing, buffer } => {
                let missing = match framing {
                    Framing::Length(left) => Some(*left),
                    _ => None,
                };
                Cause::Truncated { received: buffer.len() as u64, missing }
            }
            State::Head(_) | State::Done => Cause::Other,
        }
    }

    /// What was wrong with a piece that was refused: `NotHttp` if the response did not even begin as one.
    pub(crate) fn cause_of_refusal(&self, piece: &[u8]) -> Cause {
        if matches!(self.state, State::Head(_)) && self.response.is_none() && !piece.starts_with(b"HTTP/") {
            let line = piece.iter().position(|&b| b == b'\n').map_or(piece, |i| &piece[..=i]);
            return Cause::NotHttp(line.to_vec());
        }
        Cause::Other
    }

    /// Whether the head of a response is there whose body is to be handed out as it arrives.
    pub(crate) fn is_streaming(&self) -> bool {
        self.body_mode == BodyMode::Stream
            && matches!(self.state, State::Body { .. })
            && self.response.is_some()
    }

    /// What has arrived of the body since the last call, once the response has been taken.
    pub(crate) fn take_piece(&mut self) -> Vec<u8> {
        match &mut self.state {
            State::Body { buffer, .. } => std::mem::take(buffer),
            State::Head(_) | State::Done => std::mem::take(&mut self.last_piece),
        }
    }

    /// The body comes in pieces whose sizes the server chooses.
    pub(crate) fn is_chunked(&self) -> bool {
        matches!(self.state, State::Body { framing: Framing::Chunked(_), .. })
    }

    /// The response, after [`Progress::Done`].
    pub(crate) fn take(&mut self) -> Option<ParsedResponse> {
        self.response.take()
    }

    /// Takes the next piece. The error is the text that k6 shows.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Progress, String> {
        match &mut self.state {
            State::Head(pending) if pending.is_empty() => self.feed_head(input, 0),
            State::Head(pending) => {
                let before = pending.len();
                let mut all = std::mem::take(pending);
                all.extend_from_slice(input);
                self.feed_head(&all, before)
            }
            State::Body { .. } => self.feed_body(input),
            State::Done => Ok(Progress::Done(0)),
        }
    }

    /// The connection ended. It may be the end of the body; otherwise the error is the text k6 shows.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        match &mut self.state {
            State::Head(pending) if pending.is_empty() => Err("EOF".to_owned()),
            State::Head(pending) => Err(explain_cut(pending)),
            State::Body { framing: Framing::UntilClose, buffer } => {
                let body = std::mem::take(buffer);
                self.complete(body);
                Ok(())
            }
            State::Done => Ok(()),
            State::Body { .. } => Err("unexpected EOF".to_owned()),
        }
    }

    /// Parses the head at the front of `all`, of which `before` bytes belong to earlier pieces.
    fn feed_head(&mut self, all: &[u8], before: usize) -> Result<Progress, String> {
        let mut start = 0;
        loop {
            let rest = &all[start..];
            let Some((length, status, facts)) = self.parse_head(rest)? else {
                if rest.len() > self.head_limit {
                    return Err(self.too_large());
                }
                self.state = State::Head(rest.to_vec());
                return Ok(Progress::Partial);
            };
            if length > self.head_limit {
                return Err(self.too_large());
            }
            if status == 101 {
                return Err("unsupported response status: 101 Switching Protocols".to_owned());
            }
            start += length;
            if (100..200).contains(&status) {
                // An interim response (RFC 9110 section 15.2): the real one follows.
                self.response = None;
                if start == all.len() {
                    self.state = State::Head(Vec::new());
                    return Ok(Progress::Partial);
                }
                continue;
            }
            let Facts { framing, keep_alive, notable } = facts;
            if notable.content_encoding && self.body_mode == BodyMode::Stream {
                self.body_mode = BodyMode::Keep;
            }
            if let Some(response) = &mut self.response {
                response.keep_alive = keep_alive;
                response.has_body = !matches!(framing, Framing::None | Framing::Length(0));
            }
            let body = &all[start..];
            // The whole body is there already: one copy of its exact size.
            if let Framing::Length(n) = framing
                && let Ok(n) = usize::try_from(n)
                && n <= body.len()
            {
                let bytes = match self.body_mode {
                    BodyMode::Keep | BodyMode::Stream => Bytes::copy_from_slice(&body[..n]),
                    BodyMode::Discard => Bytes::new(),
                };
                self.complete_with(bytes);
                return Ok(Progress::Done(start + n - before));
            }
            let buffer = match (&framing, self.body_mode) {
                (Framing::Length(n), BodyMode::Keep) => {
                    Vec::with_capacity((*n).min(RESERVE_AT_MOST) as usize)
                }
                _ => Vec::new(),
            };
            self.state = State::Body { framing, buffer };
            return Ok(match self.feed_body(body)? {
                Progress::Partial => Progress::Partial,
                Progress::Done(n) => Progress::Done((start + n).saturating_sub(before)),
            });
        }
    }

    fn feed_body(&mut self, input: &[u8]) -> Result<Progress, String> {
        let State::Body { framing, buffer } = &mut self.state else { return Ok(Progress::Done(0)) };
        let keep = self.body_mode != BodyMode::Discard;
        let mut store = |data: &[u8]| {
            if keep {
                buffer.extend_from_slice(data);
            }
        };
        let (used, done) = match framing {
            Framing::None => (0, true),
            Framing::Length(left) => {
                let n = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                store(&input[..n]);
                *left -= n as u64;
                (n, *left == 0)
            }
            Framing::Chunked(chunked) => {
                let n = chunked.feed(input, store)?;
                (n, chunked.is_done())
            }
            Framing::UntilClose => {
                store(input);
                (input.len(), false)
            }
        };
        if done {
            let body = std::mem::take(buffer);
            self.complete(body);
            Ok(Progress::Done(used))
        } else {
            Ok(Progress::Partial)
        }
    }

    fn complete(&mut self, body: Vec<u8>) {
        if self.response.is_some() {
            self.complete_with(Bytes::from(body));
        } else {
            self.last_piece = body;
            self.state = State::Done;
        }
    }

    fn complete_with(&mut self, body: Bytes) {
        if let Some(response) = &mut self.response {
            response.body = body;
        }
        self.state = State::Done;
    }

    fn too_large(&self) -> String {
        format!("net/http: server response headers exceeded {} bytes; aborted", self.head_limit)
    }

    /// Parses a head and keeps it in `self.response`; `None` if it is not complete yet.
    fn parse_head(&mut self, input: &[u8]) -> Result<Option<(usize, u16, Facts)>, String> {
        let mut headers = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; HEADERS_ON_STACK];
        let mut parsed = httparse::Response::new(&mut []);
        let config = parser_config();
        let result = config.parse_response_with_uninit_headers(&mut parsed, input, &mut headers);
        match result {
            Ok(httparse::Status::Complete(length)) => self.keep_head(input, length, &parsed).map(Some),
            Ok(httparse::Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                let mut headers = vec![httparse::EMPTY_HEADER; HEADERS_AT_MOST];
                let mut parsed = httparse::Response::new(&mut headers);
                match config.parse_response(&mut parsed, input) {
                    Ok(httparse::Status::Complete(length)) => {
                        self.keep_head(input, length, &parsed).map(Some)
                    }
                    Ok(httparse::Status::Partial) => Ok(None),
                    Err(_) => Err(explain(input)),
                }
            }
            Err(_) => Err(explain(input)),
        }
    }

    fn keep_head(
        &mut self,
        input: &[u8],
        length: usize,
        parsed: &httparse::Response<'_, '_>,
    ) -> Result<(usize, u16, Facts), String> {
        let status = parsed.code.unwrap_or_default();
        let proto = if parsed.version == Some(0) { Proto::Http10 } else { Proto::Http11 };
        let facts = self.facts(status, proto, parsed.headers)?;
        let offset = |part: &[u8]| (part.as_ptr().addr() - input.as_ptr().addr()) as u32;
        // The status line and the header lines, without the empty line.
        let line_end = input.iter().position(|&b| b == b'\n').map_or(length, |i| i + 1);
        let mut fields_end = length - 1;
        if input[..fields_end].ends_with(b"\r") {
            fields_end -= 1;
        }
        let fields_end = fields_end.max(line_end.min(length));
        let reason = match parsed.reason {
            Some(text) if !text.is_empty() => {
                let start = offset(text.as_bytes());
                start..start + text.len() as u32
            }
            _ => 0..0,
        };
        let head = Head {
            raw: Box::from(&input[..fields_end]),
            reason,
            fields: line_end.min(fields_end) as u32..fields_end as u32,
        };
        self.response = Some(ParsedResponse {
            status,
            proto,
            head,
            body: Bytes::new(),
            has_body: false,
            keep_alive: false,
            notable: facts.notable,
        });
        Ok((length, status, facts))
    }

    /// How the body is framed (RFC 9112 section 6.3) and whether the connection stays.
    fn facts(&self, status: u16, proto: Proto, headers: &[httparse::Header<'_>]) -> Result<Facts, String> {
        let mut length: Option<u64> = None;
        let mut chunked = false;
        let mut notable = Notable::default();
        let mut close = proto == Proto::Http10;
        for header in headers {
            let name = header.name;
            let value = header.value.trim_ascii();
            // Compared by length first, as most headers are of no interest here.
            match name.len() {
                14 if name.eq_ignore_ascii_case("content-length") => {
                    let n = parse_length(value)
                        .ok_or_else(|| format!("bad Content-Length {:?}", String::from_utf8_lossy(value)))?;
                    if let Some(first) = length.filter(|first| *first != n) {
                        return Err(format!(
                            "http: message cannot contain multiple Content-Length headers; got [\"{first}\" \"{n}\"]"
                        ));
                    }
                    length = Some(n);
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") && proto != Proto::Http10 => {
                    if !value.eq_ignore_ascii_case(b"chunked") {
                        let value = String::from_utf8_lossy(value);
                        return Err(format!("unsupported transfer encoding: {value:?}"));
                    }
                    chunked = true;
                }
                // An empty one leads nowhere and counts as none, as in Go.
                8 if name.eq_ignore_ascii_case("location") => notable.location = !value.is_empty(),
                10 if name.eq_ignore_ascii_case("set-cookie") => notable.set_cookie = true,
                16 if name.eq_ignore_ascii_case("content-encoding") => notable.content_encoding = true,
                10 if name.eq_ignore_ascii_case("connection") => {
                    for token in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                        if token.eq_ignore_ascii_case(b"close") {
                            close = true;
                        } else if token.eq_ignore_ascii_case(b"keep-alive") {
                            close = false;
                        }
                    }
                }
                _ => {}
            }
        }
        let framing = if self.request_was_head || status < 200 || status == 204 || status == 304 {
            Framing::None
        } else if chunked {
            Framing::Chunked(Chunked::new())
        } else if let Some(n) = length {
            Framing::Length(n)
        } else {
            Framing::UntilClose
        };
        let keep_alive = !close && !matches!(framing, Framing::UntilClose);
        Ok(Facts { framing, keep_alive, notable })
    }
}

fn parser_config() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    config
}

fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 10 << 20;

    fn parse(wire: &[u8]) -> (ParsedResponse, Progress) {
        let mut parser = ResponseParser::new(false, BodyMode::Keep, LIMIT);
        let progress = parser.feed(wire).unwrap();
        (parser.take().unwrap(), progress)
    }

    #[test]
    fn a_response_in_one_piece_is_complete() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nx-a:  2 \r\n\r\nok";
        let (r, progress) = parse(wire);
        assert_eq!(progress, Progress::Done(wire.len()));
        assert_eq!((r.status, r.proto, &r.body[..], r.keep_alive), (200, Proto::Http11, &b"ok"[..], true));
        assert_eq!(r.head.reason(), b"OK");
        assert_eq!(r.head.get_all("X-a").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(r.head.iter().count(), 3);
    }

    #[test]
    fn interim_responses_are_skipped() {
        let wire =
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        let (r, _) = parse(wire);
        assert_eq!((r.status, &r.body[..]), (200, &b"x"[..]));
        assert_eq!(r.head.get("link"), None);
    }

    #[test]
    fn switching_protocols_is_an_error() {
        let mut parser = ResponseParser::new(false, BodyMode::Keep, LIMIT);
        let error = parser.feed(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").unwrap_err();
        assert_eq!(error, "unsupported response status: 101 Switching Protocols");
    }

    #[test]
    fn bytes_after_the_response_are_left() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA";
        assert_eq!(parse(wire).1, Progress::Done(wire.len() - 5));
    }

    #[test]
    fn responses_that_cannot_have_a_body_have_none() {
        let (r, progress) = parse(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
        assert!(matches!(progress, Progress::Done(_)) && r.body.is_empty() && !r.has_body);
        let mut parser = ResponseParser::new(true, BodyMode::Keep, LIMIT);
        assert!(matches!(
            parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            Ok(Progress::Done(_))
        ));
    }

    #[test]
    fn http_1_0_without_a_length_ends_with_the_connection() {
        let mut parser = ResponseParser::new(false, BodyMode::Keep, LIMIT);
        assert_eq!(parser.feed(b"HTTP/1.0 200 OK\r\n\r\nbody to "), Ok(Progress::Partial));
        assert_eq!(parser.feed(b"close"), Ok(Progress::Partial));
        parser.end().unwrap();
        let r = parser.take().unwrap();
        assert_eq!((&r.body[..], r.keep_alive, r.proto), (&b"body to close"[..], false, Proto::Http10));
    }

    #[test]
    fn an_early_end_is_an_error() {
        let mut parser = ResponseParser::new(false, BodyMode::Keep, LIMIT);
        assert_eq!(parser.end(), Err("EOF".into()));
        parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").unwrap();
        assert_eq!(parser.end(), Err("unexpected EOF".into()));
        assert_eq!(parser.take_partial_body().unwrap(), "abc");
    }

    #[test]
    fn framing_that_cannot_be_trusted_is_refused() {
        let error = |wire: &[u8]| ResponseParser::new(false, BodyMode::Keep, LIMIT).feed(wire).unwrap_err();
        assert_eq!(error(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n"), r#"bad Content-Length "abc""#);
        assert!(
            error(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n").contains("multiple")
        );
        assert!(error(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n").contains("unsupported"));
        let mut parser = ResponseParser::new(false, BodyMode::Keep, 100);
        parser.feed(b"H").unwrap();
        assert!(
            parser.feed(&b"TTP/1.1 200 OK\r\nx: y".repeat(20)).unwrap_err().contains("exceeded 100 bytes")
        );
    }

    #[test]
    fn more_headers_than_fit_the_stack_are_read_too() {
        let mut wire = b"HTTP/1.1 200 OK\r\n".to_vec();
        for i in 0..200 {
            wire.extend_from_slice(format!("X-{i}: {i}\r\n").as_bytes());
        }
        wire.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        let (r, _) = parse(&wire);
        assert_eq!(r.head.iter().count(), 201);
        assert_eq!(r.head.get("x-199"), Some(&b"199"[..]));
    }

    proptest::proptest! {
        #[test]
        fn any_split_gives_the_same_response(cut in 0usize..120, chunked: bool, discard: bool) {
            let wire: &[u8] = if chunked {
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            } else {
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"
            };
            let cut = cut.clamp(1, wire.len() - 1);
            let mode = if discard { BodyMode::Discard } else { BodyMode::Keep };
            let mut parser = ResponseParser::new(false, mode, LIMIT);
            proptest::prop_assert_eq!(parser.feed(&wire[..cut]), Ok(Progress::Partial));
            proptest::prop_assert_eq!(parser.feed(&wire[cut..]), Ok(Progress::Done(wire.len() - cut)));
            let r = parser.take().unwrap();
            proptest::prop_assert_eq!(&r.body[..], if discard { &b""[..] } else { &b"abcde"[..] });
            proptest::prop_assert!(r.has_body && r.keep_alive);
        }

        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(0u8.., 0..100)) {
            for prefix in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
                let mut parser = ResponseParser::new(false, BodyMode::Keep, LIMIT);
                if parser.feed(prefix).is_ok() && parser.feed(&input).is_ok() {
                    let _ = parser.end();
                    if let Some(r) = parser.take() {
                        let _ = r.head.iter().count();
                    }
                }
            }
        }
    }
}
