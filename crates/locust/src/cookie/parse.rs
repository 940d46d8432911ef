//! `Set-Cookie` as Python reads it: name and value are whatever stands there, quotes and all.

/// What a server says of a cookie. Of an attribute that is there twice the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetCookie {
    pub(super) name: String,
    /// `None` without an equals sign.
    pub(super) value: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    pub(super) max_age: Option<MaxAge>,
    /// Seconds since the Unix epoch.
    pub(super) expires: Option<i64>,
    pub(super) secure: bool,
    /// It ends with the session whatever its age.
    pub(super) discard: bool,
    /// The other attributes with their names as they were written.
    pub(super) rest: Vec<(String, Option<String>)>,
}

/// How long a cookie lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxAge {
    /// It is to be removed.
    Over,
    /// For so many seconds.
    Seconds(i64),
}

impl SetCookie {
    /// Parses the value of a `Set-Cookie` header, as Latin-1, with a function that reads dates; `None` if Python takes no
    /// cookie from it.
    pub fn parse(header: &[u8], date: impl Fn(&str) -> Option<i64>) -> Option<Self> {
        let text: String = header.iter().map(|b| char::from(*b)).collect();
        let mut parts = text.split(';').map(pair);
        let (name, value) = parts.next()?;
        if name.is_empty() {
            return None;
        }
        let mut cookie = Self { name: name.to_owned(), value: value.map(str::to_owned), ..Self::default() };
        for (name, value) in parts {
            match name.to_ascii_lowercase().as_str() {
                "" | "version" | "port" | "comment" | "commenturl" => {}
                "discard" => cookie.discard = true,
                "secure" => cookie.secure = true,
                // One of these without a value makes it no cookie.
                "domain" => first(&mut cookie.domain, value?.to_owned()),
                "path" => first(&mut cookie.path, value?.to_owned()),
                "expires" => {
                    if let Some(at) = value.and_then(|value| date(value.trim_matches('"'))) {
                        first(&mut cookie.expires, at);
                    }
                }
                "max-age" => {
                    let seconds: i64 = value?.parse().ok()?;
                    cookie.max_age = Some(if seconds <= 0 { MaxAge::Over } else { MaxAge::Seconds(seconds) });
                }
                _ => cookie.rest.push((name.to_owned(), value.map(str::to_owned))),
            }
        }
        Some(cookie)
    }

    /// `requests` takes escaped quotes out of a value in quotes, the fast client does not.
    #[must_use]
    pub fn without_escaped_quotes(mut self) -> Self {
        self.value = self.value.map(without_escaped_quotes);
        self
    }
}

/// A value in quotes without the escaped ones in it.
pub fn without_escaped_quotes(value: String) -> String {
    if value.starts_with('"') && value.ends_with('"') && value.contains("\\\"") {
        value.replace("\\\"", "")
    } else {
        value
    }
}

fn pair(part: &str) -> (&str, Option<&str>) {
    match part.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (part.trim(), None),
    }
}

fn first<T>(place: &mut Option<T>, value: T) {
    if place.is_none() {
        *place = Some(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &[u8]) -> Option<SetCookie> {
        SetCookie::parse(header, |date| (date == "Wed, 21 Oct 2099 07:28:00 GMT").then_some(4_096_250_880))
    }

    #[test]
    fn names_and_values_are_whatever_stands_there() {
        for (header, name, value) in [
            (&b"prefs={\"a\":1}"[..], "prefs", Some("{\"a\":1}")),
            (br#"m="[\"x\"]"; Path=/"#, "m", Some(r#""[\"x\"]""#)),
            (b"u=caf\xc3\xa9", "u", Some("caf\u{c3}\u{a9}")),
            (b"s=a\\b", "s", Some("a\\b")),
            (b"a b = c ", "a b", Some("c")),
            (b"dq=\"", "dq", Some("\"")),
            (b"a=1, b=2", "a", Some("1, b=2")),
            (b"novalue", "novalue", None),
        ] {
            let cookie = parse(header).unwrap();
            assert_eq!((cookie.name.as_str(), cookie.value.as_deref()), (name, value));
        }
    }

    #[test]
    fn attributes_are_read_and_the_unknown_kept() {
        let header = b"z=3; Expires=\"Wed, 21 Oct 2099 07:28:00 GMT\"; max-age=007; HttpOnly; SameSite=Lax; Path=/a; path=/b";
        let cookie = parse(header).unwrap();
        assert_eq!((cookie.expires, cookie.max_age), (Some(4_096_250_880), Some(MaxAge::Seconds(7))));
        assert_eq!(cookie.path.as_deref(), Some("/a"));
        let rest = [("HttpOnly".to_owned(), None), ("SameSite".to_owned(), Some("Lax".to_owned()))];
        assert_eq!(cookie.rest, rest);
    }

    #[test]
    fn what_python_takes_no_cookie_from() {
        for header in
            [&b"=x"[..], b"", b"y=2; Max-Age=\"100\"", b"y=2; Max-Age=1.5", b"y=2; Max-Age", b"y=2; Domain"]
        {
            assert_eq!(parse(header), None, "{header:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(header in proptest::collection::vec(0u8.., 0..80)) {
            let _ = parse(&header);
        }
    }
}
