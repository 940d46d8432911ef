//! Web sockets: opened over the client's own connections, then messages both ways.
//!
//! A [`WebSocket`] is driven by whoever polls it: what was sent in the meantime is written first, then messages are
//! read. Pings are answered and a close of the server is confirmed on the way.

mod frame;
mod open;

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

pub(crate) use open::open;
pub use open::{WebSocketAnswer, WebSocketRequest};

use crate::conn::Io;
use crate::error::{Operation, RequestError};
use crate::shared::Shared;
use frame::{Opcode, decode, encode};

/// What arrives on a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketEvent {
    /// A text message; what is no UTF-8 is replaced.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping, which was answered already.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// The server ends the connection: its code (1005 for none) and its reason.
    Close(u16, String),
}

/// An open WebSocket. Dropping it drops the connection.
pub struct WebSocket {
    io: Io,
    shared: Rc<Shared>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// A message whose last frame has not come yet.
    message: Option<(Opcode, Vec<u8>)>,
    ready: VecDeque<WebSocketEvent>,
    random: u64,
    close_sent: bool,
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("close_sent", &self.close_sent).finish_non_exhaustive()
    }
}

impl WebSocket {
    fn new(io: Io, shared: Rc<Shared>, input: Vec<u8>, random: u64) -> Self {
        let (output, message, ready) = (Vec::new(), None, VecDeque::new());
        Self { io, shared, input, output, message, ready, random: random | 1, close_sent: false }
    }

    /// Sends a text message. It is on its way once the socket was polled.
    pub fn send_text(&mut self, text: &str) {
        self.queue(Opcode::Text, text.as_bytes());
    }

    /// Sends a binary message.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.queue(Opcode::Binary, bytes);
    }

    /// Sends a ping with up to 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) {
        self.queue(Opcode::Ping, &payload[..payload.len().min(125)]);
    }

    /// Says that nothing more will be sent; once.
    pub fn close(&mut self, code: u16, reason: &str) {
        if !self.close_sent {
            let mut payload = code.to_be_bytes().to_vec();
            payload.extend_from_slice(reason.as_bytes());
            payload.truncate(125);
            self.queue(Opcode::Close, &payload);
            self.close_sent = true;
        }
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.close_sent {
            return;
        }
        // xorshift: a mask need not be secret.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let [a, b, c, d, ..] = self.random.to_le_bytes();
        encode(&mut self.output, opcode, payload, [a, b, c, d]);
    }

    /// Writes what was sent.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        let failed = |error| RequestError::from_io(Operation::Write, &error);
        while !self.output.is_empty() {
            let n = ready!(self.io.poll_send(cx, &self.output)).map_err(failed)?;
            self.output.drain(..n);
        }
        self.io.poll_flush(cx).map_err(failed)
    }

    /// Writes what was sent, and gives what arrives next. An error is the end of the connection.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<WebSocketEvent, RequestError>> {
        loop {
            while let Some(frame) = decode(&mut self.input).map_err(broken)? {
                self.take(frame)?;
            }
            // A slow server must not keep us from reading: what cannot be written now stays for later.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx)
                && self.ready.is_empty()
            {
                return Poll::Ready(Err(error));
            }
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Ok(event));
            }
            let mut buffer = self.shared.read_buffer.borrow_mut();
            let received = ready!(self.io.poll_recv(cx, &mut buffer));
            let n = received.map_err(|error| RequestError::from_io(Operation::Read, &error))?.len;
            if n == 0 {
                return Poll::Ready(Err(RequestError::generic("unexpected EOF")));
            }
            self.input.extend_from_slice(&buffer[..n]);
        }
    }

    fn take(&mut self, frame: frame::Frame) -> Result<(), RequestError> {
        let event = match frame.opcode {
            Opcode::Ping => {
                self.queue(Opcode::Pong, &frame.payload);
                WebSocketEvent::Ping(frame.payload)
            }
            Opcode::Pong => WebSocketEvent::Pong(frame.payload),
            Opcode::Close => {
                let (code, reason) = match frame.payload.split_at_checked(2) {
                    Some((code, reason)) => {
                        (u16::from_be_bytes([code[0], code[1]]), String::from_utf8_lossy(reason).into_owned())
                    }
                    None => (1005, String::new()),
                };
                self.close(if code == 1005 { 1000 } else { code }, "");
                WebSocketEvent::Close(code, reason)
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                let message = match (self.message.take(), frame.opcode) {
                    (Some((opcode, mut bytes)), Opcode::Continuation) => {
                        bytes.extend_from_slice(&frame.payload);
                        (opcode, bytes)
                    }
                    (None, Opcode::Text | Opcode::Binary) => (frame.opcode, frame.payload),
                    _ => return Err(broken("the pieces of a message are out of order")),
                };
                if !frame.last {
                    self.message = Some(message);
                    return Ok(());
                }
                match message {
                    (Opcode::Text, bytes) => {
                        WebSocketEvent::Text(String::from_utf8_lossy(&bytes).into_owned())
                    }
                    (_, bytes) => WebSocketEvent::Binary(bytes),
                }
            }
        };
        self.ready.push_back(event);
        Ok(())
    }
}

fn broken(what: &str) -> RequestError {
    RequestError::generic(format!("websocket: {what}"))
}
