//! A request on the wire with its redirects, by the rules of `requests`: every response on the way is kept.

use std::rc::Rc;
use std::time::{Duration, Instant};

use throng_http::{Client, Headers, Hop, Method, RedirectPolicy, Request, Response, Url};

use super::prepare::Plan;
use crate::failure::Failure;
use crate::response::{Answer, Sent};

/// How a request ended.
pub(super) struct Finished {
    /// The response, or why there is none and what was sent last.
    pub(super) result: Result<Answer, (Failure, Sent)>,
    /// The responses that were redirected.
    pub(super) history: Vec<Answer>,
    /// From the start of the first request to the end of the last response.
    pub(super) elapsed: Duration,
    /// When it started, in nanoseconds since the Unix epoch.
    pub(super) started: u64,
}

/// Sends a request and follows its redirects.
pub(super) async fn perform(client: Rc<Client>, request: Request, plan: Plan) -> Finished {
    let begun = Instant::now();
    let mut started = None;
    let mut history = Vec::new();
    let mut next = Some(request);
    let mut elapsed = Duration::ZERO;
    let mut retries = plan.max_retries;
    loop {
        let Some(mut request) = next.take() else { unreachable!("every way back here has a next request") };
        request.redirects = RedirectPolicy { max: 0, is_default: false };
        let sent = Sent {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: Rc::new(request.headers.clone()),
            body: request.body.clone(),
            body_is_text: plan.body_is_text,
        };
        let again = (retries > 0).then(|| request.clone());
        let outcome = client.send(request).await;
        let timing = outcome.hops.first().map(Timing::of);
        let first = *started.get_or_insert_with(|| {
            timing.as_ref().map_or_else(|| ago(begun.elapsed()), |timing| timing.started)
        });
        match outcome.result {
            Ok(response) => {
                if let Some(timing) = &timing {
                    elapsed = Duration::from_nanos(timing.ended.saturating_sub(first));
                }
                let hop_time = timing.map_or(elapsed, |timing| timing.took);
                let redirection =
                    plan.follow.and_then(|limit| Some((limit, location_of(&response, plan.fast)?)));
                let answer = answer(response, sent, hop_time);
                let Some((limit, location)) = redirection else {
                    return Finished { result: Ok(answer), history, elapsed, started: first };
                };
                let sent = answer.sent.clone();
                if history.len() as u32 >= limit {
                    history.push(answer);
                    let failure = Failure::Redirects { limit };
                    return Finished { result: Err((failure, sent)), history, elapsed, started: first };
                }
                match redirected(&answer, &location, &plan) {
                    Ok(request) => next = Some(request),
                    Err(failure) => {
                        return Finished { result: Err((failure, sent)), history, elapsed, started: first };
                    }
                }
                history.push(answer);
            }
            Err(error) => {
                if let Some(again) = again {
                    retries -= 1;
                    next = Some(again);
                    continue;
                }
                let connected = outcome.hops.last().is_some_and(|hop| !hop.timings.blocked.is_zero());
                let failure = plan.transport_failure(error, &sent.url, connected);
                let elapsed = begun.elapsed();
                return Finished { result: Err((failure, sent)), history, elapsed, started: first };
            }
        }
    }
}

/// One request's place on the wall clock, in nanoseconds since the Unix epoch.
struct Timing {
    started: u64,
    ended: u64,
    took: Duration,
}

impl Timing {
    fn of(hop: &Hop) -> Self {
        let took = hop.timings.blocked + hop.timings.duration();
        Self { started: hop.ended_at.saturating_sub(took.as_nanos() as u64), ended: hop.ended_at, took }
    }
}

fn ago(duration: Duration) -> u64 {
    throng_reactor::unix_now().saturating_sub(duration.as_nanos() as u64)
}

fn answer(response: Response, sent: Sent, elapsed: Duration) -> Answer {
    let Response { status, url, head, body, .. } = response;
    Answer { status, head, body, url, sent, elapsed }
}

/// Where a response redirects to, if it does.
fn location_of(response: &Response, fast: bool) -> Option<String> {
    let redirects = matches!(response.status, 301..=303 | 307 | 308);
    let location = response.head.get("Location").filter(|_| redirects)?;
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
fn redirected(answer: &Answer, location: &str, plan: &Plan) -> Result<Request, Failure> {
    let bad = |reason: String| Failure::BadRedirect { location: location.to_owned(), reason };
    let from = &answer.sent.url;
    let url = from.join(location).map_err(|error| bad(error.to_string()))?;
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
        let single = name.eq_ignore_ascii_case("Cookie") || name.eq_ignore_ascii_case("Host");
        if !(single || secret || (about_body && !keeps_body)) {
            headers.append_verbatim(name, value);
        }
    }
    let mut request = Request::new(if becomes_get { Method::GET } else { method.clone() }, url);
    request.headers = headers;
    request.body = answer.sent.body.clone().filter(|_| keeps_body);
    request.timeout = plan.timeout;
    request.jar = Some(Rc::clone(&plan.jar));
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
