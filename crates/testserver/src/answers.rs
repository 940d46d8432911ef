//! Answers chosen by the path: status codes, redirects, delays, bodies of a size, headers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};

/// Requests per key of `/count/KEY`.
type Counts = Arc<Mutex<HashMap<String, u64>>>;

pub fn routes() -> Router {
    Router::new()
        .route("/", get(async || "ok"))
        .route("/status/{code}", any(status))
        .route("/redirect/{hops}", any(redirect))
        .route("/redirect-to", any(redirect_to))
        .route("/delay/{milliseconds}", any(delay))
        .route("/bytes/{count}", get(bytes))
        .route("/invalid-utf8", get(async || Bytes::from_static(b"a\xff\xfeb")))
        .route("/chunked/{count}", get(chunked))
        .route("/response-headers", any(response_headers))
        .route("/json", get(async || axum_json(&document())))
        .route("/json-list", get(async || axum_json(&json!([1, "two", null, { "three": 3 }]))))
        .route("/not-json", get(async || "{\"open\": "))
        .route("/empty", any(async || ""))
        .route("/count/{key}", any(count))
        .route("/modules/{name}", get(module))
        .with_state(Counts::default())
}

/// JSON text with its content type.
pub fn axum_json(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// What `/json` answers: something of every kind that a selector can reach.
fn document() -> Value {
    json!({
        "title": "conformance",
        "count": 3,
        "ratio": 0.5,
        "flag": true,
        "nothing": null,
        "list": [1, 2, 3],
        "items": [
            { "name": "alpha", "size": 1, "tags": ["x", "y"] },
            { "name": "beta", "size": 2, "tags": [] },
            { "name": "gamma", "size": 3, "tags": ["z"] },
        ],
        "deep": { "er": { "value": "found" } },
        "with.dot": "dotted",
    })
}

async fn status(Path(code): Path<u16>) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    let bodyless =
        code.is_informational() || code == StatusCode::NO_CONTENT || code == StatusCode::NOT_MODIFIED;
    (code, if bodyless { String::new() } else { format!("status {}", code.as_u16()) }).into_response()
}

async fn redirect(Path(hops): Path<u32>) -> Response {
    let to = match hops {
        0 => return "arrived".into_response(),
        1 => "/redirect/0".to_owned(),
        more => format!("/redirect/{}", more - 1),
    };
    (StatusCode::FOUND, [(LOCATION, to)], "moved").into_response()
}

/// `?url=…&status=…`: anywhere, with any of the redirecting codes.
async fn redirect_to(RawQuery(query): RawQuery) -> Response {
    let pairs = pairs(query.as_deref());
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let code = value("status").and_then(|code| code.parse().ok()).unwrap_or(StatusCode::FOUND);
    (code, [(LOCATION, value("url").unwrap_or_default())]).into_response()
}

async fn delay(Path(milliseconds): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    format!("after {milliseconds} ms")
}

async fn bytes(Path(count): Path<usize>) -> Response {
    let body: Vec<u8> = (0..count).map(|n| (n % 256) as u8).collect();
    ([(CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

async fn chunked(Path(count): Path<usize>) -> Response {
    Body::new(Chunks { next: 0, count }).into_response()
}

/// `count` chunks of text, each its own.
struct Chunks {
    next: usize,
    count: usize,
}

impl axum::body::HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        let next = (self.next < self.count).then(|| {
            let text = format!("chunk {}\n", self.next);
            Ok(hyper::body::Frame::data(Bytes::from(text)))
        });
        self.next += 1;
        std::task::Poll::Ready(next)
    }
}

/// Every parameter of the query becomes a response header; repeated ones repeat.
async fn response_headers(RawQuery(query): RawQuery) -> Response {
    let mut response = "headers".into_response();
    for (name, value) in pairs(query.as_deref()) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            if name == CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
    }
    response
}

/// A script to import: `greet.js` imports its neighbour, `missing.js` imports what is not there.
async fn module(Path(name): Path<String>) -> Response {
    let text = match name.as_str() {
        "greet.js" => "import { name } from './name.js';\nexport const greet = () => `hello ${name}`;\n",
        "name.js" => "export const name = 'remote';\n",
        "common.js" => "module.exports = { sum: (a, b) => a + b };\n",
        "missing.js" => "import './nowhere.js';\n",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(CONTENT_TYPE, "text/javascript")], text).into_response()
}

/// How many requests for this key there have been, this one included.
async fn count(State(counts): State<Counts>, Path(key): Path<String>) -> String {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(key).or_default();
    *count += 1;
    count.to_string()
}

/// The pairs of a query or a form, in order.
pub fn pairs(text: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect()
}
