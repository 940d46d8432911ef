//! What to send.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::compress::Algorithm;
use crate::cookie::CookieJar;
use crate::url::Url;

/// A request method: any token, as k6 allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `GET`
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// `HEAD`
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));
    /// `POST`
    pub const POST: Self = Self(Cow::Borrowed("POST"));

    /// A method by name, as it is to go onto the wire.
    pub fn new(name: &str) -> Self {
        const KNOWN: [&str; 9] =
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
        match KNOWN.iter().find(|known| **known == name) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the request may be sent again when a kept connection turns out to be dead.
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Whether a request without a body still says so with `Content-Length: 0`.
    pub(crate) fn expects_body(&self) -> bool {
        matches!(self.as_str(), "POST" | "PUT" | "PATCH")
    }

    /// Whether a body would be strange.
    pub(crate) fn only_asks(&self) -> bool {
        matches!(self.as_str(), "GET" | "HEAD")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many redirects to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectPolicy {
    /// At most this many.
    pub max: u32,
    /// The limit was not chosen by the user, who is therefore told when it is exceeded.
    pub is_default: bool,
}

impl Default for RedirectPolicy {
    fn default() -> Self {
        Self { max: 10, is_default: true }
    }
}

/// How to authenticate with the user and password in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// Basic if the URL names a user.
    #[default]
    Automatic,
    /// Digest (RFC 7616), after a challenge.
    Digest,
}

/// What becomes of the response's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyMode {
    /// It is kept, decompressed.
    #[default]
    Keep,
    /// It is read and thrown away.
    Discard,
    /// What has not come with the head is handed out as it arrives, from [`crate::Response::rest`]. A body with a
    /// content coding is kept instead, and so is one over HTTP/2.
    Stream,
}

/// How long single steps may take, as clients limit them that have no limit for the whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patience {
    /// Until a connection is there.
    pub connect: Option<Duration>,
    /// Without anything sent or received after that.
    pub silence: Option<Duration>,
}

/// A cookie for one request and its redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// It stands instead of the jar's cookies of that name, not before them.
    pub replace: bool,
}

/// Headers that many requests have in common, serialised once, for hosts that control the wire themselves
/// ([`crate::HeaderOrder::AsGiven`]).
#[derive(Debug, PartialEq, Eq)]
pub struct HeaderBlock {
    pub(crate) lines: Vec<u8>,
    pub(crate) has_user_agent: bool,
}

impl HeaderBlock {
    /// From names and values in the order of the wire. `None` if one is no valid header, or is one that the client
    /// decides about itself (`Host`, `Cookie` and what describes the message) or is not ASCII: such headers are each
    /// request's own. A block with `Authorization` is not for URLs with a user in them.
    pub fn new<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        const OWN: [&str; 5] = ["Host", "Cookie", "Content-Length", "Transfer-Encoding", "Trailer"];
        let mut block = Self { lines: Vec::new(), has_user_agent: false };
        for (name, value) in headers {
            let valid =
                !name.is_empty() && name.bytes().all(is_token) && is_field_value(value) && value.is_ascii();
            if !valid || OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                return None;
            }
            block.has_user_agent |= name.eq_ignore_ascii_case("User-Agent");
            block.lines.extend_from_slice(name.as_bytes());
            block.lines.extend_from_slice(b": ");
            block.lines.extend_from_slice(value.trim_matches([' ', '\t']).as_bytes());
            block.lines.extend_from_slice(b"\r\n");
        }
        Some(block)
    }
}

/// RFC 9110 section 5.5, as far as Go enforces it.
pub(crate) fn is_field_value(value: &str) -> bool {
    !value.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f)
}

/// The headers of a request, by k6's rules: one value per name, names in canonical case. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    block: Option<Rc<HeaderBlock>>,
    /// `None` before the first.
    lines: Option<Rc<Vec<(String, String)>>>,
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block && self.lines() == other.lines()
    }
}

impl Eq for Headers {}

impl Headers {
    /// No headers; allocates nothing.
    pub const fn new() -> Self {
        Self { block: None, lines: None }
    }

    /// Headers that begin with a block. The block is invisible to everything but the wire, and goes onto it only with
    /// [`crate::HeaderOrder::AsGiven`] and HTTP/1.1.
    pub fn with_block(block: Rc<HeaderBlock>) -> Self {
        Self { block: Some(block), lines: None }
    }

