//! HTTP/2: h2's connection, driven on our reactor, shared by a virtual user's concurrent requests.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::conn::Io;
use crate::error::{Operation, RequestError, code};
use crate::exchange::{Failure, Trace};
use crate::request::BodyMode;
use crate::response::{Head, Proto, TlsInfo};
use crate::shared::Shared;
use crate::wire::{Notable, ParsedResponse, WireRequest};

/// Windows as in Go's client, large enough not to throttle a load test.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A handle on an HTTP/2 connection; the connection itself is a task.
#[derive(Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
    pub(crate) remote: SocketAddr,
    pub(crate) tls: Option<TlsInfo>,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    /// The kernel's time of the last bytes received.
    last_receive: Cell<Option<u64>>,
    closed: Cell<bool>,
    used: Cell<bool>,
    /// What ended the connection, if it was not a farewell.
    io_error: RefCell<Option<io::Error>>,
}

impl std::fmt::Debug for Http2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http2").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl Http2 {
    /// Exchanges prefaces and starts the connection's task.
    pub(crate) async fn start(
        shared: &Shared,
        io: Io,
        remote: SocketAddr,
        tls: Option<TlsInfo>,
    ) -> Result<Self, RequestError> {
        let state = Rc::<State>::default();
        let io = Stream { io, state: Rc::clone(&state) };
        let head_limit = u32::try_from(shared.config.max_response_head).unwrap_or(u32::MAX);
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(head_limit)
            .enable_push(false)
            .handshake(io)
            .await
            .map_err(|error| describe(&error))?;
        let task_state = Rc::clone(&state);
        shared.handle.spawn(async move {
            let result = connection.await;
            task_state.closed.set(true);
            if let Err(error) = result
                && error.is_io()
            {
                *task_state.io_error.borrow_mut() = error.into_io();
            }
        });
        Ok(Self { sender, remote, tls, state })
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.state.closed.get()
    }

    /// Notes a use and says whether there was one before.
    pub(crate) fn note_use(&self) -> bool {
        self.state.used.replace(true)
    }

    /// Sends a request and reads its response.
    pub(crate) async fn exchange(
        &self,
        shared: &Shared,
        request: &WireRequest<'_>,
        body: Option<&Bytes>,
        mode: BodyMode,
        trace: &mut Trace,
    ) -> Result<ParsedResponse, Failure> {
        let head = request_head(request)?;
        let mut sender = self.sender.clone();
        poll_fn(|cx| sender.poll_ready(cx)).await.map_err(|error| self.failure(&error, true))?;
        let body = body.filter(|body| !body.is_empty());
        let (response, mut stream) =
            sender.send_request(head, body.is_none()).map_err(|error| self.failure(&error, true))?;
        trace.wrote_any = true;
        if let Some(body) = body {
            let mut rest = body.clone();
            while !rest.is_empty() {
                stream.reserve_capacity(rest.len());
                let capacity = poll_fn(|cx| stream.poll_capacity(cx)).await;
                let Some(capacity) = capacity else { break };
                let n = capacity.map_err(|error| self.failure(&error, false))?.min(rest.len());
                let piece = rest.split_to(n);
                let sent = stream.send_data(piece, rest.is_empty());
                if let Err(error) = sent {
                    return Err(self.failure(&error, false));
                }
            }
        }
        // Lets the connection's task put the frames onto the wire before the clock is read.
        shared.handle.yield_now().await;
        trace.sent = Some(Instant::now());
        let response = response.await.map_err(|error| self.failure(&error, true))?;
        let now = Instant::now();
        let at = trace.start.received_at(self.state.last_receive.get(), now);
        trace.first_byte = Some(at);
        trace.ended = Some(at);
        let (parts, mut incoming) = response.into_parts();
        let has_body = !incoming.is_end_stream();
        let mut collected = Vec::new();
        while let Some(data) = poll_fn(|cx| incoming.poll_data(cx)).await {
            let data = data.map_err(|error| {
                let mut failure = self.failure(&error, false);
                failure.error.partial_body = Some(Bytes::copy_from_slice(&collected));
                failure
            })?;
            if mode == BodyMode::Keep {
                collected.extend_from_slice(&data);
            }
            let released = incoming.flow_control().release_capacity(data.len());
            released.map_err(|error| self.failure(&error, false))?;
            let now = Instant::now();
            trace.ended = Some(trace.start.received_at(self.state.last_receive.get(), now).max(at));
        }
        Ok(ParsedResponse {
            status: parts.status.as_u16(),
            proto: Proto::Http2,
            head: response_head(&parts),
            body: Bytes::from(collected),
            has_body,
            keep_alive: true,
            notable: Notable {
                location: parts.headers.contains_key(http::header::LOCATION),
                set_cookie: parts.headers.contains_key(http::header::SET_COOKIE),
                content_encoding: parts.headers.contains_key(http::header::CONTENT_ENCODING),
            },
        })
    }

    fn failure(&self, error: &h2::Error, before_response: bool) -> Failure {
        let farewell = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let dead = before_response && (farewell || refused || error.is_io() || self.state.closed.get());
        let described = match &*self.state.io_error.borrow() {
            Some(io) if error.is_io() || error.reason().is_none() => of_io(io),
            _ if before_response && error.is_go_away() && error.is_remote() && !farewell => {
                // Observed on k6 1.1: only what comes after a response's head has a number of its own.
                let reason = error.reason().unwrap_or(h2::Reason::NO_ERROR);
                RequestError::generic(format!(
                    "http2: Transport received GOAWAY from server ErrCode:{reason:?}"
                ))
            }
            _ => describe(error),
        };
        Failure { error: described, connection_was_dead: dead }
    }
}

