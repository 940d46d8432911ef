//! `ZeroMQ`'s wire protocol, ZMTP 3.0 and 3.1, as a state machine: bytes in, messages and bytes out.
//!
//! Locust's master and workers speak it on port 5557: the master's socket is a ROUTER, a worker's a DEALER whose identity
//! is the worker's name, and there is no authentication (the NULL mechanism). That is what is here, and no more: no other
//! socket types, no CURVE, no multiplexing. [`Connection`] is one side of one connection; who reads and writes the socket
//! decides how long to wait and how many peers to bear.
//!
//! Source: ZMTP 3.1 (rfc.zeromq.org/spec/37), and what libzmq 4.3.5 sends (`tests/fixtures`).
//!
//! Invariant: a peer makes this crate hold no more bytes than it has sent and than [`Limits`] allows; what it announces
//! reserves nothing.

#![forbid(unsafe_code)]

mod command;
mod connection;
mod error;
mod frame;
mod greeting;
mod limits;
mod stranger;

pub use command::SocketType;
pub use connection::{Connection, Event, Local, Peer};
pub use error::Error;
pub use limits::Limits;
pub use stranger::Stranger;
