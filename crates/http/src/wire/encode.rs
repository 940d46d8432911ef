//! Writing a request head.
//!
//! The order is Go's, and so k6's: `Host`, `User-Agent`, `Content-Length`, then everything else sorted by
//! name. A host that speaks for another client (Locust) gives its headers in the order it wants instead.

use smallvec::SmallVec;

use crate::config::HeaderOrder;
use crate::error::RequestError;
use crate::request::{Framing, Headers, Method, is_field_value, is_token};
use crate::url::Url;

/// Everything that goes into one request head.
#[derive(Debug)]
pub(crate) struct WireRequest<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a Headers,
    /// The default; an explicit header, even an empty one, wins.
    pub(crate) user_agent: Option<&'a str>,
    /// Our own headers, canonical names; they win over the user's of the same name.
    pub(crate) extra: &'a [(&'static str, String)],
    pub(crate) body_len: Option<usize>,
    /// As in [`crate::Request`].
    pub(crate) framing: Framing,
    /// As in [`crate::Request`].
    pub(crate) says_empty: bool,
    /// The whole URL in the request line, for a proxy.
    pub(crate) absolute_form: bool,
    /// For that proxy.
    pub(crate) proxy_authorization: Option<&'a str>,
    /// Say that this connection will not be used again.
    pub(crate) close: bool,
    pub(crate) order: HeaderOrder,
}

impl WireRequest<'_> {
    /// Checks what a script may have got wrong, with Go's texts.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        let method = self.method.as_str();
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(RequestError::generic(format!("net/http: invalid method {method:?}")));
        }
        for (name, value) in self.headers.iter() {
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(RequestError::generic(format!("net/http: invalid header field name {name:?}")));
            }
            if !is_field_value(value) {
                return Err(RequestError::generic(format!(
                    "net/http: invalid header field value for {name:?}"
                )));
            }
        }
        Ok(())
    }
}

/// Appends the request head to `out`.
pub(crate) fn encode_request(out: &mut Vec<u8>, request: &WireRequest<'_>) {
    let url = request.url;
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b' ');
    if request.absolute_form {
        out.extend_from_slice(url.scheme_str().as_bytes());
        out.extend_from_slice(b"://");
        out.extend_from_slice(url.authority().as_bytes());
    }
    let target = url.target();
    if !target.starts_with('/') {
        out.push(b'/');
    }
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let host = request.headers.get("Host").filter(|h| !h.is_empty()).unwrap_or(url.authority());
    line(out, "Host", host);
    if let Some(authorization) = request.proxy_authorization {
        line(out, "Proxy-Authorization", authorization);
    }
    if request.order == HeaderOrder::AsGiven {
        encode_as_given(out, request);
        return;
    }
    match request.headers.get("User-Agent") {
        Some("") => {}
        Some(agent) => line(out, "User-Agent", agent),
        None => {
            if let Some(agent) = request.user_agent {
                line(out, "User-Agent", agent);
            }
        }
    }
    content_length(out, request);
    if !request.headers.is_empty() || !request.extra.is_empty() {
        let mut lines: SmallVec<[(&str, &str); 16]> = request
            .headers
            .iter()
            .filter(|(name, _)| !is_ours(name) && !name.eq_ignore_ascii_case("User-Agent"))
            .filter(|(name, _)| !request.extra.iter().any(|(n, _)| n == name))
            .collect();
        lines.extend(request.extra.iter().map(|(name, value)| (*name, value.as_str())));
        lines.sort_by_key(|(name, _)| *name);
        for (name, value) in lines {
            line(out, name, value);
        }
    }
    if request.close && request.headers.get("Connection").is_none() {
        line(out, "Connection", "close");
    }
    out.extend_from_slice(b"\r\n");
}

fn encode_as_given(out: &mut Vec<u8>, request: &WireRequest<'_>) {
    let block = request.headers.block();
    let has_user_agent =
        block.is_some_and(|b| b.has_user_agent) || request.headers.get("User-Agent").is_some();
    if let Some(agent) = request.user_agent.filter(|_| !has_user_agent) {
        line(out, "User-Agent", agent);
    }
    if let Some(block) = block {
        out.extend_from_slice(&block.lines);
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !is_ours(name)) {
        if !request.extra.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            latin1_line(out, name, value);
        }
    }
    for (name, value) in request.extra {
        line(out, name, value);
    }
    content_length(out, request);
    if request.close && request.headers.get("Connection").is_none() {
        line(out, "Connection", "close");
    }
    out.extend_from_slice(b"\r\n");
}

