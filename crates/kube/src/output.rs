//! `throng k8s logs`: what the pods of a run wrote.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::time::{sleep, timeout};

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::names::RunName;
use crate::trouble::name;
use crate::{logs, pods};

/// How often it is looked for pods that came.
const LOOK: Duration = Duration::from_secs(1);
/// How long workers may go on writing after the controller has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

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

/// Follows the output to its end, workers' also of pods that come later: until the controller has ended, or none is left.
pub async fn follow(
    connection: &Connection,
    run: &RunName,
    workers: bool,
    each: impl Fn(&str, &[u8]) + Sync,
) -> Result<()> {
    let part = if workers { "worker" } else { "controller" };
    let until = if workers { logs::Until::Gone } else { logs::Until::End };
    let each = &each;
    let mut found = of_run(connection, run, workers).await?;
    let mut known = BTreeSet::new();
    let mut streams = FuturesUnordered::new();
    let mut failures = 0;
    let mut over_since = None;
    loop {
        for pod in found.iter().map(|pod| name(pod).to_owned()) {
            if known.insert(pod.clone()) {
                streams.push(async move {
                    logs::follow(connection, &pod, part, until, |line| each(&pod, line)).await
                });
            }
        }
        let looked = Instant::now();
        if let Ok(Some(ended)) = timeout(LOOK, streams.next()).await {
            ended?;
        }
        if !workers {
            if streams.is_empty() {
                return Ok(());
            }
            continue;
        }
        sleep(LOOK.saturating_sub(looked.elapsed())).await;
        match look(connection, run).await {
            Ok((pods, is_over)) => {
                failures = 0;
                found = pods;
                if !is_over {
                    over_since = None;
                } else if over_since.get_or_insert_with(Instant::now).elapsed() > LAST_WORDS {
                    return Ok(());
                }
            }
            Err(error) => {
                failures += 1;
                if failures > 20 {
                    return Err(error);
                }
            }
        }
        if streams.is_empty() && found.is_empty() {
            return Ok(());
        }
    }
}

/// The workers that there are, and whether the controller has ended or is gone. Their containers are started again after a
/// run, and say only that they wait for the next.
async fn look(connection: &Connection, run: &RunName) -> Result<(Vec<Pod>, bool)> {
    let controllers = pods::of_part(connection, run, "controller").await?;
    let has_ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    Ok((pods::of_part(connection, run, "worker").await?, controllers.iter().all(has_ended)))
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
