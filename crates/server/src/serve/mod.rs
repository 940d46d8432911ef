//! The routes of the page, and serving them.

mod admission;
mod asking;
mod assets;
mod commands;
mod events;
mod files;
mod foreign;
mod guard;
mod history;
pub(crate) mod listen;
mod openapi;
mod prometheus;
mod table;
mod yielding;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use crate::page::Shared;

pub(crate) use foreign::ask as ask_host;
pub(crate) use yielding::{STYLE as LOGIN_STYLE, Yielding};

type Host = State<Arc<Shared>>;

/// User, password and token, encoded.
const LARGEST_LOGIN: usize = 16 << 10;

/// All routes, below the base path: the table's, and those of the page itself.
pub(crate) fn routes(base_path: &str, shared: Arc<Shared>) -> Router {
    let foreign = shared.foreign;
    // By other methods they may be routes of the host program.
    let beside = |route: MethodRouter<_>| if foreign { route.fallback(foreign::ask) } else { route };
    let routes = table::routes(foreign)
        .route("/", beside(get(assets::index)))
        .route("/assets/{*file}", beside(get(assets::file)))
        .route(
            "/login",
            get(admission::form).post(admission::log_in).layer(DefaultBodyLimit::max(LARGEST_LOGIN)),
        )
        .route(yielding::STYLE, get(admission::style))
        .route("/logout", beside(post(admission::log_out)))
        .fallback(foreign::ask);
    let routes = routes
        .layer(axum::middleware::from_fn_with_state(shared.clone(), admission::check))
        .with_state(shared);
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
pub(crate) async fn with_headers(mut response: Response) -> Response {
    const ALL: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    // A locustfile's pages may have scripts of their own; ours say themselves what they need.
    const OURS: [(HeaderName, &str); 2] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let is_theirs = response.extensions().get::<foreign::Theirs>().is_some();
    let ours = OURS.into_iter().filter(|_| !is_theirs);
    for (name, value) in ALL.into_iter().chain(ours) {
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
pub(crate) fn now() -> u64 {
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
