//! One virtual user's client: requests with their redirects.

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;
use throng_reactor::Timer;

use crate::conn::{Connection, Io, Traffic, dial};
use crate::cookie::{CookieJar, SetCookie, is_cookie_pair, push_pair};
use crate::error::{RequestError, code, code_of_status};
use crate::exchange::{Trace, exchange};
use crate::pool::{Origin, Pool};
use crate::redirect;
use crate::request::{BodyMode, Headers, Method, Request, RequestCookie};
use crate::response::{Hop, Outcome, Response, Warning};
use crate::shared::Shared;
use crate::url::Url;
use crate::wire::{ParsedResponse, ResponseParser, WireRequest};

/// Our own headers of one request.
type Extra = SmallVec<[(&'static str, String); 2]>;

/// One virtual user's connections.
///
/// Requests may run at the same time; each then has its own connection.
pub struct Client {
    shared: Rc<Shared>,
    pool: RefCell<Pool>,
    traffic: Rc<Traffic>,
    /// Timers for request timeouts that no request is using.
    timers: RefCell<Vec<Timer>>,
    local_ip: Option<IpAddr>,
}

/// What one request on the wire consists of.
struct Hopping {
    method: Method,
    url: Url,
    headers: Headers,
    body: Option<Bytes>,
    body_mode: BodyMode,
}

/// What came back from one request on the wire.
struct Answer {
    parsed: ParsedResponse,
    remote: std::net::SocketAddr,
    tls: Option<crate::response::TlsInfo>,
    reused: bool,
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
        Self {
            shared,
            pool: RefCell::new(pool),
            traffic: Rc::default(),
            timers: RefCell::default(),
            local_ip,
        }
    }

    /// Bytes sent and received on the sockets since the last call, with TLS and headers.
    pub fn take_bytes(&self) -> (u64, u64) {
        self.traffic.take()
    }

    /// To be called at the end of each iteration: closes the connections if they do not outlive it.
    pub fn end_iteration(&self) {
        if self.shared.config.no_vu_connection_reuse {
            self.close();
        }
    }

    /// Closes the idle connections.
    pub fn close(&self) {
        self.pool.borrow_mut().clear();
    }

    /// Sends a request and follows its redirects.
    pub async fn send(&self, request: Request) -> Outcome {
        let timer = self.timers.borrow_mut().pop().unwrap_or_else(|| self.shared.handle.timer());
        let now = Instant::now();
        timer.set(now.checked_add(request.timeout).unwrap_or(now + crate::client::FOREVER));
        let outcome = self.send_until(request, &timer).await;
        timer.clear();
        self.timers.borrow_mut().push(timer);
        outcome
    }

    async fn send_until(&self, request: Request, timer: &Timer) -> Outcome {
        let Request { method, url, headers, body, redirects, body_mode, jar, cookies, .. } = request;
        let first_url = url.clone();
        let mut hopping = Hopping { method, url, headers, body, body_mode };
        let mut hops = SmallVec::new();
        let mut referer = None;
        let mut followed = 0;
        loop {
            let mut extra = Extra::new();
            cookie_header(&hopping, jar.as_ref(), &cookies, &mut extra);
            authorization(&hopping, &mut extra);
            if let Some(referer) = referer.take() {
                extra.push(("Referer", referer));
            }
            let (hop, result) = self.hop(&hopping, &extra, timer).await;
            let status = hop.status;
            hops.push(hop);
            let answer = match result {
                Ok(answer) => answer,
                Err(error) => return Outcome { hops, result: Err(error), warning: None },
            };
            if let Some(jar) = &jar {
                store_cookies(&hopping.url, &answer, jar);
            }
            let location = answer.parsed.head.get("Location").filter(|l| !l.is_empty());
            let (Some((method, keep_body)), Some(location)) =
                (redirect::next_method(status, &hopping.method), location)
            else {
                return Outcome { hops, result: finish(hopping.url, answer), warning: None };
            };
            if followed == redirects.max {
                let warning =
                    redirects.is_default.then_some(Warning::TooManyRedirects { requests: followed + 1 });
                return Outcome { hops, result: finish(hopping.url, answer), warning };
            }
            let location = String::from_utf8_lossy(location).into_owned();
            let next = match hopping.url.join(&location) {
                Ok(next) => next,
                Err(error) => {
                    let text = format!("failed to parse Location header {location:?}: {error}");
                    return Outcome { hops, result: Err(RequestError::generic(text)), warning: None };
                }
            };
            followed += 1;
            referer = redirect::referer(&hopping.url, &next);
            redirect::strip_headers(&mut hopping.headers, &first_url, &next);
            // Observed on k6 1.1: a `Cookie` header of the script is for the first request only, and a
            // `Host` header goes along only if the location is relative.
            hopping.headers.remove("Cookie");
            if Url::parse(&location).is_ok_and(|l| l.is_absolute()) {
                hopping.headers.remove("Host");
            }
            hopping.method = method;
            hopping.url = next;
            if !keep_body {
                hopping.body = None;
            }
        }
    }

    /// One request on the wire, with its record.
    async fn hop(
        &self,
        hopping: &Hopping,
        extra: &Extra,
        timer: &Timer,
    ) -> (Hop, Result<Answer, RequestError>) {
        let mut trace = Trace::begin();
        let config = &self.shared.config;
        let was_head = hopping.method == Method::HEAD;
        let mut parser = ResponseParser::new(was_head, hopping.body_mode, config.max_response_head);
        let result = {
            let future = pin!(self.attempt(hopping, extra, &mut parser, &mut trace));
            timer.limit(future).await.unwrap_or_else(|_| Err(RequestError::timeout()))
        };
        let end = trace.ended.filter(|_| result.is_ok()).unwrap_or_else(Instant::now);
        let mut hop = Hop {
            method: hopping.method.clone(),
            url: hopping.url.clone(),
            status: 0,
            proto: None,
            tls_version: None,
            timings: trace.timings(end),
            error_code: None,
            error: None,
            remote_addr: trace.dial.remote,
            reused_connection: false,
            ended_at: trace.start.unix_at(end),
        };
        let result = match result {
            Ok((remote, tls, reused)) => match parser.finish() {
                Some(parsed) => {
                    hop.status = parsed.status;
                    hop.proto = Some(parsed.proto);
                    hop.tls_version = tls.map(|t| t.version);
                    hop.error_code = code_of_status(parsed.status);
                    hop.remote_addr = Some(remote);
                    hop.reused_connection = reused;
                    Ok(Answer { parsed, remote, tls, reused })
                }
                None => Err(RequestError::generic("EOF")),
            },
            Err(mut error) => {
                error.partial_body = parser.take_partial_body();
                Err(error)
            }
        };
        if let Err(error) = &result {
            hop.error_code = Some(error.code);
            hop.error = Some(error.message.clone());
        }
        (hop, result)
    }

    /// Finds a connection and does the exchange; once more if a kept connection turned out to be dead.
    async fn attempt(
        &self,
        hopping: &Hopping,
        extra: &Extra,
        parser: &mut ResponseParser,
        trace: &mut Trace,
    ) -> Result<(std::net::SocketAddr, Option<crate::response::TlsInfo>, bool), RequestError> {
        let url = &hopping.url;
        let config = &self.shared.config;
        let body = hopping.body.as_deref().unwrap_or_default();
        let wire = WireRequest {
            method: &hopping.method,
            url,
            headers: &hopping.headers,
            user_agent: config.user_agent.as_deref(),
            extra,
            body_len: hopping.body.as_ref().map(Bytes::len),
            absolute_form: false,
            order: config.header_order,
        };
        wire.check()?;
        let origin = origin(url)?;
        loop {
            let idle = if config.no_connection_reuse { None } else { self.pool.borrow_mut().take(origin) };
            let (key, mut connection) = match idle {
                Some(found) => found,
                None => (origin.key(), Box::pin(self.connect(origin, trace)).await?),
            };
            trace.connected = Some(Instant::now());
            match exchange(&self.shared, &mut connection, &wire, body, parser, trace).await {
                Ok(clean) => {
                    let (remote, tls, reused) = (connection.remote, connection.tls, connection.reused);
                    let keep_alive = parser.keeps_alive();
                    if clean && keep_alive && !config.no_connection_reuse {
                        connection.reused = true;
                        self.pool.borrow_mut().put(key, connection);
                    }
                    return Ok((remote, tls, reused));
                }
                Err(failure) => {
                    let again = connection.reused
                        && failure.connection_was_dead
                        && (hopping.method.is_idempotent() || !trace.wrote_any);
                    if !again {
                        return Err(failure.error);
                    }
                    trace.wrote_any = false;
                }
            }
        }
    }

    async fn connect(&self, origin: Origin<'_>, trace: &mut Trace) -> Result<Connection, RequestError> {
        let phases = &mut trace.dial;
        let socket =
            dial(&self.shared, &self.traffic, self.local_ip, origin.host, origin.port, phases).await?;
        let remote = socket.tcp().peer_addr();
        Ok(Connection { io: Io::Plain(socket), remote, tls: None, reused: false })
    }
}

/// Longer than any test.
const FOREVER: std::time::Duration = std::time::Duration::from_secs(3_155_760_000);

/// Scheme, host and port, or why the URL cannot be requested.
fn origin(url: &Url) -> Result<Origin<'_>, RequestError> {
    let Some(scheme) = url.scheme() else {
        let text = format!("unsupported protocol scheme {:?}", url.scheme_str());
        return Err(RequestError::generic(text));
    };
    if url.host().is_empty() {
        return Err(RequestError::generic("http: no Host in request URL"));
    }
    let port = url.port().map_err(|port| {
        RequestError::new(code::DIAL, format!("dial tcp: address {port}: invalid port"))
    })?;
    Ok(Origin::of(url, scheme, port))
}

