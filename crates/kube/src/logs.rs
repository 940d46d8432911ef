//! The output of a pod, as it comes; a stream that breaks is taken up where it broke.

use std::time::Duration;

use futures_util::{AsyncBufRead, AsyncBufReadExt};
use k8s_openapi::api::core::v1::{ContainerState, Pod};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::LogParams;

use crate::connect::Connection;
use crate::error::Result;
use crate::trouble::{container, part};

/// How far a log is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The container has ended.
    End,
    /// The pod is gone: its container may be started again.
    Gone,
}

/// Follows a pod's log, line by line without line ends.
pub(crate) async fn follow(
    connection: &Connection,
    pod: &str,
    part: &str,
    until: Until,
    mut each: impl FnMut(&[u8]),
) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    // When what was shown last was written, which lets lines that come again be told.
    let mut last: Option<Timestamp> = None;
    let mut failures = 0;
    loop {
        let parameters = LogParams {
            container: Some(part.to_owned()),
            follow: true,
            timestamps: true,
            // To the second, which is what a query can say: a fraction would be rounded up, past lines that were not read.
            since_time: last.and_then(|last| Timestamp::from_second(last.as_second()).ok()),
            ..LogParams::default()
        };
        // Why there is no log, if it is because there is no container.
        let mut without = None;
        match pods.log_stream(pod, &parameters).await {
            Ok(stream) => {
                let mut stream = Box::pin(stream);
                let mut line = Vec::new();
                // Only what comes again after a break is left out: output and errors of one container are written side
                // by side, so that times go back a little.
                let mut seen = last;
                while next_line(&mut stream, &mut line).await {
                    let cut = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
                    // Compared as times, not as text: their fractions have as many digits as they need, and nodes
                    // have time zones.
                    let time = String::from_utf8_lossy(&line[..cut]).parse::<Timestamp>().ok();
                    if let (Some(seen), Some(time)) = (seen, time)
                        && time <= seen
                    {
                        continue;
                    }
                    seen = None;
                    each(line.get(cut + 1..).unwrap_or_default());
                    last = last.max(time);
                    failures = 0;
                }
            }
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) if matches!(&error, kube::Error::Api(status) if status.code == 400) => {
                without = Some(error);
            }
            Err(error) => {
                failures += 1;
                let is_refused = matches!(&error, kube::Error::Api(status) if status.code == 403);
                if failures > 20 || is_refused {
                    return Err(connection.explain(format!("follow the log of pod {pod}"), error));
                }
            }
        }
        // The stream is over: because the container is, or because the connection broke.
        match pods.get_opt(pod).await {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => {
                let state = container(&found).and_then(|container| container.state.as_ref());
                if let Some(error) = without {
                    // What is being made is waited for; what cannot be is said.
                    if !state.is_none_or(is_being_made) {
                        failures += 1;
                        if failures > 20 {
                            return Err(connection.explain(format!("follow the log of pod {pod}"), error));
                        }
                    }
                } else if until == Until::End && state.is_none_or(|state| state.terminated.is_some()) {
                    if last.is_some() {
                        return Ok(());
                    }
                    failures += 1;
                    if failures > 3 {
                        return Ok(());
                    }
                }
            }
            // The next attempt to follow says what is wrong.
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Whether a container waits for nothing but its turn.
fn is_being_made(state: &ContainerState) -> bool {
    let waiting = state.waiting.as_ref();
    waiting.is_some_and(|waiting| {
        matches!(waiting.reason.as_deref(), None | Some("ContainerCreating" | "PodInitializing"))
    })
}

/// Reads a line, whatever its bytes, without its end; false where there is none.
pub async fn next_line(stream: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> bool {
    line.clear();
    let read = stream.read_until(b'\n', line).await.is_ok_and(|length| length > 0);
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    read
}

/// The end of a pod's log, of its last life if it was started again; nothing if there is none.
pub(crate) async fn tail(connection: &Connection, pod: &Pod, lines: i64) -> Option<String> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let name = pod.metadata.name.as_deref()?;
    let restarted = container(pod).is_some_and(|container| {
        container.restart_count > 0 && container.state.as_ref().is_some_and(|state| state.waiting.is_some())
    });
    for previous in [restarted, false] {
        let parameters = LogParams {
            container: part(pod).map(str::to_owned),
            previous,
            tail_lines: Some(lines),
            ..LogParams::default()
        };
        match pods.logs(name, &parameters).await {
            Ok(text) if !text.trim().is_empty() => return Some(text.trim_end().to_owned()),
            _ => {}
        }
    }
    None
}
