//! What pods use of processors and memory, as metrics-server says it; it looks every 15 s by default.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::Cluster;
use super::explain::{Trouble, explain};
use super::follow::PATIENCE;
use super::value::{list, name, quantity, text};
use crate::backoff::Backoff;
use crate::metric;
use crate::scale::Fact;
use crate::spec::Object;
use crate::told::Sample;
use crate::watcher::Teller;

/// Asking more often gives the same answer.
const EVERY: Duration = Duration::from_secs(5);

pub(crate) async fn watch(cluster: Arc<Cluster>, object: Object, labels: String, mut teller: Teller) {
    let namespace = cluster.namespace(&object);
    let mut backoff = Backoff::default();
    let mut newest = String::new();
    loop {
        let wait = match ask(&cluster, &namespace, &labels).await {
            Ok(usages) => {
                teller.worked();
                backoff.reset();
                // The same measurement again is none.
                let stamp = usages.iter().filter_map(|one| text(one, "/timestamp")).max().unwrap_or_default();
                if stamp != newest || stamp.is_empty() {
                    stamp.clone_into(&mut newest);
                    teller.samples(usages.iter().flat_map(|one| samples(teller.name(), one)).collect());
                    if let Some(percent) = utilisation(&cluster, &namespace, &labels, &usages).await {
                        teller.fact(
                            std::time::Instant::now(),
                            Fact::Utilisation { workload: object.name.clone(), percent },
                        );
                    }
                }
                EVERY.max(cluster.interval)
            }
            Err(Trouble { why, fix }) => {
                teller.failed(&why, fix);
                backoff.next()
            }
        };
        sleep(wait).await;
    }
}

async fn ask(cluster: &Cluster, namespace: &str, labels: &str) -> Result<Vec<Value>, Trouble> {
    let mut url = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
    if !labels.is_empty() {
        url.push_str("?labelSelector=");
        url.extend(url::form_urlencoded::byte_serialize(labels.as_bytes()));
    }
    let request = http::Request::get(url)
        .body(Vec::new())
        .map_err(|error| Trouble::new(error.to_string(), "check the selector"))?;
    let Ok(answer) = timeout(PATIENCE, cluster.client.request::<Value>(request)).await else {
        return Err(Trouble::silent(PATIENCE));
    };
    match answer {
        Ok(answer) => Ok(list(&answer, "/items").to_vec()),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 503 => Err(Trouble::new(
            "the cluster has no metrics.k8s.io, or it is not ready",
            "install metrics-server (minikube addons enable metrics-server); without it CPU and memory are not measured, \
             and no autoscaler can go by them",
        )),
        Err(error) => Err(explain(&error)),
    }
}

/// What the containers of a pod use together.
fn of(usage: &Value, resource: &str) -> Option<f64> {
    let all: Vec<f64> = list(usage, "/containers")
        .iter()
        .filter_map(|one| quantity(one["usage"][resource].as_str()?))
        .collect();
    (!all.is_empty()).then(|| all.iter().sum())
}

fn samples(workload: &str, usage: &Value) -> Vec<Sample> {
    let tags = [("workload", workload), ("pod", name(usage))];
    [(&metric::POD_CPU, "cpu"), (&metric::POD_MEMORY, "memory")]
        .into_iter()
        .filter_map(|(metric, resource)| Some(Sample::new(metric, &tags, of(usage, resource)?)))
        .collect()
}

/// What the pods use of the processors that they request, in percent, as an autoscaler computes it.
async fn utilisation(cluster: &Cluster, namespace: &str, labels: &str, usages: &[Value]) -> Option<f64> {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let pods = api.list(&ListParams::default().labels(labels)).await.ok()?;
    let (mut used, mut requested) = (0.0, 0.0);
    for pod in &pods.items {
        let pod = serde_json::to_value(pod).ok()?;
        let Some(usage) = usages.iter().find(|usage| name(usage) == name(&pod)) else { continue };
        let asks = list(&pod, "/spec/containers")
            .iter()
            .map(|one| quantity(one.pointer("/resources/requests/cpu")?.as_str()?));
        used += of(usage, "cpu")?;
        requested += asks.collect::<Option<Vec<f64>>>()?.iter().sum::<f64>();
    }
    (requested > 0.0).then(|| used / requested * 100.0)
}
