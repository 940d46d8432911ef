//! Changing objects by patches: JSON merge, strategic merge, and apply.

use serde_json::{Map, Value, json};

/// Lists that a strategic merge matches by a key; all others are replaced. From the `patchMergeKey`s of the real types.
fn merge_key(list: &str) -> Option<&'static str> {
    Some(match list {
        "containers" | "initContainers" | "volumes" | "env" | "imagePullSecrets" | "secrets" => "name",
        "ports" => "port",
        "volumeMounts" => "mountPath",
        "conditions" => "type",
        "ownerReferences" => "uid",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

/// RFC 7396.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let target = object(target);
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// As a merge, but lists with a key are merged by it, and `$patch: delete` removes an element.
pub(crate) fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let target = object(target);
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
            continue;
        }
        let place = target.entry(name.clone()).or_insert(Value::Null);
        match (value, merge_key(name)) {
            (Value::Array(elements), Some(key)) => {
                // Container ports and service ports have different keys.
                let key = if name == "ports" && elements.iter().any(|one| one.get("containerPort").is_some())
                {
                    "containerPort"
                } else {
                    key
                };
                merge_list(place, elements, key);
            }
            _ => strategic(place, value),
        }
    }
}

fn merge_list(place: &mut Value, elements: &[Value], key: &str) {
    if !place.is_array() {
        *place = json!([]);
    }
    let Some(list) = place.as_array_mut() else { return };
    for element in elements {
        let found = list.iter().position(|old| old.get(key).is_some() && old.get(key) == element.get(key));
        let deletes = element.get("$patch").and_then(Value::as_str) == Some("delete");
        match (found, deletes) {
            (Some(at), true) => {
                list.remove(at);
            }
            (Some(at), false) => strategic(&mut list[at], element),
            (None, true) => {}
            (None, false) => list.push(element.clone()),
        }
    }
}

/// Server-side apply, as far as one applier at a time goes: merges, and writes down who applied.
pub(crate) fn apply(target: &mut Value, patch: &Value, manager: &str, now: &str) {
    strategic(target, patch);
    let managers = &mut target["metadata"]["managedFields"];
    if !managers.is_array() {
        *managers = json!([]);
    }
    if let Some(list) = managers.as_array_mut() {
        list.retain(|entry| entry["manager"] != manager);
        list.push(json!({"manager": manager, "operation": "Apply", "time": now, "fieldsType": "FieldsV1", "fieldsV1": {}}));
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_replaces_lists_and_a_strategic_one_merges_them_by_name() {
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}, "x": 1});
        let patch = json!({"spec": {"containers": [{"name": "a", "image": "2"}]}, "x": null});
        let (mut merged, mut strategically) = (pod.clone(), pod);
        merge(&mut merged, &patch);
        assert_eq!(merged, json!({"spec": {"containers": [{"name": "a", "image": "2"}]}}));
        strategic(&mut strategically, &patch);
        assert_eq!(
            strategically,
            json!({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b"}]}})
        );
    }
}
