//! One side of one connection: greeting, handshake, then messages.

use std::collections::VecDeque;

use crate::command::{self, Command, SocketType};
use crate::error::Error;
use crate::frame::{self, Frame};
use crate::greeting;
use crate::limits::Limits;

/// Bytes on their way out beyond which pings stay unanswered.
const UNREAD_AT_MOST: usize = 64 << 10;

/// What we say of ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Our kind of socket.
    pub socket_type: SocketType,
    /// By what a router knows us; at most 255 bytes, empty for a router.
    pub identity: Vec<u8>,
    /// What the peer may cost.
    pub limits: Limits,
}

/// What a peer said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// By what it wants to be known; may be empty.
    pub identity: Vec<u8>,
    /// The minor version of its ZMTP 3.
    pub minor_version: u8,
}

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake is complete.
    Ready(Peer),
    /// A message, in its parts.
    Message(Vec<Vec<u8>>),
}

#[derive(Debug)]
enum State {
    /// Waiting for the peer's greeting.
    Greeting,
    /// Waiting for the peer's READY, with the minor version of its greeting.
    Handshake(u8),
    /// Messages go both ways.
    Open,
}

/// The state of a connection. Bytes of the peer go in by [`Self::receive`], bytes for it come out by
/// [`Self::take_output`].
///
/// Our greeting and READY are there at once: neither side needs to hear the other one first, except that READY may only
/// follow the peer's greeting.
#[derive(Debug)]
pub struct Connection {
    local: Local,
    state: State,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Messages that were sent before the handshake.
    early: Vec<u8>,
    /// The parts so far of the message that is coming.
    parts: Vec<Vec<u8>>,
    parts_size: u64,
    /// Whether there was a message already.
    heard: bool,
    events: VecDeque<Event>,
}

impl Connection {
    /// A connection that has just been made. What it has to say first is in [`Self::take_output`].
    pub fn new(local: Local) -> Self {
        Self {
            local,
            state: State::Greeting,
            input: Vec::new(),
            output: greeting::ours().to_vec(),
            early: Vec::new(),
            parts: Vec::new(),
            parts_size: 0,
            heard: false,
            events: VecDeque::new(),
        }
    }

    /// Takes bytes that the peer sent. After an error the connection is of no more use.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while let Some(length) = self.step(&input[at..])? {
            at += length;
        }
        self.input = input;
        self.input.drain(..at);
        if self.input.is_empty() && self.input.capacity() > 1 << 16 {
            // One large message must not hold its memory for ever.
            self.input = Vec::new();
        }
        Ok(())
    }

    /// The next event, in the order in which they came.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends a message of one part; before the handshake is complete it waits for that.
    pub fn send(&mut self, body: &[u8]) {
        let output = if matches!(self.state, State::Open) { &mut self.output } else { &mut self.early };
        frame::write(output, &Frame::Message { body, more: false });
    }

    /// The bytes that are to be written to the peer, once.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether the handshake is complete.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Changes how many bytes a message may have from now on.
    pub fn set_message_limit(&mut self, bytes: u64) {
        self.local.limits.message = bytes;
    }

    /// Takes one greeting or frame from the start of `input`; its length, or `None` if it is not complete.
    fn step(&mut self, input: &[u8]) -> Result<Option<usize>, Error> {
        if let State::Greeting = self.state {
            let Some(minor) = greeting::read(input)? else { return Ok(None) };
            let ready = command::ready(self.local.socket_type, &self.local.identity);
            frame::write(&mut self.output, &Frame::Command(&ready));
            self.state = State::Handshake(minor);
            return Ok(Some(greeting::LENGTH));
        }
        let mut limits = self.local.limits;
        if !self.heard {
            limits.message = limits.message.min(limits.first_message);
        }
        let Some((frame, length)) = frame::read(input, &limits, self.parts_size)? else { return Ok(None) };
        match frame {
            Frame::Command(body) => self.command(&Command::read(body)?)?,
            Frame::Message { body, more } => self.part(body, more)?,
        }
        Ok(Some(length))
    }

    fn command(&mut self, command: &Command<'_>) -> Result<(), Error> {
        match (&self.state, command) {
            (_, Command::Error(reason)) => Err(Error::Refused(String::from_utf8_lossy(reason).into_owned())),
            (State::Handshake(minor), Command::Ready(ready)) => {
                let wanted = self.local.socket_type.partner().name();
                if ready.socket_type != wanted.as_bytes() {
                    let found = String::from_utf8_lossy(&ready.socket_type).into_owned();
                    return Err(Error::SocketType { found, wanted });
                }
                let peer = Peer { identity: ready.identity.clone(), minor_version: *minor };
                self.state = State::Open;
                self.output.append(&mut self.early);
                self.events.push_back(Event::Ready(peer));
                Ok(())
            }
            (State::Handshake(_), _) => Err(Error::Malformed("handshake: READY is missing")),
            (_, Command::Ready(_)) => Err(Error::Malformed("READY command: there was one already")),
            (_, Command::Ping(context)) => {
                // Who does not read gets no more answers, rather than a store of them.
                if self.output.len() < UNREAD_AT_MOST {
                    frame::write(&mut self.output, &Frame::Command(&command::pong(context)));
                }
                Ok(())
            }
            (_, Command::Pong | Command::Other) => Ok(()),
        }
    }

    fn part(&mut self, body: &[u8], more: bool) -> Result<(), Error> {
        if !self.is_open() {
            return Err(Error::Malformed("handshake: READY is missing"));
        }
        let (size, limit) = (self.parts.len() as u64 + 1, self.local.limits.frames as u64);
        if size > limit {
            return Err(Error::TooLarge { what: "a number of parts", size, limit });
        }
        self.parts_size += body.len() as u64;
        self.parts.push(body.to_vec());
        if !more {
            self.heard = true;
            self.parts_size = 0;
            self.events.push_back(Event::Message(std::mem::take(&mut self.parts)));
        }
        Ok(())
    }
}
