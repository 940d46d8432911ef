//! The response object.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyModule, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::content::{decode, encoding_of, loads, parse_json};
use super::made::{Answer, Encoding, State};
use super::sent::{Sent, SentRequest};
use super::verdict::Verdict;
use crate::cookies::Cookies;
use crate::failure::{Failure, helper, locust_exception, named_class};
use crate::gil::GilBound;
use crate::headers::{CaseInsensitiveDict, latin1};
use crate::session::keep_cookies;

/// A response, or the absence of one (`status_code` 0 and an `error`). `FastHttpUser` gets a subclass.
#[pyclass(frozen, subclass, dict, weakref, name = "ResponseContextManager")]
pub(crate) struct Response(pub(super) GilBound<State>);

impl Response {
    pub(super) fn state<'a>(&'a self, py: Python<'a>) -> &'a State {
        self.0.get(py)
    }

    pub(crate) fn is_answered(&self, py: Python<'_>) -> bool {
        self.state(py).answer.is_some()
    }

    pub(super) fn is_fast(&self, py: Python<'_>) -> bool {
        self.state(py).fast
    }

    /// Whether all of the body is there.
    pub(super) fn is_over(&self, py: Python<'_>) -> bool {
        self.state(py).rest.is_over()
    }

    /// Whether the block decides what is reported.
    pub(crate) fn is_caught(&self, py: Python<'_>) -> bool {
        self.state(py).catch
    }

    /// Verdicts belong into a `with` block of a request that was made for it.
    fn check_block(&self, py: Python<'_>) -> PyResult<()> {
        let state = self.state(py);
        let text = if !state.catch {
            "success() and failure() need catch_response=True in the request and a with-block around it"
        } else if !state.entered.get() {
            "success() and failure() can only be called in a with-block: with client.get(..., catch_response=True)"
        } else {
            return Ok(());
        };
        Err(PyErr::from_value(locust_exception(py, "LocustError")?.call1((text,))?))
    }

    /// The body, for which a stream is read to its end; `None` without a response.
    fn body(&self, py: Python<'_>) -> PyResult<Option<Bytes>> {
        let state = self.state(py);
        let Some(answer) = &state.answer else { return Ok(None) };
        if state.rest.is_stream() {
            return state.rest.whole(py, state.fast, &answer.url).map(Some);
        }
        Ok(Some(answer.body.clone()))
    }

    fn current_encoding(&self, py: Python<'_>) -> Option<String> {
        let state = self.state(py);
        if let Encoding::Set(set) = &*state.encoding.borrow() {
            return set.clone();
        }
        state.answer.as_ref().and_then(|answer| encoding_of(&answer.head))
    }
}

fn timedelta(py: Python<'_>, duration: Duration) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class =
        CLASS.get_or_try_init(py, || PyResult::Ok(py.import("datetime")?.getattr("timedelta")?.unbind()))?;
    class.bind(py).call1((0, duration.as_secs_f64()))
}

