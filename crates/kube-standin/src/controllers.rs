//! What the controllers of a cluster do: jobs and deployments become pods, what belonged to an object that is gone goes
//! too, services get addresses. Run anew after every change; doing nothing where nothing is to be done.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Inner;
use crate::objects::owned_by;
use crate::resources::Resource;
use crate::store::{Key, Store};
use crate::{admission, kubelet};

pub(crate) async fn run(inner: Arc<Inner>) {
    let mut changed = inner.changes();
    loop {
        reconcile(&inner);
        // The clock changes things too: what was finished long enough ago goes.
        let _ = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
    }
}

fn row(group: &str, plural: &str) -> &'static Resource {
    crate::resources::ALL
        .iter()
        .find(|row| row.group == group && row.plural == plural)
        .unwrap_or(&crate::resources::ALL[0])
}

fn all(inner: &Inner, resource: &'static Resource) -> Vec<(Key, Value)> {
    let store = inner.store();
    let rows = store.all().filter(|(key, _)| key.resource == resource);
    rows.map(|(key, object)| (key.clone(), object.clone())).collect()
}

fn reconcile(inner: &Arc<Inner>) {
    collect(inner);
    for (key, job) in all(inner, row("batch", "jobs")) {
        step_job(inner, &key, &job);
    }
    for (key, deployment) in all(inner, row("apps", "deployments")) {
        step_deployment(inner, &key, &deployment);
    }
    for (key, set) in all(inner, row("apps", "replicasets")) {
        step_set(inner, &key, &set);
    }
    slices(inner);
    inner.network().proxy(inner);
    let pods: Vec<Key> = all(inner, row("", "pods")).into_iter().map(|(key, _)| key).collect();
    kubelet::adopt(inner, &pods);
}

/// The garbage collector: objects all of whose owners are gone.
fn collect(inner: &Inner) {
    let mut store = inner.store();
    let uids: Vec<String> =
        store.all().filter_map(|(_, object)| object["metadata"]["uid"].as_str().map(str::to_owned)).collect();
    let orphaned: Vec<Key> = store
        .all()
        .filter(|(_, object)| {
            let owners = object["metadata"]["ownerReferences"].as_array().map_or(&[][..], Vec::as_slice);
            let is_gone = |owner: &Value| !uids.iter().any(|uid| owner["uid"] == *uid);
            !owners.is_empty() && owners.iter().all(is_gone)
        })
        .map(|(key, _)| key.clone())
        .collect();
    for key in orphaned {
        if key.resource.kind == "Pod" {
            let _ = store.edit(&key, mark_deleted);
        } else {
            store.remove(&key);
        }
    }
}

fn mark_deleted(pod: &mut Value) {
    if pod["metadata"]["deletionTimestamp"].is_null() {
        let grace = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        pod["metadata"]["deletionTimestamp"] = json!(crate::now());
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    }
}

fn pods_of(inner: &Inner, owner: &Value) -> Vec<(Key, Value)> {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    all(inner, row("", "pods")).into_iter().filter(|(_, pod)| owned_by(pod, uid)).collect()
}

fn phase(pod: &Value) -> &str {
    pod["status"]["phase"].as_str().unwrap_or("Pending")
}

