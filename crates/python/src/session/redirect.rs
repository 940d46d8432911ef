//! Redirects by the rules of `requests`: where to, and what is asked for there.

use std::rc::Rc;

use throng_http::{Headers, Method, Request, Url};
use throng_locust::cookie::CookieJar;

use super::cookie;
use crate::cookies::Jar;
use crate::failure::Failure;
use crate::response::{Answer, Sent};

/// What `response.next` needs beside the answer: a redirect that was not followed.
pub(crate) struct Unfollowed {
    jar: Jar,
    cookies: Option<CookieJar>,
}

impl Unfollowed {
    pub(super) fn new(jar: &Jar, cookies: Option<CookieJar>) -> Self {
        Self { jar: Rc::clone(jar), cookies }
    }

    /// The request that the answer asks for, with the cookies that the session has by now.
    pub(crate) fn request(&self, answer: &Answer) -> Option<Sent> {
        let location = location_of(answer, false)?;
        let mut request = redirected(answer, &location, false).ok()?;
        match self.cookies.clone() {
            Some(mut cookies) => {
                cookies.merge(&self.jar.borrow());
                cookie::add(&cookies, &mut request, false);
            }
            None => cookie::add(&self.jar.borrow(), &mut request, false),
        }
        let Request { method, url, headers, body, framing, .. } = request;
        Some(Sent {
            method,
            url,
            headers,
            body,
            body_is_text: answer.sent.body_is_text,
            framing,
            shown: None,
        })
    }
}

/// Whether a status is one of those that redirect.
pub(super) fn is_one(status: u16) -> bool {
    matches!(status, 301..=303 | 307 | 308)
}

/// Where an answer redirects to, if it does.
pub(super) fn location_of(answer: &Answer, fast: bool) -> Option<String> {
    if !is_one(answer.status) {
        return None;
    }
    let location = answer.head.get("Location")?;
    // An empty location leads nowhere for `requests`, and to the same place for geventhttpclient.
    if location.is_empty() && !fast {
        return None;
    }
    let text = match std::str::from_utf8(location) {
        Ok(text) => text.to_owned(),
        Err(_) => location.iter().map(|b| char::from(*b)).collect(),
    };
    Some(throng_locust::requote(&text))
}

/// The request after a redirect: another method and no body where browsers do so, and no secrets for strangers.
pub(super) fn redirected(answer: &Answer, location: &str, fast: bool) -> Result<Request, Failure> {
    let bad = |reason: String| Failure::BadRedirect { location: location.to_owned(), reason };
    let from = &answer.sent.url;
    // Observed on Locust 2.47: where a host is given, `requests` leaves the dots of the path, and geventhttpclient does not.
    let whole = location.starts_with("//").then(|| format!("{}:{location}", from.scheme_str()));
    let url = match Url::parse(whole.as_deref().unwrap_or(location)) {
        Ok(url) if url.is_absolute() && !fast => url,
        _ => from.join(location).map_err(|error| bad(error.to_string()))?,
    };
    let method = &answer.sent.method;
    let becomes_get = match answer.status {
        302 | 303 => *method != Method::HEAD,
        301 => *method == Method::POST,
        _ => false,
    };
    let keeps_body = matches!(answer.status, 307 | 308);
    let mut headers = Headers::new();
    for (name, value) in answer.sent.headers.wire_lines() {
        let about_body = ["Content-Type", "Content-Length", "Transfer-Encoding"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        let secret = name.eq_ignore_ascii_case("Authorization") && strips_secrets(from, &url);
        // A `Host` of the locustfile goes along, also to another one (observed on Locust 2.47).
        if !(name.eq_ignore_ascii_case("Cookie") || secret || (about_body && !keeps_body)) {
            headers.append_verbatim(name, value);
        }
    }
    let mut request = Request::new(if becomes_get { Method::GET } else { method.clone() }, url);
    request.headers = headers;
    request.body = answer.sent.body.clone().filter(|_| keeps_body);
    if keeps_body {
        request.framing = answer.sent.framing;
    }
    Ok(request)
}

/// Whether a redirect leads to someone who must not see the credentials; from http to https on the usual ports is fine.
fn strips_secrets(from: &Url, to: &Url) -> bool {
    if !from.host().eq_ignore_ascii_case(to.host()) {
        return true;
    }
    let upgrade = from.scheme_str() == "http" && from.port() == Ok(80) && to.port() == Ok(443);
    if upgrade && to.scheme_str() == "https" {
        return false;
    }
    from.port() != to.port() || from.scheme_str() != to.scheme_str()
}
