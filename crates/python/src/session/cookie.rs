//! Cookies of requests and answers.
//!
//! Both are done here and not by the client: `response.request` shows the header, a request that brings its own keeps
//! what the answer sets all the same, and the rules are Python's, not Go's ([`throng_locust::cookie`]).

use throng_http::{Head, Headers, Request, Scheme, Url, parse_http_date};
use throng_locust::cookie::{CookieJar, Destination, SetCookie};

use crate::cookies::now;
use crate::response::Sent;

/// Adds the cookies of a jar. A `Cookie` header of the locustfile stands instead of them.
pub(super) fn add(jar: &CookieJar, request: &mut Request, fast: bool) {
    if jar.is_empty() || request.headers.get("Cookie").is_some() {
        return;
    }
    if let Some(header) = jar.header_for(&destination(&request.url, &request.headers, fast)) {
        request.headers.append_verbatim("Cookie", header);
    }
}

/// Keeps the cookies that the answer to a request sets.
pub(crate) fn keep(jar: &mut CookieJar, sent: &Sent, head: &Head, fast: bool) {
    let all = head.get_all("Set-Cookie").filter_map(|header| SetCookie::parse(header, parse_http_date));
    // Observed on Locust 2.47: the fast client leaves the values alone.
    let all = all.map(|cookie| if fast { cookie } else { cookie.without_escaped_quotes() });
    jar.set(&destination(&sent.url, &sent.headers, fast), all);
}

/// Observed on Locust 2.47: for `requests` a request goes to the host that its header names, for the fast client to the URL's.
fn destination<'a>(url: &'a Url, headers: &'a Headers, fast: bool) -> Destination<'a> {
    let is_secure = url.scheme() == Some(Scheme::Https);
    let named = headers.get("Host").filter(|_| !fast).map(without_port).filter(|host| !host.is_empty());
    Destination { host: named.unwrap_or(url.host()), path: url.path(), is_secure, now: now() }
}

fn without_port(host: &str) -> &str {
    let host = host.trim();
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}
