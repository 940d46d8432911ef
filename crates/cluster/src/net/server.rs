//! The controller's side of connections: who is it by its first byte, TLS, HTTP/2, and the one stream.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tonic::Streaming;

use super::FLUSH;
use super::frames::{Frames, Outgoing, outgoing};
use super::grpc;
use super::strangers::{PATIENCE, Strangers, Verdict};
use super::trouble;
use crate::controller::{ConnectionId, Event};
use crate::protocol::{Assembly, Frame, MAX_STRANGERS_MESSAGE, MAX_WORKERS_MESSAGE, ToController};

/// What connections tell the hub.
#[derive(Debug)]
pub(super) enum Input {
    /// A stream was opened; dropping the handle closes it.
    Opened { connection: ConnectionId, address: SocketAddr, handle: Handle },
    /// For the machine.
    Event(Event),
}

/// What the hub keeps of a connection.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) outgoing: Outgoing,
    /// Dropped with the handle, which tells the connection to end.
    _open: oneshot::Sender<()>,
}

/// What all connections share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) strangers: Strangers,
    pub(super) tls: Option<TlsAcceptor>,
    /// Dropped when the last connection has ended.
    pub(super) _alive: mpsc::Sender<()>,
}

/// Takes connections until the hub is gone.
pub(super) async fn listen(listener: TcpListener, server: Server) {
    let server = Arc::new(server);
    for number in 0.. {
        let connection = ConnectionId(number);
        let (stream, address) = loop {
            tokio::select! {
                () = server.inputs.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => break accepted,
                    // Out of descriptors, mostly: strangers time out, so it will get better.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                }
            }
        };
        let verdict = server.strangers.add(connection);
        let server = server.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = connect(&server, connection, stream, address) => {}
                () = expired(verdict) => {}
            }
            server.strangers.remove(connection);
        });
    }
}

/// Ends when a stranger's time is up, or another one needs its place; never for a worker.
async fn expired(verdict: oneshot::Receiver<Verdict>) {
    if let Ok(Ok(Verdict::Stay)) = tokio::time::timeout(PATIENCE, verdict).await {
        std::future::pending::<()>().await;
    }
}

async fn connect(server: &Arc<Server>, connection: ConnectionId, stream: TcpStream, address: SocketAddr) {
    // Heartbeats are small and must not wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let mut first = [0_u8];
    if !matches!(stream.peek(&mut first).await, Ok(1)) {
        return;
    }
    let turned_away = |reason: String| Input::Event(Event::TurnedAway { address, reason });
    let reason = match (first[0], &server.tls) {
        (0x16, Some(tls)) => match tls.accept(stream).into_fallible().await {
            Ok(stream) => return serve(server, connection, stream, address).await,
            Err((error, stream)) => {
                let _ = server.inputs.send(turned_away(trouble::seen_by_controller(&error))).await;
                // The alert has been sent.
                return last_words(stream, &[]).await;
            }
        },
        (0x16, None) => "it speaks TLS, and this controller has no certificate".to_owned(),
        (0xff, _) => {
            "it speaks Locust's protocol (ZMTP), and this controller runs a k6 script; for Locust workers \
                      start a master with `throng locust --master`"
                .to_owned()
        }
        (b'P', None) => return serve(server, connection, stream, address).await,
        (b'P', Some(_)) => {
            let reason = "it does not speak TLS, which this controller asks for";
            let _ = server.inputs.send(turned_away(reason.to_owned())).await;
            return last_words(stream, &trouble::refusal_of_plain()).await;
        }
        _ => "it speaks neither HTTP/2 nor TLS".to_owned(),
    };
    let _ = server.inputs.send(turned_away(reason)).await;
}

/// Says this and closes. What the other side had sent is read first, a little of it and for a moment: a connection that is
/// closed over unread bytes is reset, and what was said is lost with it.
async fn last_words(mut stream: TcpStream, words: &[u8]) {
    let leave = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        for _ in 0..64 {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    // Who does not take them does without.
    let _ = tokio::time::timeout(FLUSH, leave).await;
}

async fn serve<I>(server: &Arc<Server>, connection: ConnectionId, io: I, address: SocketAddr)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (outgoing, responses) = outgoing();
    let (open, closed) = oneshot::channel::<()>();
    let handle = Handle { outgoing, _open: open };
    let once = std::sync::Mutex::new(Some((handle, responses)));
    let service = service_fn(|request| {
        let stream = once.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let server = server.clone();
        async move {
            let (handle, responses) =
                stream.map_or((None, None), |(h, r): (Handle, Frames)| (Some(h), Some(r)));
            let accept = move |frames| {
                if let Some(handle) = handle {
                    tokio::spawn(read(server, connection, address, handle, frames));
                }
            };
            Ok::<_, std::convert::Infallible>(grpc::answer(request, responses, accept).await)
        }
    });
    let served = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(2)
        .max_header_list_size(16 << 10)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .serve_connection(TokioIo::new(io), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // A broken connection is noticed by its reader.
        _ = served.as_mut() => {}
        _ = closed => {
            served.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FLUSH, served).await;
        }
    }
}

/// Reads a stream to its end.
async fn read(
    server: Arc<Server>,
    connection: ConnectionId,
    address: SocketAddr,
    handle: Handle,
    mut frames: Streaming<Frame>,
) {
    if server.inputs.send(Input::Opened { connection, address, handle }).await.is_err() {
        return;
    }
    let mut assembly = Assembly::default();
    let why = loop {
        let frame = match frames.message().await {
            Ok(Some(frame)) => frame,
            Ok(None) => break "the worker closed it".to_owned(),
            Err(status) => break status.message().to_owned(),
        };
        let stranger = server.strangers.contains(connection);
        let limit = if stranger { MAX_STRANGERS_MESSAGE } else { MAX_WORKERS_MESSAGE };
        let event = match assembly.add(frame, limit) {
            Ok(None) => Event::Heard(connection),
            Ok(Some(message)) => match ToController::decode(message) {
                Ok(ToController { message: Some(message) }) => Event::Received { connection, message },
                Ok(ToController { message: None }) => break "it sent an unknown message".to_owned(),
                Err(error) => break error.to_string(),
            },
            Err(error) => break error.to_string(),
        };
        if server.inputs.send(Input::Event(event)).await.is_err() {
            return;
        }
    };
    let _ = server.inputs.send(Input::Event(Event::Closed { connection, why })).await;
}
