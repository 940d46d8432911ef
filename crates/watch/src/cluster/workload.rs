//! A deployment or a stateful set: finds the labels of its pods, and has those watched.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::Api;

use super::Cluster;
use super::explain::Trouble;
use super::follow::{Seen, Which, follow};
use super::value::selector;
use crate::spec::{Object, ObjectKind};
use crate::watcher::Teller;

/// Tells the labels of its pods once they are known; tries until they are.
pub(crate) async fn labels(cluster: &Arc<Cluster>, object: &Object, teller: &mut Teller) -> Option<String> {
    if object.kind == ObjectKind::Pods {
        return Some(object.name.clone());
    }
    let namespace = cluster.namespace(object);
    let client = cluster.client.clone();
    let which = Which::named(&object.name);
    let (mut seen, kind) = match object.kind {
        ObjectKind::StatefulSet => {
            (follow(Api::<StatefulSet>::namespaced(client, &namespace), which), "stateful set")
        }
        _ => (follow(Api::<Deployment>::namespaced(client, &namespace), which), "deployment"),
    };
    let absent = || {
        let why = format!("there is no {kind} {:?} in the namespace {namespace:?}", object.name);
        (why, "check its name and the namespace (--watch-namespace)")
    };
    loop {
        let found = match seen.recv().await? {
            Seen::All(all) => all.into_iter().next(),
            Seen::Applied(found) => Some(found),
            Seen::Removed(_) => None,
            Seen::Failed(Trouble { why, fix }) => {
                teller.failed(&why, fix);
                continue;
            }
        };
        if let Some(labels) = found.as_ref().and_then(|found| selector(found.pointer("/spec/selector")?)) {
            teller.worked();
            return Some(labels);
        }
        let (why, fix) = absent();
        teller.failed(&why, fix);
    }
}