fn content_length(out: &mut Vec<u8>, request: &WireRequest<'_>) {
    if request.framing == Framing::Chunked {
        return line(out, "Transfer-Encoding", "chunked");
    }
    let length = match request.body_len {
        Some(0) | None if !says_empty(request) => return,
        length => length.unwrap_or(0),
    };
    out.extend_from_slice(b"Content-Length: ");
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = length;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

fn says_empty(request: &WireRequest<'_>) -> bool {
    request.method.expects_body() || (request.says_empty && !request.method.only_asks())
}

/// Headers that describe the message itself and are therefore not the user's to set.
fn is_ours(name: &str) -> bool {
    ["Host", "Content-Length", "Transfer-Encoding", "Trailer"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

/// A header in Latin-1 where that is possible, as Python's clients write it (observed on Locust 2.47).
fn latin1_line(out: &mut Vec<u8>, name: &str, value: &str) {
    if value.is_ascii() || value.chars().any(|c| c > '\u{ff}') {
        return line(out, name, value);
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.trim_matches([' ', '\t']).chars().map(|c| c as u8));
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.trim_matches([' ', '\t']).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(method: &str, url: &str, headers: &[(&str, &str)], body_len: Option<usize>) -> String {
        let mut map = Headers::new();
        for (name, value) in headers {
            map.set(name, *value);
        }
        let mut out = Vec::new();
        let request = WireRequest {
            method: &Method::new(method),
            url: &Url::parse(url).unwrap(),
            headers: &map,
            user_agent: Some("Grafana k6/1.1.0"),
            extra: &[],
            body_len,
            framing: Framing::Length,
            says_empty: false,
            absolute_form: false,
            proxy_authorization: None,
            close: false,
            order: HeaderOrder::Sorted,
        };
        encode_request(&mut out, &request);
        String::from_utf8(out).unwrap()
    }

    /// Observed on k6 1.1.
    #[test]
    fn the_default_head_is_k6s() {
        assert_eq!(
            encode("GET", "http://127.0.0.1:39471?x=1", &[], None),
            "GET /?x=1 HTTP/1.1\r\nHost: 127.0.0.1:39471\r\nUser-Agent: Grafana k6/1.1.0\r\n\r\n"
        );
    }

    /// Observed on k6 1.1.
    #[test]
    fn headers_are_sorted_after_the_fixed_ones() {
        let headers =
            [("Host", "foo.bar"), ("x-a", "1"), ("User-Agent", "me"), ("b_c", "é"), ("accept", "*/*")];
        assert_eq!(
            encode("GET", "http://h/x", &headers, None),
            "GET /x HTTP/1.1\r\nHost: foo.bar\r\nUser-Agent: me\r\nAccept: */*\r\nB_c: é\r\nX-A: 1\r\n\r\n"
        );
        assert_eq!(
            encode(
                "POST",
                "http://h/x",
                &[("Content-Length", "77"), ("Content-Type", "text/plain")],
                Some(4)
            ),
            "POST /x HTTP/1.1\r\nHost: h\r\nUser-Agent: Grafana k6/1.1.0\r\nContent-Length: 4\r\n\
             Content-Type: text/plain\r\n\r\n"
        );
    }

    #[test]
    fn a_body_in_chunks_says_so_instead_of_its_length() {
        let mut headers = Headers::new();
        headers.append_verbatim("Content-Length", "7");
        let mut out = Vec::new();
        let request = WireRequest {
            method: &Method::POST,
            url: &Url::parse("http://h/x").unwrap(),
            headers: &headers,
            user_agent: None,
            extra: &[],
            body_len: Some(5),
            framing: Framing::Chunked,
            says_empty: true,
            absolute_form: false,
            proxy_authorization: None,
            close: false,
            order: HeaderOrder::AsGiven,
        };
        encode_request(&mut out, &request);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    }

    /// Observed on Locust 2.47; what Latin-1 has not goes out as UTF-8.
    #[test]
    fn what_is_as_given_is_in_latin_1() {
        let url = Url::parse("http://h/x").unwrap();
        let mut headers = Headers::new();
        for value in ["caf\u{e9} ", "caf\u{c3}\u{a9}", "\u{20ac}\u{e9}"] {
            headers.append_verbatim("x", value);
        }
        let mut out = Vec::new();
        let request = WireRequest {
            method: &Method::GET,
            url: &url,
            headers: &headers,
            user_agent: None,
            extra: &[],
            body_len: None,
            framing: Framing::Length,
            says_empty: false,
            absolute_form: false,
            proxy_authorization: None,
            close: false,
            order: HeaderOrder::AsGiven,
        };
        encode_request(&mut out, &request);
        let head =
            b"GET /x HTTP/1.1\r\nHost: h\r\nx: caf\xe9\r\nx: caf\xc3\xa9\r\nx: \xe2\x82\xac\xc3\xa9\r\n\r\n";
        assert_eq!(out, head);
    }

    /// Observed on k6 1.1: only POST and PUT (and PATCH) announce an empty body.
    #[test]
    fn an_empty_body_is_announced_only_where_one_is_expected() {
        assert!(encode("POST", "http://h/", &[], None).contains("Content-Length: 0\r\n"));
        assert!(encode("PUT", "http://h/", &[], Some(0)).contains("Content-Length: 0\r\n"));
        assert!(!encode("DELETE", "http://h/", &[], None).contains("Content-Length"));
        assert!(encode("foo", "http://h/", &[], Some(1)).starts_with("foo / HTTP/1.1\r\n"));
    }
}
