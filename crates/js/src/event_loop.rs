//! One virtual user's event loop: timers, and asynchronous operations that settle promises.
//!
//! An iteration ends when its function has returned, no timer is set and no operation is outstanding (k6.md §1.5).
//! Promise reactions run after every macrotask; a rejection that nobody handles by the end of a turn ends the
//! iteration.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use throng_quickjs::fiber::Suspender;
use throng_quickjs::{Ctx, Exception, JsResult, Kind, Rejection, Thrown, Value};
use throng_reactor::{Handle, TaskId};

type Job = Box<dyn FnOnce(Ctx) -> JsResult<()>>;

/// Why a loop ended before there was nothing left to wait for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A callback threw, or the virtual user is being stopped.
    Thrown(Thrown),
    /// A promise was rejected, and nobody handled it.
    Unhandled(Rejection),
    /// A module was not evaluated to its end; its promise is what was rejected.
    Evaluation(Rejection),
    /// As if nobody had handled a rejected promise, in words of ours.
    Rejected(String),
}

impl From<Thrown> for Failure {
    fn from(thrown: Thrown) -> Self {
        Self::Thrown(thrown)
    }
}

impl Failure {
    /// As an error that a script can be given. k6's message begins with these words, not with `Error:`.
    pub(crate) fn into_thrown(self, ctx: Ctx) -> Thrown {
        let rejection = match self {
            Self::Thrown(thrown) => return thrown,
            Self::Evaluation(rejection) => return Thrown::Value(rejection.reason),
            Self::Rejected(text) => return Thrown::error(text),
            Self::Unhandled(rejection) => rejection,
        };
        let exception = unhandled(ctx, &rejection);
        let error = ctx.new_error(Kind::Error, &exception.message);
        let named = error.define_hidden("name", &ctx.string(""));
        match named.and_then(|()| error.keep_frames(&ctx.string(&exception.stack))) {
            Ok(()) => Thrown::Value(error),
            Err(thrown) => thrown,
        }
    }
}

/// How a rejection that nobody handled is told.
pub(crate) fn unhandled(ctx: Ctx, rejection: &Rejection) -> Exception {
    let exception = ctx.describe_rejection(rejection);
    Exception { message: format!("Uncaught (in promise) {}", exception.message), ..exception }
}

struct Timer {
    callback: Value,
    args: Vec<Value>,
    every: Option<Duration>,
}

/// See the module's description.
pub struct EventLoop {
    reactor: Handle,
    jobs: RefCell<VecDeque<Job>>,
    /// Timers by due time and number: equal times fire in the order they were set.
    timers: RefCell<BTreeMap<(Instant, u64), Timer>>,
    next_timer: Cell<u64>,
    outstanding: RefCell<Vec<(u64, TaskId)>>,
    next_operation: Cell<u64>,
    waker: RefCell<Option<Waker>>,
    /// The repeating timer whose callback runs, until that clears it.
    repeating: Cell<Option<u64>>,
}

impl EventLoop {
    pub(crate) fn new(reactor: Handle) -> Rc<Self> {
        Rc::new(Self {
            reactor,
            jobs: RefCell::default(),
            timers: RefCell::default(),
            next_timer: Cell::new(1),
            outstanding: RefCell::default(),
            next_operation: Cell::new(0),
            waker: RefCell::default(),
            repeating: Cell::new(None),
        })
    }

    /// Sets a timer; `every` makes it repeat. The number clears it.
    pub fn set_timer(&self, callback: Value, args: Vec<Value>, delay: Duration, repeat: bool) -> u64 {
        let id = self.next_timer.replace(self.next_timer.get() + 1);
        let every = repeat.then_some(delay.max(Duration::from_millis(1)));
        self.timers.borrow_mut().insert((Instant::now() + delay, id), Timer { callback, args, every });
        id
    }

    /// Clears a timer; an unknown number does nothing.
    pub fn clear_timer(&self, id: u64) {
        if self.repeating.get() == Some(id) {
            self.repeating.set(None);
        }
        let mut timers = self.timers.borrow_mut();
        let key = timers.keys().find(|(_, n)| *n == id).copied();
        let removed = key.and_then(|key| timers.remove(&key));
        drop(timers);
        drop(removed);
    }

