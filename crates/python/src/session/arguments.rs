//! The arguments of a request.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// What a locustfile passed to `get`, `post` and the others.
#[derive(Default)]
pub(super) struct Arguments<'py> {
    pub(super) name: Option<Bound<'py, PyAny>>,
    pub(super) catch_response: bool,
    pub(super) context: Option<Bound<'py, PyAny>>,
    pub(super) params: Option<Bound<'py, PyAny>>,
    pub(super) data: Option<Bound<'py, PyAny>>,
    pub(super) json: Option<Bound<'py, PyAny>>,
    pub(super) headers: Option<Bound<'py, PyAny>>,
    pub(super) timeout: Option<Bound<'py, PyAny>>,
    pub(super) allow_redirects: Option<bool>,
    pub(super) files: Option<Bound<'py, PyAny>>,
    pub(super) auth: Option<Bound<'py, PyAny>>,
    pub(super) cookies: Option<Bound<'py, PyAny>>,
    pub(super) proxies: Option<Bound<'py, PyAny>>,
    pub(super) hooks: Option<Bound<'py, PyAny>>,
    pub(super) verify: Option<Bound<'py, PyAny>>,
    pub(super) cert: Option<Bound<'py, PyAny>>,
    pub(super) stream: bool,
}

impl<'py> Arguments<'py> {
    /// Takes keyword arguments; None stands for an absent one.
    pub(super) fn take(&mut self, keywords: Option<&Bound<'py, PyDict>>) -> PyResult<()> {
        let Some(keywords) = keywords else { return Ok(()) };
        for (key, value) in keywords {
            let key = key.cast_into::<PyString>()?;
            let value = (!value.is_none()).then_some(value);
            let truth = |value: &Option<Bound<'py, PyAny>>| match value {
                Some(value) => value.is_truthy(),
                None => Ok(false),
            };
            match key.to_str()? {
                "name" => self.name = value,
                "catch_response" => self.catch_response = truth(&value)?,
                "context" => self.context = value,
                "params" => self.params = value,
                "data" => self.data = value,
                "json" => self.json = value,
                "headers" => self.headers = value,
                "timeout" => self.timeout = value,
                "allow_redirects" => self.allow_redirects = Some(truth(&value)?),
                "files" => self.files = value,
                "auth" => self.auth = value,
                "cookies" => self.cookies = value,
                "proxies" => self.proxies = value,
                "hooks" => self.hooks = value,
                "verify" => self.verify = value,
                "cert" => self.cert = value,
                "stream" => self.stream = truth(&value)?,
                other => {
                    let text = format!("Session.request() got an unexpected keyword argument '{other}'");
                    return Err(PyTypeError::new_err(text));
                }
            }
        }
        Ok(())
    }
}
