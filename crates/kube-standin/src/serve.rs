//! The server: from a request to the kind, verb and object that it means.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::cluster::Inner;
use crate::resources::Resource;
use crate::rights::{self, Attempt, Who};
use crate::selectors::Selector;
use crate::status::Refusal;
use crate::store::Key;
use crate::{discovery, logs, objects, portforward, watch};

/// The most that a request carries: what etcd takes.
const MOST_BODY: usize = 3 * 1024 * 1024;

/// A request that was understood.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    query: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.query(name), Some("true" | "1"))
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(
            self.resource,
            self.namespace.as_deref().unwrap_or_default(),
            self.name.as_deref().unwrap_or_default(),
        )
    }

    pub(crate) fn selector(&self) -> Result<Selector, Refusal> {
        let text = |name| self.query(name).unwrap_or_default();
        Selector::parse(text("labelSelector"), text("fieldSelector")).map_err(Refusal::bad)
    }
}

/// Answers one request.
pub(crate) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    match handle(&inner, request).await {
        Ok(response) => response,
        Err(refusal) => json_response(refusal.status(), &refusal.to_json()),
    }
}

pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

async fn handle(inner: &Arc<Inner>, request: Request) -> Result<Response, Refusal> {
    if inner.policy().unavailable {
        return Err(Refusal::new(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ));
    }
    let who = who(&request)?;
    let path = request.uri().path().to_owned();
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    if let Some(found) = discovery::answer(inner, &steps, request.headers()) {
        return found.map(|value| json_response(StatusCode::OK, &value));
    }
    let (group, version, rest) = match steps.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Err(Refusal::no_such_path()),
    };
    if group == "metrics.k8s.io" && inner.policy().without_metrics {
        return Err(Refusal::no_such_path());
    }
    let asked = asked(group, version, rest, request.uri().query().unwrap_or_default())?;
    let attempt = Attempt {
        verb: verb(request.method(), &asked)?.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        resource: asked.resource.plural.to_owned(),
        subresource: asked.subresource.clone().unwrap_or_default(),
        namespace: asked.namespace.clone().unwrap_or_default(),
        name: asked.name.clone().unwrap_or_default(),
    };
    // Everybody may ask what they may do.
    let is_question = asked.resource.plural == "selfsubjectaccessreviews";
    if !is_question && !rights::allows(&inner.store(), &inner.policy().prohibitions, &who, &attempt) {
        return Err(rights::refuse(&who, &attempt));
    }
    // A WebSocket is a GET; since Kubernetes 1.35 it needs the right to create as well.
    if asked.subresource.as_deref() == Some("portforward") {
        let create = Attempt { verb: "create".to_owned(), ..attempt.clone() };
        if !rights::allows(&inner.store(), &inner.policy().prohibitions, &who, &create) {
            return Err(rights::refuse(&who, &create));
        }
    }
    inner.count(&attempt.verb, asked.resource.plural);
    match asked.subresource.as_deref() {
        Some("log") => return logs::answer(inner, &asked),
        Some("portforward") => return portforward::answer(inner, &asked, request),
        _ => {}
    }
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = body(request).await?;
    if let Ok(object) = parse(&body) {
        rights::may_grant(&inner.store(), &inner.policy().prohibitions, &who, &attempt, &object)?;
    }
    let value = match attempt.verb.as_str() {
        "create" if is_question => objects::review(inner, &who, &parse(&body)?),
        "create" => objects::create(inner, &asked, parse(&body)?),
        "get" => objects::get(inner, &asked),
        "list" => objects::list(inner, &asked),
        "watch" => return watch::answer(inner, &asked),
        "update" => objects::update(inner, &asked, parse(&body)?),
        "patch" => objects::patch(inner, &asked, &content_type, &parse(&body)?),
        "delete" => objects::delete(inner, &asked, &parse(&body).unwrap_or(Value::Null)),
        "deletecollection" => objects::delete_all(inner, &asked),
        _ => Err(Refusal::new(405, "MethodNotAllowed", "the server does not allow this method")),
    }?;
    let status = if attempt.verb == "create" { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json_response(status, &value))
}

fn who(request: &Request) -> Result<Who, Refusal> {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .and_then(Who::by_token)
        .ok_or_else(|| Refusal::new(401, "Unauthorized", "Unauthorized"))
}

fn asked(group: &str, version: &str, rest: &[&str], query: &str) -> Result<Asked, Refusal> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let [plural, rest @ ..] = rest else { return Err(Refusal::no_such_path()) };
    let resource = Resource::by_path(group, version, plural).ok_or_else(Refusal::no_such_path)?;
    let subresource = rest.get(1).map(|name| (*name).to_owned());
    if subresource.as_deref().is_some_and(|name| !resource.subresources.contains(&name)) {
        return Err(Refusal::no_such_path());
    }
    Ok(Asked {
        resource,
        namespace,
        name: rest.first().map(|name| (*name).to_owned()),
        subresource,
        query: parse_query(query),
    })
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(
        &format!("/?{query}").parse().unwrap_or_else(|_| axum::http::Uri::from_static("/")),
    )
    .map(|query| query.0)
    .unwrap_or_default()
}

fn verb(method: &Method, asked: &Asked) -> Result<&'static str, Refusal> {
    Ok(match (method.as_str(), asked.name.is_some()) {
        ("GET", true) => "get",
        ("GET", false) if asked.is("watch") => "watch",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", true) => "update",
        ("PATCH", true) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => return Err(Refusal::new(405, "MethodNotAllowed", "the server does not allow this method")),
    })
}

async fn body(request: Request) -> Result<Bytes, Refusal> {
    axum::body::to_bytes(request.into_body(), MOST_BODY).await.map_err(|_| {
        Refusal::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {MOST_BODY}"))
    })
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::bad("the body is not text"))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| Refusal::bad(error.to_string()));
    }
    if text.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_saphyr::from_str(text).map_err(|error| Refusal::bad(error.to_string()))
}

impl Asked {
    /// The same kind and namespace, one object.
    pub(crate) fn of(other: &Self, name: &str) -> Self {
        Self {
            resource: other.resource,
            namespace: other.namespace.clone(),
            name: Some(name.to_owned()),
            subresource: None,
            query: Vec::new(),
        }
    }
}
