//! The verbs on objects.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::Inner;
use crate::rights::{self, Attempt, Who};
use crate::serve::Asked;
use crate::status::Refusal;
use crate::store::{Key, Store};
use crate::{admission, patch};

/// Makes what goes over the wire of an object that is stored.
fn shown(asked: &Asked, mut object: Value) -> Value {
    object["apiVersion"] = json!(asked.resource.api_version());
    object["kind"] = json!(asked.resource.kind);
    object
}

pub(crate) fn get(inner: &Arc<Inner>, asked: &Asked) -> Result<Value, Refusal> {
    let key = asked.key();
    let store = inner.store();
    let object = store.get(&key).ok_or_else(|| Refusal::not_found(asked.resource, &key.name))?;
    Ok(match asked.subresource.as_deref() {
        Some("scale") => scale(object),
        _ => shown(asked, object.clone()),
    })
}

pub(crate) fn list(inner: &Arc<Inner>, asked: &Asked) -> Result<Value, Refusal> {
    let selector = asked.selector()?;
    let store = inner.store();
    let items: Vec<Value> = store
        .list(asked.resource, asked.namespace.as_deref())
        .filter(|object| selector.matches(object))
        .cloned()
        .map(|object| shown(asked, object))
        .collect();
    Ok(json!({
        "apiVersion": asked.resource.api_version(), "kind": format!("{}List", asked.resource.kind),
        "metadata": {"resourceVersion": store.version().to_string()}, "items": items,
    }))
}

pub(crate) fn create(inner: &Arc<Inner>, asked: &Asked, object: Value) -> Result<Value, Refusal> {
    let object = prepare(inner, asked, object)?;
    let mut key = asked.key();
    object["metadata"]["name"].as_str().unwrap_or_default().clone_into(&mut key.name);
    admission::check(asked.resource, &object)?;
    let mut store = inner.store();
    admits(&store, &key, &object)?;
    if store.get(&key).is_some() {
        return Err(Refusal::exists(asked.resource, &key.name));
    }
    if asked.query("dryRun") == Some("All") {
        return Ok(shown(asked, object));
    }
    Ok(shown(asked, store.set(&key, object)))
}

