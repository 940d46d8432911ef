//! One side of a ZMTP connection as a Python object.

use std::cell::RefCell;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use throng_zmtp::{Event, Limits, Local, Peer, SocketType};

use super::WireError;
use crate::gil::GilBound;

struct State {
    connection: throng_zmtp::Connection,
    peer: Option<Peer>,
}

/// A connection's state: `receive` takes what the socket gave, `output` is what to write to it.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct Connection(GilBound<RefCell<State>>);

#[pymethods]
impl Connection {
    /// A `socket_type` of `ROUTER` or `DEALER`; messages of more bytes than the limits, the first one's and that of the
    /// others, are refused.
    #[new]
    #[pyo3(signature = (socket_type, identity = None, message_limit = None, first_message_limit = None))]
    fn new(
        socket_type: &str,
        identity: Option<Vec<u8>>,
        message_limit: Option<u64>,
        first_message_limit: Option<u64>,
    ) -> PyResult<Self> {
        let socket_type = match socket_type {
            "ROUTER" => SocketType::Router,
            "DEALER" => SocketType::Dealer,
            other => return Err(PyValueError::new_err(format!("there is no socket type {other:?} here"))),
        };
        let usual = Limits::default();
        let limits = Limits {
            message: message_limit.unwrap_or(usual.message),
            first_message: first_message_limit.unwrap_or(usual.first_message),
            ..usual
        };
        let local = Local { socket_type, identity: identity.unwrap_or_default(), limits };
        let connection = throng_zmtp::Connection::new(local);
        Ok(Self(GilBound::new(RefCell::new(State { connection, peer: None }))))
    }

    /// Takes bytes of the peer and returns the messages that are complete, each a list of parts. After a `WireError` the
    /// connection is of no more use; messages that came before it are lost, as the peer is not one to listen to.
    fn receive<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Vec<Vec<Bound<'py, PyBytes>>>> {
        let mut state = self.0.get(py).borrow_mut();
        let State { connection, peer } = &mut *state;
        connection.receive(bytes).map_err(|error| WireError::new_err(error.to_string()))?;
        let mut messages = Vec::new();
        while let Some(event) = connection.poll() {
            match event {
                Event::Ready(who) => *peer = Some(who),
                Event::Message(parts) => {
                    messages.push(parts.iter().map(|part| PyBytes::new(py, part)).collect());
                }
            }
        }
        Ok(messages)
    }

    /// Makes a message of one part ready for sending.
    fn send(&self, py: Python<'_>, body: &[u8]) {
        self.0.get(py).borrow_mut().connection.send(body);
    }

    /// What is to be written to the socket, once.
    fn output<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.get(py).borrow_mut().connection.take_output())
    }

    /// Changes the size of a message that is refused.
    fn set_message_limit(&self, py: Python<'_>, bytes: u64) {
        self.0.get(py).borrow_mut().connection.set_message_limit(bytes);
    }

    /// By what the peer wants to be known; None before the handshake.
    #[getter]
    fn peer_identity<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.get(py).borrow().peer.as_ref().map(|peer| PyBytes::new(py, &peer.identity))
    }
}