#[pymethods]
impl Response {
    /// `isinstance` asks for it.
    #[getter(__class__)]
    fn named_class<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        named_class(slf.as_any())
    }

    /// The status, 0 if there is no response.
    #[getter]
    pub(super) fn status_code(&self, py: Python<'_>) -> u16 {
        self.state(py).answer.as_ref().map_or(0, |answer| answer.status)
    }

    /// The reason phrase.
    #[getter]
    fn reason(&self, py: Python<'_>) -> Option<String> {
        self.state(py).answer.as_ref().map(|answer| latin1(answer.head.reason()))
    }

    /// Whether the status is a success by itself, whatever the locustfile has said.
    ///
    /// Observed on Locust 2.47: for `HttpUser` the absence of a response is raised here.
    #[getter]
    fn ok(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let state = slf.get().state(py);
        if state.answer.is_none()
            && !state.fast
            && let Some(error) = Self::own_error(slf)?
        {
            return Err(PyErr::from_value(error.into_bound(py)));
        }
        Ok(state.failure.borrow().is_none())
    }

    fn __bool__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::ok(slf)
    }

    #[getter]
    pub(super) fn headers(&self, py: Python<'_>) -> PyResult<Option<Py<CaseInsensitiveDict>>> {
        let state = self.state(py);
        if let Some(headers) = &*state.headers.borrow() {
            return Ok(Some(headers.clone_ref(py)));
        }
        let headers = match &state.answer {
            Some(answer) => CaseInsensitiveDict::from_head(py, &answer.head, state.fast)?,
            None if state.fast => return Ok(None),
            None => CaseInsensitiveDict::empty(),
        };
        let headers = Py::new(py, headers)?;
        state.headers.replace(Some(headers.clone_ref(py)));
        Ok(Some(headers))
    }

    /// The body, decompressed; None if there is no response.
    #[getter]
    pub(super) fn content(&self, py: Python<'_>) -> PyResult<Option<Py<PyBytes>>> {
        let state = self.state(py);
        if let Some(content) = &*state.content.borrow() {
            return Ok(Some(content.clone_ref(py)));
        }
        let Some(body) = self.body(py)? else { return Ok(None) };
        let content = PyBytes::new(py, &body).unbind();
        state.content.replace(Some(content.clone_ref(py)));
        Ok(Some(content))
    }

    /// The body as text.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<Option<Py<PyString>>> {
        let state = self.state(py);
        if let Some(text) = &*state.text.borrow() {
            return Ok(Some(text.clone_ref(py)));
        }
        let Some(body) = self.body(py)? else {
            return Ok((!state.fast).then(|| PyString::new(py, "").unbind()));
        };
        let text = decode(py, &body, self.current_encoding(py).as_deref())?.unbind();
        state.text.replace(Some(text.clone_ref(py)));
        Ok(Some(text))
    }

    /// The body parsed as JSON.
    #[pyo3(signature = (**options))]
    fn json<'py>(
        &self,
        py: Python<'py>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let state = self.state(py);
        let body = match self.body(py)? {
            // Observed on Locust 2.47.
            None if state.fast => return loads(py, py.None().bind(py), true, None),
            body => body.unwrap_or_default(),
        };
        // Observed on requests 2.34: an encoding that is known stands before the one that JSON has by definition.
        if !body.is_ascii()
            && self.current_encoding(py).is_some_and(|name| !name.eq_ignore_ascii_case("utf-8"))
            && let Some(text) = self.text(py)?
        {
            return loads(py, text.bind(py).as_any(), state.fast, options);
        }
        parse_json(py, &body, state.fast, options)
    }

    /// The encoding of the text, by the headers or as it was set.
    #[getter]
    fn encoding(&self, py: Python<'_>) -> Option<String> {
        self.current_encoding(py)
    }

    #[setter]
    fn set_encoding(&self, py: Python<'_>, encoding: Option<String>) {
        self.state(py).encoding.replace(Encoding::Set(encoding));
        drop(self.state(py).text.take());
    }

    /// The encoding that the body itself suggests.
    #[getter]
    fn apparent_encoding(&self, py: Python<'_>) -> PyResult<&'static str> {
        let body = self.body(py)?.unwrap_or_default();
        Ok(match std::str::from_utf8(&body) {
            Ok(_) if body.is_ascii() => "ascii",
            Ok(_) => "utf-8",
            Err(_) => "ISO-8859-1",
        })
    }

    /// The URL after redirects.
    #[getter]
    fn url(&self, py: Python<'_>) -> Option<String> {
        let state = self.state(py);
        match &state.answer {
            Some(Answer { sent, .. }) if sent.shown.is_some() => Some(sent.shown_url()),
            Some(answer) => Some(answer.url.without_userinfo()),
            None => state.sent.as_ref().map(Sent::shown_url),
        }
    }

    /// The time from sending the request to the end of the response, as a timedelta.
    #[getter]
    fn elapsed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        timedelta(py, self.state(py).answer.as_ref().map_or(Duration::ZERO, |answer| answer.elapsed))
    }

    /// The responses that were redirected to this one.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let history = self.state(py).history.borrow();
        PyList::new(py, history.iter().map(|response| response.bind(py)))
    }

    /// The cookies that this response set.
    #[getter]
    fn cookies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut jar = throng_locust::cookie::CookieJar::default();
        let state = self.state(py);
        if let Some(answer) = &state.answer {
            keep_cookies(&mut jar, &answer.sent, &answer.head, state.fast);
        }
        Cookies::shown(py, std::rc::Rc::new(RefCell::new(jar)))
    }

    /// The request that was sent last.
    #[getter]
    fn request(&self, py: Python<'_>) -> PyResult<Option<Py<SentRequest>>> {
        let state = self.state(py);
        if let Some(request) = &*state.request.borrow() {
            return Ok(Some(request.clone_ref(py)));
        }
        let sent = state.answer.as_ref().map(|answer| &answer.sent).or(state.sent.as_ref());
        let Some(sent) = sent else { return Ok(None) };
        let request = SentRequest::new(sent.clone(), state.fast).into_object(py)?;
        state.request.replace(Some(request.clone_ref(py)));
        Ok(Some(request))
    }

    /// The request that a redirect asks for which was not followed; None for every other response.
    #[getter(next)]
    fn next_request<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = |answer: &Answer| answer.unfollowed.as_ref()?.request(answer);
        let Some(next) = self.state(py).answer.as_ref().and_then(next) else { return Ok(None) };
        let request = SentRequest::new(next, false).into_object(py)?;
        sending(py)?.call_method1("as_prepared", (request,)).map(Some)
    }

    /// The exception of a request that has no response; None otherwise.
    #[getter]
    fn error(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let state = slf.get().state(slf.py());
        let by_status = state.answer.is_some() && !state.fast;
        if by_status { Ok(None) } else { Self::own_error(slf) }
    }

    /// Raises what the request counts as failed with, if it does.
    fn raise_for_status(slf: &Bound<'_, Self>) -> PyResult<()> {
        match Self::verdict_error(slf, Self::own_error)? {
            Some(error) => Err(PyErr::from_value(error.into_bound(slf.py()))),
            None => Ok(()),
        }
    }

    #[getter]
    fn is_redirect(&self, py: Python<'_>) -> bool {
        let redirects = |answer: &Answer| {
            matches!(answer.status, 301..=303 | 307 | 308) && answer.head.get("Location").is_some()
        };
        self.state(py).answer.as_ref().is_some_and(redirects)
    }

    #[getter]
    fn is_permanent_redirect(&self, py: Python<'_>) -> bool {
        self.is_redirect(py) && matches!(self.status_code(py), 301 | 308)
    }

    /// The `Link` header, parsed.
    #[getter]
    fn links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let header = self.state(py).answer.as_ref().and_then(|answer| answer.head.get("Link"));
        prepare(py)?.call_method1("parse_links", (header.map(latin1).unwrap_or_default(),))
    }

    /// The body as a file object.
    #[getter]
    pub(super) fn raw<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        prepare(slf.py())?.call_method1("raw_body", (slf,))
    }

    /// Whether the body is read as it is asked for.
    #[getter]
    fn _is_stream(&self, py: Python<'_>) -> bool {
        self.state(py).rest.is_stream()
    }

    /// The next bytes of a stream: at most so many, or what there is; none at its end.
    #[pyo3(signature = (amount = None))]
    fn _next_piece<'py>(&self, py: Python<'py>, amount: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let state = self.state(py);
        let Some(answer) = &state.answer else { return Ok(PyBytes::new(py, b"")) };
        Ok(PyBytes::new(py, &state.rest.next(py, amount, state.fast, &answer.url)?))
    }

    /// The next bytes of the body, as a stream gives them.
    #[pyo3(signature = (n = None))]
    fn read<'py>(&self, py: Python<'py>, n: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let body = self.body(py)?.unwrap_or_default();
        let at = self.state(py).read.get().min(body.len());
        let end = n.map_or(body.len(), |n| at.saturating_add(n).min(body.len()));
        self.state(py).read.set(end);
        Ok(PyBytes::new(py, &body[at..end]))
    }

    /// The body in pieces.
    #[pyo3(signature = (chunk_size = Some(1), decode_unicode = false, **rest))]
    fn iter_content<'py>(
        slf: &Bound<'py, Self>,
        chunk_size: Option<usize>,
        decode_unicode: bool,
        rest: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = rest;
        // Observed on Locust 2.47: pieces of the fast client's responses are text.
        let decode = decode_unicode || slf.get().is_fast(slf.py());
        prepare(slf.py())?.call_method1("iter_content", (slf, chunk_size, decode))
    }

    /// The lines of the body.
    #[pyo3(signature = (chunk_size = 512, decode_unicode = false, delimiter = None))]
    fn iter_lines<'py>(
        slf: &Bound<'py, Self>,
        chunk_size: usize,
        decode_unicode: bool,
        delimiter: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let decode = decode_unicode || slf.get().is_fast(slf.py());
        prepare(slf.py())?.call_method1("iter_lines", (slf, decode, delimiter, chunk_size))
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        prepare(slf.py())?.call_method1("iter_content", (slf, 128, false))
    }

    /// Closes the connection of a stream that has not come to its end.
    pub(super) fn close(&self, py: Python<'_>) {
        self.state(py).rest.close();
    }

    /// Says, in a `with` block, that the request is a success.
    fn success(&self, py: Python<'_>) -> PyResult<()> {
        self.check_block(py)?;
        drop(self.state(py).verdict.replace(Verdict::Success));
        Ok(())
    }

    /// Says, in a `with` block, that the request is a failure, with an exception or a text.
    fn failure(&self, py: Python<'_>, exc: Bound<'_, PyAny>) -> PyResult<()> {
        self.check_block(py)?;
        let error = if exc.is_instance_of::<pyo3::exceptions::PyException>() {
            exc
        } else {
            locust_exception(py, "CatchResponseError")?.call1((exc,))?
        };
        drop(self.state(py).verdict.replace(Verdict::Failure(error.unbind())));
        Ok(())
    }

    /// What the locustfile has said: None, True or an exception.
    #[getter]
    fn _manual_result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(match &*self.state(py).verdict.borrow() {
            Verdict::Open => py.None(),
            Verdict::Success => true.into_pyobject(py)?.to_owned().into_any().unbind(),
            Verdict::Failure(error) => error.clone_ref(py),
        })
    }

    /// The arguments that the event will be fired with; a `with` block may change them.
    #[getter]
    fn request_meta<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        Self::event(slf)
    }

    #[getter]
    fn locust_request_meta<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        Self::event(slf)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let py = slf.py();
        let state = slf.get().state(py);
        let counts = state.report.is_some();
        if counts && !state.catch && !state.fast {
            let text = "In order to use a with-block for requests, you must also pass catch_response=True";
            return Err(PyErr::from_value(locust_exception(py, "LocustError")?.call1((text,))?));
        }
        state.entered.set(true);
        Ok(slf)
    }

    /// Reports the request at the end of its block.
    fn __exit__(
        slf: &Bound<'_, Self>,
        class: Option<&Bound<'_, PyType>>,
        value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let py = slf.py();
        let _ = traceback;
        let state = slf.get().state(py);
        if state.report.is_none() {
            state.rest.close();
        }
        if !state.catch {
            return Ok(false);
        }
        if let Some(class) = class {
            let response_error = locust_exception(py, "ResponseError")?;
            if class.is_subclass(&response_error)? {
                let error = value.map_or_else(|| py.None(), |value| value.clone().unbind());
                drop(state.verdict.replace(Verdict::Failure(error)));
                Self::report(slf)?;
                return Ok(true);
            }
            // Observed on Locust 2.47: without a verdict such a request is not reported at all.
            if !matches!(&*state.verdict.borrow(), Verdict::Open) {
                Self::report(slf)?;
            }
            return Ok(false);
        }
        Self::report(slf)?;
        Ok(false)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Response [{}]>", self.status_code(py))
    }

    /// A response, its event and its exception refer to each other; the collector is told.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: this is the place that it is for.
        let Some(state) = (unsafe { self.0.traversed() }) else { return Ok(()) };
        if let Ok(meta) = state.meta.try_borrow() {
            visit.call(&*meta)?;
        }
        if let Ok(failure) = state.failure.try_borrow()
            && let Some(Failure::Given(exception)) = &*failure
        {
            visit.call(exception)?;
        }
        if let Ok(verdict) = state.verdict.try_borrow()
            && let Verdict::Failure(exception) = &*verdict
        {
            visit.call(exception)?;
        }
        if let Ok(history) = state.history.try_borrow() {
            for response in &*history {
                visit.call(response)?;
            }
        }
        match &state.report {
            Some(report) => visit.call(&report.context),
            None => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let state = self.state(py);
        drop((state.meta.take(), state.failure.take(), state.verdict.take(), state.history.take()));
    }

    /// Pickling would lose the connection to statistics.
    #[expect(clippy::unused_self, reason = "a method of the Python object")]
    fn __reduce__(&self) -> PyResult<Py<PyTuple>> {
        Err(pyo3::exceptions::PyTypeError::new_err(
            "pickle a response: not supported; keep what you need of it",
        ))
    }
}

/// `locust._http.sending`.
fn sending(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    helper(py, &MODULE, "sending")
}

/// `locust._http.prepare`.
pub(super) fn prepare(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    helper(py, &MODULE, "prepare")
}
