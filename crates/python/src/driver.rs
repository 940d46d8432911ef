//! Our reactor inside gevent's hub: how a greenlet waits for Rust, and how it is woken.
//!
//! The reactor's epoll descriptor is one watcher of the hub's loop. When it is readable the hub calls [`process`],
//! which turns the reactor and then switches straight to each greenlet whose result is there. gevent sees one event
//! per batch and no request.
//!
//! There is a driver for each thread that sends requests, made at the first, and after a fork the child makes its own:
//! the descriptors of the old one are shared with the parent.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use throng_reactor::{Config, Handle, Reactor, TaskId};

use crate::greenlet;
use crate::lag::Lag;
use crate::transport::{Pools, Transports};

/// A callback gives the hub back after this long, so that other watchers and timers of the same loop get their turn.
const BUDGET: Duration = Duration::from_millis(2);

/// The hub watches for readability (libev's and libuv's `READ`).
const READ: u8 = 1;

thread_local! {
    /// Leaked: greenlets that never end, and sessions, refer to it until the process does.
    static DRIVER: Cell<Option<&'static Driver>> = const { Cell::new(None) };
}

static DRIVERS: AtomicU64 = AtomicU64::new(1);

/// One thread's reactor and the greenlets that wait for it.
pub(crate) struct Driver {
    /// No two drivers have the same, not even one in a child and the one it was forked from.
    pub(crate) id: u64,
    pub(crate) handle: Handle,
    pub(crate) transports: Transports,
    pub(crate) pools: Pools,
    pub(crate) lag: Lag,
    reactor: RefCell<Reactor>,
    hub: Py<PyAny>,
    watcher: Py<PyAny>,
    /// Greenlets whose result is there.
    ready: RefCell<VecDeque<Py<PyAny>>>,
    /// Greenlets that wait; the hub's loop must not end before them.
    waiting: Cell<usize>,
    /// Whether the watcher keeps the hub's loop alive.
    held: Cell<bool>,
    switches: Cell<u64>,
}

/// Where a task leaves its result for the greenlet that waits.
pub(crate) struct Slot<T> {
    value: Cell<Option<T>>,
    greenlet: Cell<Option<Py<PyAny>>>,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { value: Cell::new(None), greenlet: Cell::new(None) })
    }

    /// Leaves the result and lets the greenlet that waits for it go on.
    pub(crate) fn finish(&self, driver: &Driver, value: T) {
        self.value.set(Some(value));
        if let Some(greenlet) = self.greenlet.take() {
            driver.ready.borrow_mut().push_back(greenlet);
        }
    }
}

impl Driver {
    /// This thread's driver.
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Self> {
        match DRIVER.get() {
            Some(driver) => Ok(driver),
            None => Self::start(py),
        }
    }

