//! The service that is to be loaded: whether somebody is behind it who can take it.

use std::str::FromStr;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::api::ListParams;

use super::Finding;
use crate::connect::Connection;
use crate::trouble::{self, is_ready, name, phase};

/// `svc/NAME` or `svc/NAME:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    name: String,
    port: Option<String>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = || format!("use svc/NAME or svc/NAME:PORT, not {text:?}");
        let rest = text.strip_prefix("svc/").or_else(|| text.strip_prefix("service/")).ok_or_else(help)?;
        let (name, port) = match rest.split_once(':') {
            Some((name, port)) => (name, Some(port.to_owned())),
            None => (rest, None),
        };
        if name.is_empty() || port.as_deref() == Some("") {
            return Err(help());
        }
        Ok(Self { name: name.to_owned(), port })
    }
}

pub(super) async fn check(connection: &Connection, target: &Target) -> Vec<Finding> {
    let label = format!("svc/{}", target.name);
    let services: Api<Service> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let service = match services.get(&target.name).await {
        Ok(service) => service,
        Err(error) => {
            let text = connection.explain(format!("find {label}"), error).to_string();
            return vec![Finding::bad(text, "see --namespace, and kubectl get services")];
        }
    };
    let spec = service.spec.unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    if let Some(wanted) = &target.port {
        let has =
            ports.iter().any(|port| port.port.to_string() == *wanted || port.name.as_deref() == Some(wanted));
        if !has {
            let known: Vec<String> = ports.iter().map(|port| port.port.to_string()).collect();
            return vec![Finding::bad(
                format!("{label} has no port {wanted}"),
                format!("it has {}", known.join(", ")),
            )];
        }
    }
    let Some(selector) = spec.selector.filter(|selector| !selector.is_empty()) else {
        return vec![Finding::lacking(
            format!("{label} selects no pods"),
            "it leads out of the cluster or has endpoints made by hand; nothing more can be told of it",
        )];
    };
    let selector: Vec<String> = selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let selector = selector.join(",");
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let found = match pods.list(&ListParams::default().labels(&selector)).await {
        Ok(found) => found.items,
        Err(error) => {
            let text = connection.explain(format!("look at the pods behind {label}"), error).to_string();
            return vec![Finding::lacking(text, "list pods must be allowed")];
        }
    };
    if found.is_empty() {
        return vec![Finding::bad(
            format!("no pod is behind {label}"),
            format!("pods need the labels {selector}; see the Deployment, and whether it is scaled to 0"),
        )];
    }
    let ready = found.iter().filter(|pod| phase(pod) == "Running" && is_ready(pod)).count();
    let mut findings = Vec::new();
    let text = format!("{ready} of {} pods behind {label} are ready", found.len());
    findings.push(match ready {
        0 => Finding::bad(text, "nothing answers; see below, and kubectl logs"),
        _ if ready < found.len() => Finding::lacking(text, "see below"),
        _ => Finding::good(text),
    });
    for pod in &found {
        if let Some(trouble) = trouble::of_pod(pod, &[]) {
            findings.push(Finding::lacking(trouble.text, "kubectl describe the pod"));
        }
        let restarts = trouble::container(pod).map_or(0, |container| container.restart_count);
        if restarts > 0 && is_ready(pod) {
            findings.push(Finding::lacking(
                format!("pod {} was started again {restarts} times", name(pod)),
                "kubectl logs --previous says why",
            ));
        }
    }
    let without = found.iter().find(|pod| {
        pod.spec.as_ref().is_some_and(|spec| {
            spec.containers.iter().any(|container| {
                let requests = container.resources.as_ref().and_then(|all| all.requests.as_ref());
                requests.is_none_or(|requests| !requests.contains_key("cpu"))
            })
        })
    });
    if let Some(pod) = without {
        findings.push(Finding::lacking(
            format!("pod {} does not say how much CPU it asks for", name(pod)),
            "set resources.requests.cpu: without it no autoscaler can work on CPU",
        ));
    }
    findings
}
