//! The objects of a run.
//!
//! The job is the owner of all others, so that whatever ends it (its time to live, `kubectl delete job`, this program) takes
//! everything away. It is made first and suspended, and resumed when the rest is there: pods never wait for what is missing.

mod files;
mod pod;
mod rights;

use serde_json::{Value, json};

use crate::names::{COMPONENT, SCRIPT};
use crate::wanted::{Carrier, Wanted, Workers, port};

pub use rights::rules;

/// Seconds that a finished run stays if nobody clears it away.
const TTL: u32 = 3600;
/// Seconds that a controller has to end a test, write its summary and hand over results.
const CONTROLLER_GRACE: u32 = 120;
/// Seconds that a worker has to finish its iterations: k6's graceful stop is 30.
const WORKER_GRACE: u32 = 60;

/// The objects of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifests {
    /// The controller.
    pub job: Value,
    /// All others.
    pub rest: Vec<Value>,
}

/// Makes them.
pub fn make(wanted: &Wanted) -> Manifests {
    let mut rest = Vec::new();
    rest.extend(files::files(wanted));
    rest.push(files::token(wanted));
    rest.extend(files::variables(wanted));
    if wanted.settings.service_account.is_none() {
        rest.extend(rights::rights(wanted));
    }
    rest.push(service(wanted));
    rest.extend(workers(wanted));
    Manifests { job: job(wanted), rest }
}

impl Manifests {
    /// All of them as YAML documents, in the order in which they can be applied, but for what has this name.
    pub fn to_yaml_without(&self, name: Option<&str>) -> Result<String, String> {
        let mut text = String::new();
        let is_left_out = |object: &&Value| name.is_some_and(|name| object["metadata"]["name"] == name);
        for object in self.rest.iter().chain([&self.job]).filter(|object| !is_left_out(object)) {
            text.push_str("---\n");
            text.push_str(&serde_saphyr::to_string(object).map_err(|error| error.to_string())?);
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        Ok(text)
    }
}

/// The metadata of an object.
fn metadata(wanted: &Wanted, name: &str) -> Value {
    json!({"name": name, "namespace": wanted.namespace, "labels": wanted.run.labels()})
}

/// The labels of pods of a part: the user's too, ours over them.
fn pod_metadata(wanted: &Wanted, component: &str) -> Value {
    let mut labels = wanted.settings.labels.clone();
    labels.extend(wanted.run.labels());
    labels.insert(COMPONENT.to_owned(), component.to_owned());
    let mut annotations = wanted.settings.annotations.clone();
    // A controller cannot move: its end is the end of the run.
    if component == "controller" {
        annotations.insert("cluster-autoscaler.kubernetes.io/safe-to-evict".into(), "false".into());
        annotations.insert("karpenter.sh/do-not-disrupt".into(), "true".into());
    }
    json!({"labels": labels, "annotations": annotations})
}

fn job(wanted: &Wanted) -> Value {
    let mut metadata = metadata(wanted, &wanted.run.object());
    metadata["annotations"] = json!({SCRIPT: wanted.script});
    let mut spec = pod::controller(wanted);
    spec["restartPolicy"] = json!("Never");
    spec["terminationGracePeriodSeconds"] = json!(CONTROLLER_GRACE);
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
        "spec": {
            "backoffLimit": 0, "completions": 1, "parallelism": 1,
            "ttlSecondsAfterFinished": wanted.settings.ttl_seconds.unwrap_or(TTL),
            "template": {"metadata": pod_metadata(wanted, "controller"), "spec": spec},
        },
    })
}

fn workers(wanted: &Wanted) -> Option<Value> {
    if wanted.workers == Workers::None {
        return None;
    }
    let mut spec = pod::worker(wanted);
    spec["terminationGracePeriodSeconds"] = json!(wanted.settings.grace_seconds.unwrap_or(WORKER_GRACE));
    let mut selector = wanted.run.labels();
    selector.insert(COMPONENT.to_owned(), "worker".to_owned());
    Some(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(wanted, &wanted.run.workers()),
        "spec": {
            "replicas": wanted.workers.count(), "selector": {"matchLabels": selector}, "revisionHistoryLimit": 0,
            "template": {"metadata": pod_metadata(wanted, "worker"), "spec": spec},
        },
    }))
}

fn service(wanted: &Wanted) -> Value {
    let mut selector = wanted.run.labels();
    selector.insert(COMPONENT.to_owned(), "controller".to_owned());
    let mut ports = vec![json!({"name": "post", "port": port::POST, "targetPort": "post"})];
    if wanted.workers != Workers::None {
        ports.push(json!({"name": "cluster", "port": port::CLUSTER, "targetPort": "cluster"}));
    }
    if wanted.has_page {
        ports.push(json!({"name": "page", "port": port::PAGE, "targetPort": "page"}));
    }
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(wanted, &wanted.run.object()),
        // Workers may join before the page answers.
        "spec": {"selector": selector, "ports": ports, "publishNotReadyAddresses": true},
    })
}

/// Whether the files are part of the manifests.
fn carries_files(wanted: &Wanted) -> bool {
    wanted.carrier != Carrier::Upload && !wanted.files.is_empty()
}
