//! A worker's side of a connection: TCP, TLS, HTTP/2, the one stream, and reading it.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tonic::Streaming;
use tonic::body::Body;

use super::FLUSH;
use super::frames::Frames;
use super::grpc;
use super::trouble::{Outlook, Trouble};
use crate::protocol::{Assembly, Frame, MAX_CONTROLLERS_MESSAGE, ToWorker};
use crate::worker::Event;

/// How long looking up, connecting and handshakes may take together.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a connection tells the pilot, with the number of the attempt: what an older one says is of no account.
pub(super) type Input = (u64, Event);

/// Where to connect and how.
#[derive(Clone)]
pub(super) struct Target {
    /// `HOST:PORT`.
    pub(super) address: String,
    /// The certificate's name and whom to trust.
    pub(super) tls: Option<(ServerName<'static>, Arc<rustls::ClientConfig>)>,
}

/// Connects, and reads until the end of the stream. The stream of requests ends when the sender of `requests` is dropped.
pub(super) async fn run(target: Target, attempt: u64, requests: Frames, inputs: mpsc::Sender<Input>) {
    let event = match attempt_it(target, attempt, requests, &inputs).await {
        Ok(()) => Event::Closed("it closed the connection".to_owned()),
        Err(Failed::NobodyListens(text)) => Event::NobodyListens(text),
        Err(Failed::Trouble(Trouble { text, outlook })) => match outlook {
            Outlook::Passing => Event::Closed(text),
            Outlook::Doubtful => Event::Doubtful(text),
            Outlook::Lasting => Event::Untrusted(text),
        },
    };
    let _ = inputs.send((attempt, event)).await;
}

async fn attempt_it(
    target: Target,
    attempt: u64,
    requests: Frames,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Failed> {
    let io = in_time(connect(target)).await??;
    exchange(io, attempt, requests, inputs).await
}

/// Why an attempt ended.
#[derive(Debug)]
enum Failed {
    /// The system's own answer, and only to connecting: who listens but cannot talk is not dead.
    NobodyListens(String),
    /// All else.
    Trouble(Trouble),
}

impl Failed {
    fn saying(text: impl Into<String>) -> Self {
        Self::Trouble(Trouble::passing(text))
    }
}

impl<E: Error + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Trouble(Trouble::of(&error))
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> Result<T, Failed> {
    let late = |_| Failed::saying(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, what).await.map_err(late)
}

/// A connection of either kind.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

async fn connect(target: Target) -> Result<Box<dyn Io>, Failed> {
    let stream = TcpStream::connect(&target.address).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Failed::NobodyListens(error.to_string()),
        _ => error.into(),
    })?;
    stream.set_nodelay(true)?;
    Ok(match target.tls {
        None => Box::new(stream),
        Some((name, config)) => {
            let stream = TlsConnector::from(config).connect(name, stream).await;
            Box::new(stream.map_err(|error| Failed::Trouble(Trouble::of_handshake(&error)))?)
        }
    })
}

async fn exchange(
    io: Box<dyn Io>,
    attempt: u64,
    requests: Frames,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Failed> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .handshake::<_, Body>(TokioIo::new(io))
        .await?;
    let mut connection = tokio::spawn(connection);
    let frames = match in_time(grpc::open(sender, requests)).await? {
        Ok(frames) => frames,
        Err(status) => {
            // What ended the connection says more than what became of the call, if there is such a thing.
            let ended = tokio::time::timeout(FLUSH, &mut connection).await;
            connection.abort();
            return Err(match ended {
                Ok(Ok(Err(error))) => error.into(),
                _ => status.into(),
            });
        }
    };
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Failed::saying("the system gave no random numbers"))?;
    let result = match inputs.send((attempt, Event::Connected(nonce))).await {
        Ok(()) => read(frames, attempt, inputs).await,
        Err(_) => Ok(()),
    };
    // What was queued may still have to leave; the connection ends by itself once both streams have.
    if tokio::time::timeout(FLUSH, &mut connection).await.is_err() {
        connection.abort();
    }
    result
}

async fn read(
    mut frames: Streaming<Frame>,
    attempt: u64,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Failed> {
    let mut assembly = Assembly::default();
    while let Some(frame) = frames.message().await? {
        let event = match assembly.add(frame, MAX_CONTROLLERS_MESSAGE)? {
            None => Event::Heard,
            Some(message) => match ToWorker::decode(message)?.message {
                Some(message) => Event::Received(message),
                None => return Err(Failed::saying("it sent an unknown message")),
            },
        };
        if inputs.send((attempt, event)).await.is_err() {
            break;
        }
    }
    Ok(())
}
