//! The jar that requests are sent from.

use std::fmt::Write;

use super::parse::{MaxAge, SetCookie};

/// Where a request goes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// Without a port, and without the brackets of an address.
    pub host: &'a str,
    /// The encoded path; may be empty.
    pub path: &'a str,
    /// It goes over TLS.
    pub is_secure: bool,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

impl Destination<'_> {
    /// The host in lower case, an IPv6 address in its brackets.
    fn host(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        if host.contains(':') { format!("[{host}]") } else { host }
    }

    fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { self.path }
    }

    /// Where the answer's cookies go unless they say otherwise.
    fn directory(&self) -> &str {
        match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(i) => &self.path[..i],
        }
    }
}

/// One cookie, with those attributes of `http.cookiejar.Cookie` that can differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the attributes of http.cookiejar.Cookie")]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// `None` if only the name is sent.
    pub value: Option<String>,
    /// As `http.cookiejar` shows it: with a leading dot if a server named it, with `.local` behind a host without a
    /// dot; empty for every host, which only a script can ask for.
    pub domain: String,
    /// The server, or the script, named the domain.
    pub domain_specified: bool,
    /// With a dot at its beginning.
    pub domain_initial_dot: bool,
    /// Where on the host it is sent to.
    pub path: String,
    /// The server, or the script, named the path.
    pub path_specified: bool,
    /// Only over TLS.
    pub secure: bool,
    /// Seconds since the Unix epoch; `None` for the life of the jar.
    pub expires: Option<i64>,
    /// It ends with the session.
    pub discard: bool,
    /// Attributes that the rules say nothing of, such as `HttpOnly`.
    pub rest: Vec<(String, Option<String>)>,
}

impl Cookie {
    /// One that a script sets for every host.
    pub fn everywhere(name: String, value: Option<String>) -> Self {
        Self {
            name,
            value,
            path: "/".to_owned(),
            path_specified: true,
            discard: true,
            rest: vec![("HttpOnly".to_owned(), None)],
            ..Self::default()
        }
    }

    /// What a server sets with the answer to a request; `None` if it may not.
    fn set_by(request: &Destination<'_>, set: SetCookie) -> Option<Self> {
        let (domain, domain_initial_dot) = match &set.domain {
            Some(domain) => (specified_domain(&request.host(), domain)?, domain.starts_with('.')),
            None => (with_local(request.host()), false),
        };
        let path = set.path.as_deref().filter(|path| !path.is_empty()).map(escape);
        let expires = match set.max_age {
            Some(MaxAge::Over) => Some(i64::MIN),
            Some(MaxAge::Seconds(seconds)) => Some(request.now.saturating_add(seconds)),
            None => set.expires,
        };
        Some(Self {
            name: set.name,
            value: set.value,
            domain,
            domain_specified: set.domain.is_some(),
            domain_initial_dot,
            path_specified: path.is_some(),
            path: path.unwrap_or_else(|| request.directory().to_owned()),
            secure: set.secure,
            expires,
            discard: set.discard || expires.is_none(),
            rest: set.rest,
        })
    }

    /// Whether this one takes the place of the other in a jar.
    fn replaces(&self, other: &Self) -> bool {
        self.name == other.name && self.path == other.path && self.domain == other.domain
    }

    fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Whether it is sent to a host, which has `.local` behind it if it has no dot.
    fn is_for(&self, host: &str) -> bool {
        let domain = self.domain.strip_prefix('.').unwrap_or(&self.domain);
        let Some(front) = host.len().checked_sub(domain.len()) else { return false };
        self.domain.is_empty()
            || (host.as_bytes()[front..].eq_ignore_ascii_case(domain.as_bytes())
                && (front == 0 || host.as_bytes()[front - 1] == b'.'))
    }

    fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}

/// Cookies in the order of `http.cookiejar`: those of one domain stand together, in them those of one path.
#[derive(Debug, Clone, Default)]
pub struct CookieJar {
    entries: Vec<Cookie>,
}

