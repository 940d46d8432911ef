//! From arguments to a request: URL, name, headers, credentials, cookies, connection settings.

use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString, PyTuple};
use throng_http::{
    BodyMode, Headers, Method, Patience, RedirectPolicy, Request, RequestError, Url, UrlError,
};
use throng_locust::cookie::CookieJar;

use super::arguments::Arguments;
use super::body::{Body, body_of, prepare, urlencode};
use super::digest::Digest;
use super::settings::{Retry, Settings};
use crate::cookies::{self, Jar};
use crate::failure::{Failure, Timeouts, is_counted, raise};
use crate::headers::{CaseInsensitiveDict, latin1};
use crate::response::{Sent, SentRequest};
use crate::transport::TransportKey;

/// What sending needs beside the request.
pub(super) struct Plan {
    pub(super) fast: bool,
    /// How many redirects to follow; `None` for none.
    pub(super) follow: Option<u32>,
    pub(super) max_retries: u32,
    pub(super) retry: Option<Rc<Retry>>,
    pub(super) digest: Option<Rc<Digest>>,
    pub(super) jar: Jar,
    /// The cookies that go out with this request, if it has some of its own; the jar's are among them.
    pub(super) cookies: Option<Box<CookieJar>>,
    pub(super) timeouts: Timeouts,
    /// The body is read as the locustfile asks for it.
    pub(super) stream: bool,
    /// The body was given as text.
    pub(super) body_is_text: bool,
    /// The URL that the first request is shown with, if not its own.
    pub(super) shown: Option<Url>,
}

impl Plan {
    /// Sets what holds for each request on the way.
    pub(super) fn apply(&self, request: &mut Request) {
        request.timeout = Duration::MAX;
        let Timeouts { connect, read } = self.timeouts;
        if connect.is_some() || read.is_some() {
            request.patience = Some(Patience { connect: connect.map(seconds), silence: read.map(seconds) });
        }
        if self.stream {
            request.body_mode = BodyMode::Stream;
        }
        request.redirects = RedirectPolicy { max: 0, is_default: false };
        request.says_empty = !self.fast;
    }

    /// What `response.request` shows.
    pub(super) fn sent(&self, request: &Request) -> Sent {
        Sent {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            body_is_text: self.body_is_text,
            framing: request.framing,
            shown: self.shown.clone(),
        }
    }

    /// The failure for an error of the client.
    pub(super) fn transport_failure(&self, mut error: RequestError, url: &Url, connected: bool) -> Failure {
        // Without a connection it was that which took too long.
        if error.code == throng_http::code::REQUEST_TIMEOUT && !connected {
            error.code = throng_http::code::DIAL_TIMEOUT;
        }
        Failure::of_transport(error, url, self.timeouts)
    }
}

/// A request that is ready to be sent.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) plan: Plan,
    /// The connection settings, if the request has its own.
    pub(super) transport: Option<TransportKey>,
}

/// The URL of a request: absolute as it is, or behind the base URL; with its query.
pub(super) fn url_of(
    settings: &Settings,
    given: &str,
    params: Option<&Bound<'_, PyAny>>,
    py: Python<'_>,
) -> PyResult<Url> {
    let own_params = settings.params.borrow().as_ref().map(|params| params.clone_ref(py));
    let absolute = is_absolute(given);
    let mut text =
        if absolute { given.trim_start().to_owned() } else { settings.base_url.borrow().clone() + given };
    let own_params = own_params.map(|params| params.into_bound(py));
    for params in [own_params.as_ref(), params].into_iter().flatten() {
        append_query(&mut text, params)?;
    }
    if !settings.fast.get()
        && let Some(resolved) = throng_locust::without_dots(&text)
    {
        text = resolved;
    }
    absolute_url(py, text)
}

/// A URL that needs no base.
pub(super) fn absolute_url(py: Python<'_>, mut text: String) -> PyResult<Url> {
    if throng_locust::needs_requoting(&text) {
        text = throng_locust::requote(&text);
    }
    let url = Url::parse(&text).map_err(|error| raise(py, "InvalidURL", no_url(&text, &error)))?;
    if !url.is_absolute() {
        let text = format!("Invalid URL '{text}': No scheme supplied. Perhaps you meant https://{text}?");
        return Err(raise(py, "MissingSchema", text));
    }
    if url.scheme().is_none() {
        return Err(raise(py, "InvalidSchema", format!("No connection adapters were found for '{text}'")));
    }
    if url.host().is_empty() {
        return Err(raise(py, "InvalidURL", format!("Invalid URL '{text}': No host supplied")));
    }
    Ok(url)
}

