//! A user's cookies as `requests` shows them: a mapping from name to value over the jar that the client sends from.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyTuple};
use throng_http::{Cookie, CookieJar};

use crate::gil::GilBound;

/// The jar, shared with the client.
pub(crate) type Jar = Rc<RefCell<CookieJar>>;

/// A cookie with the attributes that `http.cookiejar` gives it.
#[pyclass(frozen, get_all, name = "Cookie", module = "locust._core")]
pub(crate) struct OneCookie {
    name: String,
    value: String,
    domain: String,
    path: String,
    secure: bool,
    expires: Option<i64>,
}

#[pymethods]
impl OneCookie {
    fn __repr__(&self) -> String {
        format!("<Cookie {}={} for {}{}>", self.name, self.value, self.domain, self.path)
    }
}

/// Cookies by name; of those with the same name the first that was set.
#[pyclass(frozen, mapping, module = "locust._core")]
pub(crate) struct Cookies(GilBound<Jar>);

impl Cookies {
    /// A view of a jar.
    pub(crate) fn new(jar: Jar) -> Self {
        Self(GilBound::new(jar))
    }

    fn all(&self, py: Python<'_>) -> Vec<Cookie> {
        self.0.get(py).borrow().iter().cloned().collect()
    }

    fn find(&self, py: Python<'_>, name: &str, domain: Option<&str>, path: Option<&str>) -> Option<String> {
        let jar = self.0.get(py).borrow();
        let matches = |c: &&Cookie| {
            c.name == name && domain.is_none_or(|d| d == c.domain) && path.is_none_or(|p| p == c.path)
        };
        jar.iter().find(matches).map(|c| c.value.clone())
    }

    fn put(&self, py: Python<'_>, cookie: Cookie) {
        self.0.get(py).borrow_mut().put(cookie);
    }

    fn remove(&self, py: Python<'_>, name: &str, domain: Option<&str>, path: Option<&str>) -> bool {
        let mut jar = self.0.get(py).borrow_mut();
        let before = jar.iter().count();
        let matches = |c: &Cookie| {
            c.name == name && domain.is_none_or(|d| d == c.domain) && path.is_none_or(|p| p == c.path)
        };
        jar.retain(|c| !matches(c));
        jar.iter().count() < before
    }
}

/// A cookie that a script sets: for every host unless it names one.
fn cookie_of(name: String, value: String, domain: &str, path: &str) -> Cookie {
    Cookie {
        name,
        value,
        quoted: false,
        domain: domain.trim_start_matches('.').to_ascii_lowercase(),
        host_only: false,
        path: path.to_owned(),
        secure: false,
        expires: None,
    }
}

/// Each once, in the order of the first.
fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

#[pymethods]
impl Cookies {
    #[expect(clippy::too_many_arguments, reason = "the arguments of a jar of requests")]
    /// Sets a cookie; `None` as its value removes it. `domain` and `path` say where it is sent to.
    #[pyo3(signature = (name, value, *, domain = "", path = "/", secure = false, expires = None, **rest))]
    fn set(
        &self,
        py: Python<'_>,
        name: String,
        value: Option<&Bound<'_, PyAny>>,
        domain: &str,
        path: &str,
        secure: bool,
        expires: Option<f64>,
        rest: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        // The other attributes of http.cookiejar change nothing in what is sent.
        let _ = rest;
        match value {
            Some(value) => {
                let mut cookie = cookie_of(name, value.str()?.to_str()?.to_owned(), domain, path);
                cookie.secure = secure;
                cookie.expires = expires.map(|at| at as i64);
                self.put(py, cookie);
            }
            None => drop(self.remove(py, &name, (!domain.is_empty()).then_some(domain), None)),
        }
        Ok(())
    }

    /// Takes a cookie of http.cookiejar.
    fn set_cookie(&self, cookie: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = cookie.py();
        let text = |name: &str| -> PyResult<String> { Ok(cookie.getattr(name)?.str()?.to_str()?.to_owned()) };
        let domain = text("domain")?;
        let mut one = cookie_of(text("name")?, text("value")?, &domain, &text("path")?);
        one.secure = cookie.getattr("secure")?.is_truthy()?;
        one.expires = cookie.getattr("expires")?.extract()?;
        self.put(py, one);
        Ok(())
    }

    #[pyo3(signature = (name, default = None, domain = None, path = None))]
    fn get(
        &self,
        py: Python<'_>,
        name: &str,
        default: Option<Py<PyAny>>,
        domain: Option<&str>,
        path: Option<&str>,
    ) -> PyResult<Option<Py<PyAny>>> {
        match self.find(py, name, domain, path) {
            Some(value) => Ok(Some(value.into_pyobject(py)?.into_any().unbind())),
            None => Ok(default),
        }
    }

