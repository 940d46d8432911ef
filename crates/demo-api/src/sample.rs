//! The sample application of Google's "distributed load testing using Kubernetes" guide, and
//! the `/hello` of the tutorials that followed it: plain text, no database.
//!
//! Parameters come from the query or from a form, as Flask's `request.values` has them, and a
//! missing one prints as `None`, so that the locustfile of that guide sees what it always saw.

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use axum::routing::get;

/// The routes of the sample application.
pub(crate) fn routes() -> Router {
    Router::new()
        .route(
            "/",
            get(async || "throng demo API: try /health, /employees, /stats, /login, /metrics, /hello\n"),
        )
        .route("/hello", get(async || "Hello, World!\n"))
        .route("/login", get(login).post(login))
        .route("/metrics", get(metrics).post(metrics))
}

async fn login(uri: Uri, body: Bytes) -> String {
    format!("/login - device: {}\n", value(&uri, &body, "deviceid"))
}

async fn metrics(uri: Uri, body: Bytes) -> String {
    format!(
        "/metrics - device: {}, timestamp: {}\n",
        value(&uri, &body, "deviceid"),
        value(&uri, &body, "timestamp")
    )
}

/// The first value of a parameter, query before form.
fn value(uri: &Uri, body: &[u8], name: &str) -> String {
    let query = uri.query().unwrap_or_default().as_bytes();
    [query, body]
        .into_iter()
        .flat_map(url::form_urlencoded::parse)
        .find(|(key, _)| key == name)
        .map_or_else(|| "None".to_owned(), |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_taken_from_the_query_before_the_form() {
        let uri = Uri::from_static("/login?deviceid=q%201");
        assert_eq!(value(&uri, b"deviceid=form", "deviceid"), "q 1");
        assert_eq!(value(&Uri::from_static("/login"), b"a=1&deviceid=form", "deviceid"), "form");
        assert_eq!(value(&Uri::from_static("/login"), b"", "deviceid"), "None");
    }
}
