//! The event stream: a snapshot, then what changes, to as many pages as are open.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Host, now};
use crate::page::Shared;

/// Proxies close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Stream {
    shared: Arc<Shared>,
    events: Receiver<Option<Bytes>>,
    waiting: VecDeque<Bytes>,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(event) = self.waiting.pop_front() {
            return Some((Ok(event), self));
        }
        let event = match tokio::time::timeout(KEEP_ALIVE, self.events.recv()).await {
            Ok(Ok(Some(event))) => event,
            Ok(Ok(None) | Err(RecvError::Closed)) => return None,
            // A page that could not keep up is told everything anew.
            Ok(Err(RecvError::Lagged(_))) => {
                let (snapshot, events) = self.shared.subscribe(now());
                self.events = events;
                snapshot
            }
            Err(_) => Bytes::from_static(b": still here\n\n"),
        };
        Some((Ok(event), self))
    }
}

pub(super) async fn events(State(shared): Host) -> Response {
    let (snapshot, events) = shared.subscribe(now());
    let stream = Stream { shared, events, waiting: VecDeque::from([snapshot]) };
    let body = Body::from_stream(futures_util::stream::unfold(stream, Stream::next));
    // nginx would otherwise hold events back until its buffer is full.
    (
        [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ],
        body,
    )
        .into_response()
}
