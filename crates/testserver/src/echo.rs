//! `/anything`: the request as it arrived, as JSON.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri, Version};
use axum::response::Response;
use axum::routing::any;
use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::answers::{axum_json, pairs};
use crate::encodings;
use crate::serve::Connection;

pub fn routes() -> Router {
    Router::new().route("/anything", any(anything)).route("/anything/{*path}", any(anything))
}

async fn anything(
    method: Method,
    uri: Uri,
    version: Version,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let encoding = header(&headers, CONTENT_ENCODING.as_str());
    let plain = encodings::decode(encoding, &body);
    let kind = header(&headers, CONTENT_TYPE.as_str());
    let form = kind
        .starts_with("application/x-www-form-urlencoded")
        .then(|| pairs(std::str::from_utf8(&plain).ok()));
    axum_json(&json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": pairs(uri.query()),
        "proto": format!("{version:?}"),
        "connection": connection.0,
        "headers": sorted(&headers),
        "body": text(&plain),
        "form": form,
        "parts": parts(kind, plain).await,
    }))
}

/// Header names to lists of values, in order of name: the order on the wire is not compared.
fn sorted(headers: &HeaderMap) -> Value {
    let mut names: Vec<&str> = headers.keys().map(axum::http::HeaderName::as_str).collect();
    names.sort_unstable();
    let values =
        |name: &str| headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect::<Vec<_>>();
    Value::Object(names.into_iter().map(|name| (name.to_owned(), json!(values(name)))).collect::<Map<_, _>>())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Text as it is, anything else as `base64:…`.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}

/// The parts of a multipart body in order, or null when it is none.
async fn parts(kind: &str, body: Bytes) -> Value {
    if !kind.starts_with("multipart/form-data") {
        return Value::Null;
    }
    let Ok(request) = Request::builder().header(CONTENT_TYPE, kind).body(body.into()) else {
        return Value::Null;
    };
    let mut multipart = match Multipart::from_request(request, &()).await {
        Ok(multipart) => multipart,
        Err(error) => return json!(format!("not multipart: {error}")),
    };
    let mut parts = Vec::new();
    while let Ok(Some(part)) = multipart.next_field().await {
        let (name, file, kind) = (
            part.name().map(str::to_owned),
            part.file_name().map(str::to_owned),
            part.content_type().map(str::to_owned),
        );
        let bytes = part.bytes().await.unwrap_or_default();
        parts.push(json!({ "name": name, "filename": file, "type": kind, "body": text(&bytes) }));
    }
    Value::Array(parts)
}
