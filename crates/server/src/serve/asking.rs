//! Asking the host program whether somebody is let in: where the login is its own, and where it guards the page.
//!
//! One question for each request of ours, answered before anything is done; nothing where nobody wants to be asked. An event
//! stream is asked for again from time to time, as long as it is open.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::Instant;

use super::listen::Remote;
use super::{foreign, guard, problem};
use crate::host::{Ask, Foreign, Reply, Verdict};
use crate::page::{Admission, Shared};

/// More has no command.
const LARGEST_COMMAND: usize = 2 << 20;
/// How long an open stream is good for without asking.
pub(super) const AGAIN: Duration = Duration::from_secs(4);

/// Headers that the host program wants on an answer of ours.
pub(super) type Headers = Vec<(String, Vec<u8>)>;

/// Why somebody is not let in.
pub(super) enum Refused {
    /// Who has to log in.
    Stranger(Request),
    /// Who is told this instead.
    Answered(Response),
}

/// Whether a path is one of this crate's that shows or changes something.
pub(super) fn is_ours(path: &str) -> bool {
    path == "/" || path == "/metrics" || path.starts_with("/api/")
}

/// Asks for a request; it is given back if it may go on.
pub(super) async fn ask(shared: &Arc<Shared>, request: Request) -> Result<(Request, Headers), Refused> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && let Err(denied) = guard::same_site(request.headers(), shared.access) {
        return Err(Refused::Answered(problem(StatusCode::FORBIDDEN, denied.0)));
    }
    let (request, body) = if changes {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LARGEST_COMMAND).await else {
            let text = "the body is too large, or did not arrive";
            return Err(Refused::Answered(problem(StatusCode::PAYLOAD_TOO_LARGE, text)));
        };
        (Request::from_parts(head, Body::from(body.clone())), body)
    } else {
        (request, Bytes::new())
    };
    let question = Foreign { body, ..described(shared, &request) };
    match verdict(shared, question).await {
        Some(Verdict::Admitted(headers)) => Ok((request, headers)),
        Some(Verdict::Answered((head, body))) => Err(Refused::Answered(foreign::respond(head, body))),
        Some(Verdict::Stranger) => Err(Refused::Stranger(request)),
        None => {
            let text = "the test's own guard does not answer any more";
            Err(Refused::Answered(problem(StatusCode::SERVICE_UNAVAILABLE, text)))
        }
    }
}

async fn verdict(shared: &Shared, question: Foreign) -> Option<Verdict> {
    let (reply, answer) = Reply::new();
    (shared.inbox)(Ask::Admit(question, reply));
    answer.await.ok()
}

/// A request without its body, as the host program sees it.
fn described(shared: &Shared, request: &Request) -> Foreign {
    let mut own = request.headers().clone();
    if let Admission::Gate(gate) = &shared.admission {
        foreign::without_credentials(&mut own, gate.cookie());
    }
    let remote = request.extensions().get::<ConnectInfo<Remote>>();
    let remote = remote.map_or_else(|| "0.0.0.0:0".to_owned(), |ConnectInfo(remote)| remote.0.to_string());
    Foreign {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: own.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        body: Bytes::new(),
        remote,
    }
}

/// Adds what the host program wants on an answer; what we say ourselves stays.
pub(super) fn add(response: &mut Response, headers: Headers) {
    let ours = response.headers().clone();
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) else {
            continue;
        };
        if matches!(name, header::SET_COOKIE | header::VARY) || !ours.contains_key(&name) {
            response.headers_mut().append(name, value);
        }
    }
}

/// Whoever opened a stream.
pub(super) struct Watcher {
    question: Foreign,
    asked: Instant,
}

impl Watcher {
    /// Of a request that was let in just now; none where no host program has a say.
    pub(super) fn of(shared: &Shared, request: &Request) -> Option<Self> {
        shared.foreign.then(|| Self { question: described(shared, request), asked: Instant::now() })
    }

    /// Whether the stream may go on.
    pub(super) async fn may_stay(&mut self, shared: &Shared) -> bool {
        if !shared.is_guarded() || self.asked.elapsed() < AGAIN {
            return true;
        }
        self.asked = Instant::now();
        matches!(verdict(shared, self.question.clone()).await, Some(Verdict::Admitted(_)))
    }
}