impl CookieJar {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many cookies there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// All cookies, also those whose time is over.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        self.entries.iter()
    }

    /// Takes a cookie, in place of its namesake of the same domain and path.
    pub fn put(&mut self, cookie: Cookie) {
        if let Some(place) = self.entries.iter().position(|known| cookie.replaces(known)) {
            self.entries[place] = cookie;
            return;
        }
        let kin = |known: &Cookie| known.domain == cookie.domain && known.path == cookie.path;
        let after = self.entries.iter().rposition(kin);
        let after = after.or_else(|| self.entries.iter().rposition(|known| known.domain == cookie.domain));
        self.entries.insert(after.map_or(self.entries.len(), |place| place + 1), cookie);
    }

    /// Puts a cookie in the place of the one that it was made of, if that is still there.
    pub fn change(&mut self, was: impl Fn(&Cookie) -> bool, changed: Cookie) {
        if let Some(known) = self.entries.iter_mut().find(|known| was(known)) {
            *known = changed;
        }
    }

    /// Takes all cookies of another jar.
    pub fn merge(&mut self, other: &Self) {
        for cookie in &other.entries {
            self.put(cookie.clone());
        }
    }

    /// Keeps only the cookies that `keep` says to.
    pub fn retain(&mut self, keep: impl FnMut(&Cookie) -> bool) {
        self.entries.retain(keep);
    }

    /// Removes the cookies whose time is over, which are not sent anyway.
    pub fn clear_expired(&mut self, now: i64) {
        self.entries.retain(|cookie| !cookie.is_expired(now));
    }

    /// Takes what a server sets with the answer to a request. What is over by then removes its namesake, but for one
    /// that the same answer sets.
    pub fn set(&mut self, request: &Destination<'_>, all: impl Iterator<Item = SetCookie>) {
        let all = all.filter_map(|set| Cookie::set_by(request, set));
        let (over, new): (Vec<_>, Vec<_>) = all.partition(|cookie| cookie.is_expired(request.now));
        self.entries.retain(|known| !over.iter().any(|cookie| cookie.replaces(known)));
        for cookie in new {
            self.put(cookie);
        }
    }

    /// The `Cookie` header of a request, the longest path first; `None` if nothing is to be sent there.
    pub fn header_for(&self, request: &Destination<'_>) -> Option<String> {
        if self.entries.is_empty() {
            return None;
        }
        let host = with_local(request.host());
        let goes = |cookie: &&Cookie| {
            (request.is_secure || !cookie.secure)
                && !cookie.is_expired(request.now)
                && cookie.covers(request.path())
                && cookie.is_for(&host)
        };
        let mut sent: Vec<&Cookie> = self.entries.iter().filter(goes).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut header = String::new();
        for cookie in sent {
            if !header.is_empty() {
                header.push_str("; ");
            }
            push_clean(&mut header, &cookie.name);
            if let Some(value) = &cookie.value {
                header.push('=');
                push_clean(&mut header, value);
            }
        }
        (!header.is_empty()).then_some(header)
    }
}

/// What would end the header cannot be sent.
fn push_clean(header: &mut String, text: &str) {
    header.extend(text.split(|c: char| c.is_ascii_control() && c != '\t'));
}

/// RFC 2965 section 1: hosts without a dot are in a domain of their own.
fn with_local(host: String) -> String {
    if host.contains('.') { host } else { host + ".local" }
}

/// The domain that a server names, if the host is in it and it is not all of a top-level domain.
fn specified_domain(host: &str, named: &str) -> Option<String> {
    let domain = named.strip_prefix('.').unwrap_or(named).to_ascii_lowercase();
    let effective = with_local(host.to_owned());
    let below =
        |host: &str| host.strip_suffix(&domain).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    let is_known = domain.contains('.') || effective.strip_suffix(".local").is_some();
    (!domain.is_empty() && is_known && (below(host) || below(&effective))).then(|| format!(".{domain}"))
}

