//! A request from the Python call to the response.

use std::borrow::Cow;
use std::rc::Rc;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use throng_http::{Client, Url};
use throng_reactor::TaskId;

use super::arguments::Arguments;
use super::hooks::{self, Hooks};
use super::object::Session;
use super::prepare::{Prepared, encoded_query, prepare_request, transport_of, url_of};
use super::send::{Exchange, Pending, start};
use super::settings::{Known, Settings};
use crate::driver::Driver;
use crate::failure::Failure;
use crate::response::{Answer, Report, Response, Sent};
use crate::transport::TransportKey;

/// A request on its way.
struct Call {
    report: Report,
    catch: bool,
    stream: bool,
    hooks: Option<Hooks>,
    waiting: Option<Waiting>,
    exchange: Option<Box<Exchange>>,
    /// Why nothing was sent.
    refused: Option<(Failure, Sent)>,
}

/// Where the greenlet finds the result.
struct Waiting {
    driver: &'static Driver,
    slot: Rc<Pending>,
    task: TaskId,
}

impl Session {
    /// This thread's client for these connection settings.
    pub(super) fn client(
        &self,
        py: Python<'_>,
        own: Option<TransportKey>,
    ) -> PyResult<(&'static Driver, Rc<Client>)> {
        let settings = self.settings(py);
        let driver = Driver::get(py)?;
        if settings.transport.borrow().is_none() {
            let key = transport_of(py, settings, &Arguments::default())?;
            settings.transport.replace(Some(key));
        }
        let usual = settings.transport.borrow();
        let Some(key) = own.as_ref().or(usual.as_ref()) else {
            return Err(PyRuntimeError::new_err("find the connection settings of a session"));
        };
        let find = |known: &&Known| known.driver == driver.id && known.key == *key;
        if let Some(known) = settings.clients.borrow().iter().find(find) {
            return Ok((driver, Rc::clone(&known.client)));
        }
        let client = match &*settings.pool.borrow() {
            Some(pool) => driver.pools.client(py, driver, &pool.object, key)?,
            None => Rc::new(Client::new(driver.transports.shared(&driver.handle, key)?)),
        };
        let known = Known { driver: driver.id, key: key.clone(), client: Rc::clone(&client) };
        settings.clients.borrow_mut().push(known);
        Ok((driver, client))
    }

    /// One request from its arguments to its report.
    ///
    /// Three steps, so that little is on the stack while the greenlet waits.
    pub(super) fn call<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        url: &Bound<'py, PyAny>,
        arguments: Arguments<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let gate = Rc::clone(&slf.get().settings(py).gate.borrow());
        let _pass = gate.enter(py)?;
        let mut call = Self::begin(slf, method, url, arguments)?;
        if let Some(Waiting { driver, slot, task }) = &call.waiting {
            call.exchange = Some(driver.wait(py, slot, Some(*task))?);
        }
        Self::finish(slf, call)
    }

    /// Prepares a request and puts it on the wire.
    #[inline(never)]
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        url: &Bound<'py, PyAny>,
        arguments: Arguments<'py>,
    ) -> PyResult<Box<Call>> {
        let py = slf.py();
        let settings = slf.get().settings(py);
        let fast = settings.fast.get();
        let given = match url.cast::<PyString>() {
            Ok(url) => url.clone(),
            Err(_) => text_of(url)?,
        };
        let known = method.to_str()?;
        if fast && known.is_empty() {
            return Err(PyValueError::new_err("invalid HTTP method ''"));
        }
        let is_upper = !known.bytes().any(|b| b.is_ascii_lowercase());
        let wire_method = if is_upper { Cow::Borrowed(known) } else { Cow::Owned(known.to_uppercase()) };
        let full = full_url(py, settings, &given, arguments.params.as_ref())?;
        let (name, is_unnamed) = name_of(py, settings, &arguments, &given, &full)?;
        let plain = || match &arguments.params {
            Some(_) => full_url(py, settings, &given, None),
            None => Ok(full.clone()),
        };
        // Observed on Locust 2.47: the fast client shows its URLs without `params`.
        let shown = (fast && arguments.params.is_some()).then(plain).transpose()?;
        let hooks = if arguments.hooks.is_some() || !settings.hooks.borrow().bind(py).is_empty() {
            Some(Hooks::of(py, settings, &arguments, plain()?, is_unnamed)?)
        } else {
            None
        };
        let sink = settings.sink.borrow().as_ref().map(|sink| sink.clone_ref(py));
        let has_listeners = sink.as_ref().is_some_and(|sink| sink.bind(py).get().has_listeners(py));
        let context = if has_listeners || arguments.catch_response {
            Some(context_of(py, settings, &arguments)?.unbind())
        } else {
            None
        };
        let mut call = Box::new(Call {
            report: Report {
                method: method.clone().unbind(),
                name: name.unbind(),
                response_time: 0.0,
                length: 0,
                start_time: 0.0,
                url: shown.as_ref().unwrap_or(&full).clone(),
                context,
                sink,
            },
            catch: arguments.catch_response,
            stream: arguments.stream || settings.stream.get(),
            hooks,
            waiting: None,
            exchange: None,
            refused: None,
        });
        match prepare_request(py, settings, &wire_method, full.clone(), &arguments)? {
            Ok(Prepared { request, mut plan, transport }) => {
                plan.shown = shown;
                let (driver, client) = slf.get().client(py, transport)?;
                let (slot, task) = start(driver, client, Exchange::new(request, plan));
                call.waiting = Some(Waiting { driver, slot, task });
            }
            Err(failure) => {
                call.report.start_time = throng_reactor::unix_now() as f64 / 1e9;
                let url = hooks::url_of(py, &failure).map_or_else(plain, Ok)?;
                if is_unnamed {
                    call.report.name = target_name(py, &url).unbind();
                }
                call.report.url = url.clone();
                call.refused = Some((failure, Sent::nothing(&wire_method, url)));
            }
        }
        Ok(call)
    }

    /// Makes the response of a request that is over, and reports it.
    #[inline(never)]
    fn finish<'py>(slf: &Bound<'py, Self>, call: Box<Call>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let settings = slf.get().settings(py);
        let fast = settings.fast.get();
        let Call { mut report, catch, stream, hooks, waiting: _, exchange, refused } = *call;
        let mut history = Vec::new();
        let result = match (exchange, refused) {
            (Some(exchange), _) => {
                report.response_time = exchange.elapsed.as_secs_f64() * 1e3;
                report.start_time = exchange.started as f64 / 1e9;
                for answer in exchange.history {
                    history.push(Response::past(fast, answer).into_object(py)?.unbind());
                }
                exchange.result
            }
            (None, refused) => refused.map(Err),
        };
        let Some(result) = result else {
            return Err(PyRuntimeError::new_err("finish a request: it has no result"));
        };
        if let Ok(answer) = &result {
            report.length = length_of(answer, stream);
        }
        let past =
            hooks.as_ref().map(|_| history.iter().map(|past: &Py<Response>| past.clone_ref(py)).collect());
        let mut response = Response::new(fast, result, history, report, catch).into_object(py)?;
        if let (Some(hooks), Some(past)) = (hooks, past) {
            let past: Vec<_> = past;
            response = hooks.apply(settings, &past, response)?;
        }
        if !response.get().is_caught(py) {
            Response::report(&response)?;
        }
        Ok(response.into_any())
    }

    /// The arguments of `get` and the others.
    pub(super) fn shortcut<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        url: &Bound<'py, PyAny>,
        body: [(&str, Option<Bound<'py, PyAny>>); 2],
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if Self::has_own_request(slf)? {
            return Self::call_own_request(slf, method, url, body, keywords);
        }
        let mut arguments = Arguments::default();
        arguments.take(keywords)?;
        let [(_, data), (_, json)] = body;
        arguments.data = data.or(arguments.data);
        arguments.json = json.or(arguments.json);
        Self::call(slf, method, url, arguments)
    }
}

