//! A request on the wire with its redirects, by the rules of `requests`: every response on the way is kept.

use std::rc::Rc;
use std::time::{Duration, Instant};

use throng_http::{Client, Hop, Method, Outcome, Request, Response};
use throng_locust::cookie::CookieJar;
use throng_reactor::TaskId;

use super::cookie;
use super::digest::Digest;
use super::prepare::Plan;
use super::redirect::{self, Unfollowed};
use crate::driver::{Driver, Slot};
use crate::failure::Failure;
use crate::response::{Answer, Open, Sent};

/// A request with its redirects, from the first to the last.
///
/// On the heap, where both the task and the greenlet find it: neither has to carry it around.
pub(super) struct Exchange {
    plan: Plan,
    next: Option<Request>,
    /// What was sent last.
    sent: Option<Sent>,
    again: Option<Request>,
    retries: u32,
    /// A challenge has been answered.
    challenged: bool,
    /// Until a redirect, requests go out as they are, without the jar's cookies.
    as_given: bool,
    /// Before the next request.
    pause: Duration,
    begun: Instant,
    /// When it started, in nanoseconds since the Unix epoch.
    pub(super) started: u64,
    /// From the start of the first request to the end of the last response.
    pub(super) elapsed: Duration,
    /// The responses that were redirected.
    pub(super) history: Vec<Answer>,
    /// The response, or why there is none and what was sent last.
    pub(super) result: Option<Result<Answer, (Failure, Sent)>>,
}

impl Exchange {
    pub(super) fn new(request: Request, plan: Plan) -> Box<Self> {
        Box::new(Self {
            retries: plan.max_retries,
            challenged: false,
            as_given: false,
            pause: Duration::ZERO,
            plan,
            next: Some(request),
            sent: None,
            again: None,
            begun: Instant::now(),
            started: 0,
            elapsed: Duration::ZERO,
            history: Vec::new(),
            result: None,
        })
    }

    /// The same with a first request that somebody has prepared, cookies and all.
    pub(super) fn as_given(request: Request, plan: Plan) -> Box<Self> {
        let mut exchange = Self::new(request, plan);
        exchange.as_given = true;
        exchange
    }

    /// The request to send now, if it is not over.
    fn next(&mut self) -> Option<Request> {
        let mut request = self.next.take()?;
        self.plan.apply(&mut request);
        if !self.as_given {
            match &self.plan.cookies {
                Some(cookies) => cookie::add(cookies, &mut request, self.plan.fast),
                None => cookie::add(&self.plan.jar.borrow(), &mut request, self.plan.fast),
            }
        }
        // Observed on Locust 2.47: redirects of the fast client do without the cookies of the request.
        if self.plan.fast {
            self.plan.cookies = None;
        }
        self.sent = Some(self.plan.sent(&request));
        let repeatable = self.retries > 0
            && self.plan.retry.as_ref().is_none_or(|retry| retry.allows(request.method.as_str()));
        self.again = repeatable.then(|| request.clone());
        Some(request)
    }

    /// Whether the request is to be sent again.
    fn repeats(&mut self) -> bool {
        let Some(again) = self.again.take() else { return false };
        self.retries -= 1;
        if let Some(retry) = &self.plan.retry {
            self.pause = retry.pause(self.plan.max_retries - self.retries);
        }
        self.next = Some(again);
        true
    }

    /// Whether a status is one that an adapter repeats requests for.
    fn is_repeated_for(&self, status: u16, method: &Method) -> bool {
        let retry = self.plan.retry.as_ref();
        retry.is_some_and(|retry| retry.statuses.contains(&status) && retry.allows(method.as_str()))
    }