fn step_job(inner: &Arc<Inner>, key: &Key, job: &Value) {
    let over = job["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|one| matches!(one["type"].as_str(), Some("Complete" | "Failed")));
    if over {
        let ended = job["status"]["completionTime"].as_str().or(job["status"]["failedTime"].as_str());
        if let (Some(keep), Some(ended)) = (
            job["spec"]["ttlSecondsAfterFinished"].as_i64(),
            ended.and_then(|text| text.parse::<jiff::Timestamp>().ok()),
        ) && jiff::Timestamp::now().as_second() >= ended.as_second() + keep
        {
            inner.store().remove(key);
        }
        return;
    }
    let pods = pods_of(inner, job);
    if job["spec"]["suspend"] == true {
        inner.store().edit(key, |job| {
            job["status"]["conditions"] =
                json!([{"type": "Suspended", "status": "True", "reason": "JobSuspended"}]);
        });
        return;
    }
    let count = |wanted: &str| pods.iter().filter(|(_, pod)| phase(pod) == wanted).count();
    let (succeeded, failed) = (count("Succeeded"), count("Failed"));
    let active = pods.len() - succeeded - failed;
    let allowed = job["spec"]["backoffLimit"].as_u64().unwrap_or(6) as usize;
    let seen = job["status"]["failed"].as_u64().unwrap_or(0) as usize;
    inner.store().edit(key, |job| {
        let status = &mut job["status"];
        if status["startTime"].is_null() {
            status["startTime"] = json!(crate::now());
        }
        status["active"] = json!(active);
        status["succeeded"] = json!(succeeded);
        status["failed"] = json!(failed.max(seen));
        status["conditions"] = json!([]);
        if succeeded > 0 {
            status["completionTime"] = json!(crate::now());
            status["conditions"] = json!([{"type": "Complete", "status": "True"}]);
        } else if failed > allowed {
            status["failedTime"] = json!(crate::now());
            status["conditions"] = json!([{
                "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
                "message": "Job has reached the specified backoff limit",
            }]);
        }
    });
    if active == 0 && succeeded == 0 && failed <= allowed {
        let extra = json!({
            "job-name": key.name, "batch.kubernetes.io/job-name": key.name,
            "controller-uid": job["metadata"]["uid"], "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        });
        let _ = make_pod(inner, job, "Job", "batch/v1", &extra);
    }
}

fn step_deployment(inner: &Arc<Inner>, key: &Key, deployment: &Value) {
    let name = format!("{}-6d4b75cb6d", key.name);
    let set_key = Key::new(row("apps", "replicasets"), &key.namespace, &name);
    let replicas = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let mut store = inner.store();
    let set = match store.get(&set_key) {
        Some(set) => set.clone(),
        None => {
            let mut template = deployment["spec"]["template"].clone();
            template["metadata"]["labels"]["pod-template-hash"] = json!("6d4b75cb6d");
            let mut selector = deployment["spec"]["selector"].clone();
            selector["matchLabels"]["pod-template-hash"] = json!("6d4b75cb6d");
            store.set(
                &set_key,
                json!({
                    "apiVersion": "apps/v1", "kind": "ReplicaSet",
                    "metadata": {
                        "name": name, "namespace": key.namespace, "labels": template["metadata"]["labels"],
                        "ownerReferences": [owner(deployment, "Deployment", "apps/v1")],
                    },
                    "spec": {"replicas": replicas, "selector": selector, "template": template},
                }),
            )
        }
    };
    store.edit(&set_key, |set| set["spec"]["replicas"] = json!(replicas));
    store.edit(key, |deployment| {
        let ready = set["status"]["readyReplicas"].as_u64().unwrap_or(0);
        let mut conditions = vec![json!({
            "type": "Available", "status": if ready >= replicas { "True" } else { "False" },
        })];
        conditions.extend(set["status"]["conditions"].as_array().into_iter().flatten().cloned());
        deployment["status"] = json!({
            "replicas": set["status"]["replicas"].as_u64().unwrap_or(0), "readyReplicas": ready,
            "updatedReplicas": set["status"]["replicas"].as_u64().unwrap_or(0), "availableReplicas": ready,
            "conditions": conditions,
        });
    });
}

fn step_set(inner: &Arc<Inner>, key: &Key, set: &Value) {
    let pods: Vec<(Key, Value)> = pods_of(inner, set)
        .into_iter()
        .filter(|(_, pod)| pod["metadata"]["deletionTimestamp"].is_null() && phase(pod) != "Failed")
        .collect();
    let wanted = set["spec"]["replicas"].as_u64().unwrap_or(1) as usize;
    let mut failure = None;
    for _ in pods.len()..wanted {
        if let Err(message) = make_pod(inner, set, "ReplicaSet", "apps/v1", &json!({})) {
            failure = Some(message);
            break;
        }
    }
    // The newest go first.
    for (key, _) in pods.iter().rev().take(pods.len().saturating_sub(wanted)) {
        inner.store().edit(key, mark_deleted);
    }
    let ready = pods.iter().filter(|(_, pod)| is_ready(pod)).count();
    inner.store().edit(key, |set| {
        let conditions = failure.map(|message| {
            json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message})
        });
        set["status"] = json!({
            "replicas": pods.len(), "readyReplicas": ready, "conditions": Vec::from_iter(conditions),
        });
    });
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    phase(pod) == "Running"
        && conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

fn owner(object: &Value, kind: &str, version: &str) -> Value {
    json!({
        "apiVersion": version, "kind": kind, "name": object["metadata"]["name"], "uid": object["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// Makes a pod from a template, or says why it may not be, with an event about its owner.
fn make_pod(inner: &Arc<Inner>, of: &Value, kind: &str, version: &str, labels: &Value) -> Result<(), String> {
    let namespace = of["metadata"]["namespace"].as_str().unwrap_or_default();
    let prefix = format!("{}-", of["metadata"]["name"].as_str().unwrap_or_default());
    let name = format!("{prefix}{}", inner.suffix());
    let mut pod = of["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = json!(namespace);
    pod["metadata"]["ownerReferences"] = json!([owner(of, kind, version)]);
    for (label, value) in labels.as_object().into_iter().flatten() {
        pod["metadata"]["labels"][label] = value.clone();
    }
    pod["status"] = json!({"phase": "Pending"});
    let key = Key::new(row("", "pods"), namespace, &name);
    let against = {
        let store = inner.store();
        let level = store.get(&Key::new(row("", "namespaces"), "", namespace)).cloned().unwrap_or_default();
        let is_restricted = level["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted";
        let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let known = account == "default"
            || store.get(&Key::new(row("", "serviceaccounts"), namespace, account)).is_some();
        if !known {
            Some(format!(
                "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
            ))
        } else if let Some(over) = quota(&store, namespace, &pod) {
            Some(over)
        } else {
            is_restricted.then(|| admission::restricted(&pod["spec"])).flatten()
        }
    };
    if let Some(against) = against {
        let message = format!("pods \"{prefix}{}\" is forbidden: {against}", "xxxxx");
        event(inner, of, "Warning", "FailedCreate", &format!("Error creating: {message}"));
        return Err(message);
    }
    inner.store().set(&key, pod);
    Ok(())
}

/// What a quota of the namespace has against one more pod.
fn quota(store: &Store, namespace: &str, pod: &Value) -> Option<String> {
    let pods: Vec<&Value> = store
        .list(row("", "pods"), Some(namespace))
        .filter(|pod| !matches!(phase(pod), "Succeeded" | "Failed"))
        .collect();
    for quota in store.list(row("", "resourcequotas"), Some(namespace)) {
        let name = quota["metadata"]["name"].as_str().unwrap_or_default();
        for (what, limit) in quota["spec"]["hard"].as_object().into_iter().flatten() {
            let limit_text = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            let used = |pod: &Value| amount_of(pod, what);
            let Some(asked) = used(pod) else {
                return Some(format!(
                    "failed quota: {name}: must specify {what} for: {}",
                    container_name(pod)
                ));
            };
            let sum: f64 = pods.iter().filter_map(|pod| used(pod)).sum();
            if sum + asked > amount(&limit_text) {
                return Some(format!(
                    "exceeded quota: {name}, requested: {what}={asked}, used: {what}={sum}, limited: {what}={limit_text}"
                ));
            }
        }
    }
    None
}

fn container_name(pod: &Value) -> &str {
    pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default()
}

fn amount_of(pod: &Value, what: &str) -> Option<f64> {
    if what == "pods" {
        return Some(1.0);
    }
    let (part, resource) = what.split_once('.').unwrap_or(("requests", what));
    Some(amount(pod["spec"]["containers"][0]["resources"][part][resource].as_str()?))
}

/// A quantity as a number.
fn amount(text: &str) -> f64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    digits.parse::<f64>().unwrap_or(0.0) * factor
}

/// The endpoints behind each service.
fn slices(inner: &Inner) {
    for (key, service) in all(inner, row("", "services")) {
        let Some(selector) = service["spec"]["selector"].as_object() else { continue };
        let mut store = inner.store();
        let endpoints: Vec<Value> = store
            .list(row("", "pods"), Some(&key.namespace))
            .filter(|pod| {
                selector.iter().all(|(name, value)| pod["metadata"]["labels"].get(name) == Some(value))
            })
            .filter(|pod| pod["status"]["podIP"].is_string())
            .map(|pod| {
                json!({
                    "addresses": [pod["status"]["podIP"]], "conditions": {"ready": is_ready(pod)},
                    "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": key.namespace},
                })
            })
            .collect();
        let slice = Key::new(
            row("discovery.k8s.io", "endpointslices"),
            &key.namespace,
            &format!("{}-slice", key.name),
        );
        store.set(
            &slice,
            json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {
                    "name": slice.name, "namespace": key.namespace,
                    "labels": {"kubernetes.io/service-name": key.name},
                    "ownerReferences": [owner(&service, "Service", "v1")],
                },
                "endpoints": endpoints, "ports": [],
            }),
        );
    }
}

/// Writes down an event about an object, once.
pub(crate) fn event(inner: &Inner, about: &Value, kind: &str, reason: &str, message: &str) {
    let events = row("", "events");
    let metadata = &about["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or("default");
    let mut store = inner.store();
    let is_known = store.list(events, Some(namespace)).any(|event| {
        event["involvedObject"]["uid"] == metadata["uid"]
            && event["reason"] == reason
            && event["message"] == message
    });
    if is_known {
        return;
    }
    let name = format!("{}.{}", metadata["name"].as_str().unwrap_or_default(), inner.suffix());
    let now = crate::now();
    store.set(
        &Key::new(events, namespace, &name),
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": metadata["name"],
                "namespace": namespace, "uid": metadata["uid"],
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": {"component": "standin"},
        }),
    );
}
