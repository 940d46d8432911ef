//! `pods/portforward` over web sockets, as the client of this workspace speaks it: subprotocol `v4.channel.k8s.io`, for each
//! port a channel for data and one for an error, each opened by the port's number.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::cluster::Inner;
use crate::serve::Asked;
use crate::status::Refusal;

const PROTOCOL: &str = "v4.channel.k8s.io";

pub(crate) fn answer(inner: &Arc<Inner>, asked: &Asked, mut request: Request) -> Result<Response, Refusal> {
    let key = asked.key();
    let pod =
        inner.store().get(&key).cloned().ok_or_else(|| Refusal::not_found(asked.resource, &key.name))?;
    if pod["spec"]["nodeName"].is_null() {
        return Err(Refusal::bad(format!("pod {} does not have a host assigned", key.name)));
    }
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let offered = header(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if !offered.split(',').any(|one| one.trim() == PROTOCOL) {
        return Err(Refusal::bad(format!(
            "unable to negotiate protocol: client supports [{offered}], server {PROTOCOL}"
        )));
    }
    let Some(accept) = header(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
        return Err(Refusal::bad("Upgrade request required"));
    };
    let ports: Vec<u16> =
        asked.query("ports").unwrap_or_default().split(',').filter_map(|port| port.parse().ok()).collect();
    if ports.is_empty() {
        return Err(Refusal::bad("query parameter \"ports\" is required"));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let task = Forward { inner: Arc::clone(inner), pod, ports };
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            task.run(socket).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

struct Forward {
    inner: Arc<Inner>,
    pod: serde_json::Value,
    ports: Vec<u16>,
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

impl Forward {
    async fn run(self, socket: Socket) -> Option<()> {
        let (mut sink, mut stream) = socket.split();
        let (frames, mut outgoing) = mpsc::channel::<Message>(64);
        let mut to_pod: Vec<mpsc::Sender<Vec<u8>>> = Vec::new();
        for (index, port) in self.ports.iter().enumerate() {
            let data = 2 * index as u8;
            for channel in [data, data + 1] {
                let [low, high] = port.to_le_bytes();
                sink.send(Message::binary(vec![channel, low, high])).await.ok()?;
            }
            let (sender, receiver) = mpsc::channel(64);
            to_pod.push(sender);
            let target = self.inner.network().target(&self.pod, *port);
            tokio::spawn(connect(target, *port, data, receiver, frames.clone(), self.uid()));
        }
        drop(frames);
        let epoch = self.inner.stream_epoch();
        let mut changed = self.inner.changes();
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Binary(bytes))) if bytes.len() > 1 => {
                        let sender = to_pod.get(usize::from(bytes[0]) / 2)?;
                        // A connection that has ended takes nothing more; the client hears of it on its own.
                        let _ = sender.send(bytes[1..].to_vec()).await;
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                },
                frame = outgoing.recv() => match frame {
                    Some(frame) => sink.send(frame).await.ok()?,
                    None => {
                        let _ = sink.send(Message::Close(None)).await;
                        return None;
                    }
                },
                _ = changed.changed() => {
                    if self.inner.stream_epoch() != epoch {
                        return None;
                    }
                }
            }
        }
    }

    fn uid(&self) -> Utf8Bytes {
        self.pod["metadata"]["uid"].as_str().unwrap_or_default().into()
    }
}

async fn connect(
    target: Option<std::net::SocketAddr>,
    port: u16,
    channel: u8,
    mut from_client: mpsc::Receiver<Vec<u8>>,
    frames: mpsc::Sender<Message>,
    sandbox: Utf8Bytes,
) -> Option<()> {
    let connected = match target {
        Some(target) => TcpStream::connect(target).await,
        None => Err(std::io::Error::other("no address")),
    };
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) => {
            // As containerd words it.
            let text = format!(
                "error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace \
                 \"default\": failed to connect to localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 \
                 127.0.0.1:{port}: connect: {error}"
            );
            let mut frame = vec![channel + 1];
            frame.extend(text.as_bytes());
            let _ = frames.send(Message::binary(frame)).await;
            return None;
        }
    };
    let mut buffer = vec![0; 32 * 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => {
                let length = read.ok().filter(|length| *length > 0)?;
                let mut frame = vec![channel];
                frame.extend(&buffer[..length]);
                frames.send(Message::binary(frame)).await.ok()?;
            }
            bytes = from_client.recv() => {
                stream.write_all(&bytes?).await.ok()?;
            }
        }
    }
}
