//! Commands: the handshake's READY and ERROR, and 3.1's PING and PONG.

use std::fmt;

use crate::error::Error;

const SOCKET_TYPE: &str = "Socket-Type";
const IDENTITY: &str = "Identity";
/// A routing id is at most so long, by ZMTP.
const IDENTITY_AT_MOST: usize = 255;

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketType {
    /// Many peers, told apart by their identities.
    Router,
    /// One of the peers of a router.
    Dealer,
}

impl SocketType {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Router => "ROUTER",
            Self::Dealer => "DEALER",
        }
    }

    /// What the other end must be.
    pub(crate) fn partner(self) -> Self {
        match self {
            Self::Router => Self::Dealer,
            Self::Dealer => Self::Router,
        }
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a peer says of itself in READY.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) socket_type: Vec<u8>,
    pub(crate) identity: Vec<u8>,
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    Ready(Ready),
    /// The peer does not want us; the reason, as bytes.
    Error(&'a [u8]),
    /// To be answered with the same context; how long the peer would wait is its own business.
    Ping(&'a [u8]),
    Pong,
    /// A command of other socket types or of a later version, which changes nothing here.
    Other,
}

impl<'a> Command<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Error> {
        let (name, data) = short(body).ok_or(Error::Malformed("command: it has no name"))?;
        Ok(match name {
            b"READY" => Self::Ready(read_ready(data)?),
            b"ERROR" => Self::Error(short(data).ok_or(Error::Malformed("ERROR command"))?.0),
            // Two bytes of time, then up to 16 of context.
            b"PING" => match data {
                [_, _, context @ ..] if context.len() <= 16 => Self::Ping(context),
                _ => return Err(Error::Malformed("PING command")),
            },
            b"PONG" => Self::Pong,
            _ => Self::Other,
        })
    }
}

/// The body of a READY command.
pub(crate) fn ready(socket_type: SocketType, identity: &[u8]) -> Vec<u8> {
    let mut body = named("READY");
    for (name, value) in [(SOCKET_TYPE, socket_type.name().as_bytes()), (IDENTITY, identity)] {
        body.push(name.len() as u8);
        body.extend(name.bytes());
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value);
    }
    body
}

/// The body of a PONG command.
pub(crate) fn pong(context: &[u8]) -> Vec<u8> {
    let mut body = named("PONG");
    body.extend(context);
    body
}

fn named(name: &str) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend(name.bytes());
    body
}

/// A text with its length before it in one byte, and what follows.
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

fn read_ready(mut data: &[u8]) -> Result<Ready, Error> {
    let malformed = Error::Malformed("READY command");
    let mut ready = Ready::default();
    while !data.is_empty() {
        let (name, rest) = short(data).ok_or(malformed.clone())?;
        let (length, rest) = rest.split_first_chunk().ok_or(malformed.clone())?;
        let length = u32::from_be_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).ok_or(malformed.clone())?;
        // Names are equal whatever their case (37/ZMTP, "metadata"); unknown ones mean nothing to us.
        if name.eq_ignore_ascii_case(SOCKET_TYPE.as_bytes()) {
            ready.socket_type = value.to_vec();
        } else if name.eq_ignore_ascii_case(IDENTITY.as_bytes()) {
            if value.len() > IDENTITY_AT_MOST {
                let (size, limit) = (value.len() as u64, IDENTITY_AT_MOST as u64);
                return Err(Error::TooLarge { what: "an identity", size, limit });
            }
            ready.identity = value.to_vec();
        }
        data = rest;
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_says_type_and_identity() {
        let body = ready(SocketType::Dealer, b"host_1");
        assert_eq!(&body[..18], b"\x05READY\x0bSocket-Type");
        let Ok(Command::Ready(read)) = Command::read(&body) else { panic!("{body:?}") };
        assert_eq!(read, Ready { socket_type: b"DEALER".to_vec(), identity: b"host_1".to_vec() });
    }

    #[test]
    fn metadata_is_read_in_any_case_and_unknown_metadata_is_passed_over() {
        let body = b"\x05READY\x06X-Some\0\0\0\x01!\x08identity\0\0\0\x02ab\x0bSOCKET-TYPE\0\0\0\x06ROUTER";
        let Ok(Command::Ready(read)) = Command::read(body) else { panic!() };
        assert_eq!((&read.socket_type[..], &read.identity[..]), (&b"ROUTER"[..], &b"ab"[..]));
    }

    #[test]
    fn metadata_that_promises_more_than_there_is_is_refused() {
        for body in
            [&b"\x05READY\x0bSocket-Type\xff\xff\xff\xffDEALER"[..], b"\x05READY\x0bSock", b"\x05READ", b""]
        {
            assert!(matches!(Command::read(body), Err(Error::Malformed(_))), "{body:?}");
        }
        let mut body = b"\x05READY\x08Identity\0\0\x01\0".to_vec();
        body.extend([b'a'; 256]);
        assert!(matches!(Command::read(&body), Err(Error::TooLarge { what: "an identity", .. })));
    }

    #[test]
    fn pings_carry_a_context_and_other_commands_nothing_of_account() {
        assert_eq!(Command::read(b"\x04PING\0\x0acontext"), Ok(Command::Ping(b"context")));
        assert_eq!(Command::read(&pong(b"context")), Ok(Command::Pong));
        assert_eq!(Command::read(b"\x05ERROR\x03why"), Ok(Command::Error(b"why")));
        assert_eq!(Command::read(b"\x09SUBSCRIBEtopic"), Ok(Command::Other));
    }
}