/// Why a text is no URL, in the words of `requests` where a base URL and a path without a slash between them meet.
fn no_url(text: &str, error: &UrlError) -> String {
    let said = error.to_string();
    let authority =
        text.split_once("//").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        Some(authority) if said.contains("invalid port") || said.contains("too many colons") => {
            format!("Failed to parse: '{authority}' is not a valid host or port")
        }
        _ => said,
    }
}

fn is_absolute(url: &str) -> bool {
    let url = url.trim_start().as_bytes();
    let begins = |prefix: &[u8]| url.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix));
    begins(b"http://") || begins(b"https://")
}

/// A query that needs no look at the URL it is for: one that is encoded here. `None` for a text, which may be anything.
pub(super) fn encoded_query(params: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if params.is_instance_of::<PyString>() || params.is_instance_of::<PyBytes>() {
        return Ok(None);
    }
    urlencode(params).map(Some)
}

fn append_query(url: &mut String, params: &Bound<'_, PyAny>) -> PyResult<()> {
    let query = if let Ok(text) = params.cast::<PyString>() {
        text.to_str()?.to_owned()
    } else if let Ok(bytes) = params.cast::<PyBytes>() {
        latin1(bytes.as_bytes())
    } else {
        urlencode(params)?
    };
    if query.is_empty() {
        return Ok(());
    }
    let fragment = url.find('#').map(|at| url.split_off(at));
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&query);
    url.push_str(&fragment.unwrap_or_default());
    Ok(())
}

/// Prepares a request. The inner error is one that the user sees as a failed request, as with `requests`.
pub(super) fn prepare_request(
    py: Python<'_>,
    settings: &Settings,
    method: &str,
    url: Url,
    arguments: &Arguments<'_>,
) -> PyResult<Result<Prepared, Failure>> {
    match prepared(py, settings, method, url, arguments) {
        Err(error) if is_counted(py, &error)? => Ok(Err(Failure::Given(error.into_value(py).into_any()))),
        done => done.map(Ok),
    }
}

fn prepared(
    py: Python<'_>,
    settings: &Settings,
    method: &str,
    url: Url,
    arguments: &Arguments<'_>,
) -> PyResult<Prepared> {
    let fast = settings.fast.get();
    let body = match body_of(py, arguments, fast) {
        Err(error) if is_counted(py, &error)? => {
            // Observed on requests 2.34: such an error knows its request.
            let request = SentRequest::new(Sent::nothing(method, url), fast).into_object(py)?;
            error.value(py).setattr("request", request)?;
            return Err(error);
        }
        body => body?,
    };
    let mut headers = headers_of(py, settings, arguments, &body)?;
    let mut own_auth = settings.auth.borrow().as_ref().map(|auth| auth.bind(py).clone());
    if settings.trust_env.get() && arguments.auth.is_none() && own_auth.is_none() {
        let found = prepare(py)?.call_method1("netrc_auth", (url.host(),))?;
        own_auth = (!found.is_none()).then_some(found);
    }
    let mut digest = None;
    if let Some(auth) = arguments.auth.as_ref().or(own_auth.as_ref()) {
        if is_digest(auth)? {
            digest = Some(apply_digest(settings, auth, method, &url, &mut headers, &body)?);
        } else {
            apply_auth(auth, method, &url, &mut headers, body.bytes.as_ref())?;
        }
    }
    // Observed on Locust 2.47: the request's own header gives way to it, as to every other authentication.
    if fast && arguments.auth.is_none() {
        let set = settings.auth_header.borrow().as_ref().map(|header| header.bind(py).clone());
        if let Some(header) = set.filter(|header| header.is_truthy().unwrap_or(true)) {
            let value = valid_value("Authorization", &header, header.str()?.to_str()?.to_owned(), fast)?;
            headers.remove("Authorization");
            headers.append_verbatim("Authorization", value);
        }
    }
    let mut request = Request::new(Method::new(method), url);
    request.headers = headers;
    let cookies = cookies_of(settings, arguments)?;
    planned(py, settings, arguments, request, cookies, body, digest)
}

