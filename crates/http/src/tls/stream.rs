//! A TLS client connection over another stream.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use throng_reactor::{Handle, Received};

use super::config::suite_name;
use super::names::describe;
use crate::conn::Io;
use crate::error::{Operation, RequestError};
use crate::response::{TlsInfo, TlsVersion};

/// rustls over [`Io`]; the lower stream may be TLS again, to a proxy.
pub(crate) struct TlsStream {
    io: Io,
    tls: Box<ClientConnection>,
    handle: Handle,
    /// Ciphertext that the reader had no room for.
    unread: Vec<u8>,
    unread_at: usize,
    /// Ciphertext that the socket had no room for.
    unsent: Vec<u8>,
    unsent_at: usize,
    last_receive: Option<u64>,
    ended: bool,
}

fn tls_error(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl TlsStream {
    /// Shakes hands.
    pub(crate) async fn connect(
        io: Io,
        handle: Handle,
        config: Arc<ClientConfig>,
        host: &str,
    ) -> Result<Self, RequestError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| RequestError::generic(format!("tls: {host:?} is no name for a server")))?;
        let tls = Box::new(ClientConnection::new(config, name).map_err(|error| describe(&error))?);
        let mut stream = Self {
            io,
            tls,
            handle,
            unread: Vec::new(),
            unread_at: 0,
            unsent: Vec::new(),
            unsent_at: 0,
            last_receive: None,
            ended: false,
        };
        poll_fn(|cx| stream.poll_handshake(cx)).await.map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return RequestError::generic("EOF");
            }
            RequestError::from_io(Operation::Read, &error)
        })?;
        Ok(stream)
    }

    /// What was agreed on.
    pub(crate) fn info(&self) -> Option<TlsInfo> {
        let version = match self.tls.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
            _ => TlsVersion::Tls12,
        };
        Some(TlsInfo { version, cipher_suite: suite_name(self.tls.negotiated_cipher_suite()?) })
    }

    /// Whether HTTP/2 was agreed on.
    pub(crate) fn is_http2(&self) -> bool {
        self.tls.alpn_protocol() == Some(b"h2")
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_flush(cx))?;
            if !self.tls.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            let filled = ready!(self.poll_fill(cx, &mut []));
            if let Err(error) = filled {
                // The alert that says why; whether it still gets through does not matter.
                let _ = self.poll_flush(cx);
                return Poll::Ready(Err(error));
            }
            if self.ended && self.tls.is_handshaking() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Reads ciphertext once, decrypts it, and puts as much plain text into `out` as there is room for.
    fn poll_fill(&mut self, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cipher = self.handle.read_buffer();
        let received = ready!(self.io.poll_recv(cx, &mut cipher))?;
        self.last_receive = received.kernel_time.or(self.last_receive);
        if received.len == 0 {
            self.ended = true;
            return Poll::Ready(Ok(0));
        }
        let mut rest = &cipher[..received.len];
        let mut filled = 0;
        while !rest.is_empty() {
            let taken = self.tls.read_tls(&mut rest);
            self.tls.process_new_packets().map_err(tls_error)?;
            filled += read_plain(&mut self.tls, &mut out[filled..])?;
            // rustls refuses more ciphertext while plain text is waiting for a reader.
            if taken.is_err() || (filled == out.len() && !out.is_empty()) {
                self.unread.extend_from_slice(rest);
                break;
            }
        }
        Poll::Ready(Ok(filled))
    }

    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            let n = read_plain(&mut self.tls, out)?;
            if n > 0 || self.ended {
                return Poll::Ready(Ok(Received { len: n, kernel_time: self.last_receive }));
            }
            if self.unread_at < self.unread.len() {
                let mut rest = &self.unread[self.unread_at..];
                let before = rest.len();
                self.tls.read_tls(&mut rest)?;
                self.unread_at += before - rest.len();
                self.tls.process_new_packets().map_err(tls_error)?;
                if self.unread_at == self.unread.len() {
                    self.unread.clear();
                    self.unread_at = 0;
                }
                continue;
            }
            if self.tls.wants_write() {
                // A key update wants answering; if the socket is full it waits for the next write.
                let _ = self.poll_flush(cx)?;
            }
            let n = ready!(self.poll_fill(cx, out))?;
            if n > 0 {
                return Poll::Ready(Ok(Received { len: n, kernel_time: self.last_receive }));
            }
        }
    }

    /// Takes plain text; call [`Self::poll_flush`] at the end.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        // What was taken before goes out first, so that no more than one buffer's worth is ever held.
        ready!(self.poll_flush(cx))?;
        let n = self.tls.writer().write(data)?;
        let _ = self.poll_flush(cx)?;
        Poll::Ready(Ok(n))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.unsent_at < self.unsent.len() {
                let n = ready!(self.io.poll_send(cx, &self.unsent[self.unsent_at..]))?;
                if n == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.unsent_at += n;
            }
            self.unsent.clear();
            self.unsent_at = 0;
            if !self.tls.wants_write() {
                return self.io.poll_flush(cx);
            }
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.unsent)?;
            }
        }
    }

    /// Session tickets may come in at any time; anything else on an idle connection makes it unusable.
    pub(crate) fn is_stale(&mut self) -> bool {
        if self.ended {
            return true;
        }
        if !self.io.is_readable() {
            return false;
        }
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let mut byte = [0; 1];
        !matches!(self.poll_recv(cx, &mut byte), Poll::Pending)
    }

    /// Whether the lower stream has something to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.io.is_readable()
    }
}

/// What plain text there is, 0 if none is ready or the stream has ended.
fn read_plain(tls: &mut ClientConnection, out: &mut [u8]) -> io::Result<usize> {
    if out.is_empty() {
        return Ok(0);
    }
    match tls.reader().read(out) {
        Ok(n) => Ok(n),
        // An end without a farewell is an end: the framing above notices if something is missing.
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::UnexpectedEof) => {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("io", &self.io).finish_non_exhaustive()
    }
}
