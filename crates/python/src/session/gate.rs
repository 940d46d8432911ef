//! How many requests run at the same time, of one fast session (`FastHttpUser.concurrency`) or of all that share a pool.
//!
//! Without a pool only green threads that a locustfile starts itself ever come to the limit; for all others it is one
//! comparison.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use pyo3::prelude::*;

use crate::driver::{Driver, Slot};

/// The limit of a session, and who waits for it.
#[derive(Default)]
pub(crate) struct Gate {
    /// `None` for no limit.
    limit: Cell<Option<u32>>,
    inside: Cell<u32>,
    waiting: RefCell<VecDeque<Rc<Slot<()>>>>,
}

/// A place inside, given back when it is dropped.
pub(super) struct Pass(Option<Rc<Gate>>);

impl Gate {
    pub(crate) fn new(limit: Option<u32>) -> Rc<Self> {
        Rc::new(Self { limit: Cell::new(limit), ..Self::default() })
    }

    /// Waits for a place.
    pub(super) fn enter(self: Rc<Self>, py: Python<'_>) -> PyResult<Pass> {
        let Some(limit) = self.limit.get() else { return Ok(Pass(None)) };
        while self.inside.get() >= limit {
            let slot = Slot::new();
            self.waiting.borrow_mut().push_back(Rc::clone(&slot));
            let waited = Driver::get(py)?.wait(py, &slot, None);
            if waited.is_err() {
                self.waiting.borrow_mut().retain(|other| !Rc::ptr_eq(other, &slot));
                // It may have been let in just when it was killed: the next one is then.
                self.call_next();
            }
            waited?;
        }
        self.inside.set(self.inside.get() + 1);
        Ok(Pass(Some(self)))
    }

    fn call_next(&self) {
        let free = self.limit.get().is_none_or(|limit| self.inside.get() < limit);
        let next = if free { self.waiting.borrow_mut().pop_front() } else { None };
        if let (Some(next), Some(driver)) = (next, Driver::running()) {
            next.finish(driver, ());
            driver.handle.ring();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = &self.0 {
            gate.inside.set(gate.inside.get() - 1);
            gate.call_next();
        }
    }
}
