//! `/api/v1/history` and `/api/v1/compare`: past runs, for the page and for programs.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use throng_history::compare::Tolerance;
use throng_history::{HistoryError, RunId, Side, SideBySide, Store};

use super::{Host, commands, files, guard, json as answer, now, problem};
use crate::page::Shared;

/// What goes wrong with a question, as it is answered.
type Problem = (StatusCode, String);

fn problem_of(error: &HistoryError) -> Problem {
    let status = match error {
        HistoryError::NoRun { .. } => StatusCode::NOT_FOUND,
        HistoryError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.to_string())
}

/// Asks the store on a thread that may wait.
async fn ask<T: Send + 'static>(
    shared: &Shared,
    question: impl FnOnce(&Store) -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, Problem> {
    let Some(history) = &shared.history else {
        let text = "no past runs are kept here: start throng with --history FOLDER (THRONG_HISTORY)";
        return Err((StatusCode::NOT_FOUND, text.to_owned()));
    };
    let store = history.store.clone();
    match tokio::task::spawn_blocking(move || question(&store)).await {
        Ok(done) => done.map_err(|error| problem_of(&error)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

fn refused((status, text): Problem) -> Response {
    problem(status, &text)
}

fn number(id: &str) -> Result<RunId, Problem> {
    id.parse().map_err(|_| (StatusCode::NOT_FOUND, format!("there is no run '{id}': runs have numbers")))
}

pub(super) async fn list(State(shared): Host) -> Response {
    match ask(&shared, |store| Ok((store.list()?, store.path().display().to_string()))).await {
        Ok((runs, path)) => answer(StatusCode::OK, json!({ "database": path, "runs": runs }).to_string()),
        Err(problem) => refused(problem),
    }
}

pub(super) async fn one(State(shared): Host, Path(id): Path<String>) -> Response {
    let found = async {
        ask(&shared, {
            let id = number(&id)?;
            move |store| store.run(id)
        })
        .await
    };
    match found.await {
        Ok(run) => answer(StatusCode::OK, json!(run).to_string()),
        Err(problem) => refused(problem),
    }
}

/// As it was stored, where that is understood.
pub(super) async fn snapshot(State(shared): Host, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let found = async {
        let id = number(&id)?;
        if super::assets::accepts_gzip(&headers) {
            return Ok((true, ask(&shared, move |store| store.packed_snapshot(id)).await?));
        }
        Ok((false, ask(&shared, move |store| store.snapshot(id)).await?.into_bytes()))
    };
    match found.await {
        Ok((zipped, body)) => {
            let kind = [(header::CONTENT_TYPE, "application/json"), (header::VARY, "accept-encoding")];
            if zipped {
                (kind, [(header::CONTENT_ENCODING, "gzip")], body).into_response()
            } else {
                (kind, body).into_response()
            }
        }
        Err(problem) => refused(problem),
    }
}

pub(super) async fn report(State(shared): Host, Path(id): Path<String>) -> Response {
    let found = async {
        ask(&shared, {
            let id = number(&id)?;
            move |store| store.snapshot(id)
        })
        .await
    };
    match found.await {
        Ok(snapshot) => files::as_report(&format!("report_{id}.html"), &snapshot),
        Err(problem) => refused(problem),
    }
}

pub(super) async fn delete(State(shared): Host, headers: HeaderMap, Path(id): Path<String>) -> Response {
    change(&shared, &headers, &id, Store::delete).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    baseline: bool,
}

pub(super) async fn baseline(
    State(shared): Host,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    match commands::read::<Mark>(&body) {
        Ok(Mark { baseline }) => {
            change(&shared, &headers, &id, move |store, id| store.set_baseline(id, baseline)).await
        }
        Err(why) => problem(StatusCode::BAD_REQUEST, &why),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

/// The longest name of a run, in characters.
const LONGEST_NAME: usize = 200;

pub(super) async fn rename(
    State(shared): Host,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    match commands::read::<Name>(&body) {
        Ok(Name { name }) if !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME => {
            change(&shared, &headers, &id, move |store, id| store.rename(id, name.trim())).await
        }
        Ok(_) => problem(StatusCode::BAD_REQUEST, &format!("a name has from 1 to {LONGEST_NAME} characters")),
        Err(why) => problem(StatusCode::BAD_REQUEST, &why),
    }
}

async fn change(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    id: &str,
    change: impl FnOnce(&Store, RunId) -> Result<(), HistoryError> + Send + 'static,
) -> Response {
    if let Err(denied) = guard::command(headers, shared.access) {
        return problem(StatusCode::FORBIDDEN, denied.0);
    }
    let done = async {
        ask(shared, {
            let id = number(id)?;
            move |store| change(store, id)
        })
        .await
    };
    match done.await {
        Ok(()) => {
            shared.tell_history();
            answer(StatusCode::OK, r#"{"ok":true}"#.to_owned())
        }
        Err(problem) => refused(problem),
    }
}

/// The run that goes on, where a number is expected.
const CURRENT: &str = "current";

/// Of a comparison: what is compared, and the tolerance.
#[derive(Deserialize)]
pub(super) struct Asked {
    base: Option<String>,
    run: String,
    #[serde(default)]
    tolerance: String,
}

async fn side(shared: &Shared, id: &str) -> Result<Side, Problem> {
    if id == CURRENT {
        let snapshot = shared.model(|model| model.whole(now()));
        let unusable = |error: serde_json::Error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        return Side::of_snapshot(snapshot).map_err(unusable);
    }
    let id = number(id)?;
    ask(shared, move |store| Side::of_store(store, id)).await
}

async fn judged(shared: &Shared, asked: Result<Query<Asked>, QueryRejection>) -> Result<SideBySide, Problem> {
    let Query(asked) = asked.map_err(|error| (StatusCode::BAD_REQUEST, error.body_text()))?;
    let tolerance = Tolerance::default()
        .with(&asked.tolerance)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let run = side(shared, &asked.run).await?;
    let base = if let Some(id) = asked.base {
        side(shared, &id).await?
    } else {
        let (kind, file) = (run.measured.kind.clone(), run.measured.file.clone());
        let text = format!("no run of {file} is marked as the baseline: mark one, or name one as base");
        let found = ask(shared, move |store| store.baseline(&kind, &file)).await?;
        let found = found.ok_or((StatusCode::NOT_FOUND, text))?;
        side(shared, &found.id.to_string()).await?
    };
    // Ten thousand names on either side are some milliseconds.
    Ok(SideBySide::new(base, run, &tolerance))
}

pub(super) async fn comparison(State(shared): Host, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    match judged(&shared, asked).await {
        Ok(judged) => answer(StatusCode::OK, judged.json().to_string()),
        Err(problem) => refused(problem),
    }
}

/// The page with both runs in it, as one file.
pub(super) async fn comparison_report(
    State(shared): Host,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    match judged(&shared, asked).await {
        Ok(judged) => {
            let data = judged.report_data().unwrap_or_default();
            files::as_report("comparison.html", &data)
        }
        Err(problem) => refused(problem),
    }
}
