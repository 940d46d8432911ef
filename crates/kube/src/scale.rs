//! `throng k8s scale`: more or fewer workers while a test runs.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::connect::Connection;
use crate::error::Result;
use crate::names::RunName;

/// Sets the number of workers; what it was before.
pub async fn scale(connection: &Connection, run: &RunName, workers: u32) -> Result<i32> {
    let deployments: Api<Deployment> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let name = run.workers();
    let what = || format!("scale the Deployment {name} of run {run}");
    let before = deployments.get_scale(&name).await.map_err(|error| connection.explain(what(), error))?;
    let patch = Patch::Merge(json!({"spec": {"replicas": workers}}));
    deployments
        .patch_scale(&name, &PatchParams::default(), &patch)
        .await
        .map_err(|error| connection.explain(what(), error))?;
    Ok(before.spec.and_then(|spec| spec.replicas).unwrap_or(0))
}