/// The URL of a request. Literals of the locustfile are parsed once, and what they are with a query is put together.
fn full_url(
    py: Python<'_>,
    settings: &Settings,
    given: &Bound<'_, PyString>,
    params: Option<&Bound<'_, PyAny>>,
) -> PyResult<Url> {
    let query = params.map(encoded_query).transpose()?.flatten();
    if params.is_some() && (query.is_none() || settings.params.borrow().is_some()) {
        return url_of(settings, given.to_str()?, params, py);
    }
    let url = if let Some(known) = settings.known_url(given) {
        known
    } else {
        let url = url_of(settings, given.to_str()?, None, py)?;
        settings.remember_url(given, &url);
        url
    };
    Ok(match query {
        Some(query) if !query.is_empty() => url.with_more_query(&query),
        _ => url,
    })
}

fn text_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    match value.cast::<pyo3::types::PyBytes>() {
        Ok(bytes) => Ok(value
            .call_method1("decode", ("utf-8",))?
            .cast_into()
            .unwrap_or_else(|_| PyString::new(bytes.py(), &String::from_utf8_lossy(bytes.as_bytes())))),
        Err(_) => value.str(),
    }
}

/// The statistics' name: the argument, the session's, or the URL, and whether it is that.
fn name_of<'py>(
    py: Python<'py>,
    settings: &Settings,
    arguments: &Arguments<'py>,
    given: &Bound<'py, PyString>,
    full: &Url,
) -> PyResult<(Bound<'py, PyString>, bool)> {
    if let Some(name) = &arguments.name
        && name.is_truthy()?
    {
        return Ok((name.str()?, false));
    }
    if let Some(name) = &*settings.request_name.borrow() {
        return Ok((name.bind(py).clone(), false));
    }
    // Observed on Locust 2.47: the fast client takes what was written, the other one path and query.
    if settings.fast.get() {
        return Ok((given.clone(), false));
    }
    let same = given.to_str()? == full.target() && full.target().starts_with('/');
    Ok((if same { given.clone() } else { target_name(py, full) }, true))
}

/// The name that a request has by its URL: path and query.
pub(super) fn target_name<'py>(py: Python<'py>, url: &Url) -> Bound<'py, PyString> {
    let target = url.target();
    if target.starts_with('/') { PyString::new(py, target) } else { PyString::new(py, &format!("/{target}")) }
}

/// The user's context with the request's.
fn context_of<'py>(
    py: Python<'py>,
    settings: &Settings,
    arguments: &Arguments<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let context = PyDict::new(py);
    let user = settings.user.borrow().as_ref().map(|user| user.bind(py).clone());
    if let Some(user) = user {
        context.update(user.call_method0("context")?.cast()?)?;
    }
    if let Some(own) = &arguments.context {
        context.update(own.cast()?)?;
    }
    Ok(context)
}

/// The length of the body; that of a stream is what was announced, as it is read later.
fn length_of(answer: &Answer, stream: bool) -> i64 {
    if stream {
        let announced =
            answer.head.get("Content-Length").and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
        return announced.unwrap_or(0);
    }
    answer.body.len() as i64
}