    /// This thread's driver, if it has one.
    pub(crate) fn running() -> Option<&'static Self> {
        DRIVER.get()
    }

    fn start(py: Python<'_>) -> PyResult<&'static Self> {
        static HOOKED: PyOnceLock<()> = PyOnceLock::new();
        HOOKED.get_or_try_init(py, || {
            let hooks = PyDict::new(py);
            hooks.set_item("after_in_child", wrap_pyfunction!(after_fork, py)?)?;
            py.import("os")?.call_method("register_at_fork", (), Some(&hooks)).map(drop)
        })?;
        let failed =
            |error: std::io::Error| PyRuntimeError::new_err(format!("start the event loop: {error}"));
        let config = Config { nested: true, turn_budget: Some(BUDGET) };
        let reactor = Reactor::with_config(config).map_err(failed)?;
        let hub = py.import("gevent")?.call_method0("get_hub")?;
        let options = PyDict::new(py);
        options.set_item("ref", false)?;
        let watcher = hub.getattr("loop")?.call_method("io", (reactor.as_raw_fd(), READ), Some(&options))?;
        watcher.call_method1("start", (wrap_pyfunction!(process, py)?,))?;
        let driver: &'static Self = Box::leak(Box::new(Self {
            id: DRIVERS.fetch_add(1, Ordering::Relaxed),
            handle: reactor.handle(),
            transports: Transports::default(),
            pools: Pools::default(),
            lag: Lag::default(),
            reactor: RefCell::new(reactor),
            hub: hub.unbind(),
            watcher: watcher.unbind(),
            ready: RefCell::default(),
            waiting: Cell::new(0),
            held: Cell::new(false),
            switches: Cell::new(0),
        }));
        DRIVER.set(Some(driver));
        Ok(driver)
    }

    /// How often a greenlet has waited here.
    pub(crate) fn switches(&self) -> u64 {
        self.switches.get()
    }

    /// Waits until `task`, or somebody else, has left its result. The exception is one that was thrown into the greenlet meanwhile; the
    /// task is then dropped, which closes the connection of a request.
    ///
    /// greenlet copies the part of the C stack that the callers take up, twice for each wait: they are to be small, and
    /// a result that is large is to be boxed.
    pub(crate) fn wait<T>(&self, py: Python<'_>, slot: &Slot<T>, task: Option<TaskId>) -> PyResult<T> {
        if let Some(value) = slot.value.take() {
            return Ok(value);
        }
        let hub = self.hub.bind(py);
        let me = greenlet::current(py)?;
        if me.is(hub) {
            task.inspect(|task| self.handle.abort(*task));
            return Err(PyRuntimeError::new_err(
                "wait in the hub of gevent: requests and sleeps are not possible in a callback of its loop; \
                 use gevent.spawn",
            ));
        }
        slot.greenlet.set(Some(me.clone_ref(py)));
        self.waiting.set(self.waiting.get() + 1);
        let result = self.hold(py).and_then(|()| {
            loop {
                self.switches.set(self.switches.get() + 1);
                greenlet::switch(hub)?;
                // Somebody else may have switched here, which brings no result.
                if let Some(value) = slot.value.take() {
                    return Ok(value);
                }
            }
        });
        self.waiting.set(self.waiting.get() - 1);
        if result.is_err() {
            task.inspect(|task| self.handle.abort(*task));
            slot.greenlet.take();
            self.ready.borrow_mut().retain(|greenlet| !greenlet.is(&me));
        }
        result
    }

    /// Keeps the hub's loop from ending while something waits.
    fn hold(&self, py: Python<'_>) -> PyResult<()> {
        if self.held.replace(true) {
            return Ok(());
        }
        self.watcher.bind(py).setattr("ref", true)
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        if self.waiting.get() > 0 || !self.held.replace(false) {
            return Ok(());
        }
        self.watcher.bind(py).setattr("ref", false)
    }

    /// Lets the greenlets that are ready go on, one after the other, until the budget is spent.
    fn process(&self, py: Python<'_>) -> PyResult<()> {
        let begun = Instant::now();
        loop {
            self.reactor
                .borrow_mut()
                .turn(Some(Duration::ZERO))
                .map_err(|error| PyRuntimeError::new_err(format!("turn the event loop: {error}")))?;
            let batch = self.ready.borrow().len();
            if batch == 0 {
                break;
            }
            let scope = self.handle.host_scope();
            let mut spent = false;
            for _ in 0..batch {
                let Some(greenlet) = self.ready.borrow_mut().pop_front() else { break };
                // What a greenlet raises goes to its own parent; an error here is one thrown into the hub.
                greenlet::switch(greenlet.bind(py))?;
                spent = begun.elapsed() >= BUDGET;
                if spent {
                    break;
                }
            }
            drop(scope);
            if spent {
                self.handle.ring();
                break;
            }
        }
        self.release(py)
    }
}

/// The hub's callback: the reactor's descriptor is readable.
#[pyfunction]
fn process(py: Python<'_>) -> PyResult<()> {
    match DRIVER.get() {
        Some(driver) => driver.process(py),
        None => Ok(()),
    }
}

/// In a forked child: the parent's reactor is not ours.
#[pyfunction]
fn after_fork(py: Python<'_>) -> PyResult<()> {
    match DRIVER.take() {
        Some(driver) => driver.watcher.bind(py).call_method0("stop").map(drop),
        None => Ok(()),
    }
}

/// Lets other greenlets run for that many seconds; for 0 each that is ready runs once.
#[pyfunction]
pub(crate) fn sleep(py: Python<'_>, seconds: f64) -> PyResult<()> {
    let driver = Driver::get(py)?;
    let handle = driver.handle.clone();
    if seconds > 0.0 {
        // Longer than the reactor can count is as good as for ever.
        let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        pause(py, driver, async move { handle.sleep(duration).await })
    } else if seconds.is_nan() {
        Err(pyo3::exceptions::PyValueError::new_err("sleep for NaN seconds"))
    } else {
        pause(py, driver, async move { handle.yield_now().await })
    }
}

fn pause(
    py: Python<'_>,
    driver: &'static Driver,
    future: impl Future<Output = ()> + 'static,
) -> PyResult<()> {
    let slot = Slot::new();
    let theirs = Rc::clone(&slot);
    let task = driver.handle.spawn_now(async move {
        future.await;
        theirs.finish(driver, ());
    });
    driver.wait(py, &slot, Some(task))
}

/// How often greenlets of this thread have waited for requests and sleeps so far.
#[pyfunction]
pub(crate) fn switches() -> u64 {
    DRIVER.get().map_or(0, Driver::switches)
}