    /// Runs `operation` beside the script; when it is done, `then` runs as a macrotask of this loop. The iteration
    /// waits for it.
    pub fn spawn<T: 'static>(
        self: &Rc<Self>,
        operation: impl Future<Output = T> + 'static,
        then: impl FnOnce(Ctx, T) -> JsResult<()> + 'static,
    ) {
        let number = self.next_operation.replace(self.next_operation.get() + 1);
        let this = self.clone();
        let task = self.reactor.spawn(async move {
            let output = operation.await;
            this.outstanding.borrow_mut().retain(|(n, _)| *n != number);
            this.post(Box::new(move |ctx| then(ctx, output)));
        });
        self.outstanding.borrow_mut().push((number, task));
    }

    /// Adds a macrotask from inside this thread, for operations that deliver several times; see [`EventLoop::hold`].
    pub fn post(&self, job: Job) {
        self.jobs.borrow_mut().push_back(job);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// As [`EventLoop::spawn`] with a promise: the promise settles with what `then` returns.
    pub fn promise<T: 'static>(
        self: &Rc<Self>,
        ctx: Ctx,
        operation: impl Future<Output = T> + 'static,
        then: impl FnOnce(Ctx, T) -> JsResult + 'static,
    ) -> JsResult {
        let (promise, resolve, reject) = ctx.promise()?;
        self.spawn(operation, move |ctx, output| {
            let undefined = ctx.undefined();
            match then(ctx, output) {
                Ok(value) => resolve.call(&undefined, &[&value])?,
                Err(Thrown::Abort) => return Err(Thrown::Abort),
                Err(Thrown::Pending) => reject.call(&undefined, &[&ctx.take_exception_value()])?,
                Err(Thrown::New(kind, message)) => {
                    reject.call(&undefined, &[&ctx.new_error(kind, &message)])?
                }
                Err(Thrown::Value(value)) => reject.call(&undefined, &[&value])?,
            };
            Ok(())
        });
        Ok(promise)
    }

    fn is_idle(&self) -> bool {
        self.jobs.borrow().is_empty()
            && self.timers.borrow().is_empty()
            && self.outstanding.borrow().is_empty()
    }

    fn take_due_timer(&self) -> Option<(u64, Timer)> {
        let mut timers = self.timers.borrow_mut();
        let key = *timers.keys().next()?;
        if key.0 > Instant::now() {
            return None;
        }
        timers.remove(&key).map(|timer| (key.1, timer))
    }

    /// Runs until nothing is left to wait for.
    pub(crate) fn run(&self, ctx: Ctx, suspender: &Suspender) -> Result<(), Failure> {
        loop {
            Self::settle(ctx)?;
            let job = self.jobs.borrow_mut().pop_front();
            if let Some(job) = job {
                job(ctx)?;
                continue;
            }
            if let Some((id, timer)) = self.take_due_timer() {
                let args: Vec<&Value> = timer.args.iter().collect();
                ctx.forget_noted_stack();
                self.repeating.set(timer.every.map(|_| id));
                timer.callback.call(&ctx.undefined(), &args)?;
                let cleared = self.repeating.take().is_none();
                if let Some(every) = timer.every.filter(|_| !cleared) {
                    self.timers.borrow_mut().insert((Instant::now() + every, id), timer);
                }
                continue;
            }
            if self.is_idle() {
                return Ok(());
            }
            self.wait(suspender)?;
        }
    }

    /// Runs promise reactions and looks for rejections nobody handled.
    fn settle(ctx: Ctx) -> Result<(), Failure> {
        ctx.run_jobs()?;
        ctx.take_unhandled_rejection().map_or(Ok(()), |rejection| Err(Failure::Unhandled(rejection)))
    }

    fn wait(&self, suspender: &Suspender) -> JsResult<()> {
        let due = self.timers.borrow().keys().next().map(|(at, _)| *at);
        let sleep = due.map(|at| self.reactor.sleep_until(at));
        let result = suspender.block_on(async {
            let mut sleep = pin!(sleep);
            poll_fn(|cx| {
                if !self.jobs.borrow().is_empty() {
                    return Poll::Ready(());
                }
                *self.waker.borrow_mut() = Some(cx.waker().clone());
                match sleep.as_mut().as_pin_mut() {
                    Some(sleep) => sleep.poll(cx).map(|()| ()),
                    None => Poll::Pending,
                }
            })
            .await;
        });
        *self.waker.borrow_mut() = None;
        Ok(result?)
    }

    /// Forgets everything: the iteration is over, however it ended. Returns the timers that were dropped, by function and
    /// number.
    pub(crate) fn clear(&self) -> Vec<(&'static str, u64)> {
        let timers = std::mem::take(&mut *self.timers.borrow_mut());
        let jobs = std::mem::take(&mut *self.jobs.borrow_mut());
        for (_, task) in std::mem::take(&mut *self.outstanding.borrow_mut()) {
            self.reactor.abort(task);
        }
        drop(jobs);
        let mut dropped: Vec<_> = timers
            .iter()
            .map(|((_, id), timer)| (if timer.every.is_some() { "setInterval" } else { "setTimeout" }, *id))
            .collect();
        dropped.sort_by_key(|(_, id)| *id);
        dropped
    }
}

/// A promise that has settled already.
pub(crate) fn settled(ctx: Ctx, result: JsResult) -> JsResult {
    let (promise, resolve, reject) = ctx.promise()?;
    let undefined = ctx.undefined();
    match result {
        Ok(value) => resolve.call(&undefined, &[&value])?,
        Err(Thrown::Abort) => return Err(Thrown::Abort),
        Err(Thrown::Pending) => reject.call(&undefined, &[&ctx.take_exception_value()])?,
        Err(Thrown::New(kind, message)) => reject.call(&undefined, &[&ctx.new_error(kind, &message)])?,
        Err(Thrown::Value(value)) => reject.call(&undefined, &[&value])?,
    };
    Ok(promise)
}
