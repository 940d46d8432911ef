//! Waiting for pods to run, saying once what keeps them from it.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::lead::Lead;
use crate::logs;
use crate::names::RunName;
use crate::pods;
use crate::say::Say;
use crate::trouble::{self, Severity, Trouble, is_ready, name};
use crate::wanted::{Carrier, Wanted};

/// How often to look.
const PACE: Duration = Duration::from_millis(500);
/// How long the API server may be away meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many lines of a log show why something crashed.
const LINES: i64 = 20;

/// Waits for the controller's pod, and gives its name.
pub(super) async fn controller(
    connection: &Connection,
    run: &RunName,
    say: &Arc<dyn Say>,
    deadline: Instant,
) -> Result<String> {
    let mut teller = Teller::new(say, "controller");
    let mut away = None;
    loop {
        let Some(found) = patiently(pods::of_part(connection, run, "controller").await, &mut away)? else {
            tokio::time::sleep(PACE).await;
            continue;
        };
        let trouble = match found.last() {
            // What was quickly done has ended by now, and its code is in the pod.
            Some(pod) if is_ready(pod) || trouble::phase(pod) == "Succeeded" => {
                return Ok(name(pod).to_owned());
            }
            Some(pod) => {
                teller.phase(pod);
                pods::trouble(connection, pod).await
            }
            None => pods::owner_trouble(connection, run, "controller").await,
        };
        teller.judge(connection, trouble, found.last(), deadline).await?;
        tokio::time::sleep(PACE).await;
    }
}

/// Sends files that did not fit into an object, and lets the test begin.
pub(super) async fn hand_over(lead: &Lead, wanted: &Wanted, say: &Arc<dyn Say>) -> Result<()> {
    if wanted.carrier != Carrier::Upload {
        return Ok(());
    }
    let megabytes = wanted.files.size() as f64 / 1e6;
    say.note(&format!("sending {} files ({megabytes:.1} MB) to the controller", wanted.files.len()));
    for (path, content) in wanted.files.iter() {
        lead.upload(path, content.to_vec()).await?;
    }
    lead.start().await
}

/// Waits until all workers run.
pub(super) async fn workers(
    connection: &Connection,
    run: &RunName,
    wanted: u32,
    say: &Arc<dyn Say>,
    deadline: Instant,
) -> Result<()> {
    let mut teller = Teller::new(say, "worker");
    let mut seen = 0;
    let mut away = None;
    loop {
        let Some(found) = patiently(pods::of_part(connection, run, "worker").await, &mut away)? else {
            tokio::time::sleep(PACE).await;
            continue;
        };
        // Of a short test some are done before they are seen.
        let is_there = |pod: &&Pod| is_ready(pod) || trouble::has_worked(pod);
        let ready = found.iter().filter(is_there).count();
        if ready >= wanted as usize {
            if wanted > 0 {
                say.note(&format!("{ready} of {wanted} workers run"));
            }
            return Ok(());
        }
        if ready > seen {
            seen = ready;
            say.note(&format!("{ready} of {wanted} workers run"));
        }
        let mut trouble = None;
        let mut whose = None;
        for pod in found.iter().filter(|pod| !is_there(pod)) {
            let of_pod = trouble::of_pod(pod, &[]);
            if of_pod.as_ref().map(|one| one.severity) > trouble.as_ref().map(|one: &Trouble| one.severity) {
                trouble = of_pod;
                whose = Some(pod);
            }
        }
        // What only events say is asked for one pod: a hundred that start would be a hundred questions each time.
        if trouble.is_none()
            && let Some(pod) = found.iter().find(|pod| trouble::phase(pod) == "Pending")
        {
            trouble = pods::trouble(connection, pod).await;
        }
        if trouble.is_none() && found.len() < wanted as usize {
            trouble = pods::owner_trouble(connection, run, "worker").await;
        }
        teller.judge(connection, trouble, whose, deadline).await?;
        tokio::time::sleep(PACE).await;
    }
}

/// What was found; nothing while an API server is away that answered before, for a while.
fn patiently<T>(asked: Result<T>, away: &mut Option<Instant>) -> Result<Option<T>> {
    match asked {
        Ok(found) => {
            *away = None;
            Ok(Some(found))
        }
        Err(error) if error.is_unavailable() => {
            let since = *away.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE { Err(error) } else { Ok(None) }
        }
        Err(error) => Err(error),
    }
}

/// Says each thing once.
struct Teller<'a> {
    say: &'a Arc<dyn Say>,
    part: &'static str,
    said: Vec<String>,
    last: Option<String>,
}

impl<'a> Teller<'a> {
    fn new(say: &'a Arc<dyn Say>, part: &'static str) -> Self {
        Self { say, part, said: Vec::new(), last: None }
    }

    fn once(&mut self, text: String) -> bool {
        let is_new = !self.said.contains(&text);
        if is_new {
            self.said.push(text);
        }
        is_new
    }

    fn phase(&mut self, pod: &Pod) {
        let waiting = trouble::container(pod)
            .and_then(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
        let text = match waiting {
            Some(reason) => format!("pod {} ({}): {reason}", name(pod), self.part),
            None => format!("pod {} ({}): {}", name(pod), self.part, trouble::phase(pod)),
        };
        if self.once(text.clone()) {
            self.say.note(&text);
        }
    }

    /// Ends the wait where it is of no use, with the reason.
    async fn judge(
        &mut self,
        connection: &Connection,
        trouble: Option<Trouble>,
        pod: Option<&Pod>,
        deadline: Instant,
    ) -> Result<()> {
        if let Some(trouble) = trouble {
            if trouble.severity == Severity::Final {
                let mut text = trouble.text;
                if trouble.crashed
                    && let Some(pod) = pod
                    && let Some(log) = logs::tail(connection, pod, LINES).await
                {
                    text = format!("{text}; its log ends with\n{log}");
                }
                return Err(Error::Pod(text));
            }
            if self.once(trouble.text.clone()) {
                self.say.warn(&trouble.text);
            }
            self.last = Some(trouble.text);
        }
        if Instant::now() < deadline {
            return Ok(());
        }
        let why = self.last.as_deref().unwrap_or("nothing says why; see kubectl describe pods");
        Err(Error::Pod(format!("the {} did not start in time (--start-timeout): {why}", self.part)))
    }
}
