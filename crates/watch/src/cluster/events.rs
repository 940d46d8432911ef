//! What the cluster says happened: warnings are counted and told, the pulling of images is timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Event;
use kube::Api;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::Cluster;
use super::explain::Trouble;
use super::follow::{Seen, Which, follow};
use super::value::text;
use crate::metric;
use crate::scale::{Fact, Stage};
use crate::spec::{Object, ObjectKind};
use crate::told::{EventKind, Sample};
use crate::watcher::Teller;

/// The same reason is told once in so long.
const QUIET: Duration = Duration::from_secs(30);

pub(crate) async fn watch(cluster: Arc<Cluster>, object: Object, mut teller: Teller) {
    let api: Api<Event> = Api::namespaced(cluster.client.clone(), &cluster.namespace(&object));
    let mut seen = follow(api, Which::default());
    let workload = teller.name().to_owned();
    let tags = [("workload", workload.as_str())];
    let mut told: Vec<(String, Instant)> = Vec::new();
    let mut listed = false;
    let mut ticks = interval(cluster.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let news = tokio::select! {
            // That there was none is known while they can be seen.
            _ = ticks.tick(), if listed => {
                teller.worked();
                teller.samples(vec![Sample::new(&metric::K8S_WARNINGS, &tags, 0.0)]);
                continue;
            }
            news = seen.recv() => news,
        };
        let event = match news {
            None => return,
            // What is there already is not of this test.
            Some(Seen::All(_)) => {
                teller.worked();
                listed = true;
                continue;
            }
            Some(Seen::Applied(event)) => event,
            Some(Seen::Removed(_)) => continue,
            Some(Seen::Failed(Trouble { why, fix })) => {
                listed = false;
                teller.failed(&why, fix);
                continue;
            }
        };
        if !is_about(&event, &object) {
            continue;
        }
        let reason = text(&event, "/reason").unwrap_or_default().to_owned();
        let pod = text(&event, "/involvedObject/name").unwrap_or_default();
        let stage = match reason.as_str() {
            "Pulling" => Some(Stage::Pulling),
            "Pulled" => Some(Stage::Pulled),
            _ => None,
        };
        if let Some(stage) = stage {
            let fact = Fact::Pod { workload: object.name.clone(), name: pod.to_owned(), stage };
            teller.fact(Instant::now(), fact);
        }
        if text(&event, "/type") != Some("Warning") {
            continue;
        }
        teller.samples(vec![Sample::new(&metric::K8S_WARNINGS, &tags, 1.0)]);
        let now = Instant::now();
        told.retain(|(_, at)| now.duration_since(*at) < QUIET);
        // What pods, autoscalers and their conditions tell themselves is told by them.
        let is_told = matches!(
            reason.as_str(),
            "FailedScheduling" | "BackOff" | "FailedGetResourceMetric" | "FailedComputeMetricsReplicas"
        );
        if !is_told && !told.iter().any(|(known, _)| *known == reason) {
            let message = text(&event, "/message").unwrap_or_default();
            told.push((reason.clone(), now));
            teller.event(EventKind::Pod, true, format!("{workload}: {pod}: {message} ({reason})"));
        }
    }
}

/// Whether an event is about the object, or about something that it made. Names tell: a deployment's pods are called
/// `NAME-SET-POD`, a stateful set's `NAME-0`. That they begin alike is not enough: neither `web-admin` nor `web-admin-0` is of
/// `web`.
fn is_about(event: &Value, object: &Object) -> bool {
    let kind = text(event, "/involvedObject/kind").unwrap_or_default();
    if object.kind == ObjectKind::Pods {
        return kind == "Pod";
    }
    let name = text(event, "/involvedObject/name").unwrap_or_default();
    let Some(rest) = name.strip_prefix(&object.name) else { return false };
    let Some(rest) = rest.strip_prefix('-') else { return rest.is_empty() };
    match (kind, object.kind) {
        ("Pod", ObjectKind::Deployment) => rest.split('-').count() <= 2 && rest.split('-').all(is_generated),
        ("Pod", _) => rest.bytes().all(|byte| byte.is_ascii_digit()),
        ("ReplicaSet", _) => is_generated(rest),
        // Whoever wrote it has named it.
        ("HorizontalPodAutoscaler", _) => !rest.contains('-'),
        _ => false,
    }
}

/// Whether it can be what Kubernetes makes up for sets and pods: no vowels, and no digits that look like them
/// (`k8s.io/apimachinery/pkg/util/rand`).
fn is_generated(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_of_the_workload_that_made_what_they_are_about() {
        let is = |kind: ObjectKind, name: &str, about: (&str, &str)| {
            let object = Object { kind, name: name.to_owned(), namespace: None };
            is_about(&json!({ "involvedObject": { "kind": about.0, "name": about.1 } }), &object)
        };
        let deployment = |about| is(ObjectKind::Deployment, "web", about);
        assert!(deployment(("Deployment", "web")));
        assert!(deployment(("ReplicaSet", "web-5d9c7b8f6")));
        assert!(deployment(("Pod", "web-5d9c7b8f6-x2k4q")));
        assert!(deployment(("HorizontalPodAutoscaler", "web-hpa")));
        assert!(!deployment(("Deployment", "web-admin")));
        assert!(!deployment(("ReplicaSet", "web-admin-5d9c7b8f6")));
        assert!(!deployment(("Pod", "web-admin-5d9c7b8f6-x2k4q")));
        assert!(!deployment(("Pod", "web-admin-0")));
        assert!(!deployment(("Pod", "webster-5d9c7b8f6-x2k4q")));
        assert!(is(ObjectKind::StatefulSet, "mysql", ("Pod", "mysql-0")));
        assert!(!is(ObjectKind::StatefulSet, "mysql", ("Pod", "mysql-read-0")));
    }
}
