//! The way tasks reach their reactor.

use std::cell::RefMut;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::join::JoinHandle;
use crate::reactor::Inner;
use crate::remote::Remote;
use crate::task::TaskId;
use crate::timer::{Sleep, Timer, Timers};

/// A reference to a reactor, for the tasks on its thread. Cloning it is cheap.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inner: Rc<Inner>,
}

impl Handle {
    /// Starts a task. It is first polled in the current or the next turn, never inside this call.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.inner.tasks.spawn(Box::pin(future))
    }

    /// Starts a task and polls it once before returning, on the caller's stack.
    ///
    /// For a host whose own code runs between turns and wants a request on the wire now, not after the code of
    /// everybody else that is ready. The future must not call back into such a host.
    pub fn spawn_now(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.inner.spawn_now(Box::pin(future))
    }

    /// Announces that the host runs the code of tasks until the guard is dropped, and then turns the reactor if
    /// something is ready: meanwhile a nested reactor's descriptor need not be made readable, which saves a system
    /// call for each wake and timer.
    pub fn host_scope(&self) -> HostScope {
        HostScope::begin(self.clone())
    }

    /// Makes a nested reactor's descriptor readable, so that the host turns it once more.
    pub fn ring(&self) {
        self.inner.ring();
    }

    /// Starts a task whose result can be awaited.
    pub fn spawn_join<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        JoinHandle::spawn(self, future)
    }

    /// Drops a task's future; a task that aborts itself ends at its next suspension point.
    pub fn abort(&self, task: TaskId) {
        self.inner.tasks.abort(task);
    }

    /// Sleeps until `at`; at once if that has passed.
    pub fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep::new(self.clone(), at)
    }

    /// Sleeps for `duration`.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let now = Instant::now();
        // Longer than the clock can say is as good as a century.
        self.sleep_until(now.checked_add(duration).unwrap_or(now + Duration::from_hours(876_600)))
    }

    /// A timer that can be set repeatedly.
    pub fn timer(&self) -> Timer {
        Timer::new(self.clone())
    }

    /// Lets the other tasks that are ready run first.
    pub fn yield_now(&self) -> YieldNow {
        YieldNow { yielded: false }
    }

    /// A way to this reactor for other threads.
    pub fn remote(&self) -> Remote {
        Remote { mailbox: std::sync::Arc::clone(&self.inner.mailbox) }
    }

    /// The read buffer that all connections of this reactor share, [`crate::READ_BUFFER_LEN`] bytes.
    ///
    /// Holding it across a suspension point, or asking for it twice, panics: its content is only valid
    /// within one poll.
    pub fn read_buffer(&self) -> RefMut<'_, [u8]> {
        RefMut::map(self.inner.read_buffer.borrow_mut(), |buffer| &mut **buffer)
    }

    pub(crate) fn timers<R>(&self, f: impl FnOnce(&mut Timers) -> R) -> R {
        f(&mut self.inner.timers.borrow_mut())
    }

    /// A deadline was set; a nested reactor's descriptor must become readable in time.
    pub(crate) fn timers_changed(&self) {
        if !self.inner.tasks.ready.is_in_turn() {
            self.inner.arm_for_host();
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("reactor", &self.inner.mailbox.number).finish()
    }
}

/// The time in which a host runs the code of tasks, from [`Handle::host_scope`].
#[derive(Debug)]
#[must_use = "the scope ends when this is dropped"]
pub struct HostScope {
    handle: Handle,
}

impl HostScope {
    fn begin(handle: Handle) -> Self {
        handle.inner.tasks.ready.set_in_turn(true);
        Self { handle }
    }
}

impl Drop for HostScope {
    fn drop(&mut self) {
        let ready = &self.handle.inner.tasks.ready;
        ready.set_in_turn(false);
        if !ready.is_empty() {
            self.handle.ring();
        }
        self.handle.inner.arm_for_host();
    }
}

/// Suspends once, from [`Handle::yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
