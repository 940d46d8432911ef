//! The `OpenAPI` document of the interface for programs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::table::{self, Endpoint, Gives, Parameter};
use super::{Host, guard, json};
use crate::page::Admission;

/// Shapes of what is sent and answered.
const SCHEMAS: &str = include_str!("schemas.json");
/// Locust's endpoints, which Python serves in a locustfile's process.
const LOCUST: &str = include_str!("locust.json");

/// `GET /api/v1/openapi.json`.
pub(super) async fn document(State(shared): Host) -> Response {
    let has_login = !matches!(shared.admission, Admission::Open);
    let mut document = make(shared.foreign, has_login, &shared.base_path);
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|path, _| !shared.is_theirs(path));
    }
    json(StatusCode::OK, document.to_string())
}

fn make(foreign: bool, has_login: bool, base_path: &str) -> Value {
    let mut paths = Map::new();
    for endpoint in table::endpoints(foreign) {
        let methods = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        methods[endpoint.method.name()] = operation(endpoint, has_login);
    }
    if foreign && let Value::Object(locust) = part(LOCUST) {
        paths.extend(locust);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "throng",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Watch and direct a load test. Commands need the header X-Throng: 1.",
        },
        "servers": [{ "url": if base_path.is_empty() { "/" } else { base_path } }],
        "paths": paths,
        "components": { "schemas": part(SCHEMAS) },
    });
    if has_login {
        document["components"]["securitySchemes"] = json!({
            "token": { "type": "http", "scheme": "bearer" },
            "person": { "type": "http", "scheme": "basic" },
        });
        document["security"] = json!([{ "token": [] }, { "person": [] }]);
    }
    document
}

/// Of our own files, which a test reads.
fn part(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn operation(endpoint: &Endpoint, has_login: bool) -> Value {
    let mut parameters: Vec<Value> = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = json!({ "type": "integer", "minimum": 0 });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    parameters.extend(endpoint.query.iter().map(|Parameter { name, summary, required, pattern }| {
        let schema = json!({ "type": "string", "pattern": pattern });
        json!({ "name": name, "in": "query", "description": summary, "required": required, "schema": schema })
    }));
    if endpoint.method.changes() {
        parameters.push(json!({
            "name": guard::HEADER, "in": "header", "required": true, "schema": { "type": "string", "const": "1" },
        }));
    }
    let is_probe = matches!(endpoint.path, "/healthz" | "/readyz");
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": responses(endpoint, has_login && !is_probe),
    });
    if let Some(schema) = endpoint.takes {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(schema) } } });
    }
    if has_login && is_probe {
        operation["security"] = json!([]);
    }
    operation
}

fn operation_id(endpoint: &Endpoint) -> String {
    let method = endpoint.method.name();
    let words = endpoint.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| id + "_" + word)
}

fn responses(endpoint: &Endpoint, has_login: bool) -> Value {
    let of_json = |schema: &str| json!({ "application/json": { "schema": reference(schema) } });
    let (status, description, content) = match endpoint.gives {
        Gives::Json(schema) => ("200", "It", of_json(schema)),
        Gives::Text(kind) => ("200", "It", json!({ kind: { "schema": { "type": "string" } } })),
        Gives::Accepted => ("202", "It is being done", of_json("Accepted")),
    };
    let mut all = Map::new();
    all.insert(status.to_owned(), json!({ "description": description, "content": content }));
    let login: &[u16] = if has_login { &[401, 429] } else { &[] };
    for code in endpoint.fails.iter().chain(login) {
        let reason =
            StatusCode::from_u16(*code).ok().and_then(|code| code.canonical_reason()).unwrap_or_default();
        all.insert(code.to_string(), json!({ "description": reason, "content": of_json("Error") }));
    }
    Value::Object(all)
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, Update};

    fn at<'a>(document: &'a Value, reference: &str) -> &'a Value {
        document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}"))
    }

    /// All `$ref`s of a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(all) => all.iter().for_each(|one| references(one, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_has_every_endpoint_and_every_schema_it_names() {
        for (foreign, has_login) in [(false, false), (true, true)] {
            let document = make(foreign, has_login, "/load");
            for endpoint in table::endpoints(foreign) {
                assert!(
                    document["paths"][endpoint.path][endpoint.method.name()]["responses"].is_object(),
                    "{}",
                    endpoint.path
                );
            }
            assert_eq!(document["paths"].get("/swarm").is_some(), foreign);
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(found.len() > 20);
            for reference in &found {
                assert!(at(&document, reference).is_object());
            }
        }
    }

    #[test]
    fn the_schema_of_a_snapshot_has_its_fields() {
        let mut model = Model::default();
        model.apply(Update { now: 1, ..Update::default() });
        let snapshot: Value = serde_json::from_str(&model.snapshot(1)).unwrap();
        let schemas = part(SCHEMAS);
        let said: Vec<&String> = schemas["Snapshot"]["properties"].as_object().unwrap().keys().collect();
        let has: Vec<&String> = snapshot.as_object().unwrap().keys().collect();
        assert_eq!(
            said.iter().collect::<std::collections::BTreeSet<_>>(),
            has.iter().collect::<std::collections::BTreeSet<_>>()
        );
    }
}
