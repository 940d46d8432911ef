//! What the nodes of a test say to each other, for `python/locust/runners`: ZMTP connections and packed messages.
//!
//! Sockets, greenlets and patience are Python's: a worker sends a message a second. The bytes are Rust's, as they may
//! come from anybody.

mod connection;
mod convert;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use throng_locust::Message;

pub(crate) use connection::Connection;

create_exception!(_core, WireError, PyValueError, "Bytes of another node that make no sense.");

/// The bytes of a message. What msgpack has no form for goes through `default`, which answers with something else.
#[pyfunction]
pub(crate) fn pack_message(
    kind: String,
    data: &Bound<'_, PyAny>,
    node: String,
    default: &Bound<'_, PyAny>,
) -> PyResult<Vec<u8>> {
    Ok(Message { kind, data: convert::from_python(data, default, 0)?, node }.encode())
}

/// Type, data and node of a message. Each map goes through `object_hook`.
#[pyfunction]
pub(crate) fn unpack_message<'py>(
    py: Python<'py>,
    bytes: &[u8],
    object_hook: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let message = Message::decode(bytes).map_err(|error| WireError::new_err(error.to_string()))?;
    (message.kind, convert::to_python(py, message.data, object_hook)?, message.node).into_pyobject(py)
}
