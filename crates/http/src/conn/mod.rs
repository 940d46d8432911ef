//! Connections: the socket with its byte counts, and how one comes about.

mod connect;
mod dial;
mod io;

pub(crate) use connect::{Connected, Connector};
pub(crate) use dial::{DialPhases, dial};
pub(crate) use io::{Io, Traffic};

use std::net::SocketAddr;

use crate::response::TlsInfo;

/// An HTTP/1.1 connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) io: Io,
    pub(crate) remote: SocketAddr,
    pub(crate) tls: Option<TlsInfo>,
    /// It has served a request before.
    pub(crate) reused: bool,
}
