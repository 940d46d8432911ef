//! URLs as k6 understands them.
//!
//! k6 scripts are written against Go's `net/url`, which differs from the WHATWG rules in what goes onto
//! the wire: dot segments stay, a query is sent as it was written, and only a path that holds a forbidden
//! character is encoded again. So this is our own parser, from RFC 3986 and the observed behaviour of
//! k6 1.1. A parsed URL is one string and offsets behind an `Rc`, cheap to clone.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::rc::Rc;

/// Why a text is not a URL; the message is the one k6 shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {url:?}: {reason}")]
pub struct UrlError {
    /// The text.
    pub url: String,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    None,
    Number(u16),
    /// Digits that are no port number: an error only when dialling.
    TooLarge,
}

#[derive(Debug)]
struct Inner {
    text: String,
    scheme_end: usize,
    userinfo: Option<Range<usize>>,
    /// Host and port as in the Host header.
    authority: Range<usize>,
    /// The host alone, without brackets.
    host: Range<usize>,
    port: Port,
    /// From here to `fragment` is the request target, but for a leading slash that may be missing.
    path: usize,
    query: usize,
    fragment: usize,
}

/// A parsed URL.
#[derive(Clone)]
pub struct Url(Rc<Inner>);

/// The two schemes that can be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// The port when the URL names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Url {
    /// Parses an absolute URL or a relative reference.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse(text).map_err(|reason| UrlError { url: text.to_owned(), reason })
    }

    fn slice(&self, range: Range<usize>) -> &str {
        &self.0.text[range]
    }

    /// The whole URL, with the path encoded.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The scheme in lower case; empty for a relative reference.
    pub fn scheme_str(&self) -> &str {
        self.slice(0..self.0.scheme_end)
    }

    /// The scheme, if it is one of the two we speak.
    pub fn scheme(&self) -> Option<Scheme> {
        match self.scheme_str() {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        }
    }

    /// Whether the URL has a scheme.
    pub fn is_absolute(&self) -> bool {
        self.0.scheme_end > 0
    }

    /// The host without port and brackets.
    pub fn host(&self) -> &str {
        self.slice(self.0.host.clone())
    }

    /// Host and port as they go into the Host header.
    pub fn authority(&self) -> &str {
        self.slice(self.0.authority.clone())
    }

    /// The port, given or implied by the scheme. The error is the text after the host that is no port.
    pub fn port(&self) -> Result<u16, &str> {
        match self.0.port {
            Port::Number(port) => Ok(port),
            Port::None => Ok(self.scheme().map_or(0, Scheme::default_port)),
            Port::TooLarge => Err(self.authority().rsplit(':').next().unwrap_or_default()),
        }
    }

    /// The user and the password, decoded.
    pub fn credentials(&self) -> Option<(String, String)> {
        let userinfo = self.slice(self.0.userinfo.clone()?);
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let decode = |text| percent_decode(text).unwrap_or_else(|_| text.to_owned());
        Some((decode(user), decode(password)))
    }

    /// The encoded path; may be empty.
    pub fn path(&self) -> &str {
        self.slice(self.0.path..self.0.query)
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.slice(self.0.query..self.0.fragment).strip_prefix('?')
    }

    /// The fragment without its hash sign.
    pub fn fragment(&self) -> Option<&str> {
        self.slice(self.0.fragment..self.0.text.len()).strip_prefix('#')
    }

    /// Path and query, which go into the request line after a slash if they do not begin with one.
    pub fn target(&self) -> &str {
        self.slice(self.0.path..self.0.fragment)
    }

    /// The same URL without user and password.
    pub fn without_userinfo(&self) -> String {
        match &self.0.userinfo {
            Some(range) => format!("{}{}", &self.0.text[..range.start], &self.0.text[range.end + 1..]),
            None => self.0.text.clone(),
        }
    }

    /// The URL as k6 tags it: user and password masked.
    pub fn masked(&self) -> String {
        match &self.0.userinfo {
            Some(r) => format!("{}****:****{}", &self.0.text[..r.start], &self.0.text[r.end..]),
            None => self.0.text.clone(),
        }
    }

    /// The same URL with more in its query, which is taken as it is.
    #[must_use]
    pub fn with_more_query(&self, more: &str) -> Self {
        let inner = &*self.0;
        let mut text = String::with_capacity(inner.text.len() + 1 + more.len());
        text.push_str(&inner.text[..inner.fragment]);
        text.push(if inner.query < inner.fragment { '&' } else { '?' });
        text.push_str(more);
        let fragment = text.len();
        text.push_str(&inner.text[inner.fragment..]);
        Self(Rc::new(Inner {
            text,
            userinfo: inner.userinfo.clone(),
            authority: inner.authority.clone(),
            host: inner.host.clone(),
            fragment,
            ..*inner
        }))
    }

    /// Resolves a reference against this URL (RFC 3986 section 5.2).
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let r = Self::parse(reference)?;
        if r.is_absolute() && r.0.authority.is_empty() {
            return Ok(r);
        }
        let fragment = r.fragment().map(|f| format!("#{f}")).unwrap_or_default();
        let query = |url: &Self| url.query().map(|q| format!("?{q}")).unwrap_or_default();
        // An empty path stays empty, as in Go, where RFC 3986 does not ask for a slash either.
        let own_path = |r: &Self| if r.path().is_empty() { String::new() } else { remove_dots(r.path()) };
        let (prefix, path, query) = if r.is_absolute() {
            (r.0.text[..r.0.path].to_owned(), own_path(&r), query(&r))
        } else if !r.0.authority.is_empty() {
            let prefix = format!("{}:{}", self.scheme_str(), &r.0.text[..r.0.path]);
            (prefix, own_path(&r), query(&r))
        } else {
            let prefix = self.0.text[..self.0.path].to_owned();
            if r.path().is_empty() {
                let query = if r.query().is_some() { query(&r) } else { query(self) };
                (prefix, self.path().to_owned(), query)
            } else if r.path().starts_with('/') {
                (prefix, remove_dots(r.path()), query(&r))
            } else {
                let base = self.path().rfind('/').map_or("/", |i| &self.path()[..=i]);
                (prefix, remove_dots(&format!("{base}{}", r.path())), query(&r))
            }
        };
        Self::parse(&format!("{prefix}{path}{query}{fragment}"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({:?})", self.masked())
    }
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Url {}

/// The scheme and what follows its colon.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (i, c) in text.bytes().enumerate() {
        match c {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse(text: &str) -> Result<Url, String> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (before_fragment, fragment) = match text.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (text, None),
    };
    check_escapes(fragment.unwrap_or_default())?;
    let (scheme, rest) = split_scheme(before_fragment)?;
    let (hierarchy, query) = match rest.split_once('?') {
        Some((hierarchy, query)) => (hierarchy, Some(query)),
        None => (rest, None),
    };

    let mut out = String::with_capacity(text.len() + 1);
    out.push_str(scheme);
    out.make_ascii_lowercase();
    let scheme_end = out.len();
    if scheme_end > 0 {
        out.push(':');
    }
    let mut userinfo = None;
    let mut authority = out.len()..out.len();
    let mut host = authority.clone();
    let mut port = Port::None;
    let path = if let Some(rest) = hierarchy.strip_prefix("//") {
        let (full, path) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
        out.push_str("//");
        let host_port = if let Some((user, host_port)) = full.rsplit_once('@') {
            if !user.bytes().all(is_userinfo) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            check_escapes(user)?;
            let start = out.len();
            out.push_str(user);
            userinfo = Some(start..out.len());
            out.push('@');
            host_port
        } else {
            full
        };
        let (name, digits) = split_port(host_port)?;
        let start = out.len();
        push_host(&mut out, name)?;
        host = start..out.len();
        if name.starts_with('[') {
            host = start + 1..out.len() - 1;
        }
        port = match digits {
            None | Some("") => Port::None,
            Some(digits) => digits.parse().map_or(Port::TooLarge, Port::Number),
        };
        if let Some(digits) = digits.filter(|d| !d.is_empty()) {
            out.push(':');
            out.push_str(digits);
        }
        authority = start..out.len();
        path
    } else {
        if scheme.is_empty() && hierarchy.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        hierarchy
    };
    let path_start = out.len();
    push_path(&mut out, path)?;
    let query_start = out.len();
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    let fragment_start = out.len();
    if let Some(fragment) = fragment.filter(|f| !f.is_empty()) {
        out.push('#');
        out.push_str(fragment);
    }
    Ok(Url(Rc::new(Inner {
        text: out,
        scheme_end,
        userinfo,
        authority,
        host,
        port,
        path: path_start,
        query: query_start,
        fragment: fragment_start,
    })))
}

