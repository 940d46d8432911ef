//! One request on the wire: finding a connection, the exchange, and the record of it.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::conn::{Connected, Connection, Connector, Traffic};
use crate::debug::HttpDebug;
use crate::error::{RequestError, code, code_of_status};
use crate::exchange::{Ended, Failure, Trace, Watch, exchange, read_piece};
use crate::http2::Http2;
use crate::pool::{Key, Origin, Pool};
use crate::request::{BodyMode, Framing, Headers, Method};
use crate::response::{Hop, TlsInfo};
use crate::shared::Shared;
use crate::stream::BodyStream;
use crate::url::{Scheme, Url};
use crate::wire::{ParsedResponse, ResponseParser, WireRequest};

/// Our own headers of one request.
pub(crate) type Extra = SmallVec<[(&'static str, String); 2]>;

/// Exchanges on connections that turn out to be dead, before giving up: one for each kept connection
/// would be too many if a server is restarting.
const ATTEMPTS: usize = 3;

/// What one request on the wire consists of.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Bytes>,
    pub(crate) framing: Framing,
    pub(crate) body_mode: BodyMode,
    pub(crate) says_empty: bool,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) parsed: ParsedResponse,
    pub(crate) remote: SocketAddr,
    pub(crate) tls: Option<TlsInfo>,
    reused: bool,
    pub(crate) rest: Option<Box<BodyStream>>,
}

/// What a virtual user's requests have in common.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) shared: Rc<Shared>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) traffic: Rc<Traffic>,
    pub(crate) local_ip: Option<IpAddr>,
    pub(crate) debug: RefCell<Option<HttpDebug>>,
    /// Numbers the requests on the wire, for debugging.
    pub(crate) exchanges: Cell<u64>,
}

/// A connection to use, and where it goes back to.
enum Ready {
    Http1(Key, Connection),
    Http2(Http2),
}

impl Transport {
    /// Sends one request, until `timer` fires, and records it.
    pub(crate) async fn hop(
        &self,
        outgoing: &Outgoing,
        extra: &Extra,
        watch: Watch<'_>,
    ) -> (Hop, Result<Answer, RequestError>) {
        let mut trace = Trace::begin();
        watch.connecting(trace.start.at);
        trace.exchange = self.exchanges.get();
        self.exchanges.set(trace.exchange + 1);
        let was_head = outgoing.method == Method::HEAD;
        let head_limit = self.shared.config.max_response_head;
        let mut parser = ResponseParser::new(was_head, outgoing.body_mode, head_limit);
        let mut result = {
            let future = pin!(self.attempt(outgoing, extra, &mut parser, &mut trace, watch));
            watch.timer.limit(future).await.unwrap_or_else(|_| Err(RequestError::timeout()))
        };
        let end = trace.ended.filter(|_| result.is_ok()).unwrap_or_else(Instant::now);
        let mut hop = Hop {
            method: outgoing.method.clone(),
            url: outgoing.url.clone(),
            status: 0,
            proto: None,
            tls_version: None,
            timings: trace.timings(end),
            error_code: None,
            error: None,
            // Observed on k6 1.1: a peer that could not be connected to is not named.
            remote_addr: trace.connected.and(trace.dial.remote),
            reused_connection: false,
            ended_at: trace.start.unix_at(end),
        };
        match &mut result {
            Ok(answer) => {
                hop.status = answer.parsed.status;
                hop.proto = Some(answer.parsed.proto);
                hop.tls_version = answer.tls.map(|t| t.version);
                hop.error_code = code_of_status(answer.parsed.status);
                hop.remote_addr = Some(answer.remote);
                hop.reused_connection = answer.reused;
                if let Some(debug) = &*self.debug.borrow() {
                    debug.response(trace.exchange, &answer.parsed);
                }
            }
            Err(error) => {
                // HTTP/2 has put its own there.
                error.partial_body = parser.take_partial_body().or_else(|| error.partial_body.take());
                error.partial_head = parser.take().map(|response| Box::new((response.status, response.head)));
                hop.error_code = Some(error.code);
                hop.error = Some(error.message.clone());
            }
        }
        (hop, result)
    }

