//! `pods/log`: what a container wrote, followed or not, of this life or the one before.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::Value;

use crate::cluster::Inner;
use crate::kubelet::Line;
use crate::serve::Asked;
use crate::status::Refusal;

pub(crate) fn answer(inner: &Arc<Inner>, asked: &Asked) -> Result<Response, Refusal> {
    let key = asked.key();
    let pod =
        inner.store().get(&key).cloned().ok_or_else(|| Refusal::not_found(asked.resource, &key.name))?;
    let containers: Vec<&str> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .collect();
    let container = match asked.query("container") {
        Some(name) if containers.contains(&name) => name,
        Some(name) => {
            return Err(Refusal::bad(format!("container {name} is not valid for pod {}", key.name)));
        }
        None if containers.len() > 1 => {
            return Err(Refusal::bad(format!(
                "a container name must be specified for pod {}, choose one of: {containers:?}",
                key.name
            )));
        }
        None => containers.first().copied().unwrap_or_default(),
    };
    let previous = asked.is("previous");
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
    let has_run = inner.pods.log(&key, previous).is_some();
    if !has_run {
        if previous {
            return Err(Refusal::bad(format!(
                "previous terminated container \"{container}\" in pod \"{}\" not found",
                key.name
            )));
        }
        let why = match waiting.as_str() {
            Some("ErrImagePull" | "ImagePullBackOff") => "trying and failing to pull image".to_owned(),
            Some(reason) => reason.to_owned(),
            None if pod["spec"]["nodeName"].is_null() => {
                return Err(Refusal::bad(format!("pod {} does not have a host assigned", key.name)));
            }
            None => "ContainerCreating".to_owned(),
        };
        return Err(Refusal::bad(format!(
            "container \"{container}\" in pod \"{}\" is waiting to start: {why}",
            key.name
        )));
    }
    let shape = Shape {
        timestamps: asked.is("timestamps"),
        since: asked.query("sinceTime").and_then(|text| text.parse().ok()).or_else(|| {
            let seconds: u64 = asked.query("sinceSeconds")?.parse().ok()?;
            Some(jiff::Timestamp::now() - Duration::from_secs(seconds))
        }),
        tail: asked.query("tailLines").and_then(|text| text.parse().ok()),
    };
    let lines = inner.pods.log(&key, previous).unwrap_or_default();
    let seen = lines.len();
    let mut text: Vec<String> = lines.iter().filter_map(|line| shape.show(line)).collect();
    if let Some(tail) = shape.tail {
        text.drain(..text.len().saturating_sub(tail));
    }
    let first = Bytes::from(text.concat());
    if !asked.is("follow") || previous {
        return Ok(plain(Body::from(first)));
    }
    let state = Follow {
        inner: Arc::clone(inner),
        key,
        shape,
        seen,
        first: Some(first),
        epoch: inner.stream_epoch(),
    };
    let stream = futures_util::stream::unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, Infallible>(bytes), state))
    });
    Ok(plain(Body::from_stream(stream)))
}

fn plain(body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = axum::http::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
    response
}

struct Shape {
    timestamps: bool,
    since: Option<jiff::Timestamp>,
    tail: Option<usize>,
}

impl Shape {
    fn show(&self, line: &Line) -> Option<String> {
        // Whole seconds, as in the real one.
        if self.since.is_some_and(|since| line.time.as_second() < since.as_second()) {
            return None;
        }
        Some(if self.timestamps {
            format!("{} {}\n", line.time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ"), line.text)
        } else {
            format!("{}\n", line.text)
        })
    }
}

struct Follow {
    inner: Arc<Inner>,
    key: crate::store::Key,
    shape: Shape,
    seen: usize,
    first: Option<Bytes>,
    epoch: u64,
}

impl Follow {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Some(first);
        }
        loop {
            if self.inner.stream_epoch() != self.epoch {
                return None;
            }
            let is_over = self.is_over();
            let lines = self.inner.pods.log(&self.key, false)?;
            // A container that was started again has a log of its own, which a follower does not see.
            if lines.len() < self.seen {
                return None;
            }
            let new: String = lines[self.seen..].iter().filter_map(|line| self.shape.show(line)).collect();
            self.seen = lines.len();
            if !new.is_empty() {
                return Some(Bytes::from(new));
            }
            if is_over {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    fn is_over(&self) -> bool {
        let store = self.inner.store();
        store.get(&self.key).is_none_or(|pod| {
            let state: &Value = &pod["status"]["containerStatuses"][0]["state"];
            state.get("running").is_none()
        })
    }
}
