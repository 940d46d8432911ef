//! What came back, and what it took.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::error::RequestError;
use crate::request::Method;
use crate::stream::BodyStream;
use crate::url::Url;

/// The protocol of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proto {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl Proto {
    /// The `proto` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    /// k6's name, as in the `tls_version` tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }
}

/// What TLS agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsInfo {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite by its IANA name.
    pub cipher_suite: &'static str,
}

/// The phases of one request on the wire.
///
/// `http_req_duration` is `sending + waiting + receiving`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// Until a connection was at hand. Observed on k6 1.1: it includes the lookup of the name,
    /// `connecting` and `tls_handshaking`.
    pub blocked: Duration,
    /// The part of `blocked` that was the name's lookup. k6 always reports zero here.
    pub looking_up: Duration,
    /// TCP's handshake.
    pub connecting: Duration,
    /// TLS' handshake.
    pub tls_handshaking: Duration,
    /// Writing the request.
    pub sending: Duration,
    /// From the end of writing to the first byte of the response, by the kernel's clock where possible.
    pub waiting: Duration,
    /// From the first byte of the response to its end.
    pub receiving: Duration,
}

impl Timings {
    /// What k6 calls the duration of a request.
    pub fn duration(&self) -> Duration {
        self.sending + self.waiting + self.receiving
    }
}

/// One request on the wire: a redirect or an answered challenge makes another one.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Its method.
    pub method: Method,
    /// Its URL.
    pub url: Url,
    /// The response's status, 0 if there was none.
    pub status: u16,
    /// The response's protocol.
    pub proto: Option<Proto>,
    /// TLS' version, if TLS was used.
    pub tls_version: Option<TlsVersion>,
    /// The phases.
    pub timings: Timings,
    /// k6's `error_code`, which responses of 400 and above have too.
    pub error_code: Option<u16>,
    /// k6's `error`.
    pub error: Option<String>,
    /// The peer.
    pub remote_addr: Option<SocketAddr>,
    /// An idle connection was used again.
    pub reused_connection: bool,
    /// When it ended, in nanoseconds since the Unix epoch.
    pub ended_at: u64,
}

/// Something the user should be told that is no failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The default number of redirects was exceeded, and the last redirection returned.
    TooManyRedirects {
        /// Requests made.
        requests: u32,
    },
}

/// What [`crate::Client::send`] returns.
#[derive(Debug)]
pub struct Outcome {
    /// Every request that went onto the wire, in order.
    pub hops: SmallVec<[Hop; 1]>,
    /// The last response, or why there is none.
    pub result: Result<Response, RequestError>,
    /// Something to tell the user.
    pub warning: Option<Warning>,
}

/// The head of a response: its bytes, and the parts of it that were looked at on arrival.
///
/// Headers stay unparsed text until they are asked for, as most load tests only look at the status.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub(crate) raw: Box<[u8]>,
    pub(crate) reason: Range<u32>,
    /// The header block, without the status line and the empty line.
    pub(crate) fields: Range<u32>,
}

impl Head {
    /// A head that did not come as one, written as a peer of HTTP/1.1 would have written it.
    pub fn made_up<'a>(
        protocol: &str,
        status: u16,
        reason: &[u8],
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Self {
        let mut raw = format!("{protocol} {status} ").into_bytes();
        let said = raw.len() as u32..(raw.len() + reason.len()) as u32;
        raw.extend_from_slice(reason);
        raw.extend_from_slice(b"\r\n");
        let start = raw.len() as u32;
        for (name, value) in fields {
            for part in [name, b": ", value, b"\r\n"] {
                raw.extend_from_slice(part);
            }
        }
        let fields = start..raw.len() as u32;
        Self { raw: raw.into_boxed_slice(), reason: said, fields }
    }

    /// Head lines as received, without the final empty line. Made up for HTTP/2.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The reason phrase.
    pub fn reason(&self) -> &[u8] {
        &self.raw[self.reason.start as usize..self.reason.end as usize]
    }

    /// Names and values in the order of arrival.
    pub fn iter(&self) -> HeaderIter<'_> {
        HeaderIter { rest: &self.raw[self.fields.start as usize..self.fields.end as usize] }
    }

    /// The first value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// All values of a header, whatever the case of its name.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v)
    }
}

impl<'a> IntoIterator for &'a Head {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = HeaderIter<'a>;

    fn into_iter(self) -> HeaderIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({:?})", String::from_utf8_lossy(&self.raw))
    }
}

/// The headers of a response, from [`Head::iter`].
#[derive(Debug, Clone)]
pub struct HeaderIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            // The block was checked on arrival; continuation lines (RFC 9112 section 5.2) belong to the
            // value.
            let mut end = 0;
            loop {
                end += self.rest[end..]
                    .iter()
                    .position(|&b| b == b'\n')
                    .map_or(self.rest.len() - end, |i| i + 1);
                if !matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                    break;
                }
            }
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest;
            let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
            return Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()));
        }
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The protocol.
    pub proto: Proto,
    /// Where it came from: the last URL after redirects.
    pub url: Url,
    /// The reason phrase and the headers.
    pub head: Head,
    /// The body, decompressed; empty if it was discarded.
    pub body: Bytes,
    /// There was a body: the status and the method allow one and its length was not zero.
    pub has_body: bool,
    /// The peer.
    pub remote_addr: SocketAddr,
    /// TLS, if it was used.
    pub tls: Option<TlsInfo>,
    /// There is a `Set-Cookie` among the headers.
    pub sets_cookies: bool,
    /// What is still to come of the body, for [`crate::BodyMode::Stream`].
    pub rest: Option<Box<BodyStream>>,
}

impl Response {
    /// k6's `status_text`: the number and the phrase.
    pub fn status_text(&self) -> String {
        let reason = String::from_utf8_lossy(self.head.reason());
        if reason.is_empty() { self.status.to_string() } else { format!("{} {reason}", self.status) }
    }
}
