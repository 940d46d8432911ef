//! The pods of a run, with what is said about them.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::ListParams;

use crate::connect::Connection;
use crate::error::Result;
use crate::names::RunName;
use crate::trouble::{self, Trouble, name};

/// Pods of one part of a run, in the order of their making.
pub(crate) async fn of_part(connection: &Connection, run: &RunName, component: &str) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let what = || format!("look at the pods of run {run}");
    let listed = pods.list(&ListParams::default().labels(&run.pods(component))).await;
    let mut pods = listed.map_err(|error| connection.explain(what(), error))?.items;
    pods.sort_by_key(|pod| (pod.metadata.creation_timestamp.clone(), pod.metadata.name.clone()));
    Ok(pods)
}

/// Warnings about an object, the newest last. Who may not read events sees none.
pub(crate) async fn warnings(connection: &Connection, kind: &str, name: &str) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name},type=Warning");
    let mut found = match events.list(&ListParams::default().fields(&fields)).await {
        Ok(listed) => listed.items,
        Err(_) => return Vec::new(),
    };
    found.sort_by_key(|event| event.last_timestamp.clone().map(|time| time.0));
    found
}

/// What keeps a pod from running.
pub(crate) async fn trouble(connection: &Connection, pod: &Pod) -> Option<Trouble> {
    let found = trouble::of_pod(pod, &[]);
    if found.is_some() || trouble::phase(pod) != "Pending" {
        return found;
    }
    trouble::of_pod(pod, &warnings(connection, "Pod", name(pod)).await)
}

/// Why a deployment or job makes no pods.
pub(crate) async fn owner_trouble(
    connection: &Connection,
    run: &RunName,
    component: &str,
) -> Option<Trouble> {
    if component == "controller" {
        return trouble::of_owner(&warnings(connection, "Job", &run.object()).await);
    }
    let deployments: Api<Deployment> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let deployment = deployments.get_opt(&run.workers()).await.ok().flatten()?;
    let conditions = deployment.status?.conditions?;
    let failure = conditions.into_iter().find(|one| one.type_ == "ReplicaFailure" && one.status == "True")?;
    let event = Event { reason: Some("FailedCreate".into()), message: failure.message, ..Event::default() };
    trouble::of_owner(&[event])
}
