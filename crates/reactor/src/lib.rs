//! One thread's event loop for throng: epoll, timers, `!Send` tasks and TCP streams.
//!
//! Every virtual user lives on one thread for its whole life, so nothing here needs a lock: a wake on
//! the reactor's own thread is a push onto a queue, and a [`std::task::Waker`] is an integer, not a
//! reference count. Only a wake from another thread takes a mutex and an eventfd.
//!
//! The loop can own its thread ([`Reactor::run_until`]) or be nested in somebody else's: the epoll
//! descriptor is exposed ([`std::os::fd::AsRawFd`]) and [`Reactor::turn`] handles what is ready and
//! returns. A nested reactor ([`Config::nested`]) also makes its descriptor readable for timers and for
//! tasks woken from outside a turn.
//!
//! Deliberately absent: work stealing, UDP, files, signals, and any use of tokio's runtime (only its I/O
//! traits are implemented, so that h2, hyper and tungstenite run here).

#[cfg(not(target_pointer_width = "64"))]
compile_error!("throng-reactor packs a task's identity into one 64-bit pointer");

mod clock;
mod handle;
mod join;
mod reactor;
mod remote;
mod slab;
mod source;
mod sys;
mod task;
mod tcp;
mod tcp_traits;
mod timeout;
mod timer;

pub use clock::{Stamp, unix_now};
pub use handle::{Handle, HostScope, YieldNow};
pub use join::JoinHandle;
pub use reactor::{Config, Reactor, Turn};
pub use remote::Remote;
pub use sys::raise_descriptor_limit;
pub use task::TaskId;
pub use tcp::{ConnectError, ConnectOptions, Received, TcpStream};
pub use timeout::{Elapsed, Timeout};
pub use timer::{Sleep, Timer};

/// The size of the read buffer that all connections of one reactor share, in bytes.
///
/// 64 KiB is what one `recv` can bring from a loopback or a fast network connection in practice; larger
/// buffers stop fitting the second-level cache next to everything else.
pub const READ_BUFFER_LEN: usize = 64 * 1024;
