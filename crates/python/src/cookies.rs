//! A jar as scripts see it: a mapping from name to value, as `requests` has it.
//!
//! This is the half that needs no Python. The class of which scripts get objects is made in `locust/_http/cookies.py`
//! of this one and of the standard library's `CookieJar`, so that `requests` and `urllib` take it for what it is.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule, PyTuple};
use throng_locust::cookie::{Cookie, CookieJar, without_escaped_quotes};
use throng_reactor::unix_now;

use crate::failure::{helper, raise};
use crate::gil::GilBound;

/// The jar, shared with the client.
pub(crate) type Jar = Rc<RefCell<CookieJar>>;

/// Cookies by name.
#[pyclass(frozen, subclass, mapping, module = "locust._core")]
pub(crate) struct Cookies(GilBound<Jar>);

/// What an `http.cookiejar.Cookie` is made of: name, value, domain, path, secure, expires, discard, rest, and which of
/// domain, leading dot and path were given.
type Row<'py> =
    (String, Option<String>, String, String, bool, Option<i64>, bool, Bound<'py, PyDict>, (bool, bool, bool));

impl Cookies {
    /// The object that scripts get for a jar.
    pub(crate) fn shown(py: Python<'_>, jar: Jar) -> PyResult<Bound<'_, PyAny>> {
        static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        let native = Py::new(py, Self(GilBound::new(jar)))?;
        helper(py, &MODULE, "cookies")?.call_method1("RequestsCookieJar", (native,))
    }

    fn all(&self, py: Python<'_>) -> Vec<Cookie> {
        self.0.get(py).borrow().iter().cloned().collect()
    }

    /// The value of the only cookie of that name.
    fn find(
        &self,
        py: Python<'_>,
        name: &str,
        domain: Option<&str>,
        path: Option<&str>,
    ) -> PyResult<Option<String>> {
        let (value, is_only) = {
            let jar = self.0.get(py).borrow();
            let mut found = jar.iter().filter(|c| is_one(c, Some(name), domain, path) && c.value.is_some());
            (found.next().and_then(|cookie| cookie.value.clone()), found.next().is_none())
        };
        if !is_only {
            let text = format!("There are multiple cookies with name, '{name}'");
            return Err(raise(py, "CookieConflictError", text));
        }
        Ok(value)
    }
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    (unix_now() / 1_000_000_000) as i64
}

/// Whether a cookie has this name, domain and path, as far as they are given.
fn is_one(cookie: &Cookie, name: Option<&str>, domain: Option<&str>, path: Option<&str>) -> bool {
    name.is_none_or(|name| name == cookie.name)
        && domain.is_none_or(|domain| domain == cookie.domain)
        && path.is_none_or(|path| path == cookie.path)
}

fn missing(name: &str) -> PyErr {
    PyKeyError::new_err(format!("name='{name}', domain=None, path=None"))
}

/// A value as text; None stays.
fn text_of(value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    Ok(Some(without_escaped_quotes(value.str()?.to_str()?.to_owned())))
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

/// A cookie of `http.cookiejar`.
fn cookie_of(cookie: &Bound<'_, PyAny>) -> PyResult<Cookie> {
    let text = |name: &str| -> PyResult<String> { Ok(cookie.getattr(name)?.str()?.to_str()?.to_owned()) };
    let truth = |name: &str| cookie.getattr(name)?.is_truthy();
    let mut rest = Vec::new();
    // Only its own methods know of these otherwise, and these only by name.
    if let Ok(given) = cookie.getattr("_rest")
        && let Ok(given) = given.cast::<PyDict>()
    {
        for (name, value) in given {
            let value = if value.is_none() { None } else { Some(value.str()?.to_str()?.to_owned()) };
            rest.push((name.str()?.to_str()?.to_owned(), value));
        }
    }
    Ok(Cookie {
        name: text("name")?,
        value: text_of(&cookie.getattr("value")?)?,
        domain: text("domain")?,
        domain_specified: truth("domain_specified")?,
        domain_initial_dot: truth("domain_initial_dot")?,
        path: text("path")?,
        path_specified: truth("path_specified")?,
        secure: truth("secure")?,
        expires: cookie.getattr("expires")?.extract::<Option<f64>>()?.map(|at| at as i64),
        discard: truth("discard")?,
        rest,
    })
}

/// The cookies of a dictionary, where None means one without a value, or of a jar.
pub(crate) fn given(cookies: &Bound<'_, PyAny>) -> PyResult<CookieJar> {
    let mut jar = CookieJar::default();
    if let Ok(plain) = cookies.cast::<PyDict>() {
        for (name, value) in plain {
            jar.put(Cookie::everywhere(name.str()?.to_str()?.to_owned(), text_of(&value)?));
        }
        return Ok(jar);
    }
    let jar = Jar::new(RefCell::new(jar));
    Cookies(GilBound::new(Rc::clone(&jar))).update(cookies)?;
    Ok(jar.take())
}

#[pymethods]
impl Cookies {
    /// An empty jar, or one that shares what is in another.
    #[new]
    #[pyo3(signature = (other = None))]
    fn new(py: Python<'_>, other: Option<&Bound<'_, Self>>) -> Self {
        Self(GilBound::new(other.map_or_else(Jar::default, |other| Rc::clone(other.get().0.get(py)))))
    }

    fn _rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Row<'py>>> {
        let rows = self.all(py).into_iter().map(|cookie| {
            let rest = PyDict::new(py);
            for (name, value) in cookie.rest {
                rest.set_item(name, value)?;
            }
            let given = (cookie.domain_specified, cookie.domain_initial_dot, cookie.path_specified);
            let Cookie { name, value, domain, path, secure, expires, discard, .. } = cookie;
            Ok((name, value, domain, path, secure, expires, discard, rest, given))
        });
        rows.collect()
    }

    /// Removes the cookies of that name.
    #[pyo3(name = "_remove")]
    fn remove(&self, py: Python<'_>, name: &str, domain: Option<&str>, path: Option<&str>) {
        self.0.get(py).borrow_mut().retain(|cookie| !is_one(cookie, Some(name), domain, path));
    }

    /// Takes a cookie that was this one until a script changed it.
    fn _change(
        &self,
        py: Python<'_>,
        name: &str,
        domain: &str,
        path: &str,
        changed: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let changed = cookie_of(changed)?;
        self.0
            .get(py)
            .borrow_mut()
            .change(|cookie| is_one(cookie, Some(name), Some(domain), Some(path)), changed);
        Ok(())
    }

    /// Takes a cookie of http.cookiejar.
    #[pyo3(signature = (cookie, *_args, **_kwargs))]
    fn set_cookie(
        &self,
        cookie: &Bound<'_, PyAny>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let one = cookie_of(cookie)?;
        self.0.get(cookie.py()).borrow_mut().put(one);
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
        match self.find(py, name, domain, path)? {
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
            if is_one(&cookie, None, domain, path) {
                plain.set_item(cookie.name, cookie.value)?;
            }
        }
        Ok(plain)
    }

    /// Takes the cookies of a dictionary or of another jar.
    fn update(&self, other: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = other.py();
        if let Ok(theirs) = other.cast::<Self>() {
            let theirs = theirs.get().0.get(py).borrow().clone();
            self.0.get(py).borrow_mut().merge(&theirs);
            return Ok(());
        }
        let is_jar = !other.is_instance_of::<PyDict>()
            && other.is_instance(&py.import("http.cookiejar")?.getattr("CookieJar")?)?;
        if is_jar {
            for cookie in other.try_iter()? {
                let one = cookie_of(&cookie?)?;
                self.0.get(py).borrow_mut().put(one);
            }
            return Ok(());
        }
        let pairs = if other.hasattr("items")? { &other.call_method0("items")? } else { other };
        for pair in pairs.try_iter()? {
            let (name, value): (String, Bound<'_, PyAny>) = pair?.extract()?;
            self.__setitem__(py, name, &value)?;
        }
        Ok(())
    }

    /// Removes cookies: all, those of a domain, of a path there, or the one of a name there.
    #[pyo3(signature = (domain = None, path = None, name = None))]
    fn clear(
        &self,
        py: Python<'_>,
        domain: Option<String>,
        path: Option<String>,
        name: Option<String>,
    ) -> PyResult<()> {
        let least = match (&domain, &path, &name) {
            (None, _, Some(_)) | (_, None, Some(_)) => {
                return Err(PyValueError::new_err(
                    "domain and path must be given to remove a cookie by name",
                ));
            }
            (None, Some(_), None) => {
                return Err(PyValueError::new_err("domain must be given to remove cookies by path"));
            }
            (None, None, None) => None,
            _ => name.clone().or_else(|| path.clone()).or_else(|| domain.clone()),
        };
        let mut jar = self.0.get(py).borrow_mut();
        let before = jar.len();
        jar.retain(|cookie| !is_one(cookie, name.as_deref(), domain.as_deref(), path.as_deref()));
        match least {
            Some(key) if jar.len() == before => Err(PyKeyError::new_err(key)),
            _ => Ok(()),
        }
    }

    /// Removes the cookies that end with the session.
    fn clear_session_cookies(&self, py: Python<'_>) {
        self.0.get(py).borrow_mut().retain(|cookie| !cookie.discard);
    }

    /// Removes the cookies whose time is over.
    fn clear_expired_cookies(&self, py: Python<'_>) {
        self.0.get(py).borrow_mut().clear_expired(now());
    }

    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        self.find(py, name, None, None)?.ok_or_else(|| missing(name))
    }

    /// None as a value removes a cookie.
    fn __setitem__(&self, py: Python<'_>, name: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match text_of(value)? {
            Some(value) => {
                self.0.get(py).borrow_mut().put(Cookie::everywhere(name, Some(value)));
            }
            None => self.remove(py, &name, None, None),
        }
        Ok(())
    }

    /// Observed on Locust 2.47: one that is not there can be deleted too.
    fn __delitem__(&self, py: Python<'_>, name: &str) {
        self.remove(py, name, None, None);
    }

    #[pyo3(signature = (name, *default))]
    fn pop(&self, py: Python<'_>, name: &str, default: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        match self.find(py, name, None, None)? {
            Some(value) => {
                self.remove(py, name, None, None);
                Ok(value.into_pyobject(py)?.into_any().unbind())
            }
            None if default.is_empty() => Err(missing(name)),
            None => Ok(default.get_item(0)?.unbind()),
        }
    }

    fn __contains__(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> bool {
        let Ok(name) = name.extract::<String>() else { return false };
        self.0.get(py).borrow().iter().any(|cookie| cookie.name == name && cookie.value.is_some())
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.0.get(py).borrow().len()
    }

    fn keys(&self, py: Python<'_>) -> Vec<String> {
        self.all(py).into_iter().map(|cookie| cookie.name).collect()
    }

    fn values(&self, py: Python<'_>) -> Vec<Option<String>> {
        self.all(py).into_iter().map(|cookie| cookie.value).collect()
    }

    fn items(&self, py: Python<'_>) -> Vec<(String, Option<String>)> {
        self.all(py).into_iter().map(|cookie| (cookie.name, cookie.value)).collect()
    }

    fn list_domains(&self, py: Python<'_>) -> Vec<String> {
        distinct(self.all(py).into_iter().map(|cookie| cookie.domain))
    }

    fn list_paths(&self, py: Python<'_>) -> Vec<String> {
        distinct(self.all(py).into_iter().map(|cookie| cookie.path))
    }

    /// Observed on Locust 2.47: whether there are several cookies of one domain, for all that the name says.
    fn multiple_domains(&self, py: Python<'_>) -> bool {
        self.list_domains(py).len() < self.__len__(py)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = other.py();
        let mine = self.get_dict(py, None, None)?;
        match other.cast::<Self>() {
            Ok(theirs) => mine.eq(theirs.get().get_dict(py, None, None)?),
            Err(_) => mine.eq(other),
        }
    }
}
