//! The page's files, as they are built in.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use throng_web_assets::{Asset, Page};

use super::{Host, foreign};

/// Nothing but our own files, and nothing inline.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'none'";

pub(super) async fn index(headers: HeaderMap) -> Response {
    match throng_web_assets::index() {
        Page::Built(asset) => answer(asset, &headers, "no-cache"),
        Page::Placeholder(html) => ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
    }
}

pub(super) async fn file(State(shared): Host, Path(file): Path<String>, request: Request) -> Response {
    match throng_web_assets::find(&format!("assets/{file}")) {
        // Their names change with their content.
        Some(asset) => answer(asset, request.headers(), "public, max-age=31536000, immutable"),
        None if shared.foreign => foreign::answer(shared, request).await,
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

/// Whether who asks understands gzip.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepts = |value: &header::HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|part| {
            let mut words = part.split(';').map(str::trim);
            matches!(words.next(), Some("gzip" | "*")) && words.all(|word| word != "q=0")
        })
    };
    headers.get_all(header::ACCEPT_ENCODING).iter().any(accepts)
}

fn answer(asset: Asset, headers: &HeaderMap, caching: &'static str) -> Response {
    let zipped = accepts_gzip(headers);
    let head = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept-encoding"),
    ];
    if zipped {
        (head, [(header::CONTENT_ENCODING, "gzip")], asset.zipped).into_response()
    } else {
        (head, asset.plain).into_response()
    }
}
