//! Helpers for this crate's own tests.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use throng_quickjs::StackPool;
use throng_quickjs::fiber::Fiber;

/// Runs `body` on a coroutine's stack, as everything that touches QuickJS expects.
pub(crate) fn on_fiber<R: 'static>(body: impl FnOnce() -> R + 'static) -> R {
    let pool = StackPool::new(crate::vm::STACK_SIZE);
    let mut fiber = pin!(Fiber::new(&pool, move |_| body()).expect("a stack"));
    match fiber.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the body waited for something"),
    }
}
