//! Setting cookies and seeing which come back.

use axum::Router;
use axum::extract::RawQuery;
use axum::http::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::json;

use crate::answers::{axum_json, pairs};

pub fn routes() -> Router {
    Router::new()
        .route("/cookies", any(show))
        .route("/cookies/{*path}", any(show))
        .route("/set-cookies", any(set))
        .route("/set-cookies/{*path}", any(set))
}

/// The `Cookie` header as it came.
async fn show(headers: HeaderMap) -> Response {
    let lines: Vec<&str> = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    axum_json(&json!({ "cookie": lines.join(" | ") }))
}

/// Each `set=…` parameter is one `Set-Cookie` header; `to=…` makes the answer a redirect.
async fn set(RawQuery(query): RawQuery) -> Response {
    let mut response = "set".into_response();
    for (name, value) in pairs(query.as_deref()) {
        let Ok(value) = HeaderValue::try_from(value) else { continue };
        match name.as_str() {
            "set" => {
                response.headers_mut().append(SET_COOKIE, value);
            }
            "to" => {
                *response.status_mut() = StatusCode::FOUND;
                response.headers_mut().insert(LOCATION, value);
            }
            _ => {}
        }
    }
    response
}
