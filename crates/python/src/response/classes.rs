//! The classes that responses have in Python: one object, and the names that Locust gives it.
//!
//! Scripts ask `isinstance`, and the messages of Python's own errors name the class.

use pyo3::prelude::*;
use pyo3::{PyClassInitializer, PyTraverseError, PyVisit};

use super::object::Response;

/// A response of `HttpUser`.
#[pyclass(frozen, subclass, extends = Response, module = "locust.clients")]
pub(crate) struct LocustResponse;

/// A response of `HttpUser` to a request with `catch_response=True`.
#[pyclass(frozen, subclass, extends = LocustResponse, name = "ResponseContextManager", module = "locust.clients")]
pub(crate) struct CaughtResponse;

/// A response of `FastHttpUser`.
#[pyclass(frozen, subclass, extends = Response, module = "locust.contrib.fasthttp")]
pub(crate) struct FastResponse;

/// A response of `FastHttpUser` to a request with `catch_response=True`.
#[pyclass(
    frozen,
    subclass,
    extends = FastResponse,
    name = "ResponseContextManager",
    module = "locust.contrib.fasthttp"
)]
pub(crate) struct FastCaughtResponse;

impl Response {
    /// The object, as an instance of the class that fits it.
    pub(crate) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        let (fast, caught) = (self.is_fast(py), self.is_caught(py));
        let base = PyClassInitializer::from(self);
        Ok(match (fast, caught) {
            (false, false) => Bound::new(py, base.add_subclass(LocustResponse))?.into_super(),
            (true, false) => Bound::new(py, base.add_subclass(FastResponse))?.into_super(),
            (false, true) => Bound::new(py, base.add_subclass(LocustResponse).add_subclass(CaughtResponse))?
                .into_super()
                .into_super(),
            (true, true) => Bound::new(py, base.add_subclass(FastResponse).add_subclass(FastCaughtResponse))?
                .into_super()
                .into_super(),
        })
    }
}

/// What the collector is to see is in the base; a class that says so itself is freed as one that the collector knows.
macro_rules! collected {
    ($($class:ty),*) => {$(
        #[pymethods]
        impl $class {
            fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                let _ = visit;
                Ok(())
            }

            fn __clear__(&self) {}
        }
    )*};
}

collected!(LocustResponse, CaughtResponse, FastResponse, FastCaughtResponse);
