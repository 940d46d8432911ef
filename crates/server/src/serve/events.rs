//! The event stream: a snapshot, then what changes, to as many pages as are open.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::asking::{AGAIN, Watcher};
use super::{Host, now};
use crate::login::Session;
use crate::page::{Admission, Shared};

/// Proxies close what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Stream {
    shared: Arc<Shared>,
    events: Receiver<Option<Bytes>>,
    waiting: VecDeque<Bytes>,
    /// With which it was asked for, where that was one: the stream ends with it.
    session: Option<Session>,
    /// Who opened it, where the host program has a say: it ends when they would not be let in any more.
    watcher: Option<Watcher>,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(event) = self.waiting.pop_front() {
            return Some((Ok(event), self));
        }
        let is_watched = self.watcher.is_some() && self.shared.is_guarded();
        let patience = if is_watched { AGAIN } else { KEEP_ALIVE };
        let event = tokio::select! {
            () = over(&self.shared.admission, self.session.as_mut()) => return None,
            event = tokio::time::timeout(patience, self.events.recv()) => event,
        };
        let event = match event {
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
        if let Some(watcher) = &mut self.watcher
            && !watcher.may_stay(&self.shared).await
        {
            return None;
        }
        Some((Ok(event), self))
    }
}

/// Returns when the session has ended.
async fn over(admission: &Admission, session: Option<&mut Session>) {
    match (admission, session) {
        (Admission::Gate(gate), Some(session)) => gate.over(session).await,
        _ => std::future::pending().await,
    }
}

pub(super) async fn events(State(shared): Host, request: Request) -> Response {
    let (snapshot, events) = shared.subscribe(now());
    let session = match &shared.admission {
        Admission::Gate(gate) => gate.session_of(request.headers()),
        _ => None,
    };
    let watcher = Watcher::of(&shared, &request);
    let stream = Stream { shared, events, waiting: VecDeque::from([snapshot]), session, watcher };
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
