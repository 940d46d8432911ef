//! Web sockets: an echo, and servers that speak first, end the connection or remember how it ended.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{any, get};

pub fn routes() -> Router {
    Router::new()
        .route("/ws", any(async |upgrade: WebSocketUpgrade| upgrade.protocols(["chat"]).on_upgrade(echo)))
        .route("/ws-headers", any(headers))
        .route("/ws-close", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(close)))
        .route("/ws-watched/{key}", any(watched))
        .route("/ws-codes/{key}", get(codes))
        .route("/ws-vanish", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(async |_| ())))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Says first which of the client's own headers arrived, then pings.
async fn headers(upgrade: WebSocketUpgrade, headers: HeaderMap) -> Response {
    let mut own: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-") || *name == "cookie")
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    own.sort();
    upgrade.on_upgrade(async move |mut socket| {
        let _ = socket.send(Message::Text(own.join("; ").into())).await;
        let _ = socket.send(Message::Ping(Bytes::default())).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
}

async fn close(mut socket: WebSocket) {
    let frame = CloseFrame { code: 4001, reason: "enough".into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
    while let Some(Ok(_)) = socket.recv().await {}
}

/// How watched connections ended, by their key: the code of the client's closing frame, 0 without one.
static CODES: Mutex<Vec<(String, u16)>> = Mutex::new(Vec::new());

/// Greets, and remembers how the connection ends.
async fn watched(Path(key): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let _ = socket.send(Message::Text("hello".into())).await;
        let mut code = 0;
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Close(Some(frame)) = message {
                code = frame.code;
            }
        }
        CODES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((key, code));
    })
}

/// The codes of a key's connections that have ended, separated by spaces.
async fn codes(Path(key): Path<String>) -> String {
    let codes = CODES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let own = codes.iter().filter(|(known, _)| *known == key).map(|(_, code)| code.to_string());
    own.collect::<Vec<_>>().join(" ")
}
