//! The opening handshake (RFC 6455 section 4): an HTTP/1.1 request that the server answers by changing the protocol.

use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::WebSocket;
use crate::conn::{Connector, DialPhases, Io};
use crate::error::{Operation, RequestError, code};
use crate::hop::Transport;
use crate::pool::Origin;
use crate::request::Headers;
use crate::url::Url;

/// What both sides append to the key (RFC 6455 section 1.3).
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// More of an answer's body than this is not kept.
const MAX_REFUSAL: usize = 1 << 20;

/// A WebSocket to open.
#[derive(Debug)]
pub struct WebSocketRequest {
    /// Where to, with `http` for `ws` and `https` for `wss`.
    pub url: Url,
    /// Headers beside those of the protocol.
    pub headers: Headers,
    /// The time that opening may take.
    pub timeout: Duration,
}

/// What the server said to the opening.
pub struct WebSocketAnswer {
    /// The status: 101 if there is a socket.
    pub status: u16,
    /// The headers in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body of a refusal.
    pub body: Vec<u8>,
    /// The open WebSocket, if the server agreed.
    pub socket: Option<WebSocket>,
}

impl WebSocketAnswer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let named = |(known, _): &&(String, Vec<u8>)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| &**value)
    }
}

pub(crate) async fn open(
    transport: &Transport,
    request: WebSocketRequest,
) -> Result<WebSocketAnswer, RequestError> {
    let timer = transport.shared.handle.timer();
    timer.set(Instant::now() + request.timeout);
    let opening = std::pin::pin!(handshake(transport, &request));
    timer.limit(opening).await.unwrap_or_else(|_| Err(RequestError::timeout()))
}

async fn handshake(
    transport: &Transport,
    request: &WebSocketRequest,
) -> Result<WebSocketAnswer, RequestError> {
    let url = &request.url;
    let scheme = url.scheme().ok_or_else(|| RequestError::generic("malformed ws or wss URL"))?;
    if url.host().is_empty() {
        return Err(RequestError::generic("http: no Host in request URL"));
    }
    let port = url
        .port()
        .map_err(|port| RequestError::new(code::DIAL, format!("dial tcp: address {port}: invalid port")))?;
    let shared = &transport.shared;
    let proxy = shared.config.proxy.find(scheme, url.host(), port);
    let origin = Origin { scheme, host: url.host(), port, proxy };
    let connector = Connector { shared, traffic: &transport.traffic, local_ip: transport.local_ip };
    let mut io = connector.connect_http1(origin, &mut DialPhases::default()).await?;

    let key = STANDARD.encode(random_bytes());
    send(&mut io, &head(request, &key, shared.config.user_agent.as_deref())).await?;
    let (mut answer, rest) = receive(&mut io, transport).await?;
    if answer.status != 101 {
        return Ok(answer);
    }
    let expected = STANDARD.encode(Sha1::digest(format!("{key}{KEY_SUFFIX}")));
    let upgraded = answer.header("Upgrade").is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"));
    if !upgraded || answer.header("Sec-WebSocket-Accept") != Some(expected.as_bytes()) {
        return Err(RequestError::generic("websocket: bad handshake"));
    }
    if answer.header("Sec-WebSocket-Extensions").is_some() {
        return Err(RequestError::generic("websocket: the server uses an extension that was not asked for"));
    }
    answer.socket = Some(WebSocket::new(io, Rc::clone(shared), rest, u64::from_le_bytes(seed())));
    Ok(answer)
}

fn head(request: &WebSocketRequest, key: &str, user_agent: Option<&str>) -> Vec<u8> {
    let url = &request.url;
    let target = url.target();
    let slash = if target.starts_with('/') { "" } else { "/" };
    let host = request.headers.get("Host").unwrap_or(url.authority());
    let mut head = format!("GET {slash}{target} HTTP/1.1\r\nHost: {host}\r\n");
    let mut line = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    if let (None, Some(agent)) = (request.headers.get("User-Agent"), user_agent) {
        line("User-Agent", agent);
    }
    line("Connection", "Upgrade");
    line("Upgrade", "websocket");
    line("Sec-WebSocket-Key", key);
    line("Sec-WebSocket-Version", "13");
    if let Some((user, password)) = url.credentials()
        && request.headers.get("Authorization").is_none()
    {
        line("Authorization", &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| *name != "Host") {
        line(name, value);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

async fn send(io: &mut Io, mut bytes: &[u8]) -> Result<(), RequestError> {
    poll_fn(|cx| {
        while !bytes.is_empty() {
            let n = ready!(io.poll_send(cx, bytes))?;
            bytes = &bytes[n..];
        }
        io.poll_flush(cx)
    })
    .await
    .map_err(|error: io::Error| RequestError::from_io(Operation::Write, &error))
}

/// Appends what comes next; false at the end of the connection.
async fn more(io: &mut Io, transport: &Transport, received: &mut Vec<u8>) -> Result<bool, RequestError> {
    poll_fn(|cx| {
        let mut buffer = transport.shared.read_buffer.borrow_mut();
        let n = ready!(io.poll_recv(cx, &mut buffer))?.len;
        received.extend_from_slice(&buffer[..n]);
        Poll::Ready(Ok(n > 0))
    })
    .await
    .map_err(|error: io::Error| RequestError::from_io(Operation::Read, &error))
}

/// The answer, and what came after its head: first frames, if the server agreed.
async fn receive(io: &mut Io, transport: &Transport) -> Result<(WebSocketAnswer, Vec<u8>), RequestError> {
    let mut received = Vec::new();
    let (mut answer, mut rest) = loop {
        if let Some(parsed) = parse(&received)? {
            break parsed;
        }
        if received.len() > transport.shared.config.max_response_head {
            return Err(RequestError::generic("the head of the answer is too long"));
        }
        if !more(io, transport, &mut received).await? {
            return Err(RequestError::generic("unexpected EOF"));
        }
    };
    if answer.status == 101 {
        return Ok((answer, rest));
    }
    let length = answer.header("Content-Length").and_then(|value| str::from_utf8(value).ok());
    let length = length.and_then(|value| value.parse::<usize>().ok()).unwrap_or_default().min(MAX_REFUSAL);
    while rest.len() < length && more(io, transport, &mut rest).await? {}
    rest.truncate(length);
    answer.body = rest;
    Ok((answer, Vec::new()))
}

fn parse(received: &[u8]) -> Result<Option<(WebSocketAnswer, Vec<u8>)>, RequestError> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(received) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(end)) => {
            let headers = response.headers.iter().map(|h| (h.name.to_owned(), h.value.to_vec())).collect();
            let status = response.code.unwrap_or_default();
            let answer = WebSocketAnswer { status, headers, body: Vec::new(), socket: None };
            Ok(Some((answer, received[end..].to_vec())))
        }
        Err(error) => Err(RequestError::generic(format!("malformed HTTP response: {error}"))),
    }
}

/// Not secret, only hard to foresee: the key keeps caches from answering, the masks keep bytes from looking like HTTP.
fn seed() -> [u8; 8] {
    RandomState::new().hash_one(Instant::now()).to_le_bytes()
}

fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed());
    bytes[8..].copy_from_slice(&seed());
    bytes
}