/// The `Cookie` header: the script's own, then the request's cookies, then the jar's.
fn cookie_header(
    hopping: &Hopping,
    jar: Option<&Rc<RefCell<CookieJar>>>,
    cookies: &[RequestCookie],
    extra: &mut Extra,
) {
    let jar = jar.filter(|jar| !jar.borrow().is_empty());
    if jar.is_none() && cookies.is_empty() {
        return;
    }
    let mut header = hopping.headers.get("Cookie").unwrap_or_default().to_owned();
    for cookie in cookies.iter().filter(|c| is_cookie_pair(&c.name)) {
        push_pair(&mut header, &cookie.name, &cookie.value, false);
    }
    if let Some(jar) = jar {
        let replaced = |name: &str| cookies.iter().any(|c| c.replace && c.name == name);
        jar.borrow().push_pairs(&hopping.url, &mut header, replaced);
    }
    if !header.is_empty() {
        extra.push(("Cookie", header));
    }
}

/// Basic authentication with the URL's user and password, unless the script has its own header.
fn authorization(hopping: &Hopping, extra: &mut Extra) {
    let _ = (hopping, extra);
}

fn store_cookies(url: &Url, answer: &Answer, jar: &Rc<RefCell<CookieJar>>) {
    for header in answer.parsed.head.get_all("Set-Cookie") {
        if let Some(cookie) = SetCookie::parse(header) {
            jar.borrow_mut().set(url, &cookie);
        }
    }
}

fn finish(url: Url, answer: Answer) -> Result<Response, RequestError> {
    let Answer { parsed, remote, tls, .. } = answer;
    Ok(Response {
        status: parsed.status,
        proto: parsed.proto,
        url,
        head: parsed.head,
        body: parsed.body,
        has_body: parsed.has_body,
        remote_addr: remote,
        tls,
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("local_ip", &self.local_ip).finish_non_exhaustive()
    }
}
