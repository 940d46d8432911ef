//! The metrics-server and the autoscalers of the namespace.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::Finding;
use crate::connect::Connection;

/// Whether there are measurements of pods.
pub(super) async fn metrics(connection: &Connection) -> Finding {
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", connection.namespace);
    let install = "install it: kubectl apply -f \
                   https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml";
    let request = match http_get(&path) {
        Ok(request) => request,
        Err(why) => return Finding::lacking(why, install),
    };
    match connection.client.request::<serde_json::Value>(request).await {
        Ok(_) => Finding::good("metrics-server answers: autoscalers can see CPU and memory"),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            Finding::lacking("there is no metrics-server: autoscalers on CPU and memory do nothing", install)
        }
        Err(kube::Error::Api(status)) if status.code == 403 => Finding::lacking(
            format!("you may not read metrics: {}", status.message),
            "a Role with apiGroups [metrics.k8s.io], resources [pods], verbs [get, list], bound to you",
        ),
        Err(error) => Finding::lacking(
            format!("metrics-server is there and does not work: {}", connection.explain("ask it", error)),
            "kubectl -n kube-system logs deployment/metrics-server; with certificates of its own it needs \
             --kubelet-insecure-tls",
        ),
    }
}

fn http_get(path: &str) -> Result<hyper::Request<Vec<u8>>, String> {
    hyper::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())
}

/// Whether the autoscalers of the namespace work.
pub(super) async fn autoscalers(connection: &Connection) -> Vec<Finding> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let found = match api.list(&ListParams::default()).await {
        Ok(found) => found.items,
        Err(error) => {
            let text = connection.explain("look at the autoscalers", error).to_string();
            let fix = "a Role with apiGroups [autoscaling], resources [horizontalpodautoscalers], verbs [get, list]";
            return vec![Finding::lacking(text, fix)];
        }
    };
    if found.is_empty() {
        return vec![Finding::good(format!(
            "there is no HorizontalPodAutoscaler in namespace {}",
            connection.namespace
        ))];
    }
    found.iter().map(of_autoscaler).collect()
}

fn of_autoscaler(autoscaler: &HorizontalPodAutoscaler) -> Finding {
    let name = format!("hpa/{}", autoscaler.name_any());
    let most = autoscaler.spec.as_ref().map_or(0, |spec| spec.max_replicas);
    let status = autoscaler.status.as_ref();
    let conditions = || status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let broken = conditions()
        .find(|one| matches!(one.type_.as_str(), "ScalingActive" | "AbleToScale") && one.status == "False");
    if let Some(broken) = broken {
        let message = broken.message.as_deref().unwrap_or_default();
        let fix = if message.contains("missing request") {
            "set resources.requests of this resource on the containers of its target"
        } else if message.contains("metrics API") || message.contains("no metrics returned") {
            "metrics-server must work; see above"
        } else if message.contains("not found") {
            "its scaleTargetRef must name something that is there"
        } else {
            "kubectl describe it"
        };
        return Finding::lacking(format!("{name} does not scale: {message}"), fix);
    }
    let current = status.and_then(|status| status.current_replicas).unwrap_or(0);
    if current >= most && conditions().any(|one| one.type_ == "ScalingLimited" && one.status == "True") {
        return Finding::lacking(
            format!("{name} is at its limit of {most} already"),
            "raise maxReplicas, or expect no more of it",
        );
    }
    Finding::good(format!("{name} works: {current} replicas, at most {most}"))
}
