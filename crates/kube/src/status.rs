//! `throng k8s status`: the runs of a namespace, and what becomes of their pods.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::jiff::Timestamp;
use kube::Api;

use crate::connect::Connection;
use crate::error::Result;
use crate::names::{RunName, SCRIPT};
use crate::trouble::{self, is_ready, name, phase};
use crate::{objects, pods};

/// One run.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its name.
    pub run: RunName,
    /// Its script, if its job is there.
    pub script: Option<String>,
    /// Seconds since it was made.
    pub age: Option<i64>,
    /// In a word.
    pub state: String,
    /// Workers that run, and that there should be.
    pub workers: (i32, i32),
    /// Its pods.
    pub pods: Vec<PodStatus>,
    /// What is wrong with it as a whole.
    pub trouble: Option<String>,
}

/// One pod.
#[derive(Debug, Clone)]
pub struct PodStatus {
    /// Its name.
    pub name: String,
    /// In a word.
    pub state: String,
    /// Its node.
    pub node: Option<String>,
    /// How often it was started again.
    pub restarts: i32,
    /// What keeps it from running.
    pub trouble: Option<String>,
}

/// Looks at one run or all.
pub async fn status(connection: &Connection, run: Option<&RunName>) -> Result<Vec<Status>> {
    let runs = match run {
        Some(run) => vec![run.clone()],
        None => objects::runs(connection).await?.into_iter().collect(),
    };
    let mut all = Vec::new();
    for run in runs {
        all.push(of_run(connection, run).await?);
    }
    Ok(all)
}

async fn of_run(connection: &Connection, run: RunName) -> Result<Status> {
    let jobs: Api<Job> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let deployments: Api<Deployment> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let failed = |error| connection.explain(format!("look at run {run}"), error);
    let job = jobs.get_opt(&run.object()).await.map_err(failed)?;
    let deployment = deployments.get_opt(&run.workers()).await.map_err(failed)?;
    let wanted = deployment.as_ref().and_then(|one| one.spec.as_ref()?.replicas).unwrap_or(0);
    let ready = deployment.as_ref().and_then(|one| one.status.as_ref()?.ready_replicas).unwrap_or(0);
    let controllers = pods::of_part(connection, &run, "controller").await?;
    let mut shown = Vec::new();
    for pod in controllers.iter().chain(&pods::of_part(connection, &run, "worker").await?) {
        let trouble = pods::trouble(connection, pod).await;
        let container = trouble::container(pod);
        let waiting = container.and_then(|one| one.state.as_ref()?.waiting.as_ref()?.reason.clone());
        let state = match waiting {
            _ if pod.metadata.deletion_timestamp.is_some() => "Terminating".to_owned(),
            Some(reason) => reason,
            None if phase(pod) == "Running" && !is_ready(pod) => "Running, not ready".to_owned(),
            None => phase(pod).to_owned(),
        };
        shown.push(PodStatus {
            name: name(pod).to_owned(),
            state,
            node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
            restarts: container.map_or(0, |one| one.restart_count),
            trouble: trouble.map(|one| one.text),
        });
    }
    let trouble = if controllers.is_empty() && job.is_some() {
        pods::owner_trouble(connection, &run, "controller").await
    } else if shown.len() - controllers.len() < usize::try_from(wanted).unwrap_or(0) {
        pods::owner_trouble(connection, &run, "worker").await
    } else {
        None
    };
    let created = job.as_ref().and_then(|job| job.metadata.creation_timestamp.clone());
    Ok(Status {
        script: job.as_ref().and_then(|job| job.metadata.annotations.as_ref()?.get(SCRIPT).cloned()),
        // The clocks of this machine and the cluster may differ.
        age: created.map(|time| (Timestamp::now().as_second() - time.0.as_second()).max(0)),
        state: state(job.as_ref(), controllers.last()),
        workers: (ready, wanted),
        pods: shown,
        trouble: trouble.map(|one| one.text),
        run,
    })
}

fn state(job: Option<&Job>, controller: Option<&k8s_openapi::api::core::v1::Pod>) -> String {
    let Some(job) = job else { return "left over".to_owned() };
    if let Some(code) = controller.and_then(trouble::exit_code) {
        return format!("ended with code {code}");
    }
    let status = job.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    for condition in conditions {
        if condition.status == "True" {
            match condition.type_.as_str() {
                "Complete" => return "ended".to_owned(),
                "Failed" => return "failed".to_owned(),
                "Suspended" => return "suspended".to_owned(),
                _ => {}
            }
        }
    }
    match controller {
        Some(pod) if is_ready(pod) => "running".to_owned(),
        Some(_) | None => "starting".to_owned(),
    }
}
