//! A script runs in a coroutine, so that a host function can wait for a future while the thread goes on with others.
//!
//! A [`Fiber`] is itself a future: polling it resumes the coroutine; a host function that calls
//! [`Suspender::block_on`] polls its future with the very waker of the fiber and steps aside while that is pending.
//! A suspended coroutine is never dropped: it is resumed with an abort, which every host function turns into an
//! error no script can catch, until it has returned.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::stack::PooledStack;
use crate::{StackPool, Thrown};

/// The virtual user is being stopped; give up what you wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the virtual user is being stopped")]
pub struct Aborted;

impl From<Aborted> for Thrown {
    fn from(_: Aborted) -> Self {
        Self::Abort
    }
}

/// The coroutine's own side: how code on its stack waits.
pub struct Suspender {
    yielder: Cell<*const Yielder<(), ()>>,
    context: Cell<*mut Context<'static>>,
    waker: RefCell<Option<Waker>>,
    aborted: Cell<bool>,
    resumed_at: Cell<Option<Instant>>,
    stack_lowest: usize,
}

impl Suspender {
    /// Waits for `future`, letting other fibers of the thread run.
    ///
    /// # Errors
    /// [`Aborted`] when the fiber was told to end; the future is dropped.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Aborted> {
        let mut future = pin!(future);
        loop {
            if self.aborted.get() {
                return Err(Aborted);
            }
            // SAFETY: this runs on the coroutine, so a `Fiber::poll` is below us on the thread's stack and its
            // context is alive until we suspend; after a suspension the next poll has stored its own.
            let context = unsafe { &mut *self.context.get() };
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Ok(output);
            }
            self.suspend();
        }
    }

    /// Lets the other fibers that are ready run first.
    ///
    /// # Errors
    /// [`Aborted`] when the fiber was told to end.
    pub fn yield_now(&self) -> Result<(), Aborted> {
        let mut yielded = false;
        self.block_on(std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// Whether the fiber was told to end.
    pub fn is_aborted(&self) -> bool {
        self.aborted.get()
    }

    /// Ends the abort, for a fiber that goes on after the interrupted work was unwound.
    pub fn clear_abort(&self) {
        self.aborted.set(false);
    }

    /// When the thread was last given to this fiber; for time slices.
    pub fn resumed_at(&self) -> Option<Instant> {
        self.resumed_at.get()
    }

    /// Gives back the part of the stack that nothing stands on now; for a fiber that will wait for long. It costs a
    /// system call, and a page fault for each page that is wanted again. Must be called on the fiber.
    pub fn release_stack(&self) {
        crate::stack::release_below(self.stack_lowest);
    }

    fn suspend(&self) {
        // SAFETY: the yielder lives on the coroutine's stack, below us.
        unsafe { (*self.yielder.get()).suspend(()) }
    }
}

/// The way to stop a fiber from outside, on the same thread.
#[derive(Clone)]
pub struct AbortHandle(Rc<Suspender>);

impl AbortHandle {
    /// Tells the fiber to end: what it waits for returns [`Aborted`] at once.
    pub fn abort(&self) {
        self.0.aborted.set(true);
        if let Some(waker) = self.0.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A coroutine as a future.
pub struct Fiber<R: 'static> {
    coroutine: Option<Coroutine<(), (), R, PooledStack>>,
    suspender: Rc<Suspender>,
}

impl<R: 'static> Fiber<R> {
    /// A fiber that will run `body` on a stack from `pool` when first polled.
    ///
    /// # Errors
    /// When no memory for a stack can be reserved.
    pub fn new(pool: &Rc<StackPool>, body: impl FnOnce(Rc<Suspender>) -> R + 'static) -> io::Result<Self> {
        let stack = pool.take()?;
        let suspender = Rc::new(Suspender {
            yielder: Cell::new(std::ptr::null()),
            context: Cell::new(std::ptr::null_mut()),
            waker: RefCell::new(None),
            aborted: Cell::new(false),
            resumed_at: Cell::new(None),
            stack_lowest: stack.lowest(),
        });
        let inside = suspender.clone();
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            inside.yielder.set(yielder);
            body(inside)
        });
        Ok(Self { coroutine: Some(coroutine), suspender })
    }

    /// The way to stop it.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle(self.suspender.clone())
    }
}

impl<R: 'static> Future for Fiber<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let Some(coroutine) = this.coroutine.as_mut() else { return Poll::Pending };
        {
            let mut waker = this.suspender.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        this.suspender.context.set(std::ptr::from_mut(cx).cast());
        this.suspender.resumed_at.set(Some(Instant::now()));
        match coroutine.resume(()) {
            CoroutineResult::Yield(()) => Poll::Pending,
            CoroutineResult::Return(result) => {
                this.coroutine = None;
                Poll::Ready(result)
            }
        }
    }
}

impl<R: 'static> Drop for Fiber<R> {
    fn drop(&mut self) {
        let Some(mut coroutine) = self.coroutine.take() else { return };
        if !coroutine.started() {
            return;
        }
        self.suspender.aborted.set(true);
        let mut cx = Context::from_waker(Waker::noop());
        self.suspender.context.set((&raw mut cx).cast());
        // Every wait returns Aborted at once, so a body that honours it returns after a few resumptions.
        for _ in 0..1000 {
            if let CoroutineResult::Return(_) = coroutine.resume(()) {
                return;
            }
        }
        // Dropping it would unwind through C frames; leaking one stack is the lesser evil.
        std::mem::forget(coroutine);
    }
}