/// Fills in what the server fills in.
fn prepare(inner: &Inner, asked: &Asked, mut object: Value) -> Result<Value, Refusal> {
    if !object.is_object() {
        return Err(Refusal::bad("the body is no object"));
    }
    if object["metadata"].is_null() {
        object["metadata"] = json!({});
    }
    for (field, expected) in
        [("apiVersion", asked.resource.api_version()), ("kind", asked.resource.kind.to_owned())]
    {
        match object[field].as_str() {
            None => object[field] = json!(expected),
            Some(given) if given == expected => {}
            Some(given) => {
                return Err(Refusal::bad(format!("{field} is {given}, the address is that of {expected}")));
            }
        }
    }
    if let Some(namespace) = &asked.namespace {
        let given = object["metadata"]["namespace"].as_str().unwrap_or(namespace);
        if given != namespace {
            return Err(Refusal::bad(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        object["metadata"]["namespace"] = json!(namespace);
    }
    if object["metadata"]["name"].is_null()
        && let Some(prefix) = object["metadata"]["generateName"].as_str()
    {
        object["metadata"]["name"] = json!(format!("{prefix}{}", inner.suffix()));
    }
    if let Some(secrets) = object["stringData"].as_object().cloned() {
        for (name, value) in secrets {
            use base64::Engine;
            let text = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or_default());
            object["data"][name] = json!(text);
        }
        if let Some(object) = object.as_object_mut() {
            object.remove("stringData");
        }
    }
    if asked.resource.kind == "Service" && object["spec"]["clusterIP"].is_null() {
        object["spec"]["clusterIP"] = json!(inner.network().service_address().to_string());
    }
    if asked.resource.kind == "Deployment" && object["spec"]["replicas"].is_null() {
        object["spec"]["replicas"] = json!(1);
    }
    Ok(object)
}

/// What needs other objects to be decided: the namespace, and the security that it asks of pods.
fn admits(store: &Store, key: &Key, object: &Value) -> Result<(), Refusal> {
    if key.namespace.is_empty() {
        return Ok(());
    }
    let Some(namespaces) = crate::resources::Resource::by_path("", "v1", "namespaces") else { return Ok(()) };
    let Some(namespace) = store.get(&Key::new(namespaces, "", &key.namespace)) else {
        return Err(Refusal::not_found(namespaces, &key.namespace));
    };
    let level = &namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
    if key.resource.kind == "Pod"
        && level == "restricted"
        && let Some(against) = admission::restricted(&object["spec"])
    {
        return Err(Refusal::forbidden(key.resource, &key.name, &against));
    }
    Ok(())
}

pub(crate) fn update(inner: &Arc<Inner>, asked: &Asked, object: Value) -> Result<Value, Refusal> {
    let key = asked.key();
    if asked.subresource.as_deref() == Some("scale") {
        return set_scale(inner, asked, &object);
    }
    let object = prepare(inner, asked, object)?;
    admission::check(asked.resource, &object)?;
    let mut store = inner.store();
    let before = store.get(&key).cloned().ok_or_else(|| Refusal::not_found(asked.resource, &key.name))?;
    let version = &object["metadata"]["resourceVersion"];
    if !version.is_null() && *version != before["metadata"]["resourceVersion"] {
        return Err(Refusal::conflict(asked.resource, &key.name));
    }
    let after = restore(asked, &before, object);
    Ok(shown(asked, store.set(&key, after)))
}

/// A change through `status` touches nothing else, and one without it leaves the status as it was.
fn restore(asked: &Asked, before: &Value, mut after: Value) -> Value {
    if !asked.resource.subresources.contains(&"status") {
        return after;
    }
    if asked.subresource.as_deref() == Some("status") {
        let mut kept = before.clone();
        kept["status"] = after["status"].take();
        return kept;
    }
    match before.get("status") {
        Some(status) => after["status"] = status.clone(),
        None => {
            if let Some(after) = after.as_object_mut() {
                after.remove("status");
            }
        }
    }
    after
}

pub(crate) fn patch(
    inner: &Arc<Inner>,
    asked: &Asked,
    content_type: &str,
    change: &Value,
) -> Result<Value, Refusal> {
    let key = asked.key();
    if asked.subresource.as_deref() == Some("scale") {
        return set_scale(inner, asked, change);
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let before = inner.store().get(&key).cloned();
    let applies = kind == "application/apply-patch+yaml";
    let mut after = match (&before, applies) {
        (Some(before), _) => before.clone(),
        (None, true) => json!({"metadata": {"name": key.name}}),
        (None, false) => return Err(Refusal::not_found(asked.resource, &key.name)),
    };
    match kind {
        "application/merge-patch+json" => patch::merge(&mut after, change),
        "application/strategic-merge-patch+json" => patch::strategic(&mut after, change),
        "application/apply-patch+yaml" => {
            let Some(manager) = asked.query("fieldManager") else {
                return Err(Refusal::bad(
                    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
                ));
            };
            patch::apply(&mut after, change, manager, &crate::now());
        }
        other => {
            return Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                format!("the stand-in has no patches of type {other}"),
            ));
        }
    }
    let after = prepare(inner, asked, after)?;
    admission::check(asked.resource, &after)?;
    let mut store = inner.store();
    if let Some(before) = &before {
        let version = &change["metadata"]["resourceVersion"];
        if !version.is_null() && *version != before["metadata"]["resourceVersion"] {
            return Err(Refusal::conflict(asked.resource, &key.name));
        }
        let after = restore(asked, before, after);
        return Ok(shown(asked, store.set(&key, after)));
    }
    admits(&store, &key, &after)?;
    Ok(shown(asked, store.set(&key, after)))
}

pub(crate) fn delete(inner: &Arc<Inner>, asked: &Asked, options: &Value) -> Result<Value, Refusal> {
    let key = asked.key();
    let policy = options["propagationPolicy"].as_str().or_else(|| asked.query("propagationPolicy"));
    let mut store = inner.store();
    let object = store.get(&key).ok_or_else(|| Refusal::not_found(asked.resource, &key.name))?;
    // A pod goes when its process has ended; the kubelet removes it.
    if asked.resource.kind == "Pod" && !is_over(object) {
        let object = store.edit(&key, |pod| {
            if pod["metadata"]["deletionTimestamp"].is_null() {
                pod["metadata"]["deletionTimestamp"] = json!(crate::now());
                let grace = options["gracePeriodSeconds"].as_u64();
                let own = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace.unwrap_or(own));
            }
        });
        return Ok(shown(asked, object.unwrap_or_default()));
    }
    // Jobs of batch/v1 leave their pods behind unless told otherwise through the API, whose default is the orphaning of
    // old; clients that forget this leave running pods.
    let orphans = policy == Some("Orphan") || (policy.is_none() && asked.resource.kind == "Job");
    let removed = store.remove(&key).unwrap_or_default();
    if orphans {
        let dependents: Vec<Key> = store
            .all()
            .filter(|(_, object)| owned_by(object, removed["metadata"]["uid"].as_str().unwrap_or_default()))
            .map(|(key, _)| key.clone())
            .collect();
        for key in dependents {
            store.edit(&key, |object| {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("ownerReferences");
                }
            });
        }
    }
    Ok(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": key.name, "group": asked.resource.group, "kind": asked.resource.plural, "uid": removed["metadata"]["uid"]},
    }))
}

