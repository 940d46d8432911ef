//! How a virtual user gets its next iteration: one slot, filled by the driver of its own thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use throng_engine::Iteration;

/// See the module's description.
#[derive(Default)]
pub(super) struct Mailbox {
    next: Cell<Option<Iteration>>,
    waker: RefCell<Option<Waker>>,
    running: Cell<bool>,
    waits_for_leave: Cell<bool>,
}

impl Mailbox {
    /// Hands over an iteration; the virtual user must be idle.
    pub(super) fn put(&self, iteration: Iteration) {
        self.next.set(Some(iteration));
        // While the virtual user itself reports the end of an iteration it has no waker here: it looks next.
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Takes an iteration without waiting.
    pub(super) fn try_take(&self) -> Option<Iteration> {
        self.next.take()
    }

    /// Waits for an iteration.
    pub(super) async fn take(&self) -> Iteration {
        poll_fn(|cx| {
            if let Some(iteration) = self.next.take() {
                return Poll::Ready(iteration);
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Whether an iteration runs, which is when an interruption means something.
    pub(super) fn is_running(&self) -> bool {
        self.running.get()
    }

    /// Says whether an iteration runs.
    pub(super) fn set_running(&self, running: bool) {
        self.running.set(running);
    }

    /// Whether an iteration was taken and may not begin yet.
    pub(super) fn waits_for_leave(&self) -> bool {
        self.waits_for_leave.get()
    }

    /// Says so.
    pub(super) fn set_waits_for_leave(&self, waits: bool) {
        self.waits_for_leave.set(waits);
    }

    /// Forgets an iteration that was handed over but not started.
    pub(super) fn withdraw(&self) -> Option<Iteration> {
        self.next.take()
    }
}
