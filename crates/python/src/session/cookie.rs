//! Cookies by the rules of Python's `http.cookiejar`: what an answer sets, and the `Cookie` header of a request.
//!
//! Both are done here and not by the client: `response.request` shows the header, a request that brings its own keeps
//! what the answer sets all the same, and values are kept and sent as they are, where Go (and so the client) refuses
//! them, drops bytes and adds quotes.

use throng_http::{Cookie, CookieJar, Head, Request, RequestCookie, SetCookie, Url};

/// Adds the jar's cookies and the request's own. A `Cookie` header of the locustfile stands instead of them.
pub(super) fn add(jar: &CookieJar, own: &[RequestCookie], request: &mut Request) {
    if jar.is_empty() && own.is_empty() {
        return;
    }
    if request.headers.get("Cookie").is_none()
        && let Some(header) = header_for(jar, own, &request.url)
    {
        request.headers.append_verbatim("Cookie", header);
    }
}

/// The header for a URL; `None` if nothing is to be sent there.
fn header_for(jar: &CookieJar, own: &[RequestCookie], url: &Url) -> Option<String> {
    let mut header = String::new();
    for cookie in jar.matching(url) {
        // Observed on Locust 2.47: the request's cookie and one that a server has set are both sent.
        if !is_replaced(cookie, own) {
            push(&mut header, &cookie.name, &cookie.value);
        }
    }
    for cookie in own {
        push(&mut header, &cookie.name, &cookie.value);
    }
    (!header.is_empty()).then_some(header)
}

/// A cookie that the locustfile has put into the session, for everywhere, gives way to the request's of that name.
fn is_replaced(cookie: &Cookie, own: &[RequestCookie]) -> bool {
    let everywhere = cookie.domain.is_empty() && cookie.path == "/";
    everywhere && own.iter().any(|own| own.name == cookie.name)
}

fn push(header: &mut String, name: &str, value: &str) {
    if !header.is_empty() {
        header.push_str("; ");
    }
    push_clean(header, name);
    header.push('=');
    push_clean(header, value);
}

/// What would end the header cannot be sent.
fn push_clean(header: &mut String, text: &str) {
    header.extend(text.split(|c: char| c.is_ascii_control() && c != '\t'));
}

/// Keeps the cookies that an answer sets.
pub(crate) fn keep(jar: &mut CookieJar, url: &Url, head: &Head, fast: bool) {
    for header in head.get_all("Set-Cookie") {
        if let Some(mut cookie) = SetCookie::parse_lenient(header) {
            let value = &mut cookie.value;
            // Observed on Locust 2.47: `requests` takes these out of a value in quotes, the fast client does not.
            if !fast && value.starts_with('"') && value.ends_with('"') && value.contains("\\\"") {
                *value = value.replace("\\\"", "");
            }
            jar.set(url, &cookie);
        }
    }
}