fn split_port(host_port: &str) -> Result<(&str, Option<&str>), String> {
    let (name, rest) = if host_port.starts_with('[') {
        let end = host_port.rfind(']').ok_or("missing ']' in host")?;
        host_port.split_at(end + 1)
    } else {
        host_port.rfind(':').map_or((host_port, ""), |i| host_port.split_at(i))
    };
    // Go finds this out only when it dials; an IPv6 address stands in brackets (RFC 3986 section 3.2.2).
    if !name.starts_with('[') && name.contains(':') {
        return Err(format!("too many colons in host {host_port:?}"));
    }
    match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Ok((name, Some(digits))),
        None if rest.is_empty() => Ok((name, None)),
        _ => Err(format!("invalid port {rest:?} after host")),
    }
}

/// Appends a host name, in punycode where it is not ASCII.
fn push_host(out: &mut String, name: &str) -> Result<(), String> {
    for c in name.chars().filter(char::is_ascii) {
        let allowed = c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
        if !allowed {
            return Err(format!("invalid character {:?} in host name", c.to_string()));
        }
    }
    if let Some(i) = name.find('%') {
        // A zone (RFC 6874) is the only escape a host may have; without an interface it cannot be dialled.
        let escape: String = name[i..].chars().take(3).collect();
        return Err(format!("invalid URL escape {escape:?}"));
    }
    if name.is_ascii() {
        out.push_str(name);
        return Ok(());
    }
    for (i, label) in name.to_lowercase().split(['.', '\u{3002}']).enumerate() {
        if i > 0 {
            out.push('.');
        }
        if label.is_ascii() {
            out.push_str(label);
        } else {
            out.push_str("xn--");
            push_punycode(out, label);
        }
    }
    Ok(())
}

