//! Redis's protocol (RESP 2): commands are lists of texts, replies are of five kinds.
//!
//! By hand: one command is sent at a time, and the whole of the protocol is below. The usual crate is made for clusters,
//! scripts and pipelines, and would change the features of half of what this workspace builds.

use std::io;
use std::pin::Pin;

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream,
};
use tokio::net::TcpStream;

/// Lines are short; this is one that cannot be.
const LONGEST_LINE: u64 = 1 << 20;
/// Lists lie at most so deep in each other.
const DEEPEST: usize = 8;

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A short text of the server's own, such as `OK`.
    Status(String),
    /// A value.
    Bytes(Vec<u8>),
    /// A number.
    Integer(i64),
    /// Several.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
    /// A refusal, where it is one of several replies.
    Refused(String),
}

impl Reply {
    /// The text of a value or of a status.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Status(text) => Some(text.clone()),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }
}

/// Why a command has no reply.
#[derive(Debug)]
pub enum RespError {
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

/// How much one reply may have: what a server says of itself is small, what it keeps need not be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a value.
    pub longest: usize,
    /// Elements of a list.
    pub most: usize,
}

/// A connection over a stream.
pub struct Connection<S> {
    stream: BufStream<S>,
    limits: Limits,
    has_heard: bool,
}

impl Connection<TcpStream> {
    /// Connects without encryption.
    pub async fn open(host: &str, port: u16, limits: Limits) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream, limits))
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply, RespError>> + Send + 'a>>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// A connection over a stream that stands.
    pub fn over(stream: S, limits: Limits) -> Self {
        Self { stream: BufStream::new(stream), limits, has_heard: false }
    }

    /// The stream.
    pub fn stream(&self) -> &S {
        self.stream.get_ref()
    }

    /// Whether the server has begun to answer what was sent last.
    pub fn has_heard(&self) -> bool {
        self.has_heard
    }

    /// Sends a command.
    pub async fn send(&mut self, command: &[impl AsRef<[u8]>]) -> io::Result<()> {
        self.has_heard = false;
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for part in command.iter().map(AsRef::as_ref) {
            request.extend(format!("${}\r\n", part.len()).bytes());
            request.extend(part);
            request.extend(b"\r\n");
        }
        self.stream.write_all(&request).await?;
        self.stream.flush().await
    }

    /// Waits for the reply to a command that was sent.
    pub async fn receive(&mut self) -> Result<Reply, RespError> {
        match self.reply(0).await? {
            Reply::Refused(text) => Err(RespError::Refused(text)),
            reply => Ok(reply),
        }
    }

    /// Sends a command and waits for its reply.
    pub async fn ask(&mut self, command: &[impl AsRef<[u8]>]) -> Result<Reply, RespError> {
        self.send(command).await?;
        self.receive().await
    }

    fn reply(&mut self, depth: usize) -> Pending<'_> {
        Box::pin(async move {
            let line = self.line().await?;
            let (kind, rest) = line.split_at_checked(1).ok_or_else(|| broken("an empty reply"))?;
            match kind {
                "+" => Ok(Reply::Status(rest.to_owned())),
                "-" => Ok(Reply::Refused(rest.to_owned())),
                ":" => Ok(Reply::Integer(rest.parse().map_err(|_| broken("no number"))?)),
                "$" => match length(rest, self.limits.longest)? {
                    None => Ok(Reply::Nil),
                    Some(length) => {
                        let mut bytes = vec![0; length + 2];
                        self.stream.read_exact(&mut bytes).await?;
                        bytes.truncate(length);
                        Ok(Reply::Bytes(bytes))
                    }
                },
                "*" if depth < DEEPEST => match length(rest, self.limits.most)? {
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
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut line).await;
        self.has_heard |= !line.is_empty();
        read?;
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

    const LIMITS: Limits = Limits { longest: 1 << 20, most: 10_000 };

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
            let mut connection = Connection::open("127.0.0.1", port, LIMITS).await.unwrap();
            connection.ask(&["INFO"]).await
        };
        tokio::join!(serve, ask).1
    }

    #[tokio::test]
    async fn replies_of_all_kinds_are_read() {
        let bytes = |text: &str| Reply::Bytes(text.into());
        assert_eq!(answered(b"+OK\r\n").await.unwrap(), Reply::Status("OK".to_owned()));
        assert_eq!(answered(b"$7\r\na\r\nb\r\nc\r\n").await.unwrap(), bytes("a\r\nb\r\nc"));
        assert_eq!(answered(b"$-1\r\n").await.unwrap(), Reply::Nil);
        let nested = answered(b"*3\r\n*2\r\n:7\r\n$1\r\nx\r\n:-1\r\n-NO x\r\n").await.unwrap();
        let inner = Reply::List(vec![Reply::Integer(7), bytes("x")]);
        let refused = Reply::Refused("NO x".to_owned());
        assert_eq!(nested, Reply::List(vec![inner, Reply::Integer(-1), refused]));
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
