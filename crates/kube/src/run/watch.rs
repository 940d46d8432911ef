//! Watching a test that runs: its end, and what becomes of its workers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use super::{code_of, is_over};
use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::lead::Lead;
use crate::names::RunName;
use crate::pods;
use crate::say::Say;
use crate::trouble::{self, name};

/// How often to look at workers.
const PACE: Duration = Duration::from_secs(3);
/// How long the cluster may be away while a test runs.
const PATIENCE: Duration = Duration::from_mins(5);

/// How a test ended.
pub(super) struct End {
    /// Its code.
    pub(super) code: i32,
    /// Whether the controller is still there, with its results.
    pub(super) has_results: bool,
}

/// Waits for the end of the test.
pub(super) async fn end(connection: &Connection, lead: &Lead, pod: &str, say: &Arc<dyn Say>) -> Result<End> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let mut away: Option<tokio::time::Instant> = None;
    loop {
        let error = match lead.wait().await {
            Ok(state) => {
                away = None;
                match is_over(state) {
                    Some(code) => return Ok(End { code, has_results: true }),
                    None => continue,
                }
            }
            Err(error) => error,
        };
        // The post does not answer: the pod tells whether it is gone.
        match pods.get_opt(pod).await {
            Ok(None) => {
                return Err(Error::Pod(format!("the controller (pod {pod}) was deleted while the test ran")));
            }
            Ok(Some(found)) => {
                if let Some(code) = code_of(&found) {
                    if code != 0
                        && let Some(trouble) = trouble::of_pod(&found, &[])
                    {
                        say.warn(&trouble.text);
                    }
                    return Ok(End { code, has_results: false });
                }
                // Evicted, or its node is gone: nothing says how the test would have ended.
                if trouble::phase(&found) == "Failed" {
                    let trouble = trouble::of_pod(&found, &[]).map(|trouble| trouble.text);
                    return Err(Error::Pod(
                        trouble.unwrap_or_else(|| format!("the controller (pod {pod}) failed")),
                    ));
                }
            }
            Err(_) => {}
        }
        let since = *away.get_or_insert_with(|| {
            say.warn(&format!("{error}; trying again"));
            tokio::time::Instant::now()
        });
        if since.elapsed() > PATIENCE {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Says what becomes of workers, for as long as it is asked to.
pub(super) async fn workers(connection: &Connection, run: &RunName, say: &Arc<dyn Say>) -> Result<()> {
    let mut known: BTreeMap<String, i32> = BTreeMap::new();
    let mut said: Vec<String> = Vec::new();
    let mut count = None;
    loop {
        // A cluster that does not answer is said where the end is waited for.
        if let Ok(found) = pods::of_part(connection, run, "worker").await {
            let here: Vec<&Pod> =
                found.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
            if count.is_some_and(|count| count != here.len()) {
                say.note(&format!("there are {} workers now", here.len()));
            }
            count = Some(here.len());
            for pod in here {
                let Some(container) = trouble::container(pod) else { continue };
                let before = known.insert(name(pod).to_owned(), container.restart_count);
                let ended = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
                // A worker that ends with the test is started again by the cluster, which is nothing to speak of.
                if let (Some(before), Some(ended)) = (before, ended)
                    && container.restart_count > before
                    && ended.exit_code != 0
                {
                    let how = trouble::how_ended(ended.exit_code, ended.reason.as_deref());
                    say.warn(&format!(
                        "worker pod {} ended with code {how} and was started again",
                        name(pod)
                    ));
                }
                if let Some(trouble) = pods::trouble(connection, pod).await
                    && !trouble.crashed
                    && !said.contains(&trouble.text)
                {
                    say.warn(&trouble.text);
                    said.push(trouble.text);
                }
            }
        }
        tokio::time::sleep(PACE).await;
    }
}