    /// Takes what came back, and decides how to go on.
    #[inline(never)]
    fn arrived(&mut self, outcome: Outcome) {
        let Some(sent) = self.sent.take() else { return };
        let timing = outcome.hops.first().map(Timing::of);
        if self.started == 0 {
            self.started = timing.as_ref().map_or_else(|| ago(self.begun.elapsed()), |timing| timing.started);
        }
        let response = match outcome.result {
            Ok(response) => response,
            Err(error) => {
                if self.repeats() {
                    return;
                }
                let connected = outcome.hops.last().is_some_and(|hop| !hop.timings.blocked.is_zero());
                let failure = self.plan.transport_failure(error, &sent.url, connected);
                self.elapsed = self.begun.elapsed();
                self.result = Some(Err((failure, sent)));
                return;
            }
        };
        if self.is_repeated_for(response.status, &sent.method) {
            if !self.repeats() {
                self.elapsed = self.begun.elapsed();
                self.result = Some(Err((Failure::Statuses { status: response.status }, sent)));
            }
            return;
        }
        let sets_cookies = response.sets_cookies;
        if sets_cookies {
            let fast = self.plan.fast;
            cookie::keep(&mut self.plan.jar.borrow_mut(), &sent, &response.head, fast);
            if let Some(cookies) = &mut self.plan.cookies {
                cookie::keep(cookies, &sent, &response.head, fast);
            }
        }
        if let Some(timing) = &timing {
            self.elapsed = Duration::from_nanos(timing.ended.saturating_sub(self.started));
        }
        let took = timing.map_or(self.elapsed, |timing| timing.took);
        let mut answer = answer(response, sent, took);
        if answer.status == 401
            && !self.challenged
            && let Some(digest) = &self.plan.digest
            && digest.take_challenge(&answer.head)
        {
            self.challenged = true;
            let mut request = answered(&answer, digest);
            if self.as_given && sets_cookies {
                let mut jar = CookieJar::default();
                cookie::keep(&mut jar, &answer.sent, &answer.head, self.plan.fast);
                cookie::add(&jar, &mut request, self.plan.fast);
            }
            self.next = Some(request);
            self.history.push(answer);
            return;
        }
        let Some(limit) = self.plan.follow else {
            if !self.plan.fast && redirect::is_one(answer.status) {
                let cookies = self.plan.cookies.take().map(|cookies| *cookies);
                answer.unfollowed = Some(Box::new(Unfollowed::new(&self.plan.jar, cookies)));
            }
            self.result = Some(Ok(answer));
            return;
        };
        let Some(location) = redirect::location_of(&answer, self.plan.fast) else {
            self.result = Some(Ok(answer));
            return;
        };
        if self.history.len() as u32 >= limit {
            self.result = Some(Err((Failure::Redirects { limit }, answer.sent.clone())));
        } else {
            self.challenged = false;
            self.as_given = false;
            self.plan.shown = None;
            // Observed on Locust 2.47: those of the session come before the request's own of that name now.
            if let Some(cookies) = &mut self.plan.cookies {
                cookies.merge(&self.plan.jar.borrow());
            }
            match redirect::redirected(&answer, &location, self.plan.fast) {
                Ok(request) => self.next = Some(request),
                Err(failure) => self.result = Some(Err((failure, answer.sent.clone()))),
            }
        }
        self.history.push(answer);
    }
}

/// What the greenlet waits for.
pub(super) type Pending = Slot<Box<Exchange>>;

/// Puts a request on the wire.
#[inline(never)]
pub(super) fn start(
    driver: &'static Driver,
    client: Rc<Client>,
    exchange: Box<Exchange>,
) -> (Rc<Pending>, TaskId) {
    let slot = Pending::new();
    let task = driver.handle.spawn_now(perform(driver, client, exchange, Rc::clone(&slot)));
    (slot, task)
}

async fn perform(
    driver: &'static Driver,
    client: Rc<Client>,
    mut exchange: Box<Exchange>,
    slot: Rc<Pending>,
) {
    while let Some(request) = exchange.next() {
        if !exchange.pause.is_zero() {
            driver.handle.sleep(std::mem::take(&mut exchange.pause)).await;
        }
        let outcome = client.send(request).await;
        exchange.arrived(outcome);
        if let Some(answer) = exchange.history.last_mut() {
            finish_body(&client, answer).await;
        }
    }
    if let Some(Ok(answer)) = &mut exchange.result
        && let Some(stream) = answer.stream.take()
    {
        answer.rest = Some(Open { driver, client, stream, timeouts: exchange.plan.timeouts });
    }
    slot.finish(driver, exchange);
}

/// Reads the body of a redirection, so that its connection can serve the next request.
async fn finish_body(client: &Client, answer: &mut Answer) {
    let Some(mut stream) = answer.stream.take() else { return };
    let mut body = answer.body.to_vec();
    while let Ok(Some(piece)) = client.read(&mut stream).await {
        body.extend_from_slice(&piece);
    }
    answer.body = body.into();
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
    let Response { status, url, head, body, rest, .. } = response;
    Answer { status, head, body, url, sent, elapsed, unfollowed: None, stream: rest, rest: None }
}

/// The same request once more, with the answer to the challenge it met.
fn answered(answer: &Answer, digest: &Digest) -> Request {
    let Sent { method, url, headers, body, framing, .. } = &answer.sent;
    let mut request = Request::new(method.clone(), url.clone());
    request.headers = headers.clone();
    digest.apply(&mut request.headers, method, url, body.as_deref().unwrap_or_default());
    request.body.clone_from(body);
    request.framing = *framing;
    request
}