/// An error of the connection. What h2 calls a broken pipe of its own making is a peer that closed it.
fn of_io(error: &io::Error) -> RequestError {
    if error.kind() == io::ErrorKind::BrokenPipe && error.raw_os_error().is_none() {
        return RequestError::from_io(Operation::Read, &io::ErrorKind::UnexpectedEof.into());
    }
    RequestError::from_io(Operation::Read, error)
}

/// An HTTP/2 error in k6's numbers.
fn describe(error: &h2::Error) -> RequestError {
    if let Some(io) = error.get_io() {
        return of_io(io);
    }
    let Some(reason) = error.reason() else {
        return RequestError::new(code::HTTP2, format!("http2: {error}"));
    };
    let (base, what) = if error.is_go_away() && error.is_remote() {
        (code::HTTP2_GOAWAY, "received GoAway")
    } else if error.is_reset() {
        (code::HTTP2_STREAM, "stream error")
    } else {
        (code::HTTP2_CONNECTION, "connection error")
    };
    let number = u32::from(reason);
    // RFC 9113 section 7 defines 14 codes; k6 has a number for each and one for the unknown.
    let code = if number < 14 { base + 1 + number as u16 } else { base };
    RequestError::new(code, format!("http2: {what} with http2 ErrCode {reason:?}"))
}

/// Fields that describe an HTTP/1.1 connection and mean nothing here (RFC 9113 section 8.2.2).
const CONNECTION_FIELDS: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
];

fn request_head(request: &WireRequest<'_>) -> Result<http::Request<()>, RequestError> {
    let url = request.url;
    let authority = request.headers.get("Host").filter(|h| !h.is_empty()).unwrap_or(url.authority());
    let mut target = String::from(if url.target().starts_with('/') { "" } else { "/" });
    for c in url.target().chars() {
        // What HTTP/1.1 lets pass as it was written has to be encoded for h2.
        if c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '`' | '{' | '}' | '\\' | '^' | '|') {
            target.push(c);
        } else {
            for b in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(target, "%{b:02X}");
            }
        }
    }
    let uri = format!("{}://{authority}{target}", url.scheme_str());
    let mut builder =
        http::Request::builder().method(request.method.as_str()).uri(uri).version(http::Version::HTTP_2);
    let own_agent = request.headers.get("User-Agent");
    if let Some(agent) = own_agent.or(request.user_agent).filter(|agent| !agent.is_empty()) {
        builder = builder.header("user-agent", agent);
    }
    match request.body_len {
        Some(0) | None if !request.method.expects_body() => {}
        length => builder = builder.header("content-length", length.unwrap_or(0)),
    }
    let ours = |name: &str| request.extra.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    for (name, value) in request.headers.iter() {
        let lower = name.to_ascii_lowercase();
        if lower == "user-agent" || CONNECTION_FIELDS.contains(&lower.as_str()) || ours(name) {
            continue;
        }
        builder = builder.header(lower, value);
    }
    for (name, value) in request.extra {
        builder = builder.header(name.to_ascii_lowercase(), value);
    }
    builder.body(()).map_err(|error| RequestError::generic(format!("http2: {error}")))
}

/// The head as HTTP/1.1 would have it, so that there is one kind of head.
fn response_head(parts: &http::response::Parts) -> Head {
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let fields = parts.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    Head::made_up("HTTP/2.0", parts.status.as_u16(), reason.as_bytes(), fields)
}

/// [`Io`] for h2.
struct Stream {
    io: Io,
    state: Rc<State>,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let received = ready!(self.io.poll_recv(cx, buf.initialize_unfilled()))?;
        buf.advance(received.len);
        if received.kernel_time.is_some() {
            self.state.last_receive.set(received.kernel_time);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_send(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }
}