    /// Names and values as a plain dictionary, for one host or path if they are given.
    #[pyo3(signature = (domain = None, path = None))]
    fn get_dict<'py>(
        &self,
        py: Python<'py>,
        domain: Option<&str>,
        path: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let plain = PyDict::new(py);
        for cookie in self.all(py) {
            if domain.is_none_or(|d| d == cookie.domain) && path.is_none_or(|p| p == cookie.path) {
                plain.set_item(cookie.name, cookie.value)?;
            }
        }
        Ok(plain)
    }

    /// Takes the cookies of a dictionary or of another jar.
    pub(crate) fn update(&self, other: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = other.py();
        if let Ok(theirs) = other.cast::<Self>() {
            let theirs = theirs.get().all(py);
            for cookie in theirs {
                self.put(py, cookie);
            }
            return Ok(());
        }
        if other.hasattr("items")? {
            for pair in other.call_method0("items")?.try_iter()? {
                let (name, value): (String, Bound<'_, PyAny>) = pair?.extract()?;
                self.__setitem__(py, name, &value)?;
            }
            return Ok(());
        }
        // What is left is an http.cookiejar.
        for cookie in other.try_iter()? {
            self.set_cookie(&cookie?)?;
        }
        Ok(())
    }

    /// Removes cookies: of one domain, path and name as far as they are given, or all.
    #[pyo3(signature = (domain = None, path = None, name = None))]
    fn clear(&self, py: Python<'_>, domain: Option<&str>, path: Option<&str>, name: Option<&str>) {
        let gone = |c: &Cookie| {
            domain.is_none_or(|d| d == c.domain)
                && path.is_none_or(|p| p == c.path)
                && name.is_none_or(|n| n == c.name)
        };
        self.0.get(py).borrow_mut().retain(|c| !gone(c));
    }

    /// Removes the cookies that end with the session.
    fn clear_session_cookies(&self, py: Python<'_>) {
        self.0.get(py).borrow_mut().retain(|c| c.expires.is_some());
    }

    /// Removes the cookies whose time is over.
    fn clear_expired_cookies(&self, py: Python<'_>) {
        self.0.get(py).borrow_mut().clear_expired();
    }

    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        self.find(py, name, None, None)
            .ok_or_else(|| PyKeyError::new_err(format!("name='{name}', domain=None, path=None")))
    }

    fn __setitem__(&self, py: Python<'_>, name: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put(py, cookie_of(name, value.str()?.to_str()?.to_owned(), "", "/"));
        Ok(())
    }

    fn __delitem__(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        if self.remove(py, name, None, None) {
            Ok(())
        } else {
            Err(PyKeyError::new_err(format!("name='{name}', domain=None, path=None")))
        }
    }

    #[pyo3(signature = (name, *default))]
    fn pop(&self, py: Python<'_>, name: &str, default: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        match self.find(py, name, None, None) {
            Some(value) => {
                self.remove(py, name, None, None);
                Ok(value.into_pyobject(py)?.into_any().unbind())
            }
            None if default.is_empty() => Err(PyKeyError::new_err(name.to_owned())),
            None => Ok(default.get_item(0)?.unbind()),
        }
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> bool {
        self.find(py, name, None, None).is_some()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.0.get(py).borrow().iter().count()
    }

    /// Iterates over cookies, not names, as a cookie jar does.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let cookies = self.all(py).into_iter().map(|c| {
            let Cookie { name, value, domain, path, secure, expires, .. } = c;
            Py::new(py, OneCookie { name, value, domain, path, secure, expires })
        });
        PyList::new(py, cookies.collect::<PyResult<Vec<_>>>()?)?.try_iter()
    }

    fn keys(&self, py: Python<'_>) -> Vec<String> {
        self.all(py).into_iter().map(|c| c.name).collect()
    }

    fn values(&self, py: Python<'_>) -> Vec<String> {
        self.all(py).into_iter().map(|c| c.value).collect()
    }

    fn items(&self, py: Python<'_>) -> Vec<(String, String)> {
        self.all(py).into_iter().map(|c| (c.name, c.value)).collect()
    }

    fn list_domains(&self, py: Python<'_>) -> Vec<String> {
        distinct(self.all(py).into_iter().map(|c| c.domain))
    }

    fn list_paths(&self, py: Python<'_>) -> Vec<String> {
        distinct(self.all(py).into_iter().map(|c| c.path))
    }

    /// Whether there are cookies of more than one domain.
    fn multiple_domains(&self, py: Python<'_>) -> bool {
        self.list_domains(py).len() > 1
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        self.copy(py)
    }

    fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> Self {
        self.copy(memo.py())
    }

    fn copy(&self, py: Python<'_>) -> Self {
        Self::new(Rc::new(RefCell::new(self.0.get(py).borrow().clone())))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = other.py();
        let mine = self.get_dict(py, None, None)?;
        match other.cast::<Self>() {
            Ok(theirs) => mine.eq(theirs.get().get_dict(py, None, None)?),
            Err(_) => mine.eq(other),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let all: Vec<String> = self
            .all(py)
            .iter()
            .map(|c| format!("<Cookie {}={} for {}{}>", c.name, c.value, c.domain, c.path))
            .collect();
        format!("<RequestsCookieJar[{}]>", all.join(", "))
    }
}
