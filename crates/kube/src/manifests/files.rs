//! What holds the files and the join token.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::{carries_files, metadata};
use crate::wanted::{Carrier, Wanted};

/// The object with the files, unless they are uploaded.
pub(super) fn files(wanted: &Wanted) -> Option<Value> {
    if !carries_files(wanted) {
        return None;
    }
    let keys = keys(wanted);
    let mut object = json!({"apiVersion": "v1", "metadata": metadata(wanted, &wanted.run.files())});
    let encoded = |content: &[u8]| json!(ByteString(content.to_vec()));
    for (path, content) in wanted.files.iter() {
        let key = &keys[path];
        match (wanted.carrier, std::str::from_utf8(content)) {
            (Carrier::ConfigMap, Ok(text)) => object["data"][key] = json!(text),
            (Carrier::ConfigMap, Err(_)) => object["binaryData"][key] = encoded(content),
            (Carrier::Secret | Carrier::Upload, _) => object["data"][key] = encoded(content),
        }
    }
    object["kind"] = json!(if wanted.carrier == Carrier::Secret { "Secret" } else { "ConfigMap" });
    if wanted.carrier == Carrier::Secret {
        object["type"] = json!("Opaque");
    }
    Some(object)
}

/// The volume with them.
pub(super) fn volume(wanted: &Wanted, name: &str) -> Value {
    let items: Vec<Value> =
        keys(wanted).into_iter().map(|(path, key)| json!({"key": key, "path": path})).collect();
    if wanted.carrier == Carrier::Secret {
        json!({"name": name, "secret": {"secretName": wanted.run.files(), "items": items}})
    } else {
        json!({"name": name, "configMap": {"name": wanted.run.files(), "items": items}})
    }
}

/// A key for each path: what keys may hold, and no two the same.
fn keys(wanted: &Wanted) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut keys = BTreeMap::new();
    for (path, _) in wanted.files.iter() {
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let plain: String = path.chars().map(allowed).collect();
        // Keys have 253 characters; the end of a path says more than its beginning.
        let plain = plain[plain.len().saturating_sub(200)..].to_owned();
        let mut key = plain.clone();
        let mut number = 1;
        while !taken.insert(key.clone()) || key.starts_with("..") {
            number += 1;
            key = format!("{number}-{plain}");
        }
        keys.insert(path.to_owned(), key);
    }
    keys
}

/// The secret with the variables that came from the user's shell, if there are any.
pub(super) fn variables(wanted: &Wanted) -> Option<Value> {
    let taken = &wanted.settings.secret_env;
    let encoded =
        |(name, value): (&String, &String)| (name.clone(), json!(ByteString(value.clone().into_bytes())));
    let data: serde_json::Map<String, Value> = taken.iter().map(encoded).collect();
    (!data.is_empty()).then(|| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata(wanted, &wanted.run.variables()),
            "type": "Opaque", "data": data,
        })
    })
}

/// The secret with the join token.
pub(super) fn token(wanted: &Wanted) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata(wanted, &wanted.run.token()), "type": "Opaque",
        "data": {"token": ByteString(wanted.token.clone().into_bytes())},
    })
}
