//! The request that a response answers, for `response.request`.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use throng_http::{Headers, Method, Url};

use crate::gil::GilBound;
use crate::headers::CaseInsensitiveDict;

/// What went out.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Bytes>,
    /// The body is shown as text, as it was given.
    pub(crate) body_is_text: bool,
}

/// A request that was sent, with the names that `requests` and geventhttpclient give its parts.
#[pyclass(frozen, dict, module = "locust._core")]
pub(crate) struct SentRequest(GilBound<Sent>);

impl SentRequest {
    pub(crate) fn new(sent: Sent) -> Self {
        Self(GilBound::new(sent))
    }
}

#[pymethods]
impl SentRequest {
    #[getter]
    fn method(&self, py: Python<'_>) -> String {
        self.0.get(py).method.to_string()
    }

    #[getter]
    fn url(&self, py: Python<'_>) -> String {
        self.0.get(py).url.without_userinfo()
    }

    /// Path and query.
    #[getter]
    fn path_url(&self, py: Python<'_>) -> String {
        let target = self.0.get(py).url.target();
        if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<CaseInsensitiveDict> {
        let headers = CaseInsensitiveDict::empty();
        let sent = self.0.get(py);
        for (name, value) in sent.headers.wire_lines() {
            let name = name.into_pyobject(py)?.into_any();
            headers.put(&name, value.into_pyobject(py)?.into_any().unbind())?;
        }
        Ok(headers)
    }

    /// The body, as text if it was given so, or None.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let sent = self.0.get(py);
        let body = sent.body.as_ref()?;
        let text = std::str::from_utf8(body).ok().filter(|_| sent.body_is_text);
        Some(match text {
            Some(text) => PyString::new(py, text).into_any(),
            None => PyBytes::new(py, body).into_any(),
        })
    }

    /// The body, as geventhttpclient calls it.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.body(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Request [{}]>", self.method(py))
    }
}
