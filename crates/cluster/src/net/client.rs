//! A worker's side of a connection: TCP, TLS, HTTP/2, the one stream, and reading it.

use std::fmt;
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
    let event = match tokio::time::timeout(PATIENCE, connect(target)).await {
        Err(_) => Event::Closed(format!("no answer within {} s", PATIENCE.as_secs())),
        // The system's own answer, and only to connecting: who listens but cannot talk is not dead.
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Event::NobodyListens(error.to_string())
        }
        Ok(Err(error)) => Event::Closed(error.to_string()),
        Ok(Ok(io)) => match exchange(io, attempt, requests, &inputs).await {
            Ok(()) => Event::Closed("it closed the connection".to_owned()),
            Err(error) => Event::Closed(error.to_string()),
        },
    };
    let _ = inputs.send((attempt, event)).await;
}

/// A connection of either kind.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

async fn connect(target: Target) -> io::Result<Box<dyn Io>> {
    let stream = TcpStream::connect(&target.address).await?;
    stream.set_nodelay(true)?;
    Ok(match target.tls {
        None => Box::new(stream),
        Some((name, config)) => Box::new(TlsConnector::from(config).connect(name, stream).await?),
    })
}

/// Why an exchange ended.
#[derive(Debug)]
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Broken {
    fn from(error: E) -> Self {
        // hyper's own text says only that the connection failed; its source says how.
        Self(error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}")))
    }
}

async fn exchange(
    io: Box<dyn Io>,
    attempt: u64,
    requests: Frames,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Broken> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .handshake::<_, Body>(TokioIo::new(io))
        .await?;
    let connection = tokio::spawn(connection);
    let opened = tokio::time::timeout(PATIENCE, grpc::open(sender, requests));
    let opened = opened.await.map_err(|_| Broken(format!("no answer within {} s", PATIENCE.as_secs())))?;
    let frames = opened.map_err(|status| Broken(status.message().to_owned()))?;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Broken("the system gave no random numbers".to_owned()))?;
    let result = match inputs.send((attempt, Event::Connected(nonce))).await {
        Ok(()) => read(frames, attempt, inputs).await,
        Err(_) => Ok(()),
    };
    // What was queued may still have to leave; the connection ends by itself once both streams have.
    let mut connection = connection;
    if tokio::time::timeout(FLUSH, &mut connection).await.is_err() {
        connection.abort();
    }
    result
}

async fn read(
    mut frames: Streaming<Frame>,
    attempt: u64,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), Broken> {
    let mut assembly = Assembly::default();
    while let Some(frame) = frames.message().await.map_err(|status| Broken(status.message().to_owned()))? {
        let event = match assembly.add(frame, MAX_CONTROLLERS_MESSAGE)? {
            None => Event::Heard,
            Some(message) => match ToWorker::decode(message)?.message {
                Some(message) => Event::Received(message),
                None => return Err(Broken("it sent an unknown message".to_owned())),
            },
        };
        if inputs.send((attempt, event)).await.is_err() {
            break;
        }
    }
    Ok(())
}
