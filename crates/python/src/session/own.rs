//! `get` and the others where the locustfile has a `request` of its own: they go through it, with the arguments that it
//! sees in Locust 2.47.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::object::Session;

impl Session {
    /// Whether somebody has put a `request` in front of the class's: by a subclass, or as an attribute of the session.
    pub(super) fn has_own_request(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        if slf.get().settings(py).overridden.get() {
            return Ok(true);
        }
        let attributes = slf.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
        attributes.contains(intern!(py, "request"))
    }

    /// Calls that `request` as the method of that name does.
    pub(super) fn call_own_request<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        url: &Bound<'py, PyAny>,
        body: [(&str, Option<Bound<'py, PyAny>>); 2],
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let fast = slf.get().settings(py).fast.get();
        let known = method.to_str()?;
        // Observed on Locust 2.47: these are there even if nobody has named them.
        let named: &[&str] = match known {
            _ if !fast => &["data", "json"],
            "POST" => &["data", "json"],
            "PUT" | "PATCH" => &["data"],
            _ => &[],
        };
        let all = PyDict::new(py);
        for name in named {
            all.set_item(name, py.None())?;
        }
        for (name, value) in body {
            if let Some(value) = value {
                all.set_item(name, value)?;
            }
        }
        if let Some(keywords) = keywords {
            all.update(keywords.as_mapping())?;
        }
        let follows = match known {
            "GET" | "OPTIONS" => Some(true),
            "HEAD" => Some(false),
            _ => None,
        };
        if let Some(follows) = follows.filter(|_| !fast)
            && !all.contains("allow_redirects")?
        {
            all.set_item("allow_redirects", follows)?;
        }
        slf.call_method(intern!(py, "request"), (method, url), Some(&all))
    }
}
