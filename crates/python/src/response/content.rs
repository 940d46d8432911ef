//! The body of a response as text and as JSON.

use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};
use throng_http::Head;

use crate::failure::helper;

/// The encoding that the `Content-Type` header names, as `requests` reads it.
pub(super) fn encoding_of(head: &Head) -> Option<String> {
    let content_type = String::from_utf8_lossy(head.get("Content-Type")?).into_owned();
    let mut parts = content_type.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        name.trim().eq_ignore_ascii_case("charset").then(|| value.to_owned())
    });
    if charset.is_some() {
        return charset;
    }
    if kind.contains("text") {
        return Some("ISO-8859-1".to_owned());
    }
    kind.contains("application/json").then(|| "utf-8".to_owned())
}

/// The body as text; without a known encoding it is guessed, as far as that is possible without a library.
pub(super) fn decode<'py>(
    py: Python<'py>,
    body: &[u8],
    encoding: Option<&str>,
) -> PyResult<Bound<'py, PyString>> {
    if body.is_ascii() && encoding.is_none_or(is_ascii_superset) {
        return PyString::from_bytes(py, body);
    }
    let Some(encoding) = encoding else {
        return match std::str::from_utf8(body) {
            Ok(text) => Ok(PyString::new(py, text)),
            Err(_) => Ok(PyString::new(py, &String::from_utf8_lossy(body))),
        };
    };
    let bytes = PyBytes::new(py, body);
    match bytes.call_method1("decode", (encoding, "replace")) {
        Ok(text) => Ok(text.cast_into::<PyString>()?),
        // A server may name an encoding that does not exist.
        Err(error) if error.is_instance_of::<PyLookupError>(py) => {
            Ok(PyString::new(py, &String::from_utf8_lossy(body)))
        }
        Err(error) => Err(error),
    }
}

fn is_ascii_superset(encoding: &str) -> bool {
    ["utf-8", "utf8", "iso-8859-1", "latin-1", "latin1", "ascii", "us-ascii", "windows-1252", "cp1252"]
        .iter()
        .any(|known| encoding.eq_ignore_ascii_case(known))
}

/// `json.loads` of the body; the error is the one of `requests` for `HttpUser`.
pub(super) fn parse_json<'py>(
    py: Python<'py>,
    body: &[u8],
    fast: bool,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let text = std::str::from_utf8(body);
    if options.is_none()
        && let Ok(text) = text
        && let Some(value) = crate::json::parse(py, text)
    {
        return Ok(value);
    }
    match text {
        Ok(text) => loads(py, PyString::new(py, text.trim_start_matches('\u{feff}')).as_any(), fast, options),
        Err(_) => loads(py, PyBytes::new(py, body).as_any(), fast, options),
    }
}

/// `json.loads` of a text or bytes, with the error that the client's users expect.
pub(super) fn loads<'py>(
    py: Python<'py>,
    text: &Bound<'py, PyAny>,
    fast: bool,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static MODULE: PyOnceLock<Py<pyo3::types::PyModule>> = PyOnceLock::new();
    let loads = LOADS.get_or_try_init(py, || PyResult::Ok(py.import("json")?.getattr("loads")?.unbind()))?;
    let error = match loads.bind(py).call((text,), options) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if fast || !error.is_instance_of::<pyo3::exceptions::PyValueError>(py) {
        return Err(error);
    }
    let made = helper(py, &MODULE, "exceptions")?.call_method1("json_error", (error.value(py),))?;
    Err(PyErr::from_value(made))
}
