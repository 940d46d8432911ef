//! From an origin to a connection that HTTP can be spoken on: proxy, TLS, choice of protocol.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Instant;

use super::{Connection, DialPhases, Io, Traffic, dial};
use crate::error::{Operation, RequestError, code};
use crate::http2::Http2;
use crate::net::Proxy;
use crate::pool::Origin;
use crate::request::BodyMode;
use crate::shared::Shared;
use crate::tls::TlsStream;
use crate::url::Scheme;
use crate::wire::{Progress, ResponseParser};

/// A new connection, of the protocol that was agreed on.
#[derive(Debug)]
pub(crate) enum Connected {
    Http1(Connection),
    Http2(Http2),
}

/// What making a connection needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connector<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) traffic: &'a Rc<Traffic>,
    pub(crate) local_ip: Option<IpAddr>,
}

impl Connector<'_> {
    /// Connects to an origin, through its proxy if it has one.
    pub(crate) async fn connect(
        &self,
        origin: Origin<'_>,
        phases: &mut DialPhases,
    ) -> Result<Connected, RequestError> {
        let (io, remote) = self.open(origin, false, phases).await?;
        let tls = match &io {
            Io::Tls(stream) if origin.scheme == Scheme::Https => stream.info(),
            _ => None,
        };
        if matches!(&io, Io::Tls(stream) if origin.scheme == Scheme::Https && stream.is_http2()) {
            return Http2::start(self.shared, io, remote, tls).await.map(Connected::Http2);
        }
        Ok(Connected::Http1(Connection { io, remote, tls, reused: false }))
    }

    /// As [`Self::connect`], for what only HTTP/1.1 can carry.
    pub(crate) async fn connect_http1(
        &self,
        origin: Origin<'_>,
        phases: &mut DialPhases,
    ) -> Result<Io, RequestError> {
        Ok(self.open(origin, true, phases).await?.0)
    }

    async fn open(
        &self,
        origin: Origin<'_>,
        http1_only: bool,
        phases: &mut DialPhases,
    ) -> Result<(Io, SocketAddr), RequestError> {
        let (host, port) = origin.proxy.map_or((origin.host, origin.port), |p| (p.host.as_str(), p.port));
        let socket = dial(self.shared, self.traffic, self.local_ip, host, port, phases).await?;
        let remote = socket.tcp().peer_addr();
        let mut io = Io::Plain(socket);
        if let Some(proxy) = origin.proxy {
            if proxy.scheme == Scheme::Https {
                io = Io::Tls(Box::new(self.handshake(io, &proxy.host, true).await?));
            }
            // What is no plain HTTP for long needs a tunnel too.
            if origin.scheme == Scheme::Https || http1_only {
                self.tunnel(&mut io, origin, proxy).await?;
            }
        }
        if origin.scheme == Scheme::Https {
            let stream = self.handshake(io, origin.host, http1_only).await?;
            phases.tls_done = Some(Instant::now());
            io = Io::Tls(Box::new(stream));
        }
        Ok((io, remote))
    }

    async fn handshake(&self, io: Io, host: &str, http1_only: bool) -> Result<TlsStream, RequestError> {
        let settings = self
            .shared
            .tls
            .for_host(&self.shared.config.tls, host, http1_only)
            .map_err(|text| RequestError::new(code::TLS, format!("tls: {text}")))?;
        TlsStream::connect(io, self.shared.handle.clone(), settings, host).await
    }

    /// Asks a proxy for a tunnel (RFC 9110 section 9.3.6).
    async fn tunnel(&self, io: &mut Io, origin: Origin<'_>, proxy: &Proxy) -> Result<(), RequestError> {
        let host =
            if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.to_owned() };
        let target = format!("{host}:{}", origin.port);
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(agent) = &self.shared.config.user_agent {
            let _ = write!(request, "User-Agent: {agent}\r\n");
        }
        if let Some(authorization) = &proxy.authorization {
            let _ = write!(request, "Proxy-Authorization: {authorization}\r\n");
        }
        request.push_str("\r\n");
        let mut rest = request.as_bytes();
        poll_fn(|cx| {
            while !rest.is_empty() {
                let n = ready!(io.poll_send(cx, rest))?;
                rest = &rest[n..];
            }
            io.poll_flush(cx)
        })
        .await
        .map_err(|error: io::Error| RequestError::from_io(Operation::Write, &error))?;

        // The answer has no body that concerns us: either the tunnel follows, or the end.
        let mut parser = ResponseParser::new(true, BodyMode::Discard, self.shared.config.max_response_head);
        poll_fn(|cx| {
            loop {
                let mut buffer = self.shared.read_buffer.borrow_mut();
                let received = match ready!(io.poll_recv(cx, &mut buffer)) {
                    Ok(received) => received,
                    Err(error) => return Poll::Ready(Err(RequestError::from_io(Operation::Read, &error))),
                };
                if received.len == 0 {
                    return Poll::Ready(Err(RequestError::generic("unexpected EOF")));
                }
                match parser.feed(&buffer[..received.len]) {
                    Ok(Progress::Partial) => {}
                    Ok(Progress::Done(_)) => return Poll::Ready(Ok(())),
                    Err(text) => return Poll::Ready(Err(RequestError::generic(text))),
                }
            }
        })
        .await?;
        match parser.take() {
            Some(response) if response.status == 200 => Ok(()),
            Some(response) => {
                // Go reports the reason phrase, and so does k6.
                let reason = String::from_utf8_lossy(response.head.reason()).into_owned();
                let text = if reason.is_empty() { response.status.to_string() } else { reason };
                Err(RequestError::generic(text))
            }
            None => Err(RequestError::generic("unexpected EOF")),
        }
    }
}
