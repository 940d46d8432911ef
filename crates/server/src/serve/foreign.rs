//! Routes that are the host program's: Locust's endpoints, and what a locustfile adds.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::UnboundedReceiver;

use super::listen::Remote;
use super::{Host, guard, problem};
use crate::host::{Ask, Foreign, ForeignHead, Part, Reply};
use crate::page::{Admission, Shared};

/// The largest body that is taken; what is uploaded to a load test's page is small.
const LARGEST_BODY: usize = 16 << 20;

pub(crate) async fn ask(State(shared): Host, remote: ConnectInfo<Remote>, request: Request) -> Response {
    if !shared.foreign {
        return problem(StatusCode::NOT_FOUND, "there is nothing here");
    }
    if let Err(denied) = guard::by_address(request.headers(), shared.access) {
        return problem(StatusCode::FORBIDDEN, denied.0);
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && let Err(denied) = guard::same_site(request.headers(), shared.access) {
        return problem(StatusCode::FORBIDDEN, denied.0);
    }
    pass_on(shared, remote, request).await
}

/// Marks an answer that is the host program's.
#[derive(Clone, Copy)]
pub(super) struct Theirs;

/// [`ask`] of a request that was another route's.
pub(super) async fn answer(shared: Arc<Shared>, request: Request) -> Response {
    match remote(&request) {
        Ok(remote) => ask(State(shared), remote, request).await,
        Err(unknown) => unknown,
    }
}

/// Asks the host program without more ado.
pub(super) async fn pass(shared: Arc<Shared>, request: Request) -> Response {
    match remote(&request) {
        Ok(remote) => pass_on(shared, remote, request).await,
        Err(unknown) => unknown,
    }
}

#[expect(clippy::result_large_err, reason = "it is answered at once")]
fn remote(request: &Request) -> Result<ConnectInfo<Remote>, Response> {
    match request.extensions().get::<ConnectInfo<Remote>>() {
        Some(remote) => Ok(ConnectInfo(remote.0)),
        None => Err(problem(StatusCode::INTERNAL_SERVER_ERROR, "the connection is unknown")),
    }
}

async fn pass_on(
    shared: Arc<Shared>,
    ConnectInfo(remote): ConnectInfo<Remote>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or did not arrive");
    };
    let mut own = head.headers;
    if let Admission::Gate(gate) = &shared.admission {
        without_credentials(&mut own, gate.cookie());
    }
    let headers = own.iter();
    let foreign = Foreign {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        body,
        remote: remote.0.to_string(),
    };
    let (reply, answer) = Reply::new();
    (shared.inbox)(Ask::Foreign(foreign, reply));
    match answer.await {
        Ok((head, body)) => respond(head, body),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the test's own routes do not answer any more"),
    }
}

/// What was shown to us is no business of a test's routes.
pub(super) fn without_credentials(headers: &mut HeaderMap, ours: &str) {
    headers.remove(header::AUTHORIZATION);
    let is_ours = |pair: &&str| pair.split_once('=').is_some_and(|(name, _)| name.trim() == ours);
    let cookies: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    headers.remove(header::COOKIE);
    for cookie in cookies {
        let rest: Vec<&str> =
            cookie.to_str().unwrap_or_default().split(';').filter(|pair| !is_ours(pair)).collect();
        if let Ok(value) = HeaderValue::from_str(rest.join(";").trim())
            && !value.is_empty()
        {
            headers.append(header::COOKIE, value);
        }
    }
}

/// The answer of the host program as ours.
pub(super) fn respond(head: ForeignHead, body: UnboundedReceiver<Part>) -> Response {
    let parts =
        futures_util::stream::unfold(
            body,
            |mut body| async move { body.recv().await.map(|part| (part, body)) },
        );
    let mut response = Body::from_stream(parts).into_response();
    response.extensions_mut().insert(Theirs);
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in head.headers {
        // The length is known from the stream, and how it is sent is this connection's business.
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) else {
            continue;
        };
        if !matches!(name.as_str(), "connection" | "transfer-encoding" | "keep-alive") {
            response.headers_mut().append(name, value);
        }
    }
    response
}
