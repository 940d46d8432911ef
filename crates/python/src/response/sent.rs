//! The request that a response answers, for `response.request`.

use bytes::Bytes;
use pyo3::PyClassInitializer;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};
use throng_http::{Framing, Headers, Method, Url};

use crate::failure::named_class;
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
    /// A body in chunks is what they are on the wire.
    pub(crate) framing: Framing,
    /// The URL as it is shown, if not that.
    pub(crate) shown: Option<Url>,
}

impl Sent {
    /// What did not go out.
    pub(crate) fn nothing(method: &str, url: Url) -> Self {
        Self {
            method: Method::new(method),
            url,
            headers: Headers::new(),
            body: None,
            body_is_text: false,
            framing: Framing::Length,
            shown: None,
        }
    }

    /// The URL as it is shown.
    pub(crate) fn shown_url(&self) -> String {
        self.shown.as_ref().unwrap_or(&self.url).without_userinfo()
    }
}

/// A request that was sent, with the names that `requests` and geventhttpclient give its parts.
#[pyclass(frozen, subclass, dict, module = "locust._core")]
pub(crate) struct SentRequest {
    sent: GilBound<Sent>,
    fast: bool,
    headers: PyOnceLock<Py<CaseInsensitiveDict>>,
}

impl SentRequest {
    pub(crate) fn new(sent: Sent, fast: bool) -> Self {
        Self { sent: GilBound::new(sent), fast, headers: PyOnceLock::new() }
    }

    /// The object, as an instance of the class that fits it.
    pub(crate) fn into_object(self, py: Python<'_>) -> PyResult<Py<Self>> {
        if !self.fast {
            return Py::new(py, self);
        }
        let fast = PyClassInitializer::from(self).add_subclass(FastRequest);
        Ok(Bound::new(py, fast)?.into_super().unbind())
    }

    fn sent<'a>(&'a self, py: Python<'a>) -> &'a Sent {
        self.sent.get(py)
    }

    fn headers_sent(&self, py: Python<'_>) -> PyResult<CaseInsensitiveDict> {
        let headers = CaseInsensitiveDict::empty();
        let put = |name: &str, value: &str| {
            headers.put(PyString::new(py, name).as_any(), PyString::new(py, value).into_any().unbind())
        };
        let sent = self.sent(py);
        for (name, value) in sent.headers.wire_lines() {
            put(&name, &value)?;
        }
        if sent.framing == Framing::Chunked {
            put("Transfer-Encoding", "chunked")?;
        } else if let Some(length) = self.content_length(py) {
            put("Content-Length", &length.to_string())?;
        }
        Ok(headers)
    }

    /// The length of the body as the wire says it; `requests` says 0 of every method that may have one.
    fn content_length(&self, py: Python<'_>) -> Option<usize> {
        let sent = self.sent(py);
        let length = sent.body.as_ref().map_or(0, Bytes::len);
        let is_said = length > 0 || !(self.fast || matches!(sent.method.as_str(), "GET" | "HEAD"));
        is_said.then_some(length)
    }
}

#[pymethods]
impl SentRequest {
    /// `isinstance` asks for it.
    #[getter(__class__)]
    fn named_class<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        named_class(slf.as_any())
    }

    #[getter]
    fn method(&self, py: Python<'_>) -> String {
        self.sent(py).method.to_string()
    }

    #[getter]
    fn url(&self, py: Python<'_>) -> String {
        self.sent(py).shown_url()
    }

    /// Path and query.
    #[getter]
    fn path_url(&self, py: Python<'_>) -> String {
        let target = self.sent(py).url.target();
        if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
    }

    /// The headers, which may be changed before the request is sent again.
    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Py<CaseInsensitiveDict>> {
        let make = || Py::new(py, self.headers_sent(py)?);
        self.headers.get_or_try_init(py, make).map(|headers| headers.clone_ref(py))
    }

    /// The same with headers of its own.
    fn copy(&self, py: Python<'_>) -> PyResult<Py<Self>> {
        let headers = Py::new(py, self.headers(py)?.get().copy(py))?;
        let new = Self::new(self.sent(py).clone(), self.fast);
        let _ = new.headers.set(py, headers);
        new.into_object(py)
    }

    /// The body, as text if it was given so, or None; what came from a generator is gone.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let sent = self.sent(py);
        let body = sent.body.as_ref().filter(|_| sent.framing == Framing::Length)?;
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

/// The request that a response of `FastHttpUser` answers, with the names of the standard library's `urllib.request`.
#[pyclass(frozen, extends = SentRequest, module = "locust.contrib.fasthttp")]
pub(crate) struct FastRequest;

impl FastRequest {
    fn target<'a>(slf: &'a Bound<'_, Self>) -> &'a Url {
        &slf.as_super().get().sent(slf.py()).url
    }
}

#[pymethods]
impl FastRequest {
    #[getter(full_url)]
    fn own_full_url(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().url(slf.py())
    }

    fn get_full_url(slf: &Bound<'_, Self>) -> String {
        Self::own_full_url(slf)
    }

    /// Host and port.
    #[getter(host)]
    fn own_host(slf: &Bound<'_, Self>) -> String {
        Self::target(slf).authority().to_owned()
    }

    #[getter]
    fn original_host(slf: &Bound<'_, Self>) -> String {
        Self::target(slf).host().to_owned()
    }

    #[getter(origin_req_host)]
    fn own_origin_req_host(slf: &Bound<'_, Self>) -> String {
        Self::original_host(slf)
    }

    fn get_host(slf: &Bound<'_, Self>) -> String {
        Self::original_host(slf)
    }

    fn get_origin_req_host(slf: &Bound<'_, Self>) -> String {
        Self::original_host(slf)
    }

    /// Path and query.
    #[getter]
    fn selector(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().path_url(slf.py())
    }

    /// `http` or `https`.
    #[getter]
    fn r#type(slf: &Bound<'_, Self>) -> String {
        Self::target(slf).scheme_str().to_owned()
    }

    fn get_method(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().method(slf.py())
    }

    #[getter]
    fn data<'py>(slf: &Bound<'py, Self>) -> Option<Bound<'py, PyAny>> {
        slf.as_super().get().body(slf.py())
    }

    #[pyo3(signature = (header_name, default = None))]
    fn get_header<'py>(
        slf: &Bound<'py, Self>,
        header_name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let headers = slf.as_super().get().headers(slf.py())?.into_bound(slf.py());
        headers.call_method1("get", (header_name, default))
    }

    fn has_header(slf: &Bound<'_, Self>, header_name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let headers = slf.as_super().get().headers(slf.py())?.into_bound(slf.py());
        headers.as_any().contains(header_name)
    }

    /// Names and values of the headers.
    fn header_items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let headers = slf.as_super().get().headers(slf.py())?.into_bound(slf.py());
        headers.call_method0("items")
    }
}
