//! Redis's protocol (RESP 2), as far as asking a server how it fares needs it.
//!
//! By hand: three commands are sent, one at a time, and the whole of the protocol is below. The usual crate is made for
//! clusters, scripts and pipelines, and would change the features of half of what this workspace builds.

use std::io;
use std::pin::Pin;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

/// A reply is at most so long: `INFO` has some kilobytes.
const LONGEST: usize = 1 << 20;
/// And a list is at most so long, and lists lie at most so deep in each other.
const MOST: usize = 10_000;
const DEEPEST: usize = 5;

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// A text.
    Text(String),
    /// A number.
    Integer(i64),
    /// Several.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
}

/// Why a command has no reply.
#[derive(Debug)]
pub(super) enum RespError {
    /// The connection failed, or what came is not the protocol.
    Io(io::Error),
    /// The server refused.
    Refused(String),
}

impl From<io::Error> for RespError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A connection.
pub(super) struct Connection(BufStream<TcpStream>);

impl Connection {
    pub(super) async fn open(host: &str, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufStream::new(stream)))
    }

    /// Sends a command and waits for its reply.
    pub(super) async fn ask(&mut self, command: &[&str]) -> Result<Reply, RespError> {
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            request.extend(format!("${}\r\n{part}\r\n", part.len()).bytes());
        }
        self.0.write_all(&request).await?;
        self.0.flush().await?;
        self.reply(0).await
    }

    fn reply(&mut self, depth: usize) -> Pin<Box<dyn Future<Output = Result<Reply, RespError>> + Send + '_>> {
        Box::pin(async move {
            let line = self.line().await?;
            let (kind, rest) = line.split_at_checked(1).ok_or_else(|| broken("an empty reply"))?;
            match kind {
                "+" => Ok(Reply::Text(rest.to_owned())),
                "-" => Err(RespError::Refused(rest.to_owned())),
                ":" => Ok(Reply::Integer(rest.parse().map_err(|_| broken("no number"))?)),
                "$" => match length(rest, LONGEST)? {
                    None => Ok(Reply::Nil),
                    Some(length) => {
                        let mut bytes = vec![0; length + 2];
                        self.0.read_exact(&mut bytes).await?;
                        bytes.truncate(length);
                        Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
                    }
                },
                "*" if depth < DEEPEST => match length(rest, MOST)? {
                    None => Ok(Reply::Nil),
                    Some(length) => {
                        let mut list = Vec::new();
                        for _ in 0..length {
                            list.push(self.reply(depth + 1).await?);
                        }
                        Ok(Reply::List(list))
                    }
                },
                _ => Err(broken("the answer is not Redis's protocol").into()),
            }
        })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut limited = (&mut self.0).take(LONGEST as u64);
        limited.read_until(b'\n', &mut line).await?;
        let text = line.strip_suffix(b"\r\n").ok_or_else(|| {
            if line.is_empty() {
                io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
            } else {
                broken("a line without an end")
            }
        })?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

/// A length; none is nil.
fn length(text: &str, most: usize) -> io::Result<Option<usize>> {
    if text == "-1" {
        return Ok(None);
    }
    let length = text.parse::<usize>().ok().filter(|length| *length <= most);
    length.map(Some).ok_or_else(|| broken("a length that cannot be"))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What becomes of these bytes as an answer.
    async fn answered(bytes: &'static [u8]) -> Result<Reply, RespError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 14];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(&request, b"*1\r\n$4\r\nINFO\r\n");
            stream.write_all(bytes).await.unwrap();
        };
        let ask = async {
            let mut connection = Connection::open("127.0.0.1", port).await.unwrap();
            connection.ask(&["INFO"]).await
        };
        tokio::join!(serve, ask).1
    }

    #[tokio::test]
    async fn replies_of_all_kinds_are_read() {
        let text = |text: &str| Reply::Text(text.to_owned());
        assert_eq!(answered(b"+OK\r\n").await.unwrap(), text("OK"));
        assert_eq!(answered(b"$7\r\na\r\nb\r\nc\r\n").await.unwrap(), text("a\r\nb\r\nc"));
        assert_eq!(answered(b"$-1\r\n").await.unwrap(), Reply::Nil);
        let nested = answered(b"*2\r\n*2\r\n:7\r\n$1\r\nx\r\n:-1\r\n").await.unwrap();
        let inner = Reply::List(vec![Reply::Integer(7), text("x")]);
        assert_eq!(nested, Reply::List(vec![inner, Reply::Integer(-1)]));
    }

    #[tokio::test]
    async fn what_is_no_reply_is_an_error() {
        assert!(
            matches!(answered(b"-NOAUTH x\r\n").await, Err(RespError::Refused(text)) if text == "NOAUTH x")
        );
        for bytes in [
            &b""[..],
            b"HTTP/1.1 400\r\n",
            b"$99999999\r\n",
            b"*99999\r\n",
            b"$5\r\nab",
            b"\xff\r\n",
            b":x\r\n",
        ] {
            assert!(matches!(answered(bytes).await, Err(RespError::Io(_))), "{bytes:?}");
        }
    }
}
