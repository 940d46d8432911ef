//! The classes that responses have in Python: one object, and the names that Locust 2.47 gives it.
//!
//! Scripts ask `isinstance`, and the messages of Python's own errors name the class. The response of `HttpUser` is the
//! base itself; those of `FastHttpUser` are subclasses.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyClassInitializer, PyTraverseError, PyVisit};

use super::object::{Response, prepare};
use crate::headers::CaseInsensitiveDict;

/// A response of `FastHttpUser`.
#[pyclass(frozen, subclass, extends = Response)]
pub(crate) struct FastResponse;

/// A response of `FastHttpUser` to a request with `catch_response=True`.
#[pyclass(frozen, subclass, extends = FastResponse, name = "ResponseContextManager")]
pub(crate) struct FastCaughtResponse;

/// What stands for the response of `FastHttpUser` if there is none.
#[pyclass(frozen, subclass, extends = FastResponse)]
pub(crate) struct ErrorResponse;

impl Response {
    /// The object, as an instance of the class that fits it.
    pub(crate) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        if !self.is_fast(py) {
            return Bound::new(py, self);
        }
        let (caught, answered) = (self.is_caught(py), self.is_answered(py));
        let fast = PyClassInitializer::from(self).add_subclass(FastResponse);
        Ok(match (caught, answered) {
            (true, _) => Bound::new(py, fast.add_subclass(FastCaughtResponse))?.into_super().into_super(),
            (false, true) => Bound::new(py, fast)?.into_super(),
            (false, false) => Bound::new(py, fast.add_subclass(ErrorResponse))?.into_super().into_super(),
        })
    }
}

/// Adds the classes under names of their own, as two of them have the same in Locust.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let fast = "locust.contrib.fasthttp";
    for (name, class, place) in [
        ("Response", py.get_type::<Response>(), "locust.clients"),
        ("FastResponse", py.get_type::<FastResponse>(), fast),
        ("FastCaughtResponse", py.get_type::<FastCaughtResponse>(), fast),
        ("ErrorResponse", py.get_type::<ErrorResponse>(), fast),
    ] {
        class.setattr("__module__", place)?;
        // Python's messages show what a class was made as, with its module, until its name is set.
        class.setattr("__name__", class.name()?)?;
        module.add(name, class)?;
    }
    Ok(())
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

collected!(FastCaughtResponse, ErrorResponse);

/// What geventhttpclient's responses have beyond those of `requests`.
#[pymethods]
impl FastResponse {
    /// The status, 0 if there is no response.
    #[getter]
    fn status(slf: &Bound<'_, Self>) -> u16 {
        slf.as_super().get().status_code(slf.py())
    }

    /// The body.
    #[getter]
    fn data(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyBytes>>> {
        slf.as_super().get().content(slf.py())
    }

    /// The body as a file object; None without a response.
    #[getter]
    fn stream<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let response = slf.as_super();
        if response.get().is_answered(slf.py()) { Response::raw(response).map(Some) } else { Ok(None) }
    }

    /// The headers.
    fn info(slf: &Bound<'_, Self>) -> PyResult<Option<Py<CaseInsensitiveDict>>> {
        slf.as_super().get().headers(slf.py())
    }

    /// Whether all of the body is there.
    fn isclosed(slf: &Bound<'_, Self>) -> bool {
        slf.as_super().get().is_over(slf.py())
    }

    /// The next line of the body, with its end.
    fn readline<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        prepare(slf.py())?.call_method1("read_line", (slf,))
    }

    /// Gives up what is to come of the body.
    fn release(slf: &Bound<'_, Self>) {
        slf.as_super().get().close(slf.py());
    }

    /// The body, which was decompressed when it came.
    #[pyo3(signature = (gzip = true))]
    fn unzipped(slf: &Bound<'_, Self>, gzip: bool) -> PyResult<Option<Py<PyBytes>>> {
        let _ = gzip;
        slf.as_super().get().content(slf.py())
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let _ = visit;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __clear__(&self) {}
}
