//! The routes of the page, and serving them.

mod assets;
mod commands;
mod events;
mod files;
mod foreign;
mod guard;
mod history;
pub(crate) mod listen;
mod prometheus;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use crate::page::Shared;

type Host = State<Arc<Shared>>;

/// All routes, below the base path.
pub(crate) fn routes(base_path: &str, shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/", get(assets::index))
        .route("/assets/{*file}", get(assets::file))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .route("/metrics", get(prometheus::metrics))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/snapshot", get(snapshot))
        .route("/api/v1/report", get(files::report))
        .route("/api/v1/requests/{id}/timeline", get(timeline))
        .route("/api/v1/start", post(commands::start))
        .route("/api/v1/stop", post(commands::stop))
        .route("/api/v1/reset", post(commands::reset))
        .route("/api/v1/pause", post(commands::pause))
        .route("/api/v1/resume", post(commands::resume))
        .route("/api/v1/users", post(commands::users))
        .merge(history::routes())
        .fallback(foreign::ask);
    // A locustfile's process has these itself, and knows more.
    let routes = if shared.foreign {
        routes
    } else {
        routes
            .route("/stats/report", get(files::report))
            .route("/stats/requests/csv", get(files::requests))
            .route("/stats/failures/csv", get(files::failures))
    };
    let routes = routes.with_state(shared);
    let routes = if base_path.is_empty() { routes } else { below(base_path, routes) };
    routes.layer(axum::middleware::map_response(with_headers))
}

/// The same routes below a path. That path itself is sent on: from it the page's relative links would miss.
fn below(base_path: &str, routes: Router) -> Router {
    let base: Arc<str> = base_path.into();
    Router::new().fallback(move |mut request: Request| {
        let (base, mut routes) = (base.clone(), routes.clone());
        async move {
            let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
            match target.strip_prefix(&*base) {
                Some("") => Redirect::permanent(&format!("{base}/")).into_response(),
                Some(rest) if rest.starts_with('?') => {
                    Redirect::permanent(&format!("{base}/{rest}")).into_response()
                }
                Some(rest) if rest.starts_with('/') => match rest.parse() {
                    Ok(uri) => {
                        *request.uri_mut() = uri;
                        routes.call(request).await.into_response()
                    }
                    Err(_) => problem(StatusCode::BAD_REQUEST, "this is no path"),
                },
                _ => problem(StatusCode::NOT_FOUND, &format!("everything here is below {base}/")),
            }
        }
    })
}

/// What every answer carries, unless it says something else itself.
async fn with_headers(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Serves until `feeding` ends, then for as long as the last answers take, at most `grace`.
pub(crate) async fn run(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    routes: Router,
    feeding: impl Future<Output = ()>,
    grace: Duration,
) {
    let (end, ended) = oneshot::channel::<()>();
    let stop = async move {
        let _ = ended.await;
    };
    let service = routes.into_make_service_with_connect_info::<listen::Remote>();
    let serving: std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>>>> = match acceptor {
        Some(acceptor) => Box::pin(
            axum::serve(listen::Encrypted::new(listener, acceptor), service)
                .with_graceful_shutdown(stop)
                .into_future(),
        ),
        None => {
            Box::pin(axum::serve(listen::Plain(listener), service).with_graceful_shutdown(stop).into_future())
        }
    };
    let ending = async move {
        feeding.await;
        drop(end);
        tokio::time::sleep(grace).await;
    };
    // `serve` itself fails at nothing: what goes wrong with a connection ends that connection.
    tokio::select! {
        _ = serving => {}
        () = ending => {}
    }
}

/// Wall time in ms: pages compare it with the moments of a run.
#[expect(clippy::disallowed_methods, reason = "never on the way of a request of the test")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn problem(status: StatusCode, text: &str) -> Response {
    json(status, serde_json::json!({ "error": text }).to_string())
}

async fn snapshot(State(shared): Host) -> Response {
    json(StatusCode::OK, shared.model(|model| model.snapshot(now())))
}

async fn timeline(State(shared): Host, Path(id): Path<String>) -> Response {
    let found = id.parse().ok().and_then(|id| shared.model(|model| model.request_timeline(id)));
    match found {
        Some(text) => json(StatusCode::OK, text),
        None => problem(StatusCode::NOT_FOUND, "there is no request with this id"),
    }
}