/// RFC 3492 with the parameters of section 5.
fn push_punycode(out: &mut String, label: &str) {
    let digit = |d: u32| char::from(if d < 26 { b'a' + d as u8 } else { b'0' + (d - 26) as u8 });
    let adapt = |mut delta: u32, points: u32, first: bool| {
        delta = if first { delta / 700 } else { delta / 2 };
        delta += delta / points;
        let mut k = 0;
        while delta > 455 {
            delta /= 35;
            k += 36;
        }
        k + 36 * delta / (delta + 38)
    };
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let basic = label.chars().filter(char::is_ascii).count() as u32;
    out.extend(label.chars().filter(char::is_ascii));
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (128u32, 0u32, 72u32, basic);
    while (done as usize) < points.len() {
        let Some(next) = points.iter().copied().filter(|&c| c >= n).min() else { return };
        delta = delta.saturating_add((next - n).saturating_mul(done + 1));
        n = next;
        for &c in &points {
            if c < n {
                delta += 1;
            }
            if c == n {
                let (mut q, mut k) = (delta, 36);
                loop {
                    let t = if k <= bias { 1 } else { (k - bias).min(26) };
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t)));
                    q = (q - t) / (36 - t);
                    k += 36;
                }
                out.push(digit(q));
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta += 1;
        n += 1;
    }
}

fn is_userinfo(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut i = 0;
    while let Some(offset) = bytes[i..].iter().position(|&b| b == b'%') {
        i += offset;
        if bytes.len() < i + 3 || !bytes[i + 1].is_ascii_hexdigit() || !bytes[i + 2].is_ascii_hexdigit() {
            let end = (i + 3).min(bytes.len());
            return Err(format!("invalid URL escape {:?}", String::from_utf8_lossy(&bytes[i..end])));
        }
        i += 3;
    }
    Ok(())
}

fn decode_bytes(text: &str) -> Result<Vec<u8>, String> {
    check_escapes(text)?;
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = |b: u8| char::from(b).to_digit(16).unwrap_or_default() as u8;
            out.push(hex(bytes[i + 1]) << 4 | hex(bytes[i + 2]));
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    Ok(out)
}

