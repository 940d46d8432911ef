//! Cookies of requests and answers.
//!
//! Both are done here and not by the client: `response.request` shows the header, a request that brings its own keeps
//! what the answer sets all the same, and the rules are Python's, not Go's ([`throng_locust::cookie`]).

use throng_http::{Head, Request, Scheme, Url, parse_http_date};
use throng_locust::cookie::{CookieJar, Destination, SetCookie};

use crate::cookies::now;

/// Adds the cookies of a jar. A `Cookie` header of the locustfile stands instead of them.
pub(super) fn add(jar: &CookieJar, request: &mut Request) {
    if jar.is_empty() || request.headers.get("Cookie").is_some() {
        return;
    }
    if let Some(header) = jar.header_for(&destination(&request.url)) {
        request.headers.append_verbatim("Cookie", header);
    }
}

/// Keeps the cookies that an answer sets.
pub(crate) fn keep(jar: &mut CookieJar, url: &Url, head: &Head, fast: bool) {
    let all = head.get_all("Set-Cookie").filter_map(|header| SetCookie::parse(header, parse_http_date));
    // Observed on Locust 2.47: the fast client leaves the values alone.
    let all = all.map(|cookie| if fast { cookie } else { cookie.without_escaped_quotes() });
    jar.set(&destination(url), all);
}

fn destination(url: &Url) -> Destination<'_> {
    let is_secure = url.scheme() == Some(Scheme::Https);
    Destination { host: url.host(), path: url.path(), is_secure, now: now() }
}