/// Prepares what somebody has prepared already: headers and body are as they are.
pub(super) fn prepare_as_given(
    py: Python<'_>,
    settings: &Settings,
    method: &str,
    url: Url,
    arguments: &Arguments<'_>,
) -> PyResult<Prepared> {
    let body = body_of(py, arguments, false)?;
    let mut headers = Headers::new();
    let given = arguments.headers.as_ref().map(|given| given_headers(given, false)).transpose()?;
    for (name, value) in given.unwrap_or_default() {
        if let Some(value) = value {
            headers.append_verbatim(name, value);
        }
    }
    add_urllib3s(&mut headers, |_| false);
    let digest = match &arguments.auth {
        Some(auth) => Some(apply_digest(settings, auth, method, &url, &mut headers, &body)?),
        None => None,
    };
    let mut request = Request::new(Method::new(method), url);
    request.headers = headers;
    // Those are in its headers already.
    let cookies = arguments.cookies.as_ref().map(cookies::given).transpose()?.map(Box::new);
    planned(py, settings, arguments, request, cookies, body, digest)
}

/// A request with its head, and what sending it needs.
fn planned(
    py: Python<'_>,
    settings: &Settings,
    arguments: &Arguments<'_>,
    mut request: Request,
    cookies: Option<Box<CookieJar>>,
    body: Body,
    digest: Option<Rc<Digest>>,
) -> PyResult<Prepared> {
    let fast = settings.fast.get();
    let timeouts = timeouts_of(settings, arguments)?;
    let follow = arguments.allow_redirects.unwrap_or(fast || request.method != Method::HEAD);
    request.body = body.bytes;
    request.framing = body.framing;
    let plan = Plan {
        fast,
        follow: follow.then(|| settings.max_redirects.get()),
        max_retries: settings.max_retries.get(),
        retry: settings.retry.borrow().clone(),
        digest,
        jar: Rc::clone(&settings.jar),
        cookies,
        timeouts,
        stream: arguments.stream || settings.stream.get(),
        body_is_text: body.is_text,
        shown: None,
    };
    let own_connection =
        arguments.verify.is_some() || arguments.cert.is_some() || arguments.proxies.is_some();
    let transport = own_connection.then(|| transport_of(py, settings, arguments)).transpose()?;
    Ok(Prepared { request, plan, transport })
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// One number, or a pair of connecting and reading; None waits for ever.
fn timeouts_of(settings: &Settings, arguments: &Arguments<'_>) -> PyResult<Timeouts> {
    let Some(timeout) = &arguments.timeout else {
        return Ok(Timeouts { connect: settings.connect_timeout.get(), read: settings.read_timeout.get() });
    };
    if let Ok(pair) = timeout.cast::<PyTuple>() {
        let (connect, read) = pair.extract().map_err(|_| {
            PyValueError::new_err(format!(
                "use timeout {pair}: a pair is (seconds to connect, seconds to read)"
            ))
        })?;
        return Ok(Timeouts { connect, read });
    }
    let both: f64 = timeout.extract().map_err(|_| {
        PyValueError::new_err(format!("use timeout {timeout}: it is a number of seconds or a pair of them"))
    })?;
    if both <= 0.0 {
        let text = format!(
            "Attempted to set connect timeout to {both}, but the timeout cannot be set to a value less than or equal to 0."
        );
        return Err(PyValueError::new_err(text));
    }
    Ok(Timeouts { connect: Some(both), read: Some(both) })
}

/// The session's headers, the request's, and what the body adds.
fn headers_of(
    py: Python<'_>,
    settings: &Settings,
    arguments: &Arguments<'_>,
    body: &Body,
) -> PyResult<Headers> {
    let fast = settings.fast.get();
    let session = settings.headers.borrow().clone_ref(py);
    let session = session.bind(py).get();
    let own = match &arguments.headers {
        Some(given) => given_headers(given, fast)?,
        None => Vec::new(),
    };
    let replaces = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let block = if own.iter().any(|(name, _)| session.contains(py, name)) { None } else { session.block(py) };
    let in_block = block.is_some();
    let mut headers = if let Some(block) = block {
        Headers::with_block(block)
    } else {
        let mut headers = Headers::new();
        for (name, value) in session.pairs(py) {
            let name = name.to_str()?;
            if !replaces(name)
                && let Some(value) = header_value(name, &value, fast)?
            {
                headers.append_verbatim(name, value);
            }
        }
        headers
    };
    let has = |name: &str| replaces(name) || session.contains(py, name);
    let content_type = body.content_type.as_ref().filter(|_| !has("Content-Type"));
    // Observed on Locust 2.47: the fast client asks for JSON when it sends some.
    let accept = fast && body.content_type.as_deref() == Some("application/json") && !has("Accept");
    for (name, value) in own {
        if let Some(value) = value {
            headers.append_verbatim(name, value);
        }
    }
    if let Some(content_type) = content_type {
        headers.append_verbatim("Content-Type", content_type);
    }
    if accept {
        headers.append_verbatim("Accept", "application/json");
    }
    if !fast {
        add_urllib3s(&mut headers, |name| in_block && session.contains(py, name));
    }
    Ok(headers)
}

/// Observed on Locust 2.47: what urllib3 says where the locustfile has taken these away.
fn add_urllib3s(headers: &mut Headers, known: impl Fn(&str) -> bool) {
    for (name, value) in [("Accept-Encoding", "identity"), ("User-Agent", "python-urllib3/2.8.0")] {
        if !known(name) && headers.get(name).is_none() {
            headers.append_verbatim(name, value);
        }
    }
}

/// Names and values of `headers=`; None as a value takes a header of the session away.
fn given_headers(given: &Bound<'_, PyAny>, fast: bool) -> PyResult<Vec<(String, Option<String>)>> {
    let mut headers = Vec::new();
    let mut push = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| -> PyResult<()> {
        let name = match name.cast::<PyBytes>() {
            Ok(bytes) => latin1(bytes.as_bytes()),
            Err(_) => name.str()?.to_str()?.to_owned(),
        };
        let value = header_value(&name, value, fast)?;
        headers.push((name, value));
        Ok(())
    };
    if let Ok(dict) = given.cast::<PyDict>() {
        for (name, value) in dict {
            push(&name, &value)?;
        }
    } else if let Ok(own) = given.cast::<CaseInsensitiveDict>() {
        for (name, value) in own.get().pairs(given.py()) {
            push(name.as_any(), &value)?;
        }
    } else {
        let items = if given.hasattr("items")? { given.call_method0("items")? } else { given.clone() };
        for pair in items.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            push(&name, &value)?;
        }
    }
    Ok(headers)
}

