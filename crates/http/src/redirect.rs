//! What a redirect changes, by the rules of Go's `net/http`, which k6 follows.

use crate::request::{Headers, Method};
use crate::url::{Scheme, Url};

/// The method after a redirect, and whether the body goes along; `None` if the status is no redirect.
pub(crate) fn next_method(status: u16, method: &Method) -> Option<(Method, bool)> {
    match status {
        301..=303 => {
            let next = if method.as_str() == "HEAD" { Method::HEAD } else { Method::GET };
            Some((next, false))
        }
        307 | 308 => Some((method.clone(), true)),
        _ => None,
    }
}

/// Removes what must not be told to another host. A subdomain of the first host is no stranger.
pub(crate) fn strip_headers(headers: &mut Headers, first: &Url, next: &Url) {
    let (from, to) = (first.host().to_ascii_lowercase(), next.host().to_ascii_lowercase());
    let trusted = from == to || to.strip_suffix(from.as_str()).is_some_and(|front| front.ends_with('.'));
    if !trusted {
        for name in
            ["Authorization", "Www-Authenticate", "Cookie2", "Proxy-Authorization", "Proxy-Authenticate"]
        {
            headers.remove(name);
        }
    }
}

/// The `Referer` of the request after `last`: none from https to http, and never user and password.
pub(crate) fn referer(last: &Url, next: &Url) -> Option<String> {
    if last.scheme() == Some(Scheme::Https) && next.scheme() == Some(Scheme::Http) {
        return None;
    }
    Some(last.without_userinfo())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// Observed on k6 1.1.
    #[test]
    fn methods_change_as_in_go() {
        let next = |status, method: &str| {
            next_method(status, &Method::new(method)).map(|(m, body)| (m.as_str().to_owned(), body))
        };
        for status in 301..=303 {
            assert_eq!(next(status, "POST"), Some(("GET".into(), false)));
            assert_eq!(next(status, "PUT"), Some(("GET".into(), false)));
            assert_eq!(next(status, "HEAD"), Some(("HEAD".into(), false)));
        }
        assert_eq!(next(307, "POST"), Some(("POST".into(), true)));
        assert_eq!(next(308, "PUT"), Some(("PUT".into(), true)));
        assert_eq!(next(304, "GET"), None);
    }

    #[test]
    fn credentials_stay_with_the_host_and_its_subdomains() {
        let kept = |first: &str, next: &str| {
            let mut headers = Headers::new();
            headers.set("Authorization", "x");
            headers.set("X-A", "1");
            strip_headers(&mut headers, &url(first), &url(next));
            assert_eq!(headers.get("X-A"), Some("1"));
            headers.get("Authorization").is_some()
        };
        assert!(kept("http://a.test/", "http://a.test:81/"));
        assert!(kept("http://a.test/", "http://b.a.test/"));
        assert!(!kept("http://b.a.test/", "http://a.test/"));
        assert!(!kept("http://a.test/", "http://xa.test/"));
    }

    #[test]
    fn referers_do_not_leak() {
        assert_eq!(referer(&url("https://a/"), &url("http://a/")), None);
        assert_eq!(referer(&url("http://u:p@a/x#f"), &url("http://b/")).as_deref(), Some("http://a/x#f"));
    }
}
