//! The session as a Python object.

use std::rc::Rc;

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use throng_http::Url;

use super::arguments::Arguments;
use super::body::prepare;
use super::gate::Gate;
use super::handles::{Rename, UserAgent};
use super::prepare::basic;
use super::settings::{Retry, Settings, SharedPool};
use crate::cookies::{self, Cookies};
use crate::driver::Driver;
use crate::gil::GilBound;
use crate::headers::CaseInsensitiveDict;
use crate::sink::Sink;

/// What `requests` says of itself; servers that look at it must see what they see of Locust.
const USER_AGENT: &str = "python-requests/2.34.2";
const FAST_USER_AGENT: &str = "python/gevent-http-client-2.6.1";

/// A user's HTTP client.
#[pyclass(frozen, subclass, dict, weakref, module = "locust._core")]
pub(crate) struct Session(GilBound<Settings>);

impl Session {
    /// What the session remembers.
    pub(super) fn settings<'a>(&'a self, py: Python<'a>) -> &'a Settings {
        self.0.get(py)
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(py: Python<'_>, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        // For the initialiser of a subclass.
        let _ = (args, kwargs);
        Ok(Self(GilBound::new(Settings::new(py)?)))
    }

    /// Makes the session usable; called by the initialisers of the subclasses.
    #[pyo3(signature = (
        base_url, sink = None, user = None, *, fast = false, insecure = false, connection_timeout = None,
        network_timeout = None, max_redirects = None, max_retries = 0, default_headers = None, concurrency = None,
        proxy_host = None, proxy_port = None, pool = None, pool_size = 1
    ))]
    #[expect(clippy::too_many_arguments, reason = "the attributes of FastHttpUser")]
    fn _configure(
        slf: &Bound<'_, Self>,
        base_url: &str,
        sink: Option<Py<Sink>>,
        user: Option<Py<PyAny>>,
        fast: bool,
        insecure: bool,
        connection_timeout: Option<f64>,
        network_timeout: Option<f64>,
        max_redirects: Option<u32>,
        max_retries: u32,
        default_headers: Option<&Bound<'_, PyAny>>,
        concurrency: Option<u32>,
        proxy_host: Option<&str>,
        proxy_port: Option<u16>,
        pool: Option<Py<PyAny>>,
        pool_size: usize,
    ) -> PyResult<()> {
        let py = slf.py();
        let settings = slf.get().settings(py);
        match pool {
            Some(object) => {
                settings.gate.replace(Driver::get(py)?.pools.gate(py, &object, concurrency));
                settings.pool.replace(Some(SharedPool { object, size: pool_size }));
            }
            None => drop(settings.gate.replace(Gate::new(concurrency))),
        }
        settings.fast.set(fast);
        slf.get().set_base_url(py, base_url)?;
        settings.sink.replace(sink);
        settings.user.replace(user);
        settings.connect_timeout.set(connection_timeout);
        settings.read_timeout.set(network_timeout);
        settings.max_redirects.set(max_redirects.unwrap_or(30));
        settings.max_retries.set(max_retries);
        if insecure {
            settings.verify.replace(Some(false.into_pyobject(py)?.to_owned().into_any().unbind()));
        }
        let headers = PyDict::new(py);
        headers.set_item("User-Agent", if fast { FAST_USER_AGENT } else { USER_AGENT })?;
        if fast {
            headers.set_item("Accept-Encoding", "gzip, deflate, br")?;
        } else {
            headers.set_item("Accept-Encoding", "gzip, deflate, br")?;
            headers.set_item("Accept", "*/*")?;
            headers.set_item("Connection", "keep-alive")?;
        }
        let session_headers = CaseInsensitiveDict::empty();
        session_headers.update(Some(headers.as_any()), None)?;
        session_headers.update(default_headers, None)?;
        settings.headers.replace(Py::new(py, session_headers)?);
        if let Some(host) = proxy_host {
            let address = proxy_port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            let proxies = settings.proxies.borrow().clone_ref(py);
            for scheme in ["http", "https"] {
                proxies.bind(py).set_item(scheme, format!("http://{address}"))?;
            }
        }
        let own = slf.get_type().getattr("request")?;
        settings.overridden.set(!own.is(py.get_type::<Self>().getattr("request")?));
        Ok(())
    }

    /// Sends a request and waits for its response.
    #[pyo3(signature = (method, url, name = None, catch_response = false, context = None, **kwargs))]
    fn request<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        url: &Bound<'py, PyAny>,
        name: Option<Bound<'py, PyAny>>,
        catch_response: bool,
        context: Option<Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut arguments = Arguments::default();
        arguments.take(kwargs)?;
        arguments.name = name;
        arguments.catch_response = catch_response;
        arguments.context = context;
        Self::call(slf, method, url, arguments)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::shortcut(slf, pyo3::intern!(slf.py(), "GET"), url, NO_BODY, kwargs)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn options<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::shortcut(slf, pyo3::intern!(slf.py(), "OPTIONS"), url, NO_BODY, kwargs)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn head<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::shortcut(slf, pyo3::intern!(slf.py(), "HEAD"), url, NO_BODY, kwargs)
    }

    #[pyo3(signature = (url, data = None, json = None, **kwargs))]
    fn post<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        data: Option<Bound<'py, PyAny>>,
        json: Option<Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = [("data", data), ("json", json)];
        Self::shortcut(slf, pyo3::intern!(slf.py(), "POST"), url, body, kwargs)
    }

    #[pyo3(signature = (url, data = None, **kwargs))]
    fn put<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        data: Option<Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = [("data", data), ("json", None)];
        Self::shortcut(slf, pyo3::intern!(slf.py(), "PUT"), url, body, kwargs)
    }

    #[pyo3(signature = (url, data = None, **kwargs))]
    fn patch<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        data: Option<Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = [("data", data), ("json", None)];
        Self::shortcut(slf, pyo3::intern!(slf.py(), "PATCH"), url, body, kwargs)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::shortcut(slf, pyo3::intern!(slf.py(), "DELETE"), url, NO_BODY, kwargs)
    }

    /// Sends a request that was prepared, as it is; it counts nowhere.
    #[pyo3(signature = (method, url, headers, body, **kwargs))]
    fn _send<'py>(
        slf: &Bound<'py, Self>,
        method: &str,
        url: &str,
        headers: Bound<'py, PyAny>,
        body: Option<Bound<'py, PyAny>>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut arguments = Arguments::default();
        arguments.take(kwargs)?;
        arguments.headers = Some(headers);
        arguments.data = body;
        Self::send_as_given(slf, method, url, &arguments)
    }

    /// The lines of a response, one by one.
    #[pyo3(signature = (url, method = "GET", **kwargs))]
    fn iter_lines<'py>(
        slf: &Bound<'py, Self>,
        url: &Bound<'py, PyAny>,
        method: &str,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let keywords = kwargs.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
        keywords.set_item("stream", true)?;
        let response = slf.call_method("request", (method, url), Some(&keywords))?;
        prepare(py)?.call_method1("iter_lines", (response, true, py.None()))
    }

    /// Names the requests of a `with` block that give no name of their own.
    fn rename_request(slf: Bound<'_, Self>, name: Py<PyString>) -> Rename {
        Rename::new(slf.unbind(), name)
    }

    #[getter]
    fn base_url(&self, py: Python<'_>) -> String {
        self.settings(py).base_url.borrow().clone()
    }

    /// User and password in the URL become the session's credentials.
    #[setter]
    fn set_base_url(&self, py: Python<'_>, url: &str) -> PyResult<()> {
        let settings = self.settings(py);
        settings.forget_urls();
        let parsed = Url::parse(url).ok();
        let Some((url_without, (user, password))) =
            parsed.and_then(|url| Some((url.without_userinfo(), url.credentials()?)))
        else {
            url.clone_into(&mut settings.base_url.borrow_mut());
            return Ok(());
        };
        *settings.base_url.borrow_mut() = url_without;
        let pair = PyTuple::new(py, [user, password])?;
        settings.auth.replace(Some(pair.into_any().unbind()));
        Ok(())
    }

    /// Whose requests these are.
    #[getter]
    fn user(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.settings(py).user.borrow().as_ref().map(|user| user.clone_ref(py))
    }

    #[getter]
    pub(super) fn request_name(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.settings(py).request_name.borrow().as_ref().map(|name| name.clone_ref(py))
    }

    #[setter]
    pub(super) fn set_request_name(&self, py: Python<'_>, name: Option<Py<PyString>>) {
        drop(self.settings(py).request_name.replace(name));
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Py<CaseInsensitiveDict> {
        self.settings(py).headers.borrow().clone_ref(py)
    }

    #[setter]
    fn set_headers(&self, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = headers.py();
        let new = if let Ok(own) = headers.cast::<CaseInsensitiveDict>() {
            own.clone().unbind()
        } else {
            let new = CaseInsensitiveDict::empty();
            new.update(Some(headers), None)?;
            Py::new(py, new)?
        };
        drop(self.settings(py).headers.replace(new));
        Ok(())
    }

    #[getter]
    pub(super) fn cookies(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let settings = self.settings(py);
        if let Some(cookies) = &*settings.cookies.borrow() {
            return Ok(cookies.clone_ref(py));
        }
        let cookies = Cookies::shown(py, Rc::clone(&settings.jar))?.unbind();
        settings.cookies.replace(Some(cookies.clone_ref(py)));
        Ok(cookies)
    }

    #[setter]
    fn set_cookies(&self, given: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(policy) = given.getattr_opt("_policy")? {
            self.cookies(given.py())?.bind(given.py()).call_method1("set_policy", (policy,))?;
        }
        let new = cookies::given(given)?;
        self.settings(given.py()).jar.replace(new);
        Ok(())
    }

    /// The cookies, as the fast client calls them.
    #[getter]
    fn cookiejar(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.cookies(py)
    }

    #[getter]
    fn auth(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.settings(py).auth.borrow().as_ref().map(|auth| auth.clone_ref(py))
    }

    #[setter]
    fn set_auth(&self, py: Python<'_>, auth: Option<Py<PyAny>>) {
        let settings = self.settings(py);
        let header = settings.fast.get().then(|| settings.auth_header.take());
        drop((settings.auth.replace(auth), header));
    }

    /// The `Authorization` header of the session: what was set, or that of its user and password; None if there are none.
    #[getter]
    fn auth_header<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(set) = &*self.settings(py).auth_header.borrow() {
            return Ok(Some(set.bind(py).clone()));
        }
        let auth = self.auth(py);
        let pair = auth.as_ref().and_then(|auth| auth.bind(py).cast::<PyTuple>().ok());
        let Some(pair) = pair else { return Ok(None) };
        let (user, password): (String, String) = pair.extract()?;
        Ok(Some(basic(user.as_bytes(), password.as_bytes()).into_pyobject(py)?.into_any()))
    }

    /// The fast client sends it instead of its user and password; to `HttpUser` it is an attribute like any other.
    #[setter]
    fn set_auth_header(&self, py: Python<'_>, header: Option<Py<PyAny>>) {
        let settings = self.settings(py);
        let old = settings.fast.get().then(|| settings.auth.take());
        drop((old, settings.auth_header.replace(header)));
    }

    #[getter]
    fn params(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let settings = self.settings(py);
        if let Some(params) = &*settings.params.borrow() {
            return Ok(params.clone_ref(py));
        }
        settings.forget_urls();
        let params = PyDict::new(py).into_any().unbind();
        settings.params.replace(Some(params.clone_ref(py)));
        Ok(params)
    }

    #[setter]
    fn set_params(&self, py: Python<'_>, params: Option<Py<PyAny>>) {
        self.settings(py).forget_urls();
        drop(self.settings(py).params.replace(params));
    }

    #[getter]
    fn verify(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &*self.settings(py).verify.borrow() {
            Some(verify) => Ok(verify.clone_ref(py)),
            None => Ok(true.into_pyobject(py)?.to_owned().into_any().unbind()),
        }
    }

    #[setter]
    fn set_verify(&self, py: Python<'_>, verify: Option<Py<PyAny>>) {
        drop(self.settings(py).verify.replace(verify));
        self.settings(py).transport.replace(None);
    }

    #[getter]
    fn cert(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.settings(py).cert.borrow().as_ref().map(|cert| cert.clone_ref(py))
    }

    #[setter]
    fn set_cert(&self, py: Python<'_>, cert: Option<Py<PyAny>>) {
        drop(self.settings(py).cert.replace(cert));
        self.settings(py).transport.replace(None);
    }

    /// A plain dictionary, so it may be changed without our knowing; the connection settings are read again then.
    #[getter]
    fn proxies(&self, py: Python<'_>) -> Py<PyDict> {
        self.settings(py).transport.replace(None);
        self.settings(py).proxies.borrow().clone_ref(py)
    }

    #[setter]
    fn set_proxies(&self, py: Python<'_>, proxies: Py<PyDict>) {
        drop(self.settings(py).proxies.replace(proxies));
        self.settings(py).transport.replace(None);
    }

    #[getter]
    fn hooks(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let hooks = self.settings(py).hooks.borrow().clone_ref(py);
        if !hooks.bind(py).contains("response")? {
            hooks.bind(py).set_item("response", pyo3::types::PyList::empty(py))?;
        }
        Ok(hooks)
    }

    #[setter]
    fn set_hooks(&self, py: Python<'_>, hooks: Py<PyDict>) {
        drop(self.settings(py).hooks.replace(hooks));
    }

    #[getter]
    fn max_redirects(&self, py: Python<'_>) -> u32 {
        self.settings(py).max_redirects.get()
    }

    #[setter]
    fn set_max_redirects(&self, py: Python<'_>, limit: u32) {
        self.settings(py).max_redirects.set(limit);
    }

    #[getter]
    fn stream(&self, py: Python<'_>) -> bool {
        self.settings(py).stream.get()
    }

    #[setter]
    fn set_stream(&self, py: Python<'_>, stream: bool) {
        self.settings(py).stream.set(stream);
    }

    #[getter]
    fn trust_env(&self, py: Python<'_>) -> bool {
        self.settings(py).trust_env.get()
    }

    /// Whether proxies, certificates and credentials come from the environment too; Locust's sessions do not look there.
    #[setter]
    fn set_trust_env(&self, py: Python<'_>, trust: bool) {
        self.settings(py).trust_env.set(trust);
        self.settings(py).transport.replace(None);
    }

    /// The fast client's user agent, whose connections can be closed.
    #[getter(client)]
    fn user_agent(slf: Bound<'_, Self>) -> UserAgent {
        UserAgent::new(slf.unbind())
    }

    /// Closes the connections.
    pub(super) fn close(&self, py: Python<'_>) {
        drop(self.settings(py).clients.take());
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) {
        let _ = exception;
        self.close(py);
    }

    /// A user and its session refer to each other; the collector is told.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: this is the place that it is for.
        let Some(settings) = (unsafe { self.0.traversed() }) else { return Ok(()) };
        let kept =
            [&settings.user, &settings.auth, &settings.auth_header, &settings.params, &settings.cookies];
        for kept in kept {
            if let Ok(kept) = kept.try_borrow() {
                visit.call(&*kept)?;
            }
        }
        if let Ok(hooks) = settings.hooks.try_borrow() {
            visit.call(&*hooks)?;
        }
        match settings.sink.try_borrow() {
            Ok(sink) => visit.call(&*sink),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let settings = self.settings(py);
        drop((settings.user.take(), settings.auth.take(), settings.params.take(), settings.sink.take()));
        drop(settings.auth_header.take());
    }

    /// Adapters of `requests` have nothing to do here; what one says of repetitions is kept.
    fn mount(&self, prefix: &str, adapter: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = adapter.py();
        let said = prepare(py)?.call_method1("adapter_retries", (prefix, adapter))?;
        let (times, statuses, methods, backoff) = said.extract()?;
        let settings = self.settings(py);
        settings.max_retries.set(times);
        settings.retry.replace((times > 0).then(|| Rc::new(Retry { statuses, methods, backoff })));
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "a method of the Python object")]
    fn get_adapter(&self, url: &str) -> PyResult<()> {
        let text =
            format!("session.get_adapter({url:?}) is not supported yet: requests go through no adapter");
        Err(PyNotImplementedError::new_err(text))
    }
}

const NO_BODY: [(&str, Option<Bound<'static, PyAny>>); 2] = [("data", None), ("json", None)];
