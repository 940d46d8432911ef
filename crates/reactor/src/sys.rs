//! The system calls: epoll, eventfd, timerfd, sockets. All but the clock's unsafe code is here, each call
//! wrapped so that the rest of the crate deals in `io::Result`.

use std::cell::Cell;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use libc::{c_int, c_void};

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: c_int) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the kernel just returned this descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn timespec(d: Duration) -> libc::timespec {
    libc::timespec { tv_sec: d.as_secs() as libc::time_t, tv_nsec: libc::c_long::from(d.subsec_nanos()) }
}

/// How long a wait may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Not,
    For(Duration),
    Forever,
}

/// An epoll instance; waits with nanosecond timeouts where the kernel has `epoll_pwait2` (5.11).
#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
    precise: Cell<bool>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Self { fd, precise: Cell::new(true) })
    }

    pub(crate) fn add(&self, fd: RawFd, events: u32, data: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: data };
        // SAFETY: `event` is valid for the call, which copies it.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) })?;
        Ok(())
    }

    /// Whether waits are precise to the nanosecond; otherwise the caller arms a [`TimerFd`].
    pub(crate) fn is_precise(&self) -> bool {
        self.precise.get()
    }

    /// Waits and returns how many of `events` were filled in. A signal counts as nothing having happened.
    pub(crate) fn wait(&self, events: &mut [libc::epoll_event], wait: Wait) -> io::Result<usize> {
        let max = c_int::try_from(events.len()).unwrap_or(c_int::MAX);
        let epfd = self.fd.as_raw_fd();
        let result = match wait {
            Wait::For(d) if self.precise.get() => {
                let ts = timespec(d);
                // SAFETY: `events` is writable for `max` entries, `ts` lives through the call, and a null
                // signal mask is allowed. Called through `syscall` because older C libraries lack it.
                unsafe {
                    libc::syscall(
                        libc::SYS_epoll_pwait2,
                        epfd,
                        events.as_mut_ptr(),
                        max,
                        &raw const ts,
                        std::ptr::null::<libc::sigset_t>(),
                        0usize,
                    ) as c_int
                }
            }
            _ => {
                let ms = match wait {
                    Wait::Not => 0,
                    Wait::Forever => -1,
                    // Without `epoll_pwait2` a timer descriptor ends the wait in time; rounding up keeps
                    // this from spinning.
                    Wait::For(d) => c_int::try_from(d.as_millis() + 1).unwrap_or(c_int::MAX),
                };
                // SAFETY: `events` is writable for `max` entries.
                unsafe { libc::epoll_wait(epfd, events.as_mut_ptr(), max, ms) }
            }
        };
        if result >= 0 {
            return Ok(result as usize);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => Ok(0),
            // Seccomp profiles of some container runtimes answer EPERM for calls they do not know.
            Some(libc::ENOSYS | libc::EPERM) if matches!(wait, Wait::For(_)) && self.precise.get() => {
                self.precise.set(false);
                Ok(0)
            }
            _ => Err(error),
        }
    }
}

impl AsRawFd for Epoll {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// An eventfd: lets another thread end this thread's wait.
#[derive(Debug)]
pub(crate) struct EventFd(OwnedFd);

impl EventFd {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }).map(Self)
    }

    pub(crate) fn signal(&self) {
        let one: u64 = 1;
        // SAFETY: writes eight bytes from a valid u64. It can fail only when the counter is at its
        // maximum, and then the descriptor is readable anyway.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast::<c_void>(), 8) };
    }

    pub(crate) fn drain(&self) {
        let mut count: u64 = 0;
        // SAFETY: reads eight bytes into a valid u64; "nothing there" is fine.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast::<c_void>(), 8) };
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A timerfd on the monotonic clock.
#[derive(Debug)]
pub(crate) struct TimerFd(OwnedFd);

impl TimerFd {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd =
            unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        owned(fd).map(Self)
    }

    /// Makes the descriptor readable after `after`; `None` disarms it.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        // A zero value would disarm the timer.
        let value = after.map_or(Duration::ZERO, |d| d.max(Duration::from_nanos(1)));
        let spec = libc::itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(value) };
        // SAFETY: `spec` is valid for the call and the old value is not asked for.
        check(unsafe {
            libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut())
        })?;
        Ok(())
    }

    pub(crate) fn drain(&self) {
        let mut count: u64 = 0;
        // SAFETY: reads eight bytes into a valid u64; "nothing there" is fine.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast::<c_void>(), 8) };
    }
}

