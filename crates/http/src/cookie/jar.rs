//! The jar of one virtual user.

use std::net::IpAddr;

use throng_reactor::unix_now;

use super::parse::{SetCookie, push_pair};
use crate::url::{Scheme, Url};

/// One cookie in a jar.
#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    /// Without quotes.
    value: String,
    /// The value is sent in quotes.
    quoted: bool,
    /// Lower case, without a leading dot.
    domain: String,
    /// For this host alone, not for those below it.
    host_only: bool,
    /// Where on the host it is sent to.
    path: String,
    /// Only over TLS.
    secure: bool,
    /// Seconds since the Unix epoch; `None` for the life of the jar.
    expires: Option<i64>,
}

impl Cookie {
    fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    fn matches(&self, url: &Url, host: &str) -> bool {
        let domain = self.domain == host || (!self.host_only && is_subdomain(host, &self.domain));
        domain
            && (!self.secure || url.scheme() == Some(Scheme::Https))
            && path_matches(url.path(), &self.path)
    }
}

/// Cookies by the rules of RFC 6265.
#[derive(Debug, Clone, Default)]
pub struct CookieJar {
    entries: Vec<Cookie>,
}

impl CookieJar {
    /// An empty jar.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a cookie set by `url`. One for a foreign domain is refused silently, as browsers do; an
    /// expired one deletes its namesake.
    pub fn set(&mut self, url: &Url, cookie: &SetCookie) {
        let host = url.host().to_ascii_lowercase();
        let Some((domain, host_only)) = domain_of(&host, &cookie.domain) else { return };
        let path = if cookie.path.starts_with('/') { cookie.path.clone() } else { default_path(url) };
        let now = now();
        let expires = match cookie.max_age {
            0 => cookie.expires,
            seconds if seconds < 0 => Some(i64::MIN),
            seconds => Some(now.saturating_add(seconds)),
        };
        let entry = Cookie {
            name: cookie.name.clone(),
            value: cookie.value.clone(),
            quoted: cookie.quoted,
            domain,
            host_only,
            path,
            secure: cookie.secure,
            expires,
        };
        self.put(entry);
    }

    /// Takes a cookie as it is, in place of its namesake of the same domain and path.
    fn put(&mut self, entry: Cookie) {
        let same = |e: &Cookie| e.name == entry.name && e.domain == entry.domain && e.path == entry.path;
        let place = self.entries.iter().position(same);
        match (place, entry.is_expired(now())) {
            (Some(i), true) => drop(self.entries.remove(i)),
            (Some(i), false) => self.entries[i] = entry,
            (None, true) => {}
            (None, false) => self.entries.push(entry),
        }
    }

    /// Names and values of the cookies to send to `url`.
    pub fn cookies_for(&self, url: &Url) -> Vec<(&str, &str)> {
        self.matching(url).into_iter().map(|e| (e.name.as_str(), e.value.as_str())).collect()
    }

    /// The cookies to send to `url`: the longest path first, then the oldest.
    fn matching(&self, url: &Url) -> Vec<&Cookie> {
        if self.entries.is_empty() || url.scheme().is_none() {
            return Vec::new();
        }
        let now = now();
        let host = url.host().to_ascii_lowercase();
        let mut found: Vec<&Cookie> =
            self.entries.iter().filter(|e| !e.is_expired(now) && e.matches(url, &host)).collect();
        found.sort_by_key(|e| std::cmp::Reverse(e.path.len()));
        found
    }

    /// Appends the pairs for `url` to a `Cookie` header, but for names that `skip` says are replaced.
    pub(crate) fn push_pairs(&self, url: &Url, out: &mut String, skip: impl Fn(&str) -> bool) {
        for entry in self.matching(url) {
            if !skip(&entry.name) {
                push_pair(out, &entry.name, &entry.value, entry.quoted);
            }
        }
    }

    /// Removes every cookie that would be sent to `url`.
    pub fn clear(&mut self, url: &Url) {
        let host = url.host().to_ascii_lowercase();
        self.entries.retain(|e| !e.matches(url, &host));
    }

    /// Removes the cookies of that name that would be sent to `url`.
    pub fn delete(&mut self, url: &Url, name: &str) {
        let host = url.host().to_ascii_lowercase();
        self.entries.retain(|e| e.name != name || !e.matches(url, &host));
    }

