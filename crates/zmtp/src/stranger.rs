//! Tells from its first bytes what a client is that does not speak ZMTP, for the line in the log.

use std::fmt;

/// What a client seems to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// HTTP/1: a browser, a health check.
    Http1,
    /// HTTP/2 without TLS: gRPC, such as a worker of throng's own cluster.
    Http2,
    /// TLS.
    Tls,
    /// Something else.
    Unknown,
}

impl Stranger {
    /// What these first bytes look like.
    pub fn guess(bytes: &[u8]) -> Self {
        const METHODS: [&[u8]; 7] =
            [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT "];
        let begins = |with: &[u8]| {
            let length = bytes.len().min(with.len());
            length > 2 && bytes[..length] == with[..length]
        };
        if begins(b"PRI * HTTP/2") {
            Self::Http2
        } else if METHODS.into_iter().any(begins) {
            Self::Http1
        } else if matches!(bytes, [0x16, 3, ..]) {
            Self::Tls
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http1 => "this looks like HTTP (a browser or a health check)",
            Self::Http2 => {
                "this looks like gRPC over HTTP/2 (`throng worker` belongs to `throng controller`)"
            }
            Self::Tls => "this looks like TLS, which this port does not have",
            Self::Unknown => "the first bytes are not known",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_knocks_at_the_wrong_door_is_named() {
        assert_eq!(Stranger::guess(b"GET / HTTP/1.1\r\n"), Stranger::Http1);
        assert_eq!(Stranger::guess(b"PRI * HTTP/2.0\r\n\r\nSM"), Stranger::Http2);
        assert_eq!(Stranger::guess(&[0x16, 3, 1, 2, 0]), Stranger::Tls);
        assert_eq!(Stranger::guess(b"SSH-2.0-OpenSSH_9.2"), Stranger::Unknown);
        assert_eq!(Stranger::guess(b"P"), Stranger::Unknown);
    }
}
