//! Lines of the logs of pods that match: counted, and the first of them told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::LogParams;
use regex::Regex;
use serde_json::Value;
use throng_kube::next_line;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Cluster;
use super::explain::{Trouble, explain};
use super::follow::{Seen, Which, follow};
use super::value::{list, name};
use crate::backoff::Backoff;
use crate::metric;
use crate::spec::Object;
use crate::told::{EventKind, Sample};
use crate::watcher::Teller;

/// Of what goes on for longer there is one event.
const QUIET: Duration = Duration::from_secs(10);
/// A line is quoted up to so many characters.
const QUOTED: usize = 160;

/// A pattern with how samples call it.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Its name; the expression itself if it has none.
    pub name: String,
    /// The expression.
    pub regex: Regex,
}

impl Pattern {
    /// A pattern.
    pub fn new(name: &str, regex: &str) -> Result<Self, regex::Error> {
        Ok(Self { name: name.to_owned(), regex: Regex::new(regex)? })
    }
}

enum Line {
    /// A container's log is being read.
    Opened,
    Read {
        pod: String,
        text: String,
    },
    Failed(Trouble),
}

pub(crate) async fn watch(cluster: Arc<Cluster>, object: Object, labels: String, mut teller: Teller) {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace(&object));
    let mut seen = follow(api.clone(), Which::labelled(&labels));
    let (sender, mut lines) = mpsc::channel(1024);
    let mut readers: BTreeMap<(String, String), AbortHandle> = BTreeMap::new();
    let mut told: BTreeMap<String, Instant> = BTreeMap::new();
    let mut listed = false;
    let workload = teller.name().to_owned();
    let mut broken = false;
    // Pods can be seen and their logs not: those are told apart, each said once.
    let mut reading = cluster.outlet.teller(&workload, &format!("the lines of logs/{object}"));
    let mut readable = None;
    let mut ticks = interval(cluster.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // That no line matched is known while logs are read, or there are none.
            _ = ticks.tick(), if listed && !broken && readable.unwrap_or(readers.is_empty()) => {
                teller.worked();
                let none = |pattern: &Pattern| sample(&workload, pattern, 0.0);
                teller.samples(cluster.patterns.iter().map(none).collect());
            }
            news = seen.recv() => match news {
                None => return,
                Some(Seen::All(pods)) => {
                    teller.worked();
                    broken = false;
                    for pod in &pods {
                        // Of what is there already, only what comes from now on is of this test.
                        read(&api, pod, !listed, &sender, &mut readers);
                    }
                    listed = true;
                }
                Some(Seen::Applied(pod)) => read(&api, &pod, false, &sender, &mut readers),
                Some(Seen::Removed(pod)) => {
                    // What is left of its log is still read; its reader ends by itself.
                    readers.retain(|(known, _), reader| known != name(&pod) || !reader.is_finished());
                }
                Some(Seen::Failed(Trouble { why, fix })) => {
                    broken = true;
                    teller.failed(&why, fix);
                }
            },
            Some(line) = lines.recv() => match line {
                Line::Opened => {
                    readable = Some(true);
                    reading.worked();
                }
                Line::Read { pod, text } => {
                    for pattern in cluster.patterns.iter().filter(|pattern| pattern.regex.is_match(&text)) {
                        teller.samples(vec![sample(&workload, pattern, 1.0)]);
                        let now = Instant::now();
                        let last = told.insert(pattern.name.clone(), now);
                        if last.is_none_or(|last| now.duration_since(last) > QUIET) {
                            let quoted: String = text.chars().take(QUOTED).collect();
                            teller.event(EventKind::Log, true, format!("{pod}: {quoted}"));
                        }
                    }
                }
                Line::Failed(Trouble { why, fix }) => {
                    readable = Some(false);
                    reading.failed(&why, fix);
                }
            },
        }
    }
}

fn sample(workload: &str, pattern: &Pattern, value: f64) -> Sample {
    Sample::new(&metric::LOG_MATCHES, &[("logs", workload), ("match", &pattern.name)], value)
}

/// Has each container of a pod read that has begun and is not read yet.
fn read(
    api: &Api<Pod>,
    pod: &Value,
    only_new: bool,
    sender: &mpsc::Sender<Line>,
    readers: &mut BTreeMap<(String, String), AbortHandle>,
) {
    for one in list(pod, "/status/containerStatuses") {
        let Some(container) = one["name"].as_str() else { continue };
        if one.pointer("/state/running").is_none() {
            continue;
        }
        let key = (name(pod).to_owned(), container.to_owned());
        if readers.get(&key).is_some_and(|reader| !reader.is_finished()) {
            continue;
        }
        let task = follow_log(api.clone(), key.clone(), only_new, sender.clone());
        readers.insert(key, tokio::spawn(task).abort_handle());
    }
}

/// Reads a container's log until the container ends, over connections that break.
async fn follow_log(
    api: Api<Pod>,
    (pod, container): (String, String),
    only_new: bool,
    sender: mpsc::Sender<Line>,
) {
    let mut backoff = Backoff::default();
    let mut last: Option<Timestamp> = None;
    // When it was first read: what is older is not of this test.
    let mut opened: Option<Instant> = None;
    loop {
        let params = LogParams {
            container: Some(container.clone()),
            follow: true,
            timestamps: true,
            // The server's clock decides what is new: after the last line, or where there was none, so long ago.
            since_time: last.and_then(|last| Timestamp::from_second(last.as_second()).ok()),
            since_seconds: opened
                .filter(|_| only_new && last.is_none())
                .map(|opened| opened.elapsed().as_secs() as i64 + 1),
            tail_lines: (only_new && opened.is_none()).then_some(0),
            ..LogParams::default()
        };
        match api.log_stream(&pod, &params).await {
            Ok(stream) => {
                opened.get_or_insert_with(Instant::now);
                if sender.send(Line::Opened).await.is_err() {
                    return;
                }
                let mut stream = std::pin::pin!(stream);
                let mut line = Vec::new();
                // Only what comes again after a break is left out: output and errors are written side by side, so that
                // times go back a little.
                let mut seen = last;
                while next_line(&mut stream, &mut line).await {
                    let line = String::from_utf8_lossy(&line);
                    let (time, text) = line.split_once(' ').unwrap_or(("", &line));
                    let time = time.parse::<Timestamp>().ok();
                    if let (Some(seen), Some(time)) = (seen, time)
                        && time <= seen
                    {
                        continue;
                    }
                    seen = None;
                    last = last.max(time);
                    backoff.reset();
                    let text = text.to_owned();
                    if sender.send(Line::Read { pod: pod.clone(), text }).await.is_err() {
                        return;
                    }
                }
                // It ended: with the container, or with the connection. The next attempt tells.
                if !is_running(&api, &pod, &container).await {
                    return;
                }
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 404) => return,
            Err(error) => {
                if sender.send(Line::Failed(explain(&error))).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

async fn is_running(api: &Api<Pod>, pod: &str, container: &str) -> bool {
    match api.get_opt(pod).await {
        Ok(Some(pod)) => {
            let pod = serde_json::to_value(&pod).unwrap_or_default();
            let is_it = |one: &&Value| one["name"] == *container;
            let one = list(&pod, "/status/containerStatuses").iter().find(is_it);
            one.is_some_and(|one| one.pointer("/state/running").is_some())
        }
        Ok(None) => false,
        // It cannot be known now.
        Err(_) => true,
    }
}
