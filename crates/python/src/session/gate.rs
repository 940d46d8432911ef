//! How many requests of one fast session run at the same time (`FastHttpUser.concurrency`).
//!
//! Only green threads that a locustfile starts itself ever come to the limit; for all others it is one comparison.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use pyo3::prelude::*;

use crate::driver::{Driver, Slot};

/// The limit of a session, and who waits for it.
#[derive(Default)]
pub(super) struct Gate {
    /// `None` for no limit.
    pub(super) limit: Cell<Option<u32>>,
    inside: Cell<u32>,
    waiting: RefCell<VecDeque<Rc<Slot<()>>>>,
}

/// A place inside, given back when it is dropped.
pub(super) struct Pass<'a>(Option<&'a Gate>);

impl Gate {
    /// Waits for a place.
    pub(super) fn enter(&self, py: Python<'_>) -> PyResult<Pass<'_>> {
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

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            gate.inside.set(gate.inside.get() - 1);
            gate.call_next();
        }
    }
}
