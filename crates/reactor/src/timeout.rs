//! Giving a future a deadline.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::timer::Timer;

/// The deadline passed before the future was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

/// A future that is given up when a [`Timer`] fires, from [`Timer::limit`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<'a, F> {
    timer: &'a Timer,
    future: F,
}

impl Timer {
    /// Runs `future` until it is done or this timer fires, whichever is first; both at once is done.
    pub fn limit<F: Future + Unpin>(&self, future: F) -> Timeout<'_, F> {
        Timeout { timer: self, future }
    }
}

impl<F: Future + Unpin> Future for Timeout<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = Pin::new(&mut self.future).poll(cx) {
            return Poll::Ready(Ok(output));
        }
        self.timer.poll_fired(cx).map(|()| Err(Elapsed))
    }
}