fn header_value(name: &str, value: &Bound<'_, PyAny>, fast: bool) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(text) = value.cast::<PyString>() {
        return valid_value(name, value, text.to_str()?.to_owned(), fast).map(Some);
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return valid_value(name, value, latin1(bytes.as_bytes()), fast).map(Some);
    }
    if fast {
        return valid_value(name, value, value.str()?.to_str()?.to_owned(), fast).map(Some);
    }
    let (shown, class) = (value.repr()?, value.get_type());
    let text =
        format!("Header part ({shown}) from ('{name}', {shown}) must be of type str or bytes, not {class}");
    Err(raise(value.py(), "InvalidHeader", text))
}

/// What would end the line is refused, in the words of Locust 2.47's two clients.
fn valid_value(name: &str, given: &Bound<'_, PyAny>, value: String, fast: bool) -> PyResult<String> {
    let breaks = value.contains(['\r', '\n']);
    if fast && breaks {
        let shown = given.repr()?;
        return Err(PyValueError::new_err(format!("invalid value for header field '{name}': {shown}")));
    }
    if !fast && (breaks || value.starts_with(char::is_whitespace)) {
        let text = format!(
            "Invalid leading whitespace, reserved character(s), or return character(s) in header value: {}",
            given.repr()?
        );
        return Err(raise(given.py(), "InvalidHeader", text));
    }
    Ok(value)
}

fn is_digest(auth: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(!auth.is_instance_of::<PyTuple>() && auth.get_type().name()? == "HTTPDigestAuth")
}

/// Adds the answer to the challenge that a `HTTPDigestAuth` has met last, if it has met one.
fn apply_digest(
    settings: &Settings,
    auth: &Bound<'_, PyAny>,
    method: &str,
    url: &Url,
    headers: &mut Headers,
    body: &Body,
) -> PyResult<Rc<Digest>> {
    let user = auth.getattr("username")?.str()?.to_str()?.to_owned();
    let password = auth.getattr("password")?.str()?.to_str()?.to_owned();
    let known = settings.digest(auth, (user, password));
    known.apply(headers, &Method::new(method), url, body.bytes.as_deref().unwrap_or_default());
    Ok(known)
}

