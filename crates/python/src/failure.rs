//! Why a request failed, and the exception that says so in Locust's words.
//!
//! Which class and which text a failure has is decided in Python (`locust/_http/exceptions.py`), where the classes
//! are; here is only what happened. A status makes no exception object until somebody looks at it.

use std::time::Duration;

use pyo3::exceptions::{PyBaseException, PyOSError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;
use throng_http::{Cause, RequestError, Scheme, Url, code};

use crate::response::{Answer, Sent};

/// What went wrong, with what its text needs to know.
pub(crate) enum Failure {
    /// The status says so.
    Status { status: u16, reason: String },
    /// There is no response.
    Transport { error: Box<RequestError>, host: String, port: u16, secure: bool, timeouts: Timeouts },
    /// Redirected too often.
    Redirects { limit: u32 },
    /// Repeated because of its status, and not often enough.
    Statuses { status: u16 },
    /// A redirect to what is no URL.
    BadRedirect { location: String, reason: String },
    /// Somebody made the exception.
    Given(Py<PyAny>),
}

/// The time-outs of a request in seconds, for the texts that name them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeouts {
    pub(crate) connect: Option<f64>,
    pub(crate) read: Option<f64>,
}

/// `locust._http.<name>`.
pub(crate) fn helper<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyModule>>,
    name: &str,
) -> PyResult<&'py Bound<'py, PyModule>> {
    let module = cell.get_or_try_init(py, || py.import(format!("locust._http.{name}")).map(Bound::unbind))?;
    Ok(module.bind(py))
}

/// The class that one of our objects names itself, which may be one of `requests` too.
pub(crate) fn named_class<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    helper(object.py(), &MODULE, "likeness")?.call_method1("class_of", (object.get_type(),))
}

fn exceptions(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    helper(py, &MODULE, "exceptions")
}

/// Where a request went, for texts.
pub(crate) struct Place<'a> {
    pub(crate) fast: bool,
    /// The statistics' name, which stands for the URL so that failures group.
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
}

impl Failure {
    /// The exception; `response` goes along where `requests` puts one.
    pub(crate) fn exception(
        &self,
        py: Python<'_>,
        place: &Place<'_>,
        response: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let module = exceptions(py)?;
        let made = match self {
            Self::Given(exception) => return Ok(exception.clone_ref(py)),
            Self::Status { status, reason } => {
                module.call_method1("status", (place.fast, *status, reason, place.name, response))
            }
            Self::Redirects { limit } => {
                module.call_method1("too_many_redirects", (place.fast, *limit, place.url, response))
            }
            Self::Statuses { status } => module.call_method1("too_many_statuses", (*status, place.url)),
            Self::BadRedirect { location, reason } => module
                .call_method1("invalid_url", (format!("Invalid redirect location {location:?}: {reason}"),)),
            Self::Transport { error, host, port, secure, timeouts } => {
                let (kind, number, other, first_line) = match (&error.cause, error.code) {
                    (_, code::REQUEST_TIMEOUT) => ("read_timeout", 0, 0, None),
                    (_, code::DIAL_TIMEOUT) => ("connect_timeout", 0, 0, None),
                    (_, code::NO_SUCH_HOST) => ("unknown_host", 0, 0, None),
                    (_, code::DNS) => ("name_service", 0, 0, None),
                    (_, code::DECOMPRESSION) => ("decoding", 0, 0, None),
                    (Cause::Os(errno), _) => ("os", i64::from(*errno), 0, None),
                    (Cause::Closed, _) => ("closed", 0, 0, None),
                    (Cause::Truncated { received, missing }, _) => {
                        ("truncated", *received as i64, missing.map_or(-1, |n| n as i64), None)
                    }
                    (Cause::NotHttp(line), _) => ("not_http", 0, 0, Some(line.as_slice())),
                    (Cause::Other, code) if (1300..1400).contains(&code) => ("tls", 0, 0, None),
                    (Cause::Other, _) => ("other", 0, 0, None),
                };
                let detail = (number, other, first_line);
                let server = (host, *port, *secure);
                let times = (timeouts.connect, timeouts.read);
                let texts = (&error.message, place.url, place.target);
                module.call_method1("transport", (place.fast, kind, detail, server, times, texts))
            }
        };
        made.map(Bound::unbind)
    }

    /// The part of a response that had come when the connection broke.
    pub(crate) fn partial_answer(&self, sent: &Sent) -> Option<Answer> {
        let Self::Transport { error, .. } = self else { return None };
        let (status, head) = *error.partial_head.clone()?;
        Some(Answer {
            status,
            head,
            body: error.partial_body.clone().unwrap_or_default(),
            url: sent.url.clone(),
            sent: sent.clone(),
            elapsed: Duration::ZERO,
            unfollowed: None,
            stream: None,
            rest: None,
        })
    }

    /// What the client says went wrong on the way to `url`.
    pub(crate) fn of_transport(error: RequestError, url: &Url, timeouts: Timeouts) -> Self {
        Self::Transport {
            error: Box::new(error),
            host: url.host().to_owned(),
            port: url.port().unwrap_or_default(),
            secure: url.scheme() == Some(Scheme::Https),
            timeouts,
        }
    }

    /// The exception, if it has been made.
    pub(crate) fn given(&self) -> Option<&Py<PyAny>> {
        match self {
            Self::Given(exception) => Some(exception),
            _ => None,
        }
    }
}

/// Raises `requests`' exception of that name, or our stand-in.
pub(crate) fn raise(py: Python<'_>, name: &str, text: String) -> PyErr {
    let made = exceptions(py).and_then(|module| module.call_method1("named", (name, text)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The same around what was raised first.
pub(crate) fn raise_around(py: Python<'_>, name: &str, cause: &Bound<'_, PyBaseException>) -> PyErr {
    let made = exceptions(py).and_then(|module| module.call_method1("named", (name, cause)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Whether an exception that something in a request's way has raised is a failed request, and no error of the task.
pub(crate) fn is_counted(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    // What `requests` raises is one of these.
    if !error.is_instance_of::<PyOSError>(py) {
        return Ok(false);
    }
    exceptions(py)?.call_method1("is_counted", (error.value(py),))?.is_truthy()
}

/// What reports show of an exception.
pub(crate) fn shown(error: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    exceptions(error.py())?.call_method1("shown", (error,))
}

/// `locust.exception.<name>`.
pub(crate) fn locust_exception<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("locust.exception").map(Bound::unbind))?;
    module.bind(py).getattr(name)
}