    /// Names and values as they go onto the wire: the block's, then the others.
    pub fn wire_lines(&self) -> Vec<(String, String)> {
        let block = self.block.as_deref().map_or(&[][..], |block| &block.lines);
        let text = String::from_utf8_lossy(block);
        let lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.chain(self.iter()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) fn block(&self) -> Option<&HeaderBlock> {
        self.block.as_deref()
    }

    fn lines(&self) -> &[(String, String)] {
        self.lines.as_deref().map_or(&[], Vec::as_slice)
    }

    fn lines_mut(&mut self) -> &mut Vec<(String, String)> {
        Rc::make_mut(self.lines.get_or_insert_default())
    }

    /// Sets a header under its canonical name; the last value wins.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = canonical_name(name);
        let value = value.into();
        let lines = self.lines_mut();
        match lines.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value,
            None => lines.push((name, value)),
        }
    }

    /// Appends a header as it is, in spelling and place, for hosts that control the wire themselves.
    pub fn append_verbatim(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.lines_mut().push((name.into(), value.into()));
    }

    /// The value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.lines().iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Removes a header, whatever the case of its name.
    pub fn remove(&mut self, name: &str) {
        if self.get(name).is_some() {
            self.lines_mut().retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        }
    }

    /// Name and value pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines().is_empty()
    }
}

/// A header name with capitals after each hyphen, as Go (and so k6) spells names; one that is no token
/// stays as it is.
pub fn canonical_name(name: &str) -> String {
    if !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut upper = true;
    name.chars()
        .map(|c| {
            let out = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            upper = c == '-';
            out
        })
        .collect()
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// By its length.
    #[default]
    Length,
    /// It is in the chunked transfer coding already (RFC 9112 section 7.1), which its head says. Only for hosts that speak
    /// HTTP/1.1.
    Chunked,
}

/// One request, with its redirects.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The user's headers. `Host` replaces the one made from the URL; `Content-Length` and
    /// `Transfer-Encoding` are ours and are ignored.
    pub headers: Headers,
    /// The body, sent with a `Content-Length`.
    pub body: Option<Bytes>,
    /// How the end of the body is told.
    pub framing: Framing,
    /// For the whole request, with redirects and body.
    pub timeout: Duration,
    /// Redirects to follow.
    pub redirects: RedirectPolicy,
    /// Authentication with the URL's user and password.
    pub auth: Auth,
    /// Compressions to apply to the body, in this order.
    pub compression: Vec<Algorithm>,
    /// What becomes of the response's body.
    pub body_mode: BodyMode,
    /// The cookies of the virtual user.
    pub jar: Option<Rc<RefCell<CookieJar>>>,
    /// Cookies for this request only; they come before the jar's.
    pub cookies: Vec<RequestCookie>,
    /// Limits for its steps, in place of `timeout`.
    pub patience: Option<Patience>,
    /// Without a body it says `Content-Length: 0` unless it is a GET or HEAD, as `requests` does (observed on Locust 2.47);
    /// otherwise only POST, PUT and PATCH say so.
    pub says_empty: bool,
}

impl Request {
    /// A request with k6's defaults.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: Headers::new(),
            body: None,
            framing: Framing::default(),
            timeout: Duration::from_mins(1),
            redirects: RedirectPolicy::default(),
            auth: Auth::default(),
            compression: Vec::new(),
            body_mode: BodyMode::default(),
            jar: None,
            cookies: Vec::new(),
            patience: None,
            says_empty: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed on k6 1.1.
    #[test]
    fn header_names_are_canonical_and_the_last_value_wins() {
        let mut headers = Headers::new();
        headers.set("x-a", "1");
        headers.set("X-A", "2");
        headers.set("b_c", "3");
        headers.set("a b", "4");
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("X-A", "2"), ("B_c", "3"), ("a b", "4")]);
    }

    #[test]
    fn a_block_takes_only_what_reads_the_same_in_every_request() {
        let block = |name, value| HeaderBlock::new([(name, value)].into_iter()).map(|block| block.lines);
        assert_eq!(block("x-a", "1").as_deref(), Some(&b"x-a: 1\r\n"[..]));
        for (name, value) in [("x-a", "\u{e9}"), ("x-a", "1\n2"), ("x a", "1"), ("cookie", "a=1")] {
            assert_eq!(block(name, value), None, "{name}: {value}");
        }
    }
}
