//! The interface for programs, in one table: each endpoint with what serves it and what is said of it. The router and the
//! `OpenAPI` document are both made from it, so that neither has what the other has not.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post};

use super::{admission, commands, events, files, history, openapi, prometheus, snapshot, timeline};
use crate::page::Shared;

/// One method of one path.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// With parameters in braces.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// What may follow the question mark.
    pub(super) query: &'static [Parameter],
    /// The schema of its body, if it takes one.
    pub(super) takes: Option<&'static str>,
    /// What it answers when it works.
    pub(super) gives: Gives,
    /// Further status codes.
    pub(super) fails: &'static [u16],
    serve: fn() -> MethodRouter<Arc<Shared>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// As an `OpenAPI` document has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }

    /// Whether it changes something, and so needs the header of commands.
    pub(super) fn changes(self) -> bool {
        self != Self::Get
    }
}

/// A text in the query of a request.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) required: bool,
    /// What it looks like, as a regular expression.
    pub(super) pattern: &'static str,
}

/// What an answer is.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    /// JSON of this schema.
    Json(&'static str),
    /// A body of this type.
    Text(&'static str),
    /// 202, and that it is being done.
    Accepted,
}

/// What commands answer when they do not work.
const REFUSALS: &[u16] = &[400, 403, 409, 413, 415, 422, 503];

const fn read(
    path: &'static str,
    summary: &'static str,
    gives: Gives,
    serve: fn() -> MethodRouter<Arc<Shared>>,
) -> Endpoint {
    Endpoint { method: Method::Get, path, summary, query: &[], takes: None, gives, fails: &[403], serve }
}

const fn command(
    path: &'static str,
    summary: &'static str,
    takes: Option<&'static str>,
    serve: fn() -> MethodRouter<Arc<Shared>>,
) -> Endpoint {
    let (method, gives) = (Method::Post, Gives::Accepted);
    Endpoint { method, path, summary, query: &[], takes, gives, fails: REFUSALS, serve }
}

/// What questions about past runs answer when they do not work.
const NO_RUN: &[u16] = &[403, 404, 500, 503];

const fn of_past(
    path: &'static str,
    summary: &'static str,
    gives: Gives,
    serve: fn() -> MethodRouter<Arc<Shared>>,
) -> Endpoint {
    Endpoint { fails: NO_RUN, ..read(path, summary, gives, serve) }
}

/// What is done to a past run is done when it is answered.
const fn change(
    method: Method,
    path: &'static str,
    summary: &'static str,
    takes: Option<&'static str>,
    serve: fn() -> MethodRouter<Arc<Shared>>,
) -> Endpoint {
    let fails = &[400, 403, 404, 413, 415, 500, 503];
    Endpoint { method, takes, fails, ..of_past(path, summary, Gives::Json("Accepted"), serve) }
}

/// A run of a comparison.
const RUN: &str = "^(current|[0-9]{1,18})$";
const COMPARED: &[Parameter] = &[
    Parameter {
        name: "run",
        summary: "The run that is judged: its number, or `current` for the one that goes on",
        required: true,
        pattern: RUN,
    },
    Parameter {
        name: "base",
        summary: "The run that it is judged against; without one the marked run of its script",
        required: false,
        pattern: RUN,
    },
    Parameter {
        name: "tolerance",
        summary: "What is tolerated, such as p95=25%,failures=0.5; what is not named is as by default",
        required: false,
        pattern: "^[a-z0-9=%.,]*$",
    },
];

/// What every host program's page has; it may have routes of its own for the first three ([`super::yielding`]).
pub(super) const ENDPOINTS: &[Endpoint] = &[
    read("/healthz", "Whether it serves", Gives::Text("text/plain; charset=utf-8"), || {
        get(|| async { "ok\n" })
    }),
    read("/readyz", "Whether it serves", Gives::Text("text/plain; charset=utf-8"), || {
        get(|| async { "ok\n" })
    }),
    read(
        "/metrics",
        "The run for Prometheus",
        Gives::Text("text/plain; version=0.0.4; charset=utf-8"),
        || get(prometheus::metrics),
    ),
    read("/api/v1/openapi.json", "This document", Gives::Json("Document"), || get(openapi::document)),
    read("/api/v1/session", "Whether there is a login", Gives::Json("Session"), || get(admission::session)),
    read("/api/v1/snapshot", "The whole state of the run", Gives::Json("Snapshot"), || get(snapshot)),
    read(
        "/api/v1/events",
        "A stream of server-sent events: a snapshot, then a tick each second, log lines, resets",
        Gives::Text("text/event-stream"),
        || get(events::events),
    ),
    Endpoint {
        fails: &[403, 404],
        ..read(
            "/api/v1/requests/{id}/timeline",
            "The charts' points of one row",
            Gives::Json("Timeline"),
            || get(timeline),
        )
    },
    Endpoint {
        fails: &[403, 404],
        ..read(
            "/api/v1/report",
            "The page with the run in it, as one HTML file",
            Gives::Text("text/html; charset=utf-8"),
            || get(files::report),
        )
    },
    Endpoint {
        fails: &[403, 422, 503],
        ..read(
            "/api/v1/summary.json",
            "What handleSummary() is given, by now (k6 scripts)",
            Gives::Json("Summary"),
            || get(files::summary),
        )
    },
    command("/api/v1/start", "Start a test (locustfiles)", Some("Start"), || post(commands::start)),
    command("/api/v1/stop", "End the test", None, || post(commands::stop)),
    command("/api/v1/reset", "Start the statistics over (locustfiles)", None, || post(commands::reset)),
    command("/api/v1/pause", "Start no iterations until resumed (k6 scripts)", None, || {
        post(commands::pause)
    }),
    command("/api/v1/resume", "Go on", None, || post(commands::resume)),
    command("/api/v1/users", "Change the number of users", Some("Users"), || post(commands::users)),
    command(
        "/api/v1/scale",
        "Change the virtual users of an externally controlled scenario (k6 scripts)",
        Some("Scale"),
        || post(commands::scale),
    ),
    of_past("/api/v1/history", "Past runs, the newest first", Gives::Json("PastRuns"), || get(history::list)),
    of_past("/api/v1/history/{id}", "One of them", Gives::Json("PastRun"), || get(history::one)),
    change(Method::Delete, "/api/v1/history/{id}", "Forget a past run", None, || delete(history::delete)),
    of_past(
        "/api/v1/history/{id}/snapshot",
        "What the page had at the end of a past run",
        Gives::Json("Snapshot"),
        || get(history::snapshot),
    ),
    of_past(
        "/api/v1/history/{id}/report",
        "The page with a past run in it, as one HTML file",
        Gives::Text("text/html; charset=utf-8"),
        || get(history::report),
    ),
    change(
        Method::Post,
        "/api/v1/history/{id}/baseline",
        "Judge later runs of its script against this one, or not any more",
        Some("Baseline"),
        || post(history::baseline),
    ),
    change(Method::Post, "/api/v1/history/{id}/name", "Call a past run something else", Some("Name"), || {
        post(history::rename)
    }),
    Endpoint {
        query: COMPARED,
        fails: &[400, 403, 404, 500, 503],
        ..read("/api/v1/compare", "One run judged against another", Gives::Json("Comparison"), || {
            get(history::comparison)
        })
    },
    Endpoint {
        query: COMPARED,
        fails: &[400, 403, 404, 500, 503],
        ..read(
            "/api/v1/compare/report",
            "The page with both runs in it, as one HTML file",
            Gives::Text("text/html; charset=utf-8"),
            || get(history::comparison_report),
        )
    },
];

/// What a page has whose host program has no routes of its own; in a locustfile's process Python serves them, and knows more.
pub(super) const FILES: &[Endpoint] = &[
    Endpoint {
        fails: &[403, 404],
        ..read(
            "/stats/report",
            "The page with the run in it, as one HTML file",
            Gives::Text("text/html; charset=utf-8"),
            || get(files::report),
        )
    },
    read("/stats/requests/csv", "The statistics as a table", Gives::Text("text/csv; charset=utf-8"), || {
        get(files::requests)
    }),
    read("/stats/failures/csv", "The failures as a table", Gives::Text("text/csv; charset=utf-8"), || {
        get(files::failures)
    }),
];

/// The endpoints of a page.
pub(super) fn endpoints(foreign: bool) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().chain(if foreign { &[] } else { FILES })
}

/// All of them as routes.
pub(super) fn routes(foreign: bool) -> Router<Arc<Shared>> {
    endpoints(foreign).fold(Router::new(), |router, endpoint| router.route(endpoint.path, (endpoint.serve)()))
}
