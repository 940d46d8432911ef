//! Where finished requests go: statistics in Rust, and listeners in Python if there are any.

use std::cell::RefCell;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};

use crate::gil::GilBound;
use crate::stats::Stats;

#[derive(Default)]
struct State {
    stats: RefCell<Option<Py<Stats>>>,
    before: RefCell<Option<Py<PyAny>>>,
    after: RefCell<Option<Py<PyAny>>>,
    failed: RefCell<Option<Py<PyAny>>>,
}

/// The `request` event of one environment, as the client sees it.
///
/// Statistics are one of its listeners, and their place among the others can be observed; so there are the listeners
/// before them and those after them.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct Sink(GilBound<State>);

impl Sink {
    pub(crate) fn has_listeners(&self, py: Python<'_>) -> bool {
        let state = self.0.get(py);
        state.before.borrow().is_some() || state.after.borrow().is_some()
    }

    pub(crate) fn statistics(&self, py: Python<'_>) -> Option<Py<Stats>> {
        self.0.get(py).stats.borrow().as_ref().map(|stats| stats.clone_ref(py))
    }

    pub(crate) fn listener_before(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.get(py).before.borrow().as_ref().map(|call| call.clone_ref(py))
    }

    pub(crate) fn listener_after(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.get(py).after.borrow().as_ref().map(|call| call.clone_ref(py))
    }
}

impl Sink {
    /// Calls listeners with the event's arguments: those of a list one by one, and what one of them raises is
    /// `failed`'s business.
    pub(crate) fn notify(
        &self,
        py: Python<'_>,
        listeners: Option<Py<PyAny>>,
        event: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let Some(listeners) = listeners else { return Ok(()) };
        let listeners = listeners.bind(py);
        let Ok(list) = listeners.cast::<PyList>() else {
            return listeners.call((), Some(event)).map(drop);
        };
        if let (1, Ok(only)) = (list.len(), list.get_item(0)) {
            return self.tell(&only, event);
        }
        // A copy, because a listener may remove itself.
        for listener in list.to_tuple() {
            self.tell(&listener, event)?;
        }
        Ok(())
    }

    fn tell(&self, listener: &Bound<'_, PyAny>, event: &Bound<'_, PyDict>) -> PyResult<()> {
        let Err(error) = listener.call((), Some(event)) else { return Ok(()) };
        let py = event.py();
        let failed = self.0.get(py).failed.borrow().as_ref().map(|failed| failed.bind(py).clone());
        match failed {
            Some(failed) if error.is_instance_of::<PyException>(py) => {
                failed.call1((error.value(py),)).map(drop)
            }
            _ => Err(error),
        }
    }
}

#[pymethods]
impl Sink {
    #[new]
    #[pyo3(signature = (stats = None))]
    fn new(stats: Option<Py<Stats>>) -> Self {
        Self(GilBound::new(State { stats: RefCell::new(stats), ..State::default() }))
    }

    /// Listeners refer to their environment, and that to this.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: this is the place that it is for.
        let Some(state) = (unsafe { self.0.traversed() }) else { return Ok(()) };
        for call in [&state.before, &state.after, &state.failed] {
            if let Ok(call) = call.try_borrow() {
                visit.call(&*call)?;
            }
        }
        match state.stats.try_borrow() {
            Ok(stats) => visit.call(&*stats),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let state = self.0.get(py);
        drop((state.before.take(), state.after.take(), state.failed.take(), state.stats.take()));
    }

    /// The statistics, or None.
    #[getter]
    fn stats(&self, py: Python<'_>) -> Option<Py<Stats>> {
        self.statistics(py)
    }

    #[setter]
    fn set_stats(&self, py: Python<'_>, stats: Option<Py<Stats>>) {
        drop(self.0.get(py).stats.replace(stats));
    }

    /// Called with an exception that a listener of a list let through, or None.
    #[getter]
    fn failed(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.get(py).failed.borrow().as_ref().map(|call| call.clone_ref(py))
    }

    #[setter]
    fn set_failed(&self, py: Python<'_>, call: Option<Py<PyAny>>) {
        drop(self.0.get(py).failed.replace(call));
    }

    /// Called before statistics, a list of what is, or None.
    #[getter]
    fn before(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.listener_before(py)
    }

    #[setter]
    fn set_before(&self, py: Python<'_>, call: Option<Py<PyAny>>) {
        drop(self.0.get(py).before.replace(call));
    }

    /// Called after statistics, a list of what is, or None.
    #[getter]
    fn after(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.listener_after(py)
    }

    #[setter]
    fn set_after(&self, py: Python<'_>, call: Option<Py<PyAny>>) {
        drop(self.0.get(py).after.replace(call));
    }
}