fn is_over(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether an object has this owner.
pub(crate) fn owned_by(object: &Value, uid: &str) -> bool {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|owner| owner["uid"] == uid)
}

pub(crate) fn delete_all(inner: &Arc<Inner>, asked: &Asked) -> Result<Value, Refusal> {
    let listed = list(inner, asked)?;
    for object in listed["items"].as_array().into_iter().flatten() {
        let one = Asked::of(asked, object["metadata"]["name"].as_str().unwrap_or_default());
        delete(
            inner,
            &one,
            &json!({"propagationPolicy": asked.query("propagationPolicy").unwrap_or("Background")}),
        )?;
    }
    Ok(listed)
}

/// What a `SelfSubjectAccessReview` is answered.
pub(crate) fn review(inner: &Arc<Inner>, who: &Who, question: &Value) -> Result<Value, Refusal> {
    let asks = &question["spec"]["resourceAttributes"];
    let text = |name: &str| asks[name].as_str().unwrap_or_default().to_owned();
    let attempt = Attempt {
        verb: text("verb"),
        group: text("group"),
        version: text("version"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    let allowed = rights::allows(&inner.store(), &inner.policy().prohibitions, who, &attempt);
    let mut answer = question.clone();
    answer["status"] = json!({"allowed": allowed});
    Ok(answer)
}

fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "spec": {"replicas": object["spec"]["replicas"].as_u64().unwrap_or(1)},
        "status": {
            "replicas": object["status"]["replicas"].as_u64().unwrap_or(0),
        },
    })
}

fn set_scale(inner: &Arc<Inner>, asked: &Asked, change: &Value) -> Result<Value, Refusal> {
    let key = asked.key();
    let replicas =
        change["spec"]["replicas"].as_i64().ok_or_else(|| Refusal::bad("spec.replicas is missing"))?;
    if replicas < 0 {
        return Err(Refusal::invalid(
            asked.resource,
            &key.name,
            &format!("spec.replicas: Invalid value: {replicas}: should be greater than or equal to 0"),
        ));
    }
    let changed = inner.store().edit(&key, |object| object["spec"]["replicas"] = json!(replicas));
    changed.as_ref().map(scale).ok_or_else(|| Refusal::not_found(asked.resource, &key.name))
}
