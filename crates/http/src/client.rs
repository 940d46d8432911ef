//! One virtual user's client: requests with their redirects and challenges.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;
use throng_reactor::Timer;

use crate::auth::{Challenge, basic, client_nonce};
use crate::compress::{compress, decompress};
use crate::cookie::{CookieJar, SetCookie, is_cookie_pair, push_pair};
use crate::debug::HttpDebug;
use crate::error::RequestError;
use crate::exchange::{FOREVER, Watch};
use crate::hop::{Answer, Extra, Outgoing, Transport};
use crate::pool::Pool;
use crate::redirect;
use crate::request::{Auth, Request, RequestCookie};
use crate::response::{Hop, Outcome, Response, Warning};
use crate::shared::Shared;
use crate::stream::BodyStream;
use crate::url::Url;
use crate::websocket::{self, WebSocketAnswer, WebSocketRequest};

/// One virtual user's connections.
///
/// Requests may run at the same time; over HTTP/1.1 each then has its own connection.
pub struct Client {
    transport: Transport,
    /// Timers for request timeouts that no request is using.
    timers: RefCell<Vec<Timer>>,
}

impl Client {
    /// A client without a connection yet.
    pub fn new(shared: Rc<Shared>) -> Self {
        Self::for_vu(shared, 0)
    }

    /// A client for the virtual user of that number, from 0, which decides its source address.
    pub fn for_vu(shared: Rc<Shared>, vu: u64) -> Self {
        let pool = Pool::new(shared.config.max_idle, shared.config.max_idle_per_host);
        let local_ip = shared.config.local_ips.as_ref().map(|ips| ips.for_vu(vu));
        let transport = Transport {
            shared,
            pool: RefCell::new(pool),
            traffic: Rc::default(),
            local_ip,
            debug: RefCell::default(),
            exchanges: Cell::default(),
        };
        Self { transport, timers: RefCell::default() }
    }

    /// Sends dumps of all requests and responses there, or nowhere.
    pub fn set_debug(&self, debug: Option<HttpDebug>) {
        *self.transport.debug.borrow_mut() = debug;
    }

    /// Bytes sent and received on the sockets since the last call, with TLS and headers.
    pub fn take_bytes(&self) -> (u64, u64) {
        self.transport.traffic.take()
    }

    /// To be called at the end of each iteration: closes the connections if they do not outlive it.
    pub fn end_iteration(&self) {
        if self.transport.shared.config.no_vu_connection_reuse {
            self.close();
        }
    }

    /// Closes the idle connections.
    pub fn close(&self) {
        self.transport.pool.borrow_mut().clear();
    }

    /// Opens a WebSocket on a connection of its own.
    pub async fn open_websocket(&self, request: WebSocketRequest) -> Result<WebSocketAnswer, RequestError> {
        websocket::open(&self.transport, request).await
    }

    /// The next piece of a body that is handed out as it arrives; `None` at its end, after which the connection may
    /// serve other requests. Dropping the future or the stream closes the connection.
    pub async fn read(&self, stream: &mut BodyStream) -> Result<Option<Bytes>, RequestError> {
        self.transport.read(stream).await
    }

    /// Sends a request and follows its redirects.
    ///
    /// Waits for its turn first if there is a limit of requests per second; that wait counts neither in the
    /// timeout nor in the phases. Dropping the future abandons the request and closes its connection.
    pub async fn send(&self, request: Request) -> Outcome {
        let shared = &self.transport.shared;
        if let Some(limiter) = &shared.config.rate_limiter {
            let at = limiter.reserve(Instant::now());
            if at > Instant::now() {
                shared.handle.sleep_until(at).await;
            }
        }
        let timer = self.timers.borrow_mut().pop().unwrap_or_else(|| shared.handle.timer());
        let now = Instant::now();
        timer.set(now.checked_add(request.timeout).unwrap_or(now + FOREVER));
        let outcome = self.send_until(request, &timer).await;
        timer.clear();
        self.timers.borrow_mut().push(timer);
        outcome
    }

