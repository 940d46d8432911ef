//! Commands: checked, handed to the host program, answered when it has decided.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;

use super::{Host, guard, json, problem};
use crate::host::{Ask, Command, Refusal, Reply, Start};
use crate::page::Shared;

pub(super) async fn start(State(shared): Host, headers: HeaderMap, body: Bytes) -> Response {
    match read::<Start>(&body) {
        Ok(start) => order(shared, &headers, Command::Start(start)).await,
        Err(why) => guarded(&shared, &headers).unwrap_or_else(|| problem(StatusCode::BAD_REQUEST, &why)),
    }
}

pub(super) async fn stop(State(shared): Host, headers: HeaderMap) -> Response {
    order(shared, &headers, Command::Stop).await
}

pub(super) async fn reset(State(shared): Host, headers: HeaderMap) -> Response {
    order(shared, &headers, Command::Reset).await
}

pub(super) async fn pause(State(shared): Host, headers: HeaderMap) -> Response {
    order(shared, &headers, Command::Pause).await
}

pub(super) async fn resume(State(shared): Host, headers: HeaderMap) -> Response {
    order(shared, &headers, Command::Resume).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    users: u64,
    spawn_rate: Option<f64>,
}

pub(super) async fn users(State(shared): Host, headers: HeaderMap, body: Bytes) -> Response {
    match read::<Users>(&body) {
        Ok(Users { users, spawn_rate }) => {
            order(shared, &headers, Command::Users { users, spawn_rate }).await
        }
        Err(why) => guarded(&shared, &headers).unwrap_or_else(|| problem(StatusCode::BAD_REQUEST, &why)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    vus: Option<u64>,
    max_vus: Option<u64>,
}

pub(super) async fn scale(State(shared): Host, headers: HeaderMap, body: Bytes) -> Response {
    let read = read::<Scale>(&body).and_then(|scale| match scale {
        Scale { vus: None, max_vus: None } => Err("give vus, max_vus or both".to_owned()),
        Scale { vus, max_vus } => Ok(Command::Scale { vus, max_vus }),
    });
    match read {
        Ok(command) => order(shared, &headers, command).await,
        Err(why) => guarded(&shared, &headers).unwrap_or_else(|| problem(StatusCode::BAD_REQUEST, &why)),
    }
}

pub(super) fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, String> {
    let unusable = |error| format!("the body is not the JSON of this command: {error}");
    serde_json::from_slice(body).map_err(unusable)
}

/// The refusal of what comes from elsewhere.
fn guarded(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let denied = guard::command(headers, shared.access).err()?;
    Some(problem(StatusCode::FORBIDDEN, denied.0))
}

async fn order(shared: Arc<Shared>, headers: &HeaderMap, command: Command) -> Response {
    if let Some(refused) = guarded(&shared, headers) {
        return refused;
    }
    let (reply, answer) = Reply::new();
    (shared.inbox)(Ask::Command(command, reply));
    match answer.await {
        Ok(Ok(())) => json(StatusCode::ACCEPTED, r#"{"ok":true}"#.to_owned()),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the run takes no commands any more"),
    }
}

/// The host program does not do it.
pub(super) fn refused(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::Invalid(text) => problem(StatusCode::BAD_REQUEST, text),
        Refusal::NotNow(text) => problem(StatusCode::CONFLICT, text),
        Refusal::NotSupported(text) => problem(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}