impl AsRawFd for TimerFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn set_option(fd: RawFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the option value is a valid int of the stated length.
    check(unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast::<c_void>(),
            size_of::<c_int>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

/// Socket options of one connection, see [`crate::ConnectOptions`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketOptions {
    pub(crate) keepalive: Option<Duration>,
    pub(crate) receive_stamps: bool,
}

/// A non-blocking TCP socket with `TCP_NODELAY` on.
pub(crate) fn tcp_socket(remote: SocketAddr, options: SocketOptions) -> io::Result<OwnedFd> {
    let family = if remote.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointer.
    let fd = owned(unsafe { libc::socket(family, kind, 0) })?;
    let raw = fd.as_raw_fd();
    set_option(raw, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
    if options.receive_stamps {
        // Not fatal: without stamps the time of reading is used.
        let _ = set_option(raw, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
    }
    if let Some(every) = options.keepalive {
        let seconds = c_int::try_from(every.as_secs().max(1)).unwrap_or(c_int::MAX);
        set_option(raw, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
        set_option(raw, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, seconds)?;
        set_option(raw, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, seconds)?;
    }
    Ok(fd)
}

fn with_sockaddr<R>(addr: SocketAddr, f: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> R) -> R {
    match addr {
        SocketAddr::V4(v4) => {
            let raw = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            f((&raw const raw).cast(), size_of::<libc::sockaddr_in>() as libc::socklen_t)
        }
        SocketAddr::V6(v6) => {
            let raw = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            f((&raw const raw).cast(), size_of::<libc::sockaddr_in6>() as libc::socklen_t)
        }
    }
}

/// Binds to a source address without claiming a port yet, so that the port is unique per destination only.
pub(crate) fn bind_address(fd: RawFd, ip: IpAddr) -> io::Result<()> {
    set_option(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)?;
    // SAFETY: the pointer and length describe a valid address for the duration of the call.
    check(with_sockaddr(SocketAddr::new(ip, 0), |p, len| unsafe { libc::bind(fd, p, len) }))?;
    Ok(())
}

/// Starts connecting; `true` if the connection stood at once.
pub(crate) fn start_connect(fd: RawFd, remote: SocketAddr) -> io::Result<bool> {
    // SAFETY: the pointer and length describe a valid address for the duration of the call.
    match check(with_sockaddr(remote, |p, len| unsafe { libc::connect(fd, p, len) })) {
        Ok(_) => Ok(true),
        Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => Ok(false),
        Err(e) => Err(e),
    }
}

/// The pending error of a socket (`SO_ERROR`), which also says how a connect ended.
pub(crate) fn take_error(fd: RawFd) -> io::Result<()> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` and `len` are valid and writable and `len` is the size of `value`.
    check(unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            (&raw mut value).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    if value == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(value)) }
}

/// Sends without raising SIGPIPE.
pub(crate) fn send(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: reads `data.len()` bytes from a valid slice.
    let n = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Sends several slices at once without raising SIGPIPE.
pub(crate) fn send_vectored(fd: RawFd, data: &[io::IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: an all-zero msghdr is a valid value of the plain C struct.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    // `IoSlice` is guaranteed to be ABI compatible with iovec on Unix.
    message.msg_iov = data.as_ptr().cast_mut().cast();
    message.msg_iovlen = data.len().min(1024) as _;
    // SAFETY: `message` names `msg_iovlen` valid slices that are only read.
    let n = unsafe { libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Receives into possibly uninitialised memory; that many bytes at the front are initialised afterwards.
pub(crate) fn recv(fd: RawFd, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes to memory we may write.
    let n = unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Receives with the kernel's receive time (nanoseconds since the Unix epoch) where the socket has it.
pub(crate) fn recv_stamped(fd: RawFd, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
    // 64 bytes hold one timespec message (32 bytes) with room to spare; u64 gives cmsghdr's alignment.
    let mut control = [0u64; 8];
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: an all-zero msghdr is a valid value of the plain C struct.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut iov;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: `message` names one writable buffer and one writable control buffer of the stated sizes.
    let n = unsafe { libc::recvmsg(fd, &raw mut message, 0) };
    if n < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut stamp = None;
    // SAFETY: the kernel filled `msg_control`/`msg_controllen`; the CMSG macros walk only within them, and
    // a message of this level and type carries one timespec, read unaligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_TIMESTAMPNS {
                let ts = libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned();
                stamp = Some(ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64);
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok((n as usize, stamp))
}

/// Ends the sending direction.
pub(crate) fn shutdown_write(fd: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointer.
    check(unsafe { libc::shutdown(fd, libc::SHUT_WR) })?;
    Ok(())
}

/// The address this socket is bound to.
pub(crate) fn local_addr(fd: RawFd) -> io::Result<SocketAddr> {
    // SAFETY: an all-zero sockaddr_storage is a valid value of the plain C struct.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: `storage` is writable for `len` bytes.
    check(unsafe { libc::getsockname(fd, (&raw mut storage).cast(), &raw mut len) })?;
    match c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage holds a sockaddr_in.
            let a = unsafe { (&raw const storage).cast::<libc::sockaddr_in>().read() };
            Ok(SocketAddr::from((a.sin_addr.s_addr.to_ne_bytes(), u16::from_be(a.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the storage holds a sockaddr_in6.
            let a = unsafe { (&raw const storage).cast::<libc::sockaddr_in6>().read() };
            Ok(SocketAddr::from((a.sin6_addr.s6_addr, u16::from_be(a.sin6_port))))
        }
        other => Err(io::Error::other(format!("unexpected address family {other}"))),
    }
}

/// Raises this process's limit of open descriptors as far as it may go without privileges, and says how far that is.
///
/// Every connection takes a descriptor, and the usual soft limit of 1,024 is there for programs that use `select`.
/// k6 raises it too (Go does so at start).
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the structure that the pointer leads to.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    if limit.rlim_cur < limit.rlim_max {
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        // SAFETY: the kernel only reads the structure.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) })?;
    }
    Ok(limit.rlim_max)
}
