//! The employees API: paths, parameters, and the JSON they answer.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::model::{Employee, Fields, Page};
use crate::store::Store;

type Answer = Result<Response, ApiError>;

/// The routes of the API and its JSON answers for unknown paths and methods.
pub(crate) fn routes(store: Store) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/stats", get(stats))
        .route("/employees", get(list).post(create))
        .route("/employees/{id}", get(read).put(update).delete(delete))
        .with_state(store)
        .fallback(async || ApiError::NotFound("no such path".to_owned()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Our own structs and `json!` values always serialise; an empty body would be visible at once.
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn health(State(store): State<Store>) -> Response {
    let engine = store.engine();
    match store.ping().await {
        Ok(()) => {
            json(StatusCode::OK, &json!({ "status": "healthy", "database": "connected", "engine": engine }))
        }
        Err(error) => json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": "unhealthy", "database": error.to_string(), "engine": engine }),
        ),
    }
}

async fn stats(State(store): State<Store>) -> Answer {
    let departments = store.stats().await?;
    let total: i64 = departments.iter().map(|department| department.employees).sum();
    Ok(json(StatusCode::OK, &json!({ "total_employees": total, "departments": departments })))
}

async fn list(State(store): State<Store>, Query(query): Query<HashMap<String, String>>) -> Answer {
    let parameter = |name: &str| query.get(name).map(String::as_str);
    let page = Page::parse(parameter("page"), parameter("per_page"))?;
    let (employees, total) = store.list(page).await?;
    let pages = total.unsigned_abs().div_ceil(u64::from(page.per_page));
    Ok(json(
        StatusCode::OK,
        &json!({
            "employees": employees,
            "total": total,
            "page": page.page,
            "per_page": page.per_page,
            "pages": pages,
        }),
    ))
}

async fn create(State(store): State<Store>, body: Bytes) -> Answer {
    let new = Fields::parse(&body)?.into_new()?;
    let id = store.insert(new.clone()).await?;
    let employee = Employee {
        id,
        name: new.name,
        email: new.email,
        department: new.department,
        position: new.position,
        salary: new.salary,
    };
    let mut response = json(StatusCode::CREATED, &employee);
    if let Ok(location) = HeaderValue::try_from(format!("/employees/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn read(State(store): State<Store>, Path(id): Path<String>) -> Answer {
    let employee = store.get(parse_id(&id)?).await?.ok_or_else(|| no_such(&id))?;
    Ok(json(StatusCode::OK, &employee))
}

async fn update(State(store): State<Store>, Path(id): Path<String>, body: Bytes) -> Answer {
    let number = parse_id(&id)?;
    let fields = Fields::parse(&body)?;
    if fields == Fields::default() {
        return Err(ApiError::BadRequest("the body changes nothing, give at least one field".to_owned()));
    }
    let employee = store.update(number, fields).await?.ok_or_else(|| no_such(&id))?;
    Ok(json(StatusCode::OK, &employee))
}

async fn delete(State(store): State<Store>, Path(id): Path<String>) -> Answer {
    if !store.delete(parse_id(&id)?).await? {
        return Err(no_such(&id));
    }
    Ok(json(StatusCode::OK, &json!({ "message": format!("employee {id} deleted") })))
}

/// A path segment that is not a number names no employee: 404, as in the routing of the original.
fn parse_id(text: &str) -> Result<i64, ApiError> {
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| no_such(text))
}

fn no_such(id: &str) -> ApiError {
    ApiError::NotFound(format!("no employee {id}"))
}
