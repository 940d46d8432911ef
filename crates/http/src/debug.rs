//! k6's `--http-debug`: what goes out and what comes in, as text.

use std::fmt;
use std::rc::Rc;

use crate::wire::{ParsedResponse, WireRequest, encode_request};

/// One side of an exchange.
#[derive(Debug, Clone, Copy)]
pub enum HttpDump<'a> {
    /// A request is about to be sent: head and, in full mode, body.
    Request(&'a str),
    /// A response came in: head and, in full mode, body as received.
    Response(&'a str),
}

/// Receives dumps, on the virtual user's thread.
#[derive(Clone)]
pub struct HttpDebug {
    /// With bodies.
    full: bool,
    sink: Rc<dyn Fn(u64, HttpDump<'_>)>,
}

impl HttpDebug {
    /// Heads only, or bodies too if `full`. The number given to `sink` is the same for a request and its response,
    /// and no other, of one client.
    pub fn new(full: bool, sink: impl Fn(u64, HttpDump<'_>) + 'static) -> Self {
        Self { full, sink: Rc::new(sink) }
    }

    pub(crate) fn request(&self, exchange: u64, request: &WireRequest<'_>, body: &[u8]) {
        let mut text = Vec::new();
        encode_request(&mut text, request);
        if self.full {
            text.extend_from_slice(body);
        }
        (self.sink)(exchange, HttpDump::Request(&String::from_utf8_lossy(&text)));
    }

    pub(crate) fn response(&self, exchange: u64, response: &ParsedResponse) {
        let mut text = response.head.raw().to_vec();
        text.extend_from_slice(b"\r\n");
        if self.full {
            text.extend_from_slice(&response.body);
        }
        (self.sink)(exchange, HttpDump::Response(&String::from_utf8_lossy(&text)));
    }
}

impl fmt::Debug for HttpDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDebug").field("full", &self.full).finish_non_exhaustive()
    }
}