    /// Removes everything, as at the start of an iteration.
    pub fn clear_all(&mut self) {
        self.entries.clear();
    }
}

fn now() -> i64 {
    (unix_now() / 1_000_000_000) as i64
}

/// The domain a cookie is kept under and whether it is for that host alone; `None` if the host may not
/// set it.
fn domain_of(host: &str, attribute: &str) -> Option<(String, bool)> {
    if attribute.is_empty() {
        return Some((host.to_owned(), true));
    }
    let domain = attribute.strip_prefix('.').unwrap_or(attribute).to_ascii_lowercase();
    if host.parse::<IpAddr>().is_ok() {
        // RFC 6265 section 5.1.3: an address is no domain, so it only ever names itself.
        return (domain == host).then_some((domain, true));
    }
    if domain.is_empty() || domain.starts_with('.') || domain.ends_with('.') {
        return None;
    }
    (domain == host || is_subdomain(host, &domain)).then_some((domain, false))
}

fn is_subdomain(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.ends_with('.')) && host.parse::<IpAddr>().is_err()
}

/// RFC 6265 section 5.1.4.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(i) => url.path()[..i].to_owned(),
    }
}

fn path_matches(request: &str, cookie: &str) -> bool {
    let request = if request.is_empty() { "/" } else { request };
    request == cookie
        || (request.starts_with(cookie)
            && (cookie.ends_with('/') || request.as_bytes().get(cookie.len()) == Some(&b'/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(from: &str, headers: &[&str]) -> CookieJar {
        let mut jar = CookieJar::new();
        for header in headers {
            jar.set(&url(from), &SetCookie::parse(header.as_bytes()).unwrap());
        }
        jar
    }

    fn header(jar: &CookieJar, to: &str) -> String {
        let mut out = String::new();
        jar.push_pairs(&url(to), &mut out, |_| false);
        out
    }

    #[test]
    fn a_cookie_without_a_domain_is_for_its_host_only() {
        let jar = jar("http://a.test/", &["k=v"]);
        assert_eq!(header(&jar, "http://a.test/x"), "k=v");
        assert_eq!(header(&jar, "http://b.a.test/"), "");
    }

    #[test]
    fn a_domain_covers_its_subdomains_but_not_strangers() {
        let jar = jar("http://a.example.test/", &["k=v; Domain=.example.test", "x=y; Domain=other.test"]);
        assert_eq!(header(&jar, "http://b.example.test/"), "k=v");
        assert_eq!(header(&jar, "http://notexample.test/"), "");
        assert_eq!(header(&jar, "http://other.test/"), "");
    }

    #[test]
    fn secure_cookies_need_https() {
        let jar = jar("http://a.test/", &["k=v; Secure"]);
        assert_eq!(header(&jar, "http://a.test/"), "");
        assert_eq!(header(&jar, "https://a.test/"), "k=v");
    }

    #[test]
    fn longer_paths_come_first_and_paths_match_by_segment() {
        let jar = jar("http://a.test/dir/page", &["a=1; Path=/", "b=2; Path=/dir", "c=3"]);
        assert_eq!(header(&jar, "http://a.test/dir/x"), "b=2; c=3; a=1");
        assert_eq!(header(&jar, "http://a.test/directory"), "a=1");
    }

    #[test]
    fn expiry_and_negative_max_age_delete() {
        let mut jar = jar("http://a.test/", &["a=1", "b=2", "c=3; Max-Age=100"]);
        for text in ["a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"] {
            jar.set(&url("http://a.test/"), &SetCookie::parse(text.as_bytes()).unwrap());
        }
        assert_eq!(header(&jar, "http://a.test/"), "c=3");
    }

    #[test]
    fn delete_and_clear_touch_only_what_the_url_sees() {
        let mut jar = jar("http://a.test/", &["a=1", "b=2"]);
        jar.set(&url("http://other.test/"), &SetCookie::parse(b"a=9").unwrap());
        jar.delete(&url("http://a.test/"), "a");
        assert_eq!(header(&jar, "http://a.test/"), "b=2");
        jar.clear(&url("http://a.test/"));
        assert_eq!(header(&jar, "http://a.test/"), "");
        assert_eq!(header(&jar, "http://other.test/"), "a=9");
    }
}
