//! Small objects that locustfiles reach through a session.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::object::Session;
use crate::gil::GilBound;

/// The `with` block of [`Session::rename_request`].
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct Rename {
    session: Py<Session>,
    name: Py<PyString>,
    before: GilBound<RefCell<Option<Py<PyString>>>>,
}

impl Rename {
    pub(super) fn new(session: Py<Session>, name: Py<PyString>) -> Self {
        Self { session, name, before: GilBound::new(RefCell::new(None)) }
    }
}

#[pymethods]
impl Rename {
    fn __enter__(&self, py: Python<'_>) {
        let session = self.session.bind(py).get();
        self.before.get(py).replace(session.request_name(py));
        session.set_request_name(py, Some(self.name.clone_ref(py)));
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) {
        let _ = exception;
        self.session.bind(py).get().set_request_name(py, self.before.get(py).take());
    }
}

/// What locustfiles use of `FastHttpSession.client`.
#[pyclass(frozen, name = "LocustUserAgent", module = "locust.contrib.fasthttp")]
pub(crate) struct UserAgent {
    session: Py<Session>,
}

impl UserAgent {
    pub(super) fn new(session: Py<Session>) -> Self {
        Self { session }
    }
}

#[pymethods]
impl UserAgent {
    #[getter]
    fn clientpool(&self, py: Python<'_>) -> ClientPool {
        ClientPool { session: self.session.clone_ref(py) }
    }

    #[getter]
    fn cookiejar(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.session.bind(py).get().cookies(py)
    }

    #[getter]
    fn max_redirects(&self, py: Python<'_>) -> u32 {
        self.session.bind(py).get().settings(py).max_redirects.get()
    }

    #[getter]
    fn max_retries(&self, py: Python<'_>) -> u32 {
        self.session.bind(py).get().settings(py).max_retries.get()
    }

    /// Closes the connections; the next request opens new ones.
    fn close(&self, py: Python<'_>) {
        self.session.bind(py).get().close(py);
    }
}

/// The connections of a session.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct ClientPool {
    session: Py<Session>,
}

#[pymethods]
impl ClientPool {
    /// Closes the connections; the next request opens new ones.
    fn close(&self, py: Python<'_>) {
        self.session.bind(py).get().close(py);
    }
}
