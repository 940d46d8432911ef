//! URL and form encoding as `requests` and Python's `urllib.parse` do it.

/// Characters that `requests` leaves alone in a URL, beside letters and digits.
const URL_SAFE: &[u8] = b"!#$%&'()*+,/:;=?@[]~_.-";

/// Characters that never need an escape (RFC 3986 section 2.3), beside letters and digits.
const UNRESERVED: &[u8] = b"-._~";

/// Whether [`requote`] could change this URL; most URLs are plain.
pub fn needs_requoting(url: &str) -> bool {
    !url.bytes().all(|b| b != b'%' && (b.is_ascii_alphanumeric() || URL_SAFE.contains(&b)))
}

/// Escapes what may not stand in a URL, and takes needless escapes away: the form that goes onto the wire and into
/// names.
pub fn requote(url: &str) -> String {
    let valid = escapes_are_valid(url.as_bytes());
    let mut out = String::with_capacity(url.len() + 16);
    let bytes = url.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'%' && valid {
            let decoded = hex(bytes, at);
            if decoded.is_ascii_alphanumeric() || UNRESERVED.contains(&decoded) {
                out.push(char::from(decoded));
            } else {
                out.push_str(&url[at..at + 3]);
            }
            at += 3;
            continue;
        }
        // A stray percent sign makes every one of them a literal.
        if byte.is_ascii_alphanumeric() || (URL_SAFE.contains(&byte) && byte != b'%') {
            out.push(char::from(byte));
        } else {
            push_escape(&mut out, byte);
        }
        at += 1;
    }
    out
}

/// A URL whose path has no segments `.` and `..` any more, as `urllib3` prepares it; `None` if it has none.
pub fn without_dots(url: &str) -> Option<String> {
    if !url.contains("/.") {
        return None;
    }
    let authority = url.find("://").map_or(0, |at| at + 3);
    let path = authority + url[authority..].find(['/', '?', '#'])?;
    let end = url[path..].find(['?', '#']).map_or(url.len(), |at| path + at);
    let mut kept: Vec<&str> = Vec::new();
    let mut is_plain = true;
    for segment in url[path..end].split('/') {
        match segment {
            "." => is_plain = false,
            ".." => {
                is_plain = false;
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    if is_plain {
        return None;
    }
    if kept.first().is_none_or(|first| !first.is_empty()) {
        kept.insert(0, "");
    }
    if url[..end].ends_with("/.") || url[..end].ends_with("/..") {
        kept.push("");
    }
    Some([&url[..path], &kept.join("/"), &url[end..]].concat())
}

fn escapes_are_valid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn hex(bytes: &[u8], at: usize) -> u8 {
    let digit = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    digit(bytes[at + 1]) << 4 | digit(bytes[at + 2])
}

fn push_escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Pairs as `application/x-www-form-urlencoded`, which is also a query.
pub fn form_urlencode<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        push_plus(&mut out, key);
        out.push('=');
        push_plus(&mut out, value);
    }
    out
}

fn push_plus(out: &mut String, text: &[u8]) {
    for &byte in text {
        if byte == b' ' {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_escape(out, byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with requests 2.34 (`requests.utils.requote_uri`).
    #[test]
    fn urls_are_requoted_as_requests_does() {
        for (url, wire) in [
            ("http://h/a b", "http://h/a%20b"),
            ("http://h/%7Euser/%2f?q=%20", "http://h/~user/%2f?q=%20"),
            ("http://h/100%", "http://h/100%25"),
            ("http://h/100%?a=%20", "http://h/100%25?a=%2520"),
            ("http://h/é?x=\"{}\"", "http://h/%C3%A9?x=%22%7B%7D%22"),
        ] {
            assert_eq!(requote(url), wire);
            assert!(needs_requoting(url));
        }
        let plain = "http://h:80/a/b.c?x=1&y=[2]#f";
        assert!(!needs_requoting(plain) && requote(plain) == plain);
    }

    /// Observed on requests 2.34.
    #[test]
    fn dots_are_resolved_as_urllib3_does() {
        for (url, wire) in [
            ("http://h/a/../b/./c%2e%2e/x?q=/../z", "http://h/b/c%2e%2e/x?q=/../z"),
            ("http://h/../x", "http://h/x"),
            ("http://h//a//b/../c", "http://h//a//c"),
            ("http://h/a/b/..", "http://h/a/"),
            ("http://h/a/b/.#f/../g", "http://h/a/b/#f/../g"),
            ("http://h/..", "http://h/"),
        ] {
            assert_eq!(without_dots(url).as_deref(), Some(wire));
        }
        for url in
            ["http://h/a/..;/b", "http://h/.well-known/x", "http://h?/../x", "http://h", "http://h/%2e%2e/x"]
        {
            assert_eq!(without_dots(url), None);
        }
    }

    #[test]
    fn forms_escape_everything_but_the_unreserved() {
        let pairs: [(&[u8], &[u8]); 3] =
            [(b"a b", "é&=".as_bytes()), (b"t", b"2024-01-01 10:00:00"), (b"~", b"")];
        assert_eq!(form_urlencode(pairs), "a+b=%C3%A9%26%3D&t=2024-01-01+10%3A00%3A00&~=");
    }

    proptest::proptest! {
        #[test]
        fn requoting_is_stable(url in "[ -~é]{0,40}") {
            let once = requote(&url);
            proptest::prop_assert_eq!(requote(&once), once);
        }
    }
}
