//! Between Python's objects and `MessagePack`'s values, as msgpack-python converts them.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyNone, PyString, PyTuple,
};
use throng_locust::Value;

use super::WireError;

/// Lists and dictionaries inside each other, which also ends those that contain themselves.
const DEPTH_AT_MOST: usize = 90;

/// The value of an object. What msgpack has no form for is replaced by `default`'s answer.
pub(super) fn from_python(
    object: &Bound<'_, PyAny>,
    default: &Bound<'_, PyAny>,
    depth: usize,
) -> PyResult<Value> {
    if depth > DEPTH_AT_MOST {
        return Err(PyValueError::new_err("pack a message: lists or dictionaries are nested too deeply"));
    }
    let inner = |object: &Bound<'_, PyAny>| from_python(object, default, depth + 1);
    if object.is_instance_of::<PyNone>() {
        Ok(Value::Nil)
    } else if let Ok(truth) = object.cast::<PyBool>() {
        Ok(Value::Boolean(truth.is_true()))
    } else if let Ok(text) = object.cast::<PyString>() {
        // A lone surrogate has no form in UTF-8, and is no reason to lose a message.
        Ok(Value::from(&*text.to_string_lossy()))
    } else if object.is_instance_of::<PyInt>() {
        match (object.extract::<i64>(), object.extract::<u64>()) {
            (Ok(number), _) => Ok(Value::from(number)),
            (_, Ok(number)) => Ok(Value::from(number)),
            _ => Err(PyOverflowError::new_err("pack a message: an integer needs more than 64 bits")),
        }
    } else if let Ok(number) = object.cast::<PyFloat>() {
        Ok(Value::F64(number.value()))
    } else if let Ok(dict) = object.cast::<PyDict>() {
        dict.iter()
            .map(|(key, value)| Ok((inner(&key)?, inner(&value)?)))
            .collect::<PyResult<_>>()
            .map(Value::Map)
    } else if let Ok(list) = object.cast::<PyList>() {
        list.iter().map(|item| inner(&item)).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        tuple.iter().map(|item| inner(&item)).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(Value::Binary(bytes.as_bytes().to_vec()))
    } else if let Ok(bytes) = object.cast::<PyByteArray>() {
        Ok(Value::Binary(bytes.to_vec()))
    } else if object.is_instance_of::<PyMemoryView>() {
        Ok(Value::Binary(object.call_method0("tobytes")?.extract()?))
    } else {
        let other = default.call1((object,))?;
        if other.is(object) {
            return Err(PyTypeError::new_err(format!(
                "pack a message: cannot send a {}; msgpack has numbers, texts, bytes, lists and dictionaries",
                object.get_type().name()?
            )));
        }
        inner(&other)
    }
}

/// The object of a value. Dictionaries go through `object_hook`.
pub(super) fn to_python<'py>(
    py: Python<'py>,
    value: Value,
    object_hook: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Nil => py.None().into_bound(py),
        Value::Boolean(truth) => PyBool::new(py, truth).to_owned().into_any(),
        Value::Integer(number) => match number.as_i64() {
            Some(number) => number.into_pyobject(py)?.into_any(),
            None => number.as_u64().into_pyobject(py)?.into_any(),
        },
        Value::F32(number) => f64::from(number).into_pyobject(py)?.into_any(),
        Value::F64(number) => number.into_pyobject(py)?.into_any(),
        Value::String(text) => {
            let text = text.into_str().ok_or_else(|| WireError::new_err("a text is not UTF-8"))?;
            text.into_pyobject(py)?.into_any()
        }
        Value::Binary(bytes) => PyBytes::new(py, &bytes).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item, object_hook)?)?;
            }
            list.into_any()
        }
        Value::Map(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                let key = to_python(py, key, object_hook)?;
                let value = to_python(py, value, object_hook)?;
                dict.set_item(key, value)
                    .map_err(|_| WireError::new_err("the key of a map cannot be one"))?;
            }
            object_hook.call1((dict,))?
        }
        Value::Ext(kind, _) => return Err(WireError::new_err(format!("extension type {kind} is not known"))),
    })
}