/// A path as it stands in URLs, with its escapes in upper case.
fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    let bytes = path.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let in_escape = |back: usize| at.checked_sub(back).is_some_and(|start| is_escape(&bytes[start..]));
        if in_escape(1) || in_escape(2) {
            escaped.push(char::from(byte.to_ascii_uppercase()));
        } else if byte.is_ascii_alphanumeric() || b"_.-~%/;:@&=+$,!*'()".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000_000;

    fn to(url: &str) -> Destination<'_> {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap(),
            None => authority.split(':').next().unwrap(),
        };
        let path = path.split('?').next().unwrap();
        Destination { host, path, is_secure: scheme == "https", now: NOW }
    }

    fn parse(header: &str) -> SetCookie {
        SetCookie::parse(header.as_bytes(), |_| Some(NOW - 1)).unwrap()
    }

    fn take(jar: &mut CookieJar, from: &str, headers: &[&str]) {
        jar.set(&to(from), headers.iter().map(|header| parse(header)));
    }

    fn jar(from: &str, headers: &[&str]) -> CookieJar {
        let mut jar = CookieJar::default();
        take(&mut jar, from, headers);
        jar
    }

    fn scripts(domain: &str, path: &str) -> CookieJar {
        let mut jar = CookieJar::default();
        let (domain, path) = (domain.to_owned(), path.to_owned());
        jar.put(Cookie { domain, path, ..Cookie::everywhere("k".into(), Some("v".into())) });
        jar
    }

    fn names(jar: &CookieJar) -> Vec<&str> {
        jar.iter().map(|cookie| cookie.name.as_str()).collect()
    }

    #[test]
    fn domains_are_those_of_http_cookiejar() {
        for (from, header, domain) in [
            ("http://a.test/", "k=v", Some("a.test")),
            ("http://localhost:1/", "k=v", Some("localhost.local")),
            ("http://[::1]/", "k=v", Some("[::1].local")),
            ("http://A.b.Test/", "k=v; Domain=b.test", Some(".b.test")),
            ("http://a.b.test/", "k=v; Domain=.B.test", Some(".b.test")),
            ("http://a.b.test/", "k=v; Domain=test", None),
            ("http://localhost/", "k=v; Domain=localhost", Some(".localhost")),
            ("http://localhost/", "k=v; Domain=.local", Some(".local")),
            ("http://127.0.0.1/", "k=v; Domain=127.0.0.1", Some(".127.0.0.1")),
            ("http://a.test/", "k=v; Domain=other.test", None),
            ("http://a.test/", "k=v; Domain=b.a.test", None),
            ("http://a.test/", "k=v; Domain=a.test.", None),
            ("http://a.test/", "k=v; Domain=", None),
        ] {
            let jar = jar(from, &[header]);
            assert_eq!(jar.iter().next().map(|cookie| cookie.domain.as_str()), domain, "{from} {header}");
        }
    }

    #[test]
    fn a_cookie_goes_to_its_host_and_to_those_below_it() {
        let all = [
            "http://a.test/",
            "http://b.A.test/",
            "http://xa.test/",
            "http://localhost/",
            "http://127.0.0.1:1/",
        ];
        for (domain, count) in [
            ("a.test", 2),
            (".a.test", 2),
            ("A.test", 2),
            ("localhost", 0),
            ("localhost.local", 1),
            ("127.0.0.1", 1),
            ("", 5),
            ("test", 3),
        ] {
            let jar = scripts(domain, "/");
            let sent = all.iter().filter(|url| jar.header_for(&to(url)).is_some());
            assert_eq!(sent.count(), count, "{domain}");
        }
    }

    #[test]
    fn a_cookie_goes_to_its_path_and_to_those_below_it() {
        let all = ["http://a", "http://a/", "http://a/a", "http://a/a/", "http://a/ab", "http://a/a/b?x=/"];
        for (path, count) in [("/", 6), ("/a", 3), ("/a/", 2), ("/a/b", 1), ("a", 0), ("", 6)] {
            let jar = scripts("", path);
            let sent = all.iter().filter(|url| jar.header_for(&to(url)).is_some());
            assert_eq!(sent.count(), count, "{path}");
        }
    }

    #[test]
    fn paths_of_servers_are_escaped_or_the_requests_directory() {
        for (from, header, path) in [
            ("http://a.test/x/y", "k=v", "/x"),
            ("http://a.test/d", "k=v", "/"),
            ("http://a.test", "k=v; Path=", "/"),
            ("http://a.test/", "k=v; Path=foo", "foo"),
            ("http://a.test/", "k=v; Path=/a b", "/a%20b"),
            ("http://a.test/", "k=v; Path=/%7eu", "/%7Eu"),
        ] {
            assert_eq!(jar(from, &[header]).iter().next().unwrap().path, path, "{header}");
        }
    }

    #[test]
    fn cookies_of_one_domain_and_path_stand_together() {
        let mut all = scripts("", "/");
        take(&mut all, "http://a.test/d/x", &["s=1; Path=/"]);
        all.put(Cookie::everywhere("o".into(), Some("2".into())));
        take(&mut all, "http://a.test/d/x", &["t=1; Path=/", "u=2", "w=1; Path=/"]);
        assert_eq!(names(&all), ["k", "o", "s", "t", "w", "u"]);
        assert_eq!(all.header_for(&to("http://a.test/d/x")).unwrap(), "u=2; k=v; o=2; s=1; t=1; w=1");
    }

    #[test]
    fn what_is_over_removes_its_namesake_of_the_same_path() {
        let mut jar = jar("http://a.test/d/x", &["k=v", "k=w; Path=/", "l=1; Max-Age=100"]);
        take(&mut jar, "http://a.test/", &["k=; Max-Age=0", "l=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(jar.header_for(&to("http://a.test/d/")).unwrap(), "k=v; l=1");
        take(&mut jar, "http://a.test/", &["l=2", "l=; Max-Age=0"]);
        assert_eq!(jar.header_for(&to("http://a.test/")).unwrap(), "l=2");
    }

    #[test]
    fn secure_cookies_need_https_and_expired_ones_are_not_sent() {
        let mut jar = jar("http://a.test/", &["k=v; Secure"]);
        jar.put(Cookie { expires: Some(1), ..Cookie::everywhere("old".into(), None) });
        assert_eq!(jar.header_for(&to("http://a.test/")), None);
        assert_eq!(jar.header_for(&to("https://a.test/")).as_deref(), Some("k=v"));
        jar.clear_expired(NOW);
        assert_eq!(names(&jar), ["k"]);
    }

    #[test]
    fn without_a_value_the_name_is_sent() {
        let jar = jar("http://a.test/", &["k", "l="]);
        assert_eq!(jar.header_for(&to("http://a.test/")).unwrap(), "k; l=");
    }
}
