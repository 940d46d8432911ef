//! The pods of a workload: how many are ready, which restarted, which were killed for their memory, how long they took.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::Cluster;
use super::explain::Trouble;
use super::follow::{Seen, Which, follow};
use super::value::{between, condition, instant, list, name, on_our_clock, text};
use crate::metric;
use crate::scale::{Fact, Stage};
use crate::spec::Object;
use crate::told::{EventKind, Sample};
use crate::watcher::Teller;

/// Watches the pods with these labels.
pub(crate) async fn watch(cluster: Arc<Cluster>, object: Object, labels: String, mut teller: Teller) {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace(&object));
    let mut seen = follow(api, Which::labelled(&labels));
    let mut ticks = interval(cluster.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pods = Pods { workload: teller.name().to_owned(), of: object.name.clone(), ..Pods::default() };
    let mut broken: Option<Instant> = None;
    loop {
        tokio::select! {
            news = seen.recv() => match news {
                None => return,
                Some(Seen::All(all)) => {
                    teller.worked();
                    let missed = broken.take();
                    pods.all(&all, missed, &teller);
                }
                Some(Seen::Applied(pod)) => pods.applied(&pod, Known::Live, &teller),
                Some(Seen::Removed(pod)) => pods.removed(name(&pod), &teller),
                Some(Seen::Failed(Trouble { why, fix })) => {
                    broken.get_or_insert_with(Instant::now);
                    teller.failed(&why, fix);
                }
            },
            _ = ticks.tick(), if broken.is_none() && pods.listed => {
                teller.worked();
                teller.samples(pods.samples());
            },
        }
    }
}

/// How a change became known.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// It happened now.
    Live,
    /// It was there when watching began.
    Before,
    /// It happened since then, while nothing could be seen.
    Missed(Instant),
}

#[derive(Debug, Default)]
struct Pods {
    workload: String,
    /// The object's own name, by which autoscalers call it.
    of: String,
    known: BTreeMap<String, State>,
    listed: bool,
    /// Restarts that were counted since the last samples.
    restarts: f64,
    oom_kills: f64,
    start_times: Vec<f64>,
}

#[derive(Debug, Default)]
struct State {
    counts: bool,
    ready: bool,
    was_ready: bool,
    restarts: f64,
    /// Reasons that were told.
    told: BTreeSet<String>,
    /// Whether it was made while it was watched.
    born: Option<Instant>,
}

impl Pods {
    fn all(&mut self, all: &[Value], missed: Option<Instant>, teller: &Teller) {
        let gone: Vec<String> = self
            .known
            .keys()
            .filter(|known| !all.iter().any(|pod| name(pod) == known.as_str()))
            .cloned()
            .collect();
        for pod in gone {
            self.removed(&pod, teller);
        }
        for pod in all {
            let known = match missed {
                _ if !self.listed => Known::Before,
                Some(since) => Known::Missed(since),
                // The history was forgotten, and nothing is known to be missed.
                None => Known::Live,
            };
            self.applied(pod, known, teller);
        }
        self.listed = true;
    }

    fn removed(&mut self, pod: &str, teller: &Teller) {
        if self.known.remove(pod).is_some() {
            self.fact(teller, Instant::now(), pod, Stage::Gone);
        }
    }

    fn applied(&mut self, pod: &Value, known: Known, teller: &Teller) {
        let pod_name = name(pod).to_owned();
        let now = Instant::now();
        let created = text(pod, "/metadata/creationTimestamp").unwrap_or_default();
        // When something that an object dates happened, by our clock.
        let when = |dated: Option<&str>| match (known, dated) {
            (Known::Missed(since), Some(dated)) => instant(dated, since).unwrap_or(since),
            (Known::Before, Some(dated)) => on_our_clock(dated).unwrap_or(now),
            _ => now,
        };
        let is_new = !self.known.contains_key(&pod_name);
        let mut state = self.known.remove(&pod_name).unwrap_or_default();
        if is_new {
            let at = when(Some(created));
            state.born = (!matches!(known, Known::Before)).then_some(at);
            self.fact(teller, at, &pod_name, Stage::Created);
            // What its containers went through before it was watched is not of this test.
            state.restarts = if state.born.is_some() { 0.0 } else { restarts(pod) };
        }
        let leaves = !pod["metadata"]["deletionTimestamp"].is_null();
        let phase = text(pod, "/status/phase").unwrap_or_default();
        state.counts = !leaves && !matches!(phase, "Succeeded" | "Failed");
        match condition(pod, "PodScheduled") {
            Some(("True", ..)) => {
                self.fact(teller, when(dated(pod, "PodScheduled")), &pod_name, Stage::Scheduled);
            }
            Some((_, "Unschedulable", message)) => {
                if state.told.insert("Unschedulable".to_owned()) {
                    let text = format!("{}: no node takes {pod_name}: {message}", self.workload);
                    teller.event(EventKind::Pod, true, text);
                }
                self.fact(teller, now, &pod_name, Stage::Unschedulable(message.to_owned()));
            }
            _ => {}
        }
        let containers = list(pod, "/status/containerStatuses");
        if !containers.is_empty() && containers.iter().all(|one| one.pointer("/state/running").is_some()) {
            let started = containers.iter().filter_map(|one| text(one, "/state/running/startedAt")).max();
            self.fact(teller, when(started), &pod_name, Stage::Started);
        }
        self.readiness(pod, &pod_name, &mut state, when(dated(pod, "Ready")), leaves, teller);
        self.containers(pod, &pod_name, &mut state, teller);
        self.known.insert(pod_name, state);
    }

