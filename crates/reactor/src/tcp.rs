//! TCP connections.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::handle::Handle;
use crate::slab::Key;
use crate::source::{Direction, Source};
use crate::sys;

/// How to connect.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectOptions {
    /// The source address; the system's choice if `None`.
    pub local_ip: Option<IpAddr>,
    /// The period of TCP keep-alive probes; none if `None`.
    pub keepalive: Option<Duration>,
    /// Ask the kernel for the time at which data came in, see [`TcpStream::poll_recv`].
    pub receive_stamps: bool,
}

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No socket could be made or registered: usually the limit of open files.
    #[error("no socket: {0}")]
    Socket(#[source] io::Error),
    /// The source address is not one of this machine's.
    #[error("bind to {ip}: {error}")]
    Bind {
        /// The address asked for.
        ip: IpAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The peer could not be reached.
    #[error("connect to {remote}: {error}")]
    Connect {
        /// The peer.
        remote: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

impl ConnectError {
    /// What the system said.
    pub fn io_error(&self) -> &io::Error {
        match self {
            Self::Socket(error) | Self::Bind { error, .. } | Self::Connect { error, .. } => error,
        }
    }
}

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes read; 0 at the end of the stream.
    pub len: usize,
    /// When the kernel got the last of them, nanoseconds since the Unix epoch, if it said so.
    pub kernel_time: Option<u64>,
}

/// A TCP connection, registered once, edge-triggered, with `TCP_NODELAY` on.
pub struct TcpStream {
    fd: OwnedFd,
    source: Rc<Source>,
    key: Key,
    handle: Handle,
    remote: SocketAddr,
    stamps: bool,
}

impl TcpStream {
    /// Connects. There is no timeout here; drop the future to give up.
    pub async fn connect(
        handle: &Handle,
        remote: SocketAddr,
        options: ConnectOptions,
    ) -> Result<Self, ConnectError> {
        let socket_options =
            sys::SocketOptions { keepalive: options.keepalive, receive_stamps: options.receive_stamps };
        let fd = sys::tcp_socket(remote, socket_options).map_err(ConnectError::Socket)?;
        if let Some(ip) = options.local_ip {
            sys::bind_address(fd.as_raw_fd(), ip).map_err(|error| ConnectError::Bind { ip, error })?;
        }
        let failed = |error| ConnectError::Connect { remote, error };
        // Registered after the connect has begun: an unconnected socket would report a hang-up at once.
        let connected = sys::start_connect(fd.as_raw_fd(), remote).map_err(failed)?;
        let (key, source) = handle.inner.register(fd.as_raw_fd()).map_err(ConnectError::Socket)?;
        let stream = Self { fd, source, key, handle: handle.clone(), remote, stamps: options.receive_stamps };
        if !connected {
            poll_fn(|cx| stream.source.poll_ready(Direction::Write, cx)).await;
            sys::take_error(stream.fd.as_raw_fd()).map_err(failed)?;
        }
        Ok(stream)
    }

    /// The peer's address.
    pub fn peer_addr(&self) -> SocketAddr {
        self.remote
    }

    /// Our own address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        sys::local_addr(self.fd.as_raw_fd())
    }

    /// The reactor this stream belongs to.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether the last turn saw something to read: data, the end of the stream, or an error.
    ///
    /// Costs no system call. On a connection that has nothing outstanding it means: do not use it again.
    pub fn is_readable(&self) -> bool {
        self.source.is_readable()
    }

    /// Waits until there is something to read.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.source.poll_ready(Direction::Read, cx)
    }

    fn poll_io<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut operation: impl FnMut(RawFd) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(self.source.poll_ready(direction, cx));
            match operation(self.fd.as_raw_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.source.clear(direction),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Reads, with the kernel's receive time if the stream was connected with `receive_stamps`.
    pub fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<Received>> {
        let stamps = self.stamps;
        let received = ready!(self.poll_io(cx, Direction::Read, |fd| {
            if stamps {
                sys::recv_stamped(fd, buffer)
            } else {
                sys::recv(fd, as_uninit(buffer)).map(|len| (len, None))
            }
        }))?;
        let (len, kernel_time) = received;
        if len < buffer.len() {
            self.source.after_short_read();
        }
        Poll::Ready(Ok(Received { len, kernel_time }))
    }

    /// Reads into memory that need not be initialised and returns how much of it now is.
    pub fn poll_recv_uninit(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        let len = ready!(self.poll_io(cx, Direction::Read, |fd| sys::recv(fd, buffer)))?;
        if len < buffer.len() {
            self.source.after_short_read();
        }
        Poll::Ready(Ok(len))
    }

    /// Writes what the socket takes.
    pub fn poll_send(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_io(cx, Direction::Write, |fd| sys::send(fd, data))
    }

    /// Writes what the socket takes of several slices.
    pub fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(cx, Direction::Write, |fd| sys::send_vectored(fd, data))
    }

    /// Tells the peer that nothing more will be sent.
    pub fn shutdown(&self) -> io::Result<()> {
        sys::shutdown_write(self.fd.as_raw_fd())
    }
}

fn as_uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the two have the same layout, and `recv` only ever writes initialised bytes.
    unsafe { &mut *(std::ptr::from_mut::<[u8]>(buffer) as *mut [MaybeUninit<u8>]) }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        self.handle.inner.unregister(self.key);
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("fd", &self.fd)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
