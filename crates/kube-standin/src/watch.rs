//! Watches: a line of JSON for every change that the selector sees, from a version on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cluster::Inner;
use crate::resources::Resource;
use crate::selectors::Selector;
use crate::serve::{Asked, json_response};
use crate::status::Refusal;
use crate::store::Change;

/// How often a watch that allows it is told the present version. A real server does so about once a minute.
const BOOKMARKS: Duration = Duration::from_millis(500);

pub(crate) fn answer(inner: &Arc<Inner>, asked: &Asked) -> Result<Response, Refusal> {
    let selector = asked.selector()?;
    let from = match asked.query("resourceVersion") {
        None | Some("" | "0") => None,
        Some(text) => {
            Some(text.parse::<u64>().map_err(|_| Refusal::bad(format!("Invalid value: \"{text}\"")))?)
        }
    };
    let limit = asked.query("timeoutSeconds").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let (lines, body) = mpsc::channel(64);
    let task = Task {
        inner: Arc::clone(inner),
        resource: asked.resource,
        namespace: asked.namespace.clone(),
        selector,
        bookmarks: asked.is("allowWatchBookmarks"),
        lines,
    };
    // The first change after this call is seen, even before the task runs.
    let start = task.begin(from);
    let epoch = inner.stream_epoch();
    tokio::spawn(async move {
        let limit = limit.unwrap_or(Duration::from_hours(1));
        let _ = tokio::time::timeout(limit, task.run(start, epoch)).await;
    });
    let body = futures_util::stream::unfold(body, |mut body| async move {
        let line = body.recv().await?;
        Some((Ok::<_, Infallible>(line), body))
    });
    let mut response = json_response(StatusCode::OK, &Value::Null);
    *response.body_mut() = Body::from_stream(body);
    Ok(response)
}

struct Task {
    inner: Arc<Inner>,
    resource: &'static Resource,
    namespace: Option<String>,
    selector: Selector,
    bookmarks: bool,
    lines: mpsc::Sender<Bytes>,
}

struct Start {
    version: u64,
    first: Vec<Value>,
}

impl Task {
    fn begin(&self, from: Option<u64>) -> Start {
        let store = self.inner.store();
        let Some(version) = from else {
            let first = store
                .list(self.resource, self.namespace.as_deref())
                .filter(|object| self.selector.matches(object))
                .map(|object| json!({"type": "ADDED", "object": object}))
                .collect();
            return Start { version: store.version(), first };
        };
        Start { version, first: Vec::new() }
    }

    async fn run(self, start: Start, epoch: u64) -> Option<()> {
        let mut version = start.version;
        for event in start.first {
            self.send(&event).await?;
        }
        let mut changed = self.inner.changes();
        loop {
            let events = {
                let store = self.inner.store();
                match store.since(version) {
                    Some(changes) => {
                        let events: Vec<Value> = changes.filter_map(|change| self.event(change)).collect();
                        version = store.version();
                        Ok(events)
                    }
                    None => Err(Refusal::expired(version, store.version())),
                }
            };
            match events {
                Ok(events) => {
                    for event in events {
                        self.send(&event).await?;
                    }
                }
                Err(refusal) => {
                    self.send(&json!({"type": "ERROR", "object": refusal.to_json()})).await?;
                    return None;
                }
            }
            if self.inner.stream_epoch() != epoch {
                return None;
            }
            match tokio::time::timeout(BOOKMARKS, changed.changed()).await {
                Ok(done) => done.ok()?,
                Err(_) if self.bookmarks => {
                    let object = json!({
                        "apiVersion": self.resource.api_version(), "kind": self.resource.kind,
                        "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
                    });
                    self.send(&json!({"type": "BOOKMARK", "object": object})).await?;
                }
                // Whoever listens no longer is noticed at the next line.
                Err(_) => {
                    if self.lines.is_closed() {
                        return None;
                    }
                }
            }
        }
    }

    /// How a change looks to those who see only what the selector matches.
    fn event(&self, change: &Change) -> Option<Value> {
        let key = &change.key;
        if key.resource != self.resource || self.namespace.as_ref().is_some_and(|name| *name != key.namespace)
        {
            return None;
        }
        let sees = |object: &&Value| self.selector.matches(object);
        let before = change.before.as_ref().filter(sees);
        let after = change.after.as_ref().filter(sees);
        let (kind, mut object) = match (before, after) {
            (None, Some(after)) => ("ADDED", after.clone()),
            (Some(_), Some(after)) => ("MODIFIED", after.clone()),
            (Some(before), None) => ("DELETED", before.clone()),
            (None, None) => return None,
        };
        object["apiVersion"] = json!(self.resource.api_version());
        object["kind"] = json!(self.resource.kind);
        object["metadata"]["resourceVersion"] = json!(change.version.to_string());
        Some(json!({"type": kind, "object": object}))
    }

    async fn send(&self, event: &Value) -> Option<()> {
        self.lines.send(Bytes::from(format!("{event}\n"))).await.ok()
    }
}
