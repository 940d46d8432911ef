//! An error as reports show it: method, name, text, and how often.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use throng_locust::{error_key, hide_addresses};

use super::now;
use crate::gil::GilBound;

/// How often and when an error occurred; times in seconds since the Unix epoch.
#[derive(Debug, Default)]
pub(super) struct Seen {
    count: Cell<u64>,
    first: Cell<Option<f64>>,
    last: Cell<Option<f64>>,
}

impl Seen {
    /// Counts one more.
    pub(super) fn occur(&self) {
        let at = now();
        self.count.set(self.count.get() + 1);
        self.first.set(self.first.get().or(Some(at)));
        self.last.set(Some(at));
    }
}

/// What the store and its view share.
pub(super) type Occurrences = Rc<Seen>;

struct State {
    error: RefCell<Py<PyAny>>,
    occurrences: RefCell<Occurrences>,
}

/// One kind of error.
#[pyclass(frozen, subclass, dict, module = "locust._core")]
pub(crate) struct StatsError {
    #[pyo3(get)]
    method: String,
    #[pyo3(get)]
    name: String,
    state: GilBound<State>,
}

impl StatsError {
    /// Counts from now on where the store counts.
    pub(super) fn share(&self, py: Python<'_>, occurrences: Occurrences) {
        self.state.get(py).occurrences.replace(occurrences);
    }
}

/// The text that stands for an error: the `repr` of an exception without addresses, or the string itself. What is no
/// character (a lone surrogate) is replaced: neither CSV nor JSON nor HTML could have it.
pub(super) fn text_of(error: &Bound<'_, PyAny>) -> PyResult<String> {
    if error.is_instance_of::<PyBaseException>() {
        return Ok(hide_addresses(&error.repr()?.to_string_lossy()));
    }
    Ok(error.str()?.to_string_lossy().into_owned())
}

/// The identity of an error.
pub(super) fn key_of(method: &str, name: &str, error: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = text_of(error)?.into_pyobject(error.py())?;
    Ok(error_key(method, name, text.repr()?.to_str()?))
}

#[pymethods]
impl StatsError {
    #[new]
    #[pyo3(signature = (method, name, error, occurrences = 0, first_seen = None, last_seen = None))]
    fn new(
        method: Option<String>,
        name: String,
        error: Py<PyAny>,
        occurrences: u64,
        first_seen: Option<f64>,
        last_seen: Option<f64>,
    ) -> Self {
        let (count, first, last) = (Cell::new(occurrences), Cell::new(first_seen), Cell::new(last_seen));
        let occurrences = RefCell::new(Rc::new(Seen { count, first, last }));
        let state = GilBound::new(State { error: RefCell::new(error), occurrences });
        Self { method: method.unwrap_or_default(), name, state }
    }

    /// The exception, or its text, as it was first seen.
    #[getter]
    fn error(&self, py: Python<'_>) -> Py<PyAny> {
        self.state.get(py).error.borrow().clone_ref(py)
    }

    #[setter]
    fn set_error(&self, py: Python<'_>, error: Py<PyAny>) {
        drop(self.state.get(py).error.replace(error));
    }

    #[getter]
    fn occurrences(&self, py: Python<'_>) -> u64 {
        self.state.get(py).occurrences.borrow().count.get()
    }

    #[setter]
    fn set_occurrences(&self, py: Python<'_>, count: u64) {
        self.state.get(py).occurrences.borrow().count.set(count);
    }

    /// When it occurred first, in seconds since the Unix epoch.
    #[getter]
    fn first_seen(&self, py: Python<'_>) -> Option<f64> {
        self.state.get(py).occurrences.borrow().first.get()
    }

    #[setter]
    fn set_first_seen(&self, py: Python<'_>, at: Option<f64>) {
        self.state.get(py).occurrences.borrow().first.set(at);
    }

    /// When it occurred last, in seconds since the Unix epoch.
    #[getter]
    fn last_seen(&self, py: Python<'_>) -> Option<f64> {
        self.state.get(py).occurrences.borrow().last.get()
    }

    #[setter]
    fn set_last_seen(&self, py: Python<'_>, at: Option<f64>) {
        self.state.get(py).occurrences.borrow().last.set(at);
    }

    /// Counts one more.
    fn occurred(&self, py: Python<'_>) {
        self.state.get(py).occurrences.borrow().occur();
    }

    /// The text that stands for an error.
    #[staticmethod]
    fn parse_error(error: &Bound<'_, PyAny>) -> PyResult<String> {
        text_of(error)
    }

    /// The identity of an error in reports of several processes.
    #[staticmethod]
    fn create_key(method: Option<&str>, name: &str, error: &Bound<'_, PyAny>) -> PyResult<String> {
        key_of(method.unwrap_or_default(), name, error)
    }
}