    /// Finds a connection and does the exchange; again if a kept connection turned out to be dead.
    async fn attempt(
        &self,
        outgoing: &Outgoing,
        extra: &Extra,
        parser: &mut ResponseParser,
        trace: &mut Trace,
        watch: Watch<'_>,
    ) -> Result<Answer, RequestError> {
        let url = &outgoing.url;
        let config = &self.shared.config;
        let mut wire = WireRequest {
            method: &outgoing.method,
            url,
            headers: &outgoing.headers,
            user_agent: config.user_agent.as_deref(),
            extra,
            body_len: outgoing.body.as_ref().map(Bytes::len),
            framing: outgoing.framing,
            says_empty: outgoing.says_empty,
            absolute_form: false,
            proxy_authorization: None,
            close: config.no_connection_reuse,
            order: config.header_order,
        };
        wire.check()?;
        let origin = self.origin(url)?;
        if let Some(proxy) = origin.proxy.filter(|_| origin.scheme == Scheme::Http) {
            wire.absolute_form = true;
            wire.proxy_authorization = proxy.authorization.as_deref();
        }
        if let Some(debug) = &*self.debug.borrow() {
            debug.request(trace.exchange, &wire, outgoing.body.as_deref().unwrap_or_default());
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let ready = match self.take(origin) {
                Some(ready) => ready,
                None => Box::pin(self.connect(origin, trace)).await?,
            };
            let now = Instant::now();
            trace.connected = Some(now);
            watch.alive(now);
            let (failure, reused) = match ready {
                Ready::Http1(key, mut connection) => {
                    let body = outgoing.body.as_deref().unwrap_or_default();
                    match exchange(&self.shared, &mut connection, &wire, body, parser, trace, watch).await {
                        Ok(Ended::Streaming) => return begin_stream(key, connection, parser, watch),
                        Ok(ended) => return self.finish_http1(key, connection, ended, parser),
                        Err(failure) => (failure, connection.reused),
                    }
                }
                Ready::Http2(connection) => {
                    let reused = connection.note_use();
                    match Box::pin(self.exchange_http2(&connection, &wire, outgoing, trace)).await {
                        Ok(parsed) => {
                            let (remote, tls) = (connection.remote, connection.tls);
                            return Ok(Answer { parsed, remote, tls, reused, rest: None });
                        }
                        Err(failure) => {
                            if failure.connection_was_dead {
                                self.pool.borrow_mut().forget_http2(origin);
                            }
                            (failure, reused)
                        }
                    }
                }
            };
            // As in Go: only a kept connection, only before any of the response, and only what may be
            // repeated or was not sent at all.
            let repeatable = outgoing.method.is_idempotent() || !trace.wrote_any;
            if !(reused && failure.connection_was_dead && repeatable && attempts < ATTEMPTS) {
                return Err(failure.error);
            }
            trace.wrote_any = false;
        }
    }

    fn finish_http1(
        &self,
        key: Key,
        connection: Connection,
        ended: Ended,
        parser: &mut ResponseParser,
    ) -> Result<Answer, RequestError> {
        let parsed = parser.take().ok_or_else(|| RequestError::generic("unexpected EOF"))?;
        let (remote, tls, reused) = (connection.remote, connection.tls, connection.reused);
        if ended == Ended::Clean && parsed.keep_alive {
            self.keep(key, connection);
        }
        Ok(Answer { parsed, remote, tls, reused, rest: None })
    }

    fn keep(&self, key: Key, mut connection: Connection) {
        if !self.shared.config.no_connection_reuse {
            connection.reused = true;
            self.pool.borrow_mut().put(key, connection);
        }
    }

