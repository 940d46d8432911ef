//! Where finished requests go: statistics in Rust, and listeners in Python if there are any.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use crate::gil::GilBound;
use crate::stats::Stats;

#[derive(Default)]
struct State {
    stats: RefCell<Option<Py<Stats>>>,
    before: RefCell<Option<Py<PyAny>>>,
    after: RefCell<Option<Py<PyAny>>>,
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

/// Calls a listener with the event's arguments.
pub(crate) fn notify(py: Python<'_>, listener: Option<Py<PyAny>>, event: &Bound<'_, PyDict>) -> PyResult<()> {
    match listener {
        Some(listener) => listener.bind(py).call((), Some(event)).map(drop),
        None => Ok(()),
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
        for call in [&state.before, &state.after] {
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
        drop((state.before.take(), state.after.take(), state.stats.take()));
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

    /// Called before statistics, or None.
    #[getter]
    fn before(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.listener_before(py)
    }

    #[setter]
    fn set_before(&self, py: Python<'_>, call: Option<Py<PyAny>>) {
        drop(self.0.get(py).before.replace(call));
    }

    /// Called after statistics, or None.
    #[getter]
    fn after(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.listener_after(py)
    }

    #[setter]
    fn set_after(&self, py: Python<'_>, call: Option<Py<PyAny>>) {
        drop(self.0.get(py).after.replace(call));
    }
}
