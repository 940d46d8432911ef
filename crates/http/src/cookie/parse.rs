//! Reading `Set-Cookie` and writing `Cookie`.

use super::date::parse_http_date;
use crate::request::is_token;

/// A cookie as a server, or a script, sets it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
    /// The value was in quotes, and is sent so.
    pub quoted: bool,
    /// The `Domain` attribute; empty for this host only.
    pub domain: String,
    /// The `Path` attribute; empty for the directory of the request.
    pub path: String,
    /// The `Expires` attribute, in seconds since the Unix epoch.
    pub expires: Option<i64>,
    /// The `Max-Age` attribute in seconds; 0 for none, negative for "delete it now".
    pub max_age: i64,
    /// The `Secure` attribute.
    pub secure: bool,
    /// The `HttpOnly` attribute.
    pub http_only: bool,
}

impl SetCookie {
    /// Parses the value of a `Set-Cookie` header; `None` if it is not one that Go would accept.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(header);
        let mut parts = text.split(';').map(|part| part.trim_matches([' ', '\t']));
        let (name, value) = parts.next()?.split_once('=')?;
        let name = name.trim_matches([' ', '\t']);
        let (value, quoted) = parse_value(value, true)?;
        if !is_name(name) {
            return None;
        }
        let mut cookie = Self { name: name.to_owned(), value: value.to_owned(), quoted, ..Self::default() };
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let Some((value, _)) = parse_value(value, false) else { continue };
            match key.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
                "expires" => cookie.expires = parse_http_date(value),
                "max-age" => {
                    if let Ok(seconds) = value.parse::<i64>()
                        && (seconds == 0 || !value.starts_with('0'))
                    {
                        cookie.max_age = if seconds <= 0 { -1 } else { seconds };
                    }
                }
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "domain" => value.clone_into(&mut cookie.domain),
                "path" => value.clone_into(&mut cookie.path),
                _ => {}
            }
        }
        Some(cookie)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_token)
}

fn is_value_byte(b: u8) -> bool {
    (0x20..0x7f).contains(&b) && b != b'"' && b != b';' && b != b'\\'
}

fn parse_value(text: &str, allow_quotes: bool) -> Option<(&str, bool)> {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|_| allow_quotes);
    let (value, quoted) = inner.map_or((text, false), |inner| (inner, true));
    value.bytes().all(is_value_byte).then_some((value, quoted))
}

/// Whether a script's cookie can be sent at all.
pub(crate) fn is_cookie_pair(name: &str) -> bool {
    is_name(name)
}

/// Appends `name=value` to a `Cookie` header, as Go does: bytes that may not stand there are dropped, and
/// a value with a space or a comma is put in quotes.
pub(crate) fn push_pair(out: &mut String, name: &str, value: &str, quoted: bool) {
    if !out.is_empty() {
        out.push_str("; ");
    }
    out.push_str(name);
    out.push('=');
    let quoted = quoted || value.contains([' ', ',']);
    if quoted {
        out.push('"');
    }
    out.extend(value.bytes().filter(|b| is_value_byte(*b)).map(char::from));
    if quoted {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed on k6 1.1.
    #[test]
    fn attributes_are_read() {
        let c = SetCookie::parse(
            b"c=\"d e\"; HttpOnly; Secure; Max-Age=10; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Domain=localhost",
        )
        .unwrap();
        assert_eq!((c.name.as_str(), c.value.as_str(), c.quoted), ("c", "d e", true));
        assert_eq!((c.secure, c.http_only, c.max_age), (true, true, 10));
        assert_eq!((c.expires, c.domain.as_str()), (Some(4_096_250_880), "localhost"));
    }

    #[test]
    fn what_is_no_cookie_is_ignored() {
        for text in [&b"novalue"[..], b"=x", b"a b=c", b"a=\x01", b""] {
            assert_eq!(SetCookie::parse(text), None, "{text:?}");
        }
    }

    /// Observed on k6 1.1.
    #[test]
    fn pairs_are_sanitised_on_the_way_out() {
        let mut out = String::new();
        push_pair(&mut out, "a", "over", false);
        push_pair(&mut out, "b", "x y;\"", false);
        assert_eq!(out, "a=over; b=\"x y\"");
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(header in proptest::collection::vec(0u8.., 0..80)) {
            let _ = SetCookie::parse(&header);
        }
    }
}
