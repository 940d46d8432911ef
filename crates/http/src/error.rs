//! Why a request failed, in k6's numbers and words.
//!
//! The codes are documented by k6 (the `error_code` tag); the texts are what k6 1.1 was observed to say,
//! because scripts and dashboards match on them.

use std::io;

use bytes::Bytes;

use crate::response::Head;
use crate::url::UrlError;

/// k6's `error_code` values.
pub mod code {
    /// Anything that has no number of its own.
    pub const GENERIC: u16 = 1000;
    /// The URL could not be parsed.
    pub const INVALID_URL: u16 = 1020;
    /// The request took longer than its timeout.
    pub const REQUEST_TIMEOUT: u16 = 1050;
    /// The name could not be looked up.
    pub const DNS: u16 = 1100;
    /// The name does not exist.
    pub const NO_SUCH_HOST: u16 = 1101;
    /// The address is in `blacklistIPs`.
    pub const BLACKLISTED_IP: u16 = 1110;
    /// The name is in `blockHostnames`.
    pub const BLOCKED_HOSTNAME: u16 = 1111;
    /// A network operation failed in a way that has no number of its own.
    pub const TCP: u16 = 1200;
    /// The peer closed while we were writing.
    pub const BROKEN_PIPE: u16 = 1201;
    /// A network operation failed with an error number that is not listed.
    pub const UNKNOWN_ERRNO: u16 = 1202;
    /// Connecting failed in a way that has no number of its own.
    pub const DIAL: u16 = 1210;
    /// Connecting took too long.
    pub const DIAL_TIMEOUT: u16 = 1211;
    /// Nobody listens there.
    pub const DIAL_REFUSED: u16 = 1212;
    /// Connecting failed with an error number that is not listed.
    pub const DIAL_UNKNOWN_ERRNO: u16 = 1213;
    /// The peer reset the connection.
    pub const RESET_BY_PEER: u16 = 1220;
    /// TLS failed in a way that has no number of its own.
    pub const TLS: u16 = 1300;
    /// The peer does not speak TLS.
    pub const TLS_RECORD: u16 = 1301;
    /// The certificate is signed by nobody we know.
    pub const UNKNOWN_AUTHORITY: u16 = 1310;
    /// The certificate is for another name.
    pub const HOSTNAME_MISMATCH: u16 = 1311;
    /// HTTP/2 failed in a way that has no number of its own.
    pub const HTTP2: u16 = 1600;
    /// The peer sent GOAWAY with an unknown code; known ones are added to this plus one.
    pub const HTTP2_GOAWAY: u16 = 1610;
    /// A stream failed with an unknown code; known ones are added to this plus one.
    pub const HTTP2_STREAM: u16 = 1630;
    /// The connection failed with an unknown code; known ones are added to this plus one.
    pub const HTTP2_CONNECTION: u16 = 1650;
    /// The body could not be decompressed.
    pub const DECOMPRESSION: u16 = 1701;
}

/// What happened, for a host that has other words for it than k6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cause {
    /// Nothing that is told apart here: the message says it.
    #[default]
    Other,
    /// A system call on the socket failed with this error number.
    Os(i32),
    /// The peer closed the connection before any of the response had come.
    Closed,
    /// The peer closed the connection within the response.
    Truncated {
        /// Bytes of the body that came.
        received: u64,
        /// Bytes of the body that were announced and did not come, if they were counted.
        missing: Option<u64>,
    },
    /// What came is no HTTP; its first line.
    NotHttp(Vec<u8>),
}

/// A request that brought no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// k6's `error_code`.
    pub code: u16,
    /// k6's `error`.
    pub message: String,
    /// What had been received of the body when it failed.
    pub partial_body: Option<Bytes>,
    /// Status and head of the response, if it failed after these.
    pub partial_head: Option<Box<(u16, Head)>>,
    /// What happened.
    pub cause: Cause,
}

impl RequestError {
    /// An error with its code and text.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), partial_body: None, partial_head: None, cause: Cause::Other }
    }

    /// An error without a number of its own.
    pub fn generic(message: impl Into<String>) -> Self {
        Self::new(code::GENERIC, message)
    }

    /// The request took longer than its timeout.
    pub fn timeout() -> Self {
        Self::new(code::REQUEST_TIMEOUT, "request timeout")
    }

    /// The same error with what happened.
    pub(crate) fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// An error of an established connection.
    pub(crate) fn from_io(operation: Operation, error: &io::Error) -> Self {
        let cause = error.raw_os_error().map_or(Cause::Other, Cause::Os);
        Self::describe_io(operation, error).because(cause)
    }

    fn describe_io(operation: Operation, error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            return crate::tls::describe(tls);
        }
        let verb = match operation {
            Operation::Read => "read",
            Operation::Write => "write",
        };
        match error.kind() {
            io::ErrorKind::ConnectionReset => {
                Self::new(code::RESET_BY_PEER, format!("{verb}: connection reset by peer"))
            }
            io::ErrorKind::BrokenPipe => Self::new(code::BROKEN_PIPE, format!("{verb}: broken pipe")),
            io::ErrorKind::UnexpectedEof => Self::generic("unexpected EOF"),
            _ => match error.raw_os_error() {
                Some(errno) => Self::new(code::UNKNOWN_ERRNO, unknown_errno(verb, errno, error)),
                None => Self::new(code::TCP, format!("{verb}: {error}")),
            },
        }
    }

    /// An error of connecting.
    pub(crate) fn from_dial(error: &io::Error) -> Self {
        let cause = error.raw_os_error().map_or(Cause::Other, Cause::Os);
        Self::describe_dial(error).because(cause)
    }

    fn describe_dial(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::new(code::DIAL_REFUSED, "dial: connection refused"),
            io::ErrorKind::TimedOut => Self::new(code::DIAL_TIMEOUT, "dial: i/o timeout"),
            io::ErrorKind::ConnectionReset => {
                Self::new(code::RESET_BY_PEER, "dial: connection reset by peer")
            }
            _ => match error.raw_os_error() {
                Some(errno) => Self::new(code::DIAL_UNKNOWN_ERRNO, unknown_errno("dial", errno, error)),
                None => Self::new(code::DIAL, format!("dial: {error}")),
            },
        }
    }
}

fn unknown_errno(verb: &str, errno: i32, error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    format!("{verb}: unknown errno {errno} error with msg `{text}`")
}

impl From<&UrlError> for RequestError {
    fn from(error: &UrlError) -> Self {
        Self::new(code::INVALID_URL, format!("invalid URL: {error}"))
    }
}

/// What was being done to an established connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Write,
}

/// k6's `error_code` of a response: 1000 plus the status from 400 on, none below.
pub fn code_of_status(status: u16) -> Option<u16> {
    (400..1000).contains(&status).then_some(1000 + status)
}
