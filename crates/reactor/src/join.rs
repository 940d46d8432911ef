//! Waiting for a spawned task's result.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::handle::Handle;
use crate::task::TaskId;

struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// The task is gone: it finished, was aborted, or panicked.
    over: bool,
}

/// The result of a task, from [`Handle::spawn_join`]. Dropping it leaves the task running.
///
/// Resolves to `None` if the task was aborted.
pub struct JoinHandle<T> {
    state: Rc<RefCell<State<T>>>,
    handle: Handle,
    task: TaskId,
}

impl<T: 'static> JoinHandle<T> {
    pub(crate) fn spawn(handle: &Handle, future: impl Future<Output = T> + 'static) -> Self {
        let state = Rc::new(RefCell::new(State { value: None, waker: None, over: false }));
        let guard = OnEnd(Rc::clone(&state));
        let task = handle.spawn(async move {
            let value = future.await;
            guard.0.borrow_mut().value = Some(value);
            drop(guard);
        });
        Self { state, handle: handle.clone(), task }
    }

    /// Ends the task at its next suspension point.
    pub fn abort(&self) {
        self.handle.abort(self.task);
    }

    /// Whether the task is over.
    pub fn is_finished(&self) -> bool {
        self.state.borrow().over
    }
}

struct OnEnd<T>(Rc<RefCell<State<T>>>);

impl<T> Drop for OnEnd<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.borrow_mut();
            state.over = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.state.borrow_mut();
        if state.over {
            return Poll::Ready(state.value.take());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.task).finish_non_exhaustive()
    }
}