    fn readiness(
        &mut self,
        pod: &Value,
        pod_name: &str,
        state: &mut State,
        at: Instant,
        leaves: bool,
        teller: &Teller,
    ) {
        let ready = matches!(condition(pod, "Ready"), Some(("True", ..))) && !leaves;
        if ready && !state.ready {
            self.fact(teller, at, pod_name, Stage::Ready);
            if let (Some(born), false) = (state.born, state.was_ready) {
                // Both by one clock: ours where it saw both, else the server's.
                let created = text(pod, "/metadata/creationTimestamp");
                let by_server = created.zip(dated(pod, "Ready")).and_then(|(from, to)| between(from, to));
                let seen = at.saturating_duration_since(born).as_secs_f64();
                let took = by_server.filter(|seconds| (seconds - seen).abs() > 2.0).unwrap_or(seen);
                self.start_times.push(took.max(0.0) * 1_000.0);
                let text = format!("{}: {pod_name} is ready, {took:.1} s after its creation", self.workload);
                teller.event(EventKind::Scale, false, text);
            }
            state.was_ready = true;
        }
        if !ready && state.ready && !leaves {
            teller.event(
                EventKind::Pod,
                true,
                format!("{}: {pod_name} is not ready any more", self.workload),
            );
        }
        state.ready = ready;
    }

    fn containers(&mut self, pod: &Value, pod_name: &str, state: &mut State, teller: &Teller) {
        let now = restarts(pod);
        let new = now - state.restarts;
        state.restarts = now;
        let last = list(pod, "/status/containerStatuses")
            .iter()
            .filter_map(|one| one.pointer("/lastState/terminated"));
        let ended = last.max_by_key(|ended| ended["finishedAt"].as_str().unwrap_or_default().to_owned());
        let reason = ended.and_then(|ended| ended["reason"].as_str()).unwrap_or("unknown");
        if new > 0.0 {
            self.restarts += new;
            let why = match reason {
                "OOMKilled" => {
                    self.oom_kills += 1.0;
                    "it was killed for its memory (OOMKilled): raise limits.memory".to_owned()
                }
                reason => {
                    let code = ended.and_then(|ended| ended["exitCode"].as_i64());
                    let code = code.map(|code| format!(", exit code {code}")).unwrap_or_default();
                    format!("{reason}{code}; kubectl logs --previous {pod_name}")
                }
            };
            teller.event(EventKind::Pod, true, format!("{}: {pod_name} was restarted: {why}", self.workload));
        }
        for one in list(pod, "/status/containerStatuses") {
            let Some(reason) = text(one, "/state/waiting/reason") else { continue };
            let is_normal = matches!(reason, "ContainerCreating" | "PodInitializing");
            if !is_normal && state.told.insert(reason.to_owned()) {
                let message = text(one, "/state/waiting/message").unwrap_or_default();
                let text = format!("{}: {pod_name} waits: {reason} {message}", self.workload);
                teller.event(EventKind::Pod, true, text.trim_end().to_owned());
            }
        }
    }

    fn fact(&self, teller: &Teller, at: Instant, pod: &str, stage: Stage) {
        teller.fact(at, Fact::Pod { workload: self.of.clone(), name: pod.to_owned(), stage });
    }

    fn samples(&mut self) -> Vec<Sample> {
        let workload = self.workload.clone();
        let tags = [("workload", workload.as_str())];
        let count =
            |which: fn(&State) -> bool| self.known.values().filter(|state| which(state)).count() as f64;
        let mut samples = vec![
            Sample::new(&metric::PODS, &tags, count(|state| state.counts)),
            Sample::new(&metric::PODS_READY, &tags, count(|state| state.counts && state.ready)),
            Sample::new(&metric::POD_RESTARTS, &tags, std::mem::take(&mut self.restarts)),
            Sample::new(&metric::POD_OOM_KILLS, &tags, std::mem::take(&mut self.oom_kills)),
        ];
        for time in self.start_times.drain(..) {
            samples.push(Sample::new(&metric::POD_START_TIME, &tags, time));
        }
        samples
    }
}

/// When a condition came to be as it is.
fn dated<'a>(pod: &'a Value, kind: &str) -> Option<&'a str> {
    let one = list(pod, "/status/conditions").iter().find(|one| one["type"] == *kind)?;
    one["lastTransitionTime"].as_str()
}

fn restarts(pod: &Value) -> f64 {
    let of = |path: &str| list(pod, path).iter().filter_map(|one| one["restartCount"].as_f64()).sum::<f64>();
    of("/status/containerStatuses") + of("/status/initContainerStatuses")
}
