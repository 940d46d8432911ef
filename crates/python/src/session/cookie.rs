//! The `Cookie` header of a request, by the rules of Python's `http.cookiejar`.
//!
//! It is made here and not by the client: `response.request` shows it, a request that brings its own header keeps what
//! the answer sets all the same, and values go out as they are, where Go (and so the client) drops bytes and adds quotes.

use throng_http::{Cookie, CookieJar, Head, RequestCookie, SetCookie, Url};

/// The header for a URL; `None` if nothing is to be sent there.
pub(super) fn header_for(jar: &CookieJar, own: &[RequestCookie], url: &Url) -> Option<String> {
    let mut header = String::new();
    if !jar.is_empty() {
        for (name, value) in jar.cookies_for(url) {
            let cookie = jar.iter().find(|cookie| std::ptr::eq(cookie.name.as_str(), name));
            // Observed on Locust 2.47: the request's cookie and one that a server has set are both sent.
            if !cookie.is_some_and(|cookie| is_replaced(cookie, own)) {
                push(&mut header, name, value, cookie.is_some_and(|cookie| cookie.quoted));
            }
        }
    }
    for cookie in own {
        push(&mut header, &cookie.name, &cookie.value, false);
    }
    (!header.is_empty()).then_some(header)
}

/// A cookie that the locustfile has put into the session, for everywhere, gives way to the request's of that name.
fn is_replaced(cookie: &Cookie, own: &[RequestCookie]) -> bool {
    let everywhere = cookie.domain.is_empty() && cookie.path == "/";
    everywhere && own.iter().any(|own| own.name == cookie.name)
}

fn push(header: &mut String, name: &str, value: &str, quoted: bool) {
    if !header.is_empty() {
        header.push_str("; ");
    }
    let quote = if quoted { "\"" } else { "" };
    // What would end the header cannot be sent.
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    header.extend([clean(name).as_str(), "=", quote, clean(value).as_str(), quote]);
}

/// Keeps the cookies that an answer sets.
pub(super) fn keep(jar: &std::cell::RefCell<CookieJar>, url: &Url, head: &Head) {
    for header in head.get_all("Set-Cookie") {
        if let Some(cookie) = SetCookie::parse(header) {
            jar.borrow_mut().set(url, &cookie);
        }
    }
}
