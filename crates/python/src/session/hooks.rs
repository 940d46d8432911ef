//! Response hooks: whom they are told of, and what becomes of what they return and raise.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use throng_http::{Head, Headers, Method, Url};

use super::arguments::Arguments;
use super::body::prepare;
use super::call::target_name;
use super::settings::Settings;
use crate::failure::{Failure, is_counted};
use crate::response::{Answer, Response, Sent};

/// The hooks of a request, and what it needs to be reported without its response.
pub(super) struct Hooks {
    own: Option<Py<PyAny>>,
    /// The keywords that they are called with.
    told: Py<PyDict>,
    /// The URL without `params`.
    plain: Url,
    /// The statistics' name comes from the URL.
    is_unnamed: bool,
}

impl Hooks {
    /// Those of a request.
    pub(super) fn of(
        py: Python<'_>,
        settings: &Settings,
        arguments: &Arguments<'_>,
        plain: Url,
        is_unnamed: bool,
    ) -> PyResult<Self> {
        let told = PyDict::new(py);
        told.set_item("timeout", &arguments.timeout)?;
        told.set_item("verify", true)?;
        told.set_item("cert", py.None())?;
        for (name, given, own) in
            [("verify", &arguments.verify, &settings.verify), ("cert", &arguments.cert, &settings.cert)]
        {
            let own = own.borrow().as_ref().map(|own| own.bind(py).clone());
            if let Some(value) = given.clone().or(own) {
                told.set_item(name, value)?;
            }
        }
        let proxies = settings.proxies.borrow().bind(py).clone().into_any();
        told.set_item("proxies", arguments.proxies.clone().unwrap_or(proxies))?;
        told.set_item("stream", arguments.stream || settings.stream.get())?;
        let own = arguments.hooks.as_ref().map(|hooks| hooks.clone().unbind());
        Ok(Self { own, told: told.unbind(), plain, is_unnamed })
    }

    /// Calls them with the responses on the way and the last one. Returns the one that is reported.
    pub(super) fn apply<'py>(
        &self,
        settings: &Settings,
        history: &[Py<Response>],
        response: Bound<'py, Response>,
    ) -> PyResult<Bound<'py, Response>> {
        let py = response.py();
        let heard = PyList::new(py, history.iter().map(|past| past.bind(py)))?;
        if response.get().is_answered(py) {
            heard.append(&response)?;
        }
        let of_session = settings.hooks.borrow().bind(py).clone();
        match prepare(py)?.call_method1("run_hooks", (&self.own, of_session, heard, &self.told)) {
            Ok(other) if other.is_none() || other.is(&response) => Ok(response),
            Ok(other) => {
                let (answer, url) = self.taken(&other)?;
                self.instead(&response, Ok(answer), url)
            }
            Err(error) if is_counted(py, &error)? => {
                let failure = Failure::Given(error.into_value(py).into_any());
                let url = url_of(py, &failure).unwrap_or_else(|| self.plain.clone());
                let method = response.getattr("request")?.getattr("method")?;
                let sent = Sent::nothing(method.extract()?, url.clone());
                self.instead(&response, Err((failure, sent)), url)
            }
            Err(error) => Err(error),
        }
    }

    /// Observed on Locust 2.47: the name comes from the request that the exception or the new response knows.
    fn instead<'py>(
        &self,
        old: &Bound<'py, Response>,
        result: Result<Answer, (Failure, Sent)>,
        url: Url,
    ) -> PyResult<Bound<'py, Response>> {
        let name = self.is_unnamed.then(|| target_name(old.py(), &url));
        Response::instead_of(old, result, url, name)
    }

    /// The parts of a response that a hook has returned, which may be one of `requests`, and the URL that was asked first.
    fn taken(&self, other: &Bound<'_, PyAny>) -> PyResult<(Answer, Url)> {
        type Fields = Vec<(String, String)>;
        let made = prepare(other.py())?.call_method1("parts", (other,))?;
        let (status, reason, fields, body, url, elapsed, request): (
            _,
            String,
            Fields,
            Vec<u8>,
            String,
            f64,
            _,
        ) = made.extract()?;
        let request: Option<(String, String, Fields)> = request;
        let first =
            request.as_ref().and_then(|(_, url, _)| absolute(url)).unwrap_or_else(|| self.plain.clone());
        let mut sent = Sent::nothing("GET", first.clone());
        if let Some((method, _, fields)) = request {
            sent.method = Method::new(&method);
            sent.headers = Headers::new();
            for (name, value) in fields {
                sent.headers.append_verbatim(name, value);
            }
        }
        let lines = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let answer = Answer {
            status,
            head: Head::made_up("HTTP/1.1", status, reason.as_bytes(), lines),
            body: body.into(),
            url: absolute(&url).unwrap_or_else(|| first.clone()),
            sent,
            elapsed: std::time::Duration::try_from_secs_f64(elapsed).unwrap_or_default(),
            unfollowed: None,
            stream: None,
            rest: None,
        };
        Ok((answer, first))
    }
}

/// The URL of the request that an exception of `requests` knows.
pub(super) fn url_of(py: Python<'_>, failure: &Failure) -> Option<Url> {
    let request = failure.given()?.bind(py).getattr("request").ok()?;
    absolute(&request.getattr("url").ok()?.extract::<String>().ok()?)
}

fn absolute(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(Url::is_absolute)
}