/// Adds credentials: a pair for Basic, or an object of `requests`.
fn apply_auth(
    auth: &Bound<'_, PyAny>,
    method: &str,
    url: &Url,
    headers: &mut Headers,
    body: Option<&Bytes>,
) -> PyResult<()> {
    let py = auth.py();
    if let Ok(pair) = auth.cast::<PyTuple>() {
        let (user, password): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair
            .extract()
            .map_err(|_| PyTypeError::new_err("use auth: it is a pair of user and password"))?;
        let value = basic(&credential(&user)?, &credential(&password)?);
        headers.remove("Authorization");
        headers.append_verbatim("Authorization", value);
        return Ok(());
    }
    let shown = PyDict::new(py);
    for (name, value) in headers.wire_lines() {
        shown.set_item(name, value)?;
    }
    let body = body.map(|body| PyBytes::new(py, body));
    let made =
        prepare(py)?.call_method1("apply_auth", (auth, method, url.without_userinfo(), shown, body))?;
    let mut with_auth = Headers::new();
    for (name, value) in made.cast::<PyDict>()? {
        with_auth.append_verbatim(name.extract::<String>()?, value.str()?.to_str()?);
    }
    *headers = with_auth;
    Ok(())
}

/// User or password as bytes: Latin-1 where that is possible, as `requests` does it.
fn credential(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let text = value.str()?;
    let text = text.to_str()?;
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Ok(latin.unwrap_or_else(|| text.as_bytes().to_vec()))
}

/// The value of `Authorization` for Basic.
pub(super) fn basic(user: &[u8], password: &[u8]) -> String {
    let pair = [user, b":", password].concat();
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// The jar of a request with cookies of its own: the session's, where those take the place of their namesakes of the
/// same domain and path.
fn cookies_of(settings: &Settings, arguments: &Arguments<'_>) -> PyResult<Option<Box<CookieJar>>> {
    let Some(cookies) = &arguments.cookies else { return Ok(None) };
    let own = cookies::given(cookies)?;
    if own.is_empty() {
        return Ok(None);
    }
    let mut jar = settings.jar.borrow().clone();
    jar.merge(&own);
    Ok(Some(Box::new(jar)))
}

/// The connection settings of the session, with those of a request before them.
pub(super) fn transport_of(
    py: Python<'_>,
    settings: &Settings,
    arguments: &Arguments<'_>,
) -> PyResult<TransportKey> {
    let idle_per_host = settings.pool.borrow().as_ref().map(|pool| pool.size);
    let mut key = TransportKey { idle_per_host, ..TransportKey::default() };
    if settings.trust_env.get() {
        let told = prepare(py)?.call_method0("environment_settings")?;
        (key.proxies.0, key.proxies.1, key.no_proxy, key.trust) = told.extract()?;
    }
    let own_verify = settings.verify.borrow().as_ref().map(|value| value.bind(py).clone());
    if let Some(verify) = arguments.verify.as_ref().or(own_verify.as_ref()) {
        if verify.is_instance_of::<PyBool>() || verify.is_none() {
            key.insecure = !verify.is_truthy()? && !verify.is_none();
            key.trust = key.trust.filter(|_| !key.insecure);
        } else {
            key.trust = Some(path_of(verify)?);
        }
    }
    let own_cert = settings.cert.borrow().as_ref().map(|value| value.bind(py).clone());
    if let Some(cert) = arguments.cert.as_ref().or(own_cert.as_ref()) {
        key.identity = Some(match cert.cast::<PyTuple>() {
            Ok(pair) => (path_of(&pair.get_item(0)?)?, path_of(&pair.get_item(1)?)?),
            Err(_) => (path_of(cert)?, path_of(cert)?),
        });
    }
    let own_proxies = settings.proxies.borrow().bind(py).clone().into_any();
    for proxies in [&own_proxies].into_iter().chain(arguments.proxies.as_ref()) {
        for (scheme, place) in [("http", &mut key.proxies.0), ("https", &mut key.proxies.1)] {
            if let Ok(value) = proxies.get_item(scheme) {
                *place = if value.is_none() { None } else { Some(value.extract()?) };
            }
        }
    }
    Ok(key)
}

fn path_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.py().import("os")?.call_method1("fspath", (value,))?.extract()
}
