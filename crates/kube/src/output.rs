//! `throng k8s logs`: what the pods of a run wrote.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::names::RunName;
use crate::trouble::name;
use crate::{logs, pods};

/// Which output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    /// The workers' instead of the controller's.
    pub workers: bool,
    /// Of the containers' lives before.
    pub previous: bool,
    /// Only so many lines from the end.
    pub tail: Option<i64>,
}

/// Tells each line of what is there, with the pod's name.
pub async fn logs(
    connection: &Connection,
    run: &RunName,
    which: Which,
    mut each: impl FnMut(&str, &str),
) -> Result<()> {
    let found = of_run(connection, run, which.workers).await?;
    let api: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let part = if which.workers { "worker" } else { "controller" };
    let parameters = LogParams {
        container: Some(part.to_owned()),
        previous: which.previous,
        tail_lines: which.tail,
        ..LogParams::default()
    };
    let mut failed = None;
    let mut any = false;
    for pod in &found {
        let pod = name(pod);
        match api.logs(pod, &parameters).await {
            Ok(text) => {
                any = true;
                text.lines().for_each(|line| each(pod, line));
            }
            Err(error) => {
                let error = connection.explain(format!("read the log of pod {pod}"), error);
                failed = failed.or(Some(error));
            }
        }
    }
    match failed {
        Some(error) if !any => Err(error),
        _ => Ok(()),
    }
}

/// Follows the output to its end.
pub async fn follow(
    connection: &Connection,
    run: &RunName,
    workers: bool,
    each: impl Fn(&str, &[u8]) + Sync,
) -> Result<()> {
    let found = of_run(connection, run, workers).await?;
    let streams = found.iter().map(|pod| {
        let each = &each;
        logs::follow(connection, name(pod), if workers { "worker" } else { "controller" }, move |line| {
            each(name(pod), line);
        })
    });
    futures_util::future::try_join_all(streams).await.map(drop)
}

async fn of_run(connection: &Connection, run: &RunName, workers: bool) -> Result<Vec<Pod>> {
    let part = if workers { "worker" } else { "controller" };
    let found = pods::of_part(connection, run, part).await?;
    if found.is_empty() {
        return Err(Error::Unusable(format!(
            "run {run} has no {part} in namespace {}; see throng k8s status",
            connection.namespace
        )));
    }
    Ok(found)
}