fn percent_decode(text: &str) -> Result<String, String> {
    decode_bytes(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Appends a path: as it is if all its characters may stand there, else decoded and encoded afresh.
fn push_path(out: &mut String, path: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&b);
    check_escapes(path)?;
    if path.bytes().all(|b| plain(b) || b"!'()*[]%".contains(&b)) {
        out.push_str(path);
        return Ok(());
    }
    for b in decode_bytes(path)? {
        if plain(b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    Ok(())
}

/// RFC 3986 section 5.2.4, with a leading slash in any case.
fn remove_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let last = segments.len() - 1;
    for (i, segment) in segments.iter().enumerate() {
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    out.pop();
                }
                if i == last {
                    out.push("");
                }
            }
            other => out.push(other),
        }
    }
    format!("/{}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_parts_of_a_full_url_are_found() {
        let u = url("HTTPS://us%20er:p%40ss@Example.com:8443/a/b?c=d#e");
        assert_eq!(u.scheme(), Some(Scheme::Https));
        assert_eq!(u.host(), "Example.com");
        assert_eq!(u.authority(), "Example.com:8443");
        assert_eq!(u.port(), Ok(8443));
        assert_eq!(u.credentials(), Some(("us er".into(), "p@ss".into())));
        assert_eq!((u.path(), u.query(), u.fragment()), ("/a/b", Some("c=d"), Some("e")));
        assert_eq!(u.target(), "/a/b?c=d");
        assert_eq!(u.masked(), "https://****:****@Example.com:8443/a/b?c=d#e");
        assert_eq!(u.without_userinfo(), "https://Example.com:8443/a/b?c=d#e");
    }

    #[test]
    fn a_query_grows_before_the_fragment() {
        for (before, after) in [
            ("http://u:p@h:1/a", "http://u:p@h:1/a?x=1&y=2"),
            ("http://h/a?b#c?d", "http://h/a?b&x=1&y=2#c?d"),
            ("http://h", "http://h?x=1&y=2"),
        ] {
            let grown = url(before).with_more_query("x=1&y=2");
            assert_eq!(grown.as_str(), after);
            assert_eq!(grown.0.fragment, url(after).0.fragment);
            assert_eq!((grown.target(), grown.host()), (url(after).target(), "h"));
        }
    }

    /// Observed on k6 1.1.
    #[test]
    fn paths_and_queries_reach_the_wire_as_with_k6() {
        assert_eq!(url("http://h/a b?c d=é#frag").as_str(), "http://h/a%20b?c d=é#frag");
        assert_eq!(url("http://h/a/../b/./c").target(), "/a/../b/./c");
        assert_eq!(url("http://h/é\"<>`{}|\\^").target(), "/%C3%A9%22%3C%3E%60%7B%7D%7C%5C%5E");
        assert_eq!(url("http://h?x=1").target(), "?x=1");
        assert_eq!(url("http://h").as_str(), "http://h");
        assert_eq!(url("http://h/(a)!*'").target(), "/(a)!*'");
    }

    /// Observed on k6 1.1.
    #[test]
    fn errors_read_as_with_k6() {
        let error = |text| Url::parse(text).unwrap_err().to_string();
        assert_eq!(error("http://a b/"), r#"parse "http://a b/": invalid character " " in host name"#);
        assert_eq!(error("http://h/%zz"), r#"parse "http://h/%zz": invalid URL escape "%zz""#);
        assert_eq!(
            error("http://foo.bar:bad/"),
            r#"parse "http://foo.bar:bad/": invalid port ":bad" after host"#
        );
        assert_eq!(error("://"), r#"parse "://": missing protocol scheme"#);
        assert_eq!(url("http://127.0.0.1:99999/").port(), Err("99999"));
    }

    #[test]
    fn ipv6_literals_lose_their_brackets_only_for_dialling() {
        let u = url("http://[::1]:8080/");
        assert_eq!((u.host(), u.authority(), u.port()), ("::1", "[::1]:8080", Ok(8080)));
        assert_eq!(url("http://[::1]/").port(), Ok(80));
    }

    #[test]
    fn international_names_become_punycode() {
        assert_eq!(url("http://bücher.example/").host(), "xn--bcher-kva.example");
        assert_eq!(url("http://例え.jp/").host(), "xn--r8jz45g.jp");
    }

    #[test]
    fn references_resolve_as_in_rfc_3986() {
        let base = url("http://u:p@a/b/c/d;p?q");
        for (reference, expected) in [
            ("g", "http://u:p@a/b/c/g"),
            ("./g/.", "http://u:p@a/b/c/g/"),
            ("/g", "http://u:p@a/g"),
            ("//g", "http://g"),
            ("?y", "http://u:p@a/b/c/d;p?y"),
            ("g#s", "http://u:p@a/b/c/g#s"),
            ("", "http://u:p@a/b/c/d;p?q"),
            ("../../../g", "http://u:p@a/g"),
            ("https://x/y?z", "https://x/y?z"),
        ] {
            assert_eq!(base.join(reference).unwrap().as_str(), expected, "{reference}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in "\\PC{0,40}") {
            for text in [text.clone(), format!("http://{text}"), format!("http://h/{text}")] {
                if let Ok(parsed) = Url::parse(&text) {
                    let again = Url::parse(parsed.as_str());
                    if parsed.scheme().is_some() {
                        proptest::prop_assert_eq!(again.unwrap(), parsed.clone());
                    }
                    let _ = (parsed.port(), parsed.credentials(), parsed.masked(), parsed.join("../x"));
                }
            }
        }
    }
}
