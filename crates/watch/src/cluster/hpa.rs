//! An autoscaler: what it counts, what it wants, what it goes by, and what it says about itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::Cluster;
use super::explain::Trouble;
use super::follow::{Seen, Which, follow};
use super::value::{condition, instant, list, number, quantity, text};
use crate::metric;
use crate::scale::{Fact, Going, Hpa};
use crate::spec::{Object, ObjectKind};
use crate::told::{EventKind, Sample};
use crate::watcher::Teller;

pub(crate) async fn watch(cluster: Arc<Cluster>, object: Object, mut teller: Teller) {
    let namespace = cluster.namespace(&object);
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(cluster.client.clone(), &namespace);
    let mut seen = follow(api, Which::named(&object.name));
    let mut ticks = interval(cluster.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut state: Option<Value> = None;
    // Since when changes may have been missed.
    let mut broken: Option<Instant> = None;
    let mut said = Said::default();
    loop {
        tokio::select! {
            news = seen.recv() => match news {
                None => return,
                Some(Seen::All(all)) => {
                    let missed = broken.take();
                    if let Some(hpa) = all.into_iter().next() {
                        apply(&cluster, &object, &mut teller, &mut state, &mut said, missed, hpa);
                    } else {
                        state = None;
                        let (why, fix) = absent(&object, &namespace);
                        teller.failed(&why, fix);
                    }
                }
                Some(Seen::Applied(hpa)) => {
                    apply(&cluster, &object, &mut teller, &mut state, &mut said, None, hpa);
                }
                Some(Seen::Removed(_)) => {
                    state = None;
                    let (why, fix) = absent(&object, &namespace);
                    teller.failed(&why, fix);
                }
                Some(Seen::Failed(Trouble { why, fix })) => {
                    broken.get_or_insert_with(Instant::now);
                    teller.failed(&why, fix);
                }
            },
            // While it cannot be seen nothing is known, and nothing is told.
            _ = ticks.tick(), if broken.is_none() => if let Some(hpa) = &state {
                teller.worked();
                teller.samples(samples(teller.name(), hpa));
            },
        }
    }
}

fn absent(object: &Object, namespace: &str) -> (String, &'static str) {
    let why = format!("there is no autoscaler {:?} in the namespace {namespace:?}", object.name);
    (why, "check its name (kubectl get hpa -A) and the namespace (--watch-namespace)")
}

/// What was said of its conditions.
#[derive(Default)]
struct Said(BTreeMap<&'static str, String>);

fn apply(
    cluster: &Arc<Cluster>,
    object: &Object,
    teller: &mut Teller,
    state: &mut Option<Value>,
    said: &mut Said,
    missed: Option<Instant>,
    hpa: Value,
) {
    teller.worked();
    if let Some(workload) = target(&hpa, object) {
        let name = workload.name.clone();
        cluster.workload(workload, name);
    }
    let now = read(teller.name(), &hpa);
    let before = state.as_ref().map(|before| read(teller.name(), before));
    if let Some(before) = before {
        let (up, by) = (now.desired > before.desired, going_by(&now));
        if now.desired != before.desired {
            let direction = if up { "up" } else { "down" };
            let text = format!(
                "{}: scaling {direction}, {} → {} replicas wanted{by}",
                teller.name(),
                before.desired,
                now.desired
            );
            teller.event(EventKind::Scale, false, text);
        }
        if now.current != before.current {
            let text = format!("{}: {} → {} replicas", teller.name(), before.current, now.current);
            teller.event(EventKind::Scale, false, text);
        }
    }
    // What was missed is known by the server's clock only.
    let at = missed.and_then(|missed| Some(instant(text(&hpa, "/status/lastScaleTime")?, missed)));
    teller.fact(at.flatten().unwrap_or_else(Instant::now), Fact::Hpa(now));
    said.conditions(&hpa, teller);
    teller.samples(samples(teller.name(), &hpa));
    *state = Some(hpa);
}

/// What it scales, if that can be watched.
fn target(hpa: &Value, object: &Object) -> Option<Object> {
    let kind = match text(hpa, "/spec/scaleTargetRef/kind")? {
        "Deployment" => ObjectKind::Deployment,
        "StatefulSet" => ObjectKind::StatefulSet,
        _ => return None,
    };
    let name = text(hpa, "/spec/scaleTargetRef/name")?.to_owned();
    Some(Object { kind, name, namespace: object.namespace.clone() })
}

impl Said {
    /// Tells what hinders it, once as long as it does.
    fn conditions(&mut self, hpa: &Value, teller: &Teller) {
        for (kind, bad) in [("AbleToScale", "False"), ("ScalingActive", "False"), ("ScalingLimited", "True")]
        {
            let Some((status, reason, message)) = condition(hpa, kind) else { continue };
            // At its smallest it is where it belongs without load.
            if status != bad || reason == "TooFewReplicas" {
                self.0.remove(kind);
                continue;
            }
            if self.0.insert(kind, reason.to_owned()).is_none_or(|known| known != reason) {
                let text = format!("{}: {message} ({reason}){}", teller.name(), fix(reason));
                teller.event(EventKind::Scale, true, text);
            }
        }
    }
}

fn fix(reason: &str) -> &'static str {
    match reason {
        "FailedGetResourceMetric" => {
            "; is metrics-server there (kubectl get deployment metrics-server -n kube-system), and do the containers \
             request cpu?"
        }
        "TooManyReplicas" => "; raise maxReplicas if more are to come",
        _ => "",
    }
}

fn going_by(hpa: &Hpa) -> String {
    let over = hpa.metrics.iter().find_map(|going| Some((going, going.current?)));
    over.map(|(going, current)| format!(" ({} {current:.0} of {:.0})", going.name, going.target))
        .unwrap_or_default()
}

/// What an object says.
fn read(shown: &str, hpa: &Value) -> Hpa {
    let count = |path: &str| number(hpa, path).unwrap_or_default() as u32;
    Hpa {
        name: shown.to_owned(),
        workload: text(hpa, "/spec/scaleTargetRef/name").unwrap_or_default().to_owned(),
        current: count("/status/currentReplicas"),
        desired: count("/status/desiredReplicas"),
        metrics: list(hpa, "/spec/metrics").iter().filter_map(|spec| going(spec, hpa)).collect(),
    }
}

/// One metric of its specification, with what its status says of it.
fn going(spec: &Value, hpa: &Value) -> Option<Going> {
    let kind = spec["type"].as_str()?;
    let field = match kind {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return None,
    };
    let label = |one: &Value| {
        let one = &one[field];
        one["name"].as_str().or(one["metric"]["name"].as_str()).map(str::to_owned)
    };
    let name = label(spec)?;
    let status = list(hpa, "/status/currentMetrics")
        .iter()
        .find(|status| status["type"] == *kind && label(status).as_ref() == Some(&name))
        .map(|status| &status[field]["current"]);
    let target = &spec[field]["target"];
    let of = |which: &str| {
        let read = |value: &Value| value.as_f64().or_else(|| quantity(value.as_str()?));
        Some((read(&target[which])?, status.and_then(|status| read(&status[which]))))
    };
    let is_utilisation = !target["averageUtilization"].is_null();
    let (target, current) =
        of("averageUtilization").or_else(|| of("averageValue")).or_else(|| of("value"))?;
    Some(Going { name, current, target, is_utilisation })
}

fn samples(shown: &str, hpa: &Value) -> Vec<Sample> {
    let state = read(shown, hpa);
    let tags = [("hpa", shown)];
    let mut samples = vec![
        Sample::new(&metric::HPA_REPLICAS, &tags, f64::from(state.current)),
        Sample::new(&metric::HPA_DESIRED, &tags, f64::from(state.desired)),
    ];
    for going in &state.metrics {
        let tags = [("hpa", shown), ("metric", going.name.as_str())];
        samples.push(Sample::new(&metric::HPA_TARGET, &tags, going.target));
        samples.extend(going.current.map(|current| Sample::new(&metric::HPA_CURRENT, &tags, current)));
    }
    samples
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_it_goes_by_is_read_whatever_its_kind() {
        let hpa = json!({
            "spec": {
                "scaleTargetRef": { "kind": "Deployment", "name": "web" },
                "metrics": [
                    { "type": "Resource", "resource": { "name": "cpu",
                        "target": { "type": "Utilization", "averageUtilization": 70 } } },
                    { "type": "Resource", "resource": { "name": "memory",
                        "target": { "type": "AverageValue", "averageValue": "128Mi" } } },
                    { "type": "Pods", "pods": { "metric": { "name": "requests" },
                        "target": { "type": "AverageValue", "averageValue": "1k" } } },
                    { "type": "External", "external": { "metric": { "name": "queue" },
                        "target": { "type": "Value", "value": "30" } } },
                ],
            },
            "status": {
                "currentReplicas": 2, "desiredReplicas": 4,
                "currentMetrics": [
                    { "type": "Resource", "resource": { "name": "cpu",
                        "current": { "averageUtilization": 85, "averageValue": "425m" } } },
                    { "type": "Pods", "pods": { "metric": { "name": "requests" },
                        "current": { "averageValue": "1200" } } },
                ],
            },
        });
        let state = read("web", &hpa);
        assert_eq!((state.current, state.desired, state.workload.as_str()), (2, 4, "web"));
        let of = |name: &str, current, target, is_utilisation| Going {
            name: name.to_owned(),
            current,
            target,
            is_utilisation,
        };
        assert_eq!(
            state.metrics,
            [
                of("cpu", Some(85.0), 70.0, true),
                of("memory", None, 134_217_728.0, false),
                of("requests", Some(1_200.0), 1_000.0, false),
                of("queue", None, 30.0, false),
            ]
        );
        assert_eq!(samples("web", &hpa).len(), 2 + 4 + 2);
    }
}
