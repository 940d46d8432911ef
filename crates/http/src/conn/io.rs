//! The bytes of a connection.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use throng_reactor::{Received, TcpStream};

use crate::tls::TlsStream;

/// Bytes on a virtual user's sockets since they were last asked for.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) sent: Cell<u64>,
    pub(crate) received: Cell<u64>,
}

impl Traffic {
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.sent.take(), self.received.take())
    }
}

/// A TCP connection whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    traffic: Rc<Traffic>,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, traffic: Rc<Traffic>) -> Self {
        Self { tcp, traffic }
    }

    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<Received>> {
        let received = ready!(self.tcp.poll_recv(cx, buffer))?;
        self.traffic.received.set(self.traffic.received.get() + received.len as u64);
        Poll::Ready(Ok(received))
    }

    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(self.tcp.poll_send(cx, data))?;
        self.traffic.sent.set(self.traffic.sent.get() + n as u64);
        Poll::Ready(Ok(n))
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }
}

/// What HTTP is spoken over.
#[derive(Debug)]
pub(crate) enum Io {
    Plain(Socket),
    Tls(Box<TlsStream>),
}

impl Io {
    /// Reads plain text; the kernel's time is that of the last bytes off the wire.
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        match self {
            Self::Plain(socket) => socket.poll_recv(cx, buffer),
            Self::Tls(tls) => tls.poll_recv(cx, buffer),
        }
    }

    /// Takes plain text to write; it is all on its way after [`Self::poll_flush`].
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_send(cx, data),
            Self::Tls(tls) => tls.poll_send(cx, data),
        }
    }

    /// Writes what was taken but not sent yet.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Whether the peer has closed, or said something unasked, while the connection was idle.
    pub(crate) fn is_stale(&mut self) -> bool {
        match self {
            Self::Plain(socket) => socket.tcp().is_readable(),
            Self::Tls(tls) => tls.is_stale(),
        }
    }

    /// Whether there is something to read on the socket.
    pub(crate) fn is_readable(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.tcp().is_readable(),
            Self::Tls(tls) => tls.is_readable(),
        }
    }
}