    async fn send_until(&self, request: Request, timer: &Timer) -> Outcome {
        let Request {
            method,
            url,
            headers,
            body,
            framing,
            timeout: _,
            redirects,
            auth,
            compression,
            body_mode,
            jar,
            cookies,
            patience,
            says_empty,
        } = request;
        let first_url = url.clone();
        let mut credentials = url.credentials();
        let watch = Watch { timer, patience };
        let mut outgoing = Outgoing { method, url, headers, body, framing, body_mode, says_empty };
        let mut hops: SmallVec<[Hop; 1]> = SmallVec::new();
        let mut content_encoding = None;
        if let Some(body) = outgoing.body.as_ref().filter(|b| !b.is_empty() && !compression.is_empty()) {
            match compress(body, &compression) {
                Ok((packed, names)) => {
                    outgoing.body = Some(packed);
                    // Observed on k6 1.1: the script's own header is believed, right or wrong.
                    content_encoding = outgoing.headers.get("Content-Encoding").is_none().then_some(names);
                }
                Err(error) => return Outcome { hops, result: Err(error), warning: None },
            }
        }
        if auth == Auth::Digest && credentials.is_some() {
            // Observed on k6 1.1: the first request still carries Basic, and the URL in the response has
            // no user any more.
            match Url::parse(&outgoing.url.without_userinfo()) {
                Ok(url) => outgoing.url = url,
                Err(error) => return Outcome { hops, result: Err((&error).into()), warning: None },
            }
        }
        let mut referer = None;
        let mut answer_to_challenge = None;
        let mut followed = 0;
        loop {
            let mut extra = Extra::new();
            let challenged = answer_to_challenge.is_some();
            authorization(&outgoing, credentials.as_ref(), answer_to_challenge.take(), &mut extra);
            if let Some(names) = content_encoding.as_ref().filter(|_| outgoing.body.is_some()) {
                extra.push(("Content-Encoding", names.clone()));
            }
            cookie_header(&outgoing, jar.as_ref(), &cookies, &mut extra);
            if let Some(referer) = &referer {
                extra.push(("Referer", String::clone(referer)));
            }
            let (hop, result) = self.transport.hop(&outgoing, &extra, watch).await;
            hops.push(hop);
            let answer = match result {
                Ok(answer) => answer,
                Err(error) => return Outcome { hops, result: Err(error), warning: None },
            };
            if let Some(jar) = jar.as_ref().filter(|_| answer.parsed.notable.set_cookie) {
                store_cookies(&outgoing.url, &answer, jar);
            }
            if answer.parsed.status == 401
                && auth == Auth::Digest
                && !challenged
                && let Some(credentials) = &credentials
                && let Some(challenge) =
                    answer.parsed.head.get_all("WWW-Authenticate").find_map(Challenge::parse)
            {
                answer_to_challenge = Some(respond(&challenge, credentials, &outgoing));
                continue;
            }
            let redirection = redirect::next_method(answer.parsed.status, &outgoing.method)
                .filter(|_| answer.parsed.notable.location);
            let Some((method, keep_body)) = redirection else {
                return Outcome { result: finish(outgoing.url, answer, &mut hops), hops, warning: None };
            };
            if followed == redirects.max {
                let warning =
                    redirects.is_default.then_some(Warning::TooManyRedirects { requests: followed + 1 });
                return Outcome { result: finish(outgoing.url, answer, &mut hops), hops, warning };
            }
            let location = answer.parsed.head.get("Location").unwrap_or_default();
            let location = String::from_utf8_lossy(location).into_owned();
            let next = match outgoing.url.join(&location) {
                Ok(next) => next,
                Err(error) => {
                    let text = format!("failed to parse Location header {location:?}: {error}");
                    let error = RequestError::generic(text);
                    fail_last(&mut hops, &error);
                    return Outcome { hops, result: Err(error), warning: None };
                }
            };
            followed += 1;
            referer = redirect::referer(&outgoing.url, &next);
            redirect::strip_headers(&mut outgoing.headers, &first_url, &next);
            // Observed on k6 1.1: a `Cookie` header of the script is for the first request only, and a
            // `Host` header goes along only if the location is relative.
            outgoing.headers.remove("Cookie");
            if Url::parse(&location).is_ok_and(|l| l.is_absolute()) {
                outgoing.headers.remove("Host");
            }
            if auth != Auth::Digest {
                credentials = next.credentials();
            } else if next.host() != first_url.host() {
                credentials = None;
            }
            outgoing.method = method;
            outgoing.url = next;
            if !keep_body {
                outgoing.body = None;
            }
        }
    }
}

