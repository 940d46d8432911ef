//! Request bodies and queries from the Python values that `requests` takes.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyInt, PyList, PyModule, PyString, PyTuple};
use throng_http::Framing;
use throng_locust::form_urlencode;

use super::arguments::Arguments;
use crate::failure::{helper, raise_around};

/// A body and the `Content-Type` that it has by itself.
pub(super) struct Body {
    pub(super) bytes: Option<Bytes>,
    pub(super) content_type: Option<String>,
    /// It was given as text.
    pub(super) is_text: bool,
    /// In chunks if its length was not known.
    pub(super) framing: Framing,
}

impl Body {
    fn of_bytes(bytes: Option<Bytes>, content_type: Option<&str>) -> Self {
        Self {
            bytes,
            content_type: content_type.map(str::to_owned),
            is_text: false,
            framing: Framing::Length,
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
/// What geventhttpclient says instead.
const FAST_FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// What geventhttpclient says of bytes; `requests` says nothing.
const OCTETS: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// The body that the arguments ask for.
pub(super) fn body_of(py: Python<'_>, arguments: &Arguments<'_>, fast: bool) -> PyResult<Body> {
    let data = match &arguments.data {
        Some(data) if data.is_truthy()? => Some(data),
        _ => None,
    };
    if let Some(files) = arguments.files.as_ref().filter(|files| files.is_truthy().unwrap_or(true)) {
        let made = prepare(py)?.call_method1("multipart", (data, files))?;
        let (bytes, content_type): (Bound<'_, PyBytes>, String) = made.extract()?;
        return Ok(Body::of_bytes(Some(bytes_of(&bytes)), Some(&content_type)));
    }
    let Some(data) = data else {
        let Some(json) = &arguments.json else { return Ok(Body::of_bytes(None, None)) };
        let bytes = match crate::json::dump(json) {
            Some(bytes) => Bytes::from(bytes),
            None => Bytes::copy_from_slice(dumps(json, fast)?.to_str()?.as_bytes()),
        };
        return Ok(Body::of_bytes(Some(bytes), Some(JSON)));
    };
    if let Ok(text) = data.cast::<PyString>() {
        let bytes = Bytes::copy_from_slice(text.to_str()?.as_bytes());
        // Observed on Locust 2.47: only geventhttpclient says what a text is.
        let content_type = fast.then(|| "text/plain; charset=utf-8".to_owned());
        return Ok(Body { bytes: Some(bytes), content_type, is_text: !fast, framing: Framing::Length });
    }
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(Body::of_bytes(Some(bytes_of(bytes)), fast.then_some(OCTETS)));
    }
    if let Ok(bytes) = data.cast::<PyByteArray>() {
        return Ok(Body::of_bytes(Some(Bytes::from(bytes.to_vec())), fast.then_some(OCTETS)));
    }
    if data.is_instance_of::<PyDict>() || data.is_instance_of::<PyList>() || data.is_instance_of::<PyTuple>()
    {
        let text = if fast { plain_form(data)? } else { urlencode(data)? };
        let content_type = Some(if fast { FAST_FORM } else { FORM }.to_owned());
        return Ok(Body {
            bytes: Some(Bytes::from(text)),
            content_type,
            is_text: !fast,
            framing: Framing::Length,
        });
    }
    // Files, iterators and other mappings.
    let made = prepare(py)?.call_method1("read_body", (data, fast))?;
    let (bytes, content_type, is_chunked): (Bound<'_, PyBytes>, Option<String>, bool) = made.extract()?;
    let octets = if fast { Some(OCTETS) } else { None };
    let body = Body::of_bytes(Some(bytes_of(&bytes)), content_type.as_deref().or(octets));
    let framing = if is_chunked { Framing::Chunked } else { Framing::Length };
    Ok(Body { framing, ..body })
}

/// A form of geventhttpclient: observed on Locust 2.47, each value of a dictionary is one text, a list and None too.
fn plain_form(data: &Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(dict) = data.cast::<PyDict>() else { return urlencode(data) };
    let mut pairs = Vec::with_capacity(dict.len());
    for (key, value) in dict {
        pairs.push((text_of(&key)?, text_of(&value)?));
    }
    Ok(form_urlencode(pairs.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))))
}

fn bytes_of(bytes: &Bound<'_, PyBytes>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_bytes())
}

/// `json.dumps`; `requests` refuses what is no JSON (NaN), geventhttpclient does not.
fn dumps<'py>(json: &Bound<'py, PyAny>, fast: bool) -> PyResult<Bound<'py, PyString>> {
    static DUMPS: PyOnceLock<(Py<PyAny>, Py<PyDict>)> = PyOnceLock::new();
    let py = json.py();
    let (dumps, strict) = DUMPS.get_or_try_init(py, || {
        let strict = PyDict::new(py);
        strict.set_item("allow_nan", false)?;
        PyResult::Ok((py.import("json")?.getattr("dumps")?.unbind(), strict.unbind()))
    })?;
    let options = (!fast && has_nan(json, 0)).then(|| strict.bind(py));
    let text = match dumps.bind(py).call((json,), options) {
        Ok(text) => text,
        Err(error) if !fast && error.is_instance_of::<pyo3::exceptions::PyValueError>(py) => {
            return Err(raise_around(py, "InvalidJSONError", error.value(py)));
        }
        Err(error) => return Err(error),
    };
    Ok(text.cast_into::<PyString>()?)
}

/// How deep a value is looked into.
const DEPTH: usize = 100;

/// Whether a value may hold a NaN: `json.dumps` is several times faster with its default options, which allow it.
fn has_nan(value: &Bound<'_, PyAny>, depth: usize) -> bool {
    // One that refers to itself has no end.
    if depth > DEPTH {
        return true;
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return dict.iter().any(|(_, value)| has_nan(&value, depth + 1));
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        return list.iter().any(|value| has_nan(&value, depth + 1));
    }
    if value.cast_exact::<PyString>().is_ok() || value.cast_exact::<PyInt>().is_ok() {
        return false;
    }
    match value.cast::<pyo3::types::PyFloat>() {
        Ok(number) => !number.value().is_finite(),
        Err(_) => !(value.is_none() || value.is_instance_of::<pyo3::types::PyBool>()),
    }
}

/// Pairs as a form or a query, from a mapping or a sequence of pairs: lists give several pairs, None gives none.
pub(super) fn urlencode(data: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut push = |key: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>| -> PyResult<()> {
        let single = values.is_instance_of::<PyString>()
            || values.is_instance_of::<PyInt>()
            || values.is_instance_of::<PyBytes>()
            || !values.hasattr("__iter__")?;
        if single {
            if !values.is_none() {
                pairs.push((text_of(key)?, text_of(values)?));
            }
            return Ok(());
        }
        for value in values.try_iter()? {
            let value = value?;
            if !value.is_none() {
                pairs.push((text_of(key)?, text_of(&value)?));
            }
        }
        Ok(())
    };
    if let Ok(dict) = data.cast::<PyDict>() {
        for (key, values) in dict {
            push(&key, &values)?;
        }
    } else {
        let items = if data.hasattr("items")? { data.call_method0("items")? } else { data.clone() };
        for pair in items.try_iter()? {
            let (key, values): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            push(&key, &values)?;
        }
    }
    Ok(form_urlencode(pairs.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))))
}

fn text_of(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    Ok(value.str()?.to_str()?.as_bytes().to_vec())
}

/// `locust._http.prepare`.
pub(super) fn prepare(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    helper(py, &MODULE, "prepare")
}
