//! The post's server: whether it is there for everyone, all else for those who know the token.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State as Shares};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::{FilesFrom, Shared, files};
use crate::files::{MOST, below};
use crate::lead::State;

/// The longest that a question for the end waits: shorter than what networks forget.
const LONGEST_WAIT: u64 = 30;

/// Serves until it is dropped.
pub(super) async fn serve(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    let known = axum::Router::new()
        .route("/state", get(state))
        .route("/start", post(start))
        .route("/stop", post(stop))
        .route("/done", post(done))
        .route("/files", get(list_files))
        .route("/files/{*path}", put(put_file).get(get_file))
        .route("/results", get(list_results))
        .route("/results/{*path}", get(get_result))
        .layer(DefaultBodyLimit::max(MOST))
        .layer(from_fn_with_state(Arc::clone(&shared), knows_token));
    let router =
        axum::Router::new().route("/healthz", get(|| async { "ok" })).merge(known).with_state(shared);
    // It ends with the process; until then the listener cannot fail for good.
    let _ = axum::serve(listener, router).await;
}

async fn knows_token(Shares(shared): Shares<Arc<Shared>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let wanted = format!("Bearer {}", shared.orders.token);
    // The time that it takes says nothing about how much was right.
    let differs = given.len() != wanted.len()
        || given.iter().zip(wanted.as_bytes()).fold(0, |all, (one, other)| all | (one ^ other)) != 0;
    if differs { StatusCode::UNAUTHORIZED.into_response() } else { next.run(request).await }
}

#[derive(Deserialize)]
struct Wait {
    wait: Option<u64>,
}

async fn state(Shares(shared): Shares<Arc<Shared>>, Query(query): Query<Wait>) -> Response {
    let mut states = shared.state.subscribe();
    if let Some(seconds) = query.wait {
        let limit = Duration::from_secs(seconds.min(LONGEST_WAIT));
        let ended = states.wait_for(|state| matches!(state, State::Ended { .. }));
        let _ = tokio::time::timeout(limit, ended).await;
    }
    let now = *states.borrow();
    json(&now)
}

async fn start(Shares(shared): Shares<Arc<Shared>>) -> StatusCode {
    shared.begin.send_replace(true);
    StatusCode::NO_CONTENT
}

async fn stop(Shares(shared): Shares<Arc<Shared>>) -> StatusCode {
    shared.stop.send_modify(|stop| *stop += 1);
    StatusCode::NO_CONTENT
}

async fn done(Shares(shared): Shares<Arc<Shared>>) -> StatusCode {
    shared.done.send_replace(true);
    StatusCode::NO_CONTENT
}

async fn put_file(Shares(shared): Shares<Arc<Shared>>, Path(path): Path<String>, content: Bytes) -> Response {
    if shared.orders.files != FilesFrom::Upload || *shared.begin.borrow() {
        return (StatusCode::CONFLICT, "this run takes no files now").into_response();
    }
    match files::write(&shared.test(), &path, &content) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("cannot write {path}: {error}")).into_response(),
    }
}

/// The files that the test began with, once all are there: a worker that came early asks again.
async fn list_files(Shares(shared): Shares<Arc<Shared>>) -> Response {
    match &*shared.files.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(files) => json(files),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the files are on their way").into_response(),
    }
}

async fn get_file(Shares(shared): Shares<Arc<Shared>>, Path(path): Path<String>) -> Response {
    send(below(&shared.test(), &path)).await
}

async fn list_results(Shares(shared): Shares<Arc<Shared>>) -> Response {
    json(&*shared.results.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn get_result(Shares(shared): Shares<Arc<Shared>>, Path(path): Path<String>) -> Response {
    let is_result = {
        let results = shared.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.iter().any(|file| file.path == path)
    };
    send(is_result.then(|| below(&shared.test(), &path)).flatten()).await
}

/// A file, piece by piece: raw samples of an hour are larger than the memory of a pod.
async fn send(path: Option<PathBuf>) -> Response {
    let Some(path) = path else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(file) = tokio::fs::File::open(&path).await else { return StatusCode::NOT_FOUND.into_response() };
    let stream = futures_util::stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; 64 * 1024];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(Bytes::from(piece)), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    Body::from_stream(stream).into_response()
}

fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
