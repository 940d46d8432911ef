//! Basic and digest authentication with the credentials named in the path.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use md5::{Digest as _, Md5};
use serde_json::json;

use crate::answers::axum_json;

const REALM: &str = "conformance";
/// Fixed, since nothing here protects anything and answers must not vary.
const NONCE: &str = "0123456789abcdef0123456789abcdef";

pub fn routes() -> Router {
    Router::new()
        .route("/basic-auth/{user}/{password}", any(basic))
        .route("/digest-auth/{user}/{password}", any(digest))
}

async fn basic(Path((user, password)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let granted = authorization(&headers).and_then(|value| value.strip_prefix("Basic ")) == Some(&expected);
    answer(granted, &user, format!("Basic realm=\"{REALM}\""))
}

/// RFC 7616 with MD5 and `qop=auth`.
async fn digest(
    Path((user, password)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let granted =
        authorization(&headers).and_then(|value| value.strip_prefix("Digest ")).is_some_and(|fields| {
            let field = |name: &str| {
                fields.split(',').find_map(|field| {
                    let (key, value) = field.trim().split_once('=')?;
                    (key == name).then(|| value.trim_matches('"'))
                })
            };
            let (Some(nc), Some(cnonce), Some(response)) = (field("nc"), field("cnonce"), field("response"))
            else {
                return false;
            };
            let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
            let secret = md5(&format!("{user}:{REALM}:{password}"));
            let request = md5(&format!("{method}:{path}"));
            let expected = md5(&format!("{secret}:{NONCE}:{nc}:{cnonce}:auth:{request}"));
            field("username") == Some(&user)
                && field("nonce") == Some(NONCE)
                && field("uri") == Some(path)
                && response == expected
        });
    answer(
        granted,
        &user,
        format!("Digest realm=\"{REALM}\", nonce=\"{NONCE}\", qop=\"auth\", algorithm=MD5"),
    )
}

fn answer(granted: bool, user: &str, challenge: String) -> Response {
    if granted {
        axum_json(&json!({ "authenticated": true, "user": user }))
    } else {
        (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)], "who are you?").into_response()
    }
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()
}

fn md5(text: &str) -> String {
    format!("{:x}", Md5::digest(text))
}