    /// The next piece of a body; `None` at its end.
    pub(crate) async fn read(&self, stream: &mut BodyStream) -> Result<Option<Bytes>, RequestError> {
        loop {
            let piece = stream.parser.take_piece();
            if !piece.is_empty() {
                return Ok(Some(Bytes::from(piece)));
            }
            let Some((key, mut connection)) = stream.connection.take() else { return Ok(None) };
            let timer = self.shared.handle.timer();
            let watch = Watch { timer: &timer, patience: stream.patience };
            watch.alive(Instant::now());
            let ended = {
                let read = pin!(read_piece(&self.shared, &mut connection.io, &mut stream.parser));
                timer.limit(read).await.unwrap_or_else(|_| Err(RequestError::timeout()))?
            };
            match ended {
                Ended::Streaming => stream.connection = Some((key, connection)),
                Ended::Clean if stream.keep_alive => self.keep(key, connection),
                Ended::Clean | Ended::Spent => {}
            }
        }
    }

    async fn exchange_http2(
        &self,
        connection: &Http2,
        wire: &WireRequest<'_>,
        outgoing: &Outgoing,
        trace: &mut Trace,
    ) -> Result<ParsedResponse, Failure> {
        let body = outgoing.body.as_ref();
        connection.exchange(&self.shared, wire, body, outgoing.body_mode, trace).await
    }

    /// A connection that is at hand.
    fn take(&self, origin: Origin<'_>) -> Option<Ready> {
        if self.shared.config.no_connection_reuse {
            return None;
        }
        let mut pool = self.pool.borrow_mut();
        if origin.scheme == Scheme::Https
            && let Some(connection) = pool.http2(origin)
        {
            return Some(Ready::Http2(connection));
        }
        pool.take(origin).map(|(key, connection)| Ready::Http1(key, connection))
    }

    async fn connect(&self, origin: Origin<'_>, trace: &mut Trace) -> Result<Ready, RequestError> {
        let connector = Connector { shared: &self.shared, traffic: &self.traffic, local_ip: self.local_ip };
        Ok(match connector.connect(origin, &mut trace.dial).await? {
            Connected::Http1(connection) => Ready::Http1(origin.key(), connection),
            Connected::Http2(connection) if self.shared.config.no_connection_reuse => {
                Ready::Http2(connection)
            }
            Connected::Http2(connection) => {
                Ready::Http2(self.pool.borrow_mut().put_http2(origin, connection))
            }
        })
    }

    /// Scheme, host, port and proxy, or why the URL cannot be requested.
    fn origin<'a>(&'a self, url: &'a Url) -> Result<Origin<'a>, RequestError> {
        let Some(scheme) = url.scheme() else {
            let text = format!("unsupported protocol scheme {:?}", url.scheme_str());
            return Err(RequestError::generic(text));
        };
        if url.host().is_empty() {
            return Err(RequestError::generic("http: no Host in request URL"));
        }
        let host = url.host();
        let port = url.port().map_err(|port| {
            RequestError::new(code::DIAL, format!("dial tcp: address {port}: invalid port"))
        })?;
        let proxy = self.shared.config.proxy.find(scheme, host, port);
        Ok(Origin { scheme, host, port, proxy })
    }
}

/// The answer whose body is to come, with what reads it.
fn begin_stream(
    key: Key,
    connection: Connection,
    parser: &mut ResponseParser,
    watch: Watch<'_>,
) -> Result<Answer, RequestError> {
    let parsed = parser.take().ok_or_else(|| RequestError::generic("unexpected EOF"))?;
    let (remote, tls, reused) = (connection.remote, connection.tls, connection.reused);
    let empty = ResponseParser::new(false, BodyMode::Discard, 0);
    let rest = BodyStream {
        parser: std::mem::replace(parser, empty),
        connection: Some((key, connection)),
        keep_alive: parsed.keep_alive,
        patience: watch.patience,
    };
    Ok(Answer { parsed, remote, tls, reused, rest: Some(Box::new(rest)) })
}