/// The answer to a challenge for this request.
fn respond(challenge: &Challenge, credentials: &(String, String), outgoing: &Outgoing) -> String {
    let target = outgoing.url.target();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let body = outgoing.body.as_deref().unwrap_or_default();
    challenge.answer(credentials, outgoing.method.as_str(), &target, body, (1, &client_nonce()))
}

/// The `Authorization` header, unless the script has its own: an answer to a challenge, or Basic if there
/// is a user in the URL.
fn authorization(
    outgoing: &Outgoing,
    credentials: Option<&(String, String)>,
    answer: Option<String>,
    extra: &mut Extra,
) {
    if let Some(answer) = answer {
        extra.push(("Authorization", answer));
    } else if let Some(credentials) = credentials
        && outgoing.headers.get("Authorization").is_none()
    {
        extra.push(("Authorization", basic(credentials)));
    }
}

/// The `Cookie` header: the script's own, then the request's cookies, then the jar's.
fn cookie_header(
    outgoing: &Outgoing,
    jar: Option<&Rc<RefCell<CookieJar>>>,
    cookies: &[RequestCookie],
    extra: &mut Extra,
) {
    let jar = jar.filter(|jar| !jar.borrow().is_empty());
    if jar.is_none() && cookies.is_empty() {
        return;
    }
    let mut header = outgoing.headers.get("Cookie").unwrap_or_default().to_owned();
    for cookie in cookies.iter().filter(|c| is_cookie_pair(&c.name)) {
        push_pair(&mut header, &cookie.name, &cookie.value, false);
    }
    if let Some(jar) = jar {
        let replaced = |name: &str| cookies.iter().any(|c| c.replace && c.name == name);
        jar.borrow().push_pairs(&outgoing.url, &mut header, replaced);
    }
    if !header.is_empty() {
        extra.push(("Cookie", header));
    }
}

fn store_cookies(url: &Url, answer: &Answer, jar: &Rc<RefCell<CookieJar>>) {
    for header in answer.parsed.head.get_all("Set-Cookie") {
        if let Some(cookie) = SetCookie::parse(header) {
            jar.borrow_mut().set(url, &cookie);
        }
    }
}

/// Makes a hop one that failed: there was a response, but not one that can be used (observed on k6 1.1).
fn fail_last(hops: &mut [Hop], error: &RequestError) {
    if let Some(hop) = hops.last_mut() {
        hop.status = 0;
        hop.proto = None;
        hop.tls_version = None;
        hop.error_code = Some(error.code);
        hop.error = Some(error.message.clone());
    }
}

/// The response to show, with its body unpacked.
fn finish(url: Url, answer: Answer, hops: &mut [Hop]) -> Result<Response, RequestError> {
    let Answer { parsed, remote, tls, rest, .. } = answer;
    let mut body = parsed.body;
    if !body.is_empty() && parsed.notable.content_encoding {
        let encodings: Vec<&[u8]> = parsed.head.get_all("Content-Encoding").collect();
        body = decompress(body, &encodings.join(&b","[..])).inspect_err(|error| fail_last(hops, error))?;
    }
    Ok(Response {
        status: parsed.status,
        proto: parsed.proto,
        url,
        head: parsed.head,
        body,
        has_body: parsed.has_body,
        sets_cookies: parsed.notable.set_cookie,
        remote_addr: remote,
        tls,
        rest,
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport).finish_non_exhaustive()
    }
}
