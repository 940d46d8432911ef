//! What becomes of pods: one task for each, from scheduling to its end, as its [`Behaviour`] says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Inner;
use crate::controllers::event;
use crate::process;
use crate::store::Key;

/// What becomes of a pod.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// It runs, is ready and has written this, until it is deleted.
    Runs {
        /// Its log.
        log: Vec<String>,
    },
    /// It runs for so long and ends with a code.
    Ends {
        /// Its log.
        log: Vec<String>,
        /// With which code.
        code: i32,
        /// How long it takes.
        after: Duration,
    },
    /// Its image cannot be pulled.
    ImagePull {
        /// What the registry says.
        message: String,
    },
    /// No node takes it.
    Unschedulable {
        /// What the scheduler says.
        message: String,
    },
    /// It ends soon after each start, and is started again ever more rarely.
    CrashLoop {
        /// Its log, each time.
        log: Vec<String>,
        /// With which code.
        code: i32,
    },
    /// Its containers run as processes of this machine.
    Process,
}

/// A line of a log.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) time: jiff::Timestamp,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
struct Life {
    log: Option<Vec<Line>>,
    previous: Option<Vec<Line>>,
    process: Option<u32>,
}

/// What is known of pods beside the store: logs and processes.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    lives: Mutex<BTreeMap<Key, Life>>,
}

impl Pods {
    fn lives(&self) -> MutexGuard<'_, BTreeMap<Key, Life>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pod's log, if a container has run.
    pub(crate) fn log(&self, key: &Key, previous: bool) -> Option<Vec<Line>> {
        let lives = self.lives();
        let life = lives.get(key)?;
        if previous { life.previous.clone() } else { life.log.clone() }
    }

    pub(crate) fn write(&self, key: &Key, text: &str) {
        if let Some(log) = self.lives().get_mut(key).and_then(|life| life.log.as_mut()) {
            log.push(Line { time: jiff::Timestamp::now(), text: text.to_owned() });
        }
    }

    pub(crate) fn set_process(&self, key: &Key, process: Option<u32>) {
        if let Some(life) = self.lives().get_mut(key) {
            life.process = process;
        }
    }

    /// Ends a pod's process at once.
    pub(crate) fn kill(&self, key: &Key) {
        if let Some(process) = self.lives().get(key).and_then(|life| life.process) {
            process::signal(process, "KILL");
        }
    }

    /// Ends all processes: the cluster goes away.
    pub(crate) fn end_all(&self) {
        for process in self.lives().values().filter_map(|life| life.process) {
            process::signal(process, "KILL");
        }
    }
}

/// Sees to it that every pod has a task.
pub(crate) fn adopt(inner: &Arc<Inner>, pods: &[Key]) {
    let mut lives = inner.pods.lives();
    for key in pods {
        if !lives.contains_key(key) {
            lives.insert(key.clone(), Life::default());
            let (inner, key) = (Arc::clone(inner), key.clone());
            tokio::spawn(async move {
                live(&inner, &key).await;
                inner.store().remove(&key);
                inner.pods.lives().remove(&key);
            });
        }
    }
}

/// The whole life of a pod, until it may be removed.
async fn live(inner: &Arc<Inner>, key: &Key) -> Option<()> {
    let pod = inner.store().get(key).cloned()?;
    let behaviour = inner.behaviour(&pod);
    if let Behaviour::Unschedulable { message } = &behaviour {
        status(inner, key, |status| {
            status["phase"] = json!("Pending");
            condition(status, "PodScheduled", false, "Unschedulable", message);
        });
        event(inner, &pod, "Warning", "FailedScheduling", message);
        return deleted(inner, key).await;
    }
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    let address = inner.network().pod_address().to_string();
    inner.store().edit(key, |pod| {
        pod["spec"]["nodeName"] = json!("node-1");
        pod["status"]["podIP"] = json!(address);
    });
    status(inner, key, |status| {
        status["phase"] = json!("Pending");
        condition(status, "PodScheduled", true, "", "");
        container(status, &pod, &json!({"waiting": {"reason": "ContainerCreating"}}));
    });
    event(inner, &pod, "Normal", "Scheduled", &format!("Successfully assigned {} to node-1", key.name));
    if let Behaviour::ImagePull { message } = &behaviour {
        for reason in ["ErrImagePull", "ImagePullBackOff"] {
            let text = match reason {
                "ErrImagePull" => message.clone(),
                _ => format!("Back-off pulling image \"{image}\": ErrImagePull: {message}"),
            };
            status(inner, key, |status| {
                container(status, &pod, &json!({"waiting": {"reason": reason, "message": text}}));
            });
            event(inner, &pod, "Warning", "Failed", &format!("Failed to pull image \"{image}\": {message}"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        return deleted(inner, key).await;
    }
    if let Some(why) = process::wait_for_volumes(inner, key, &pod).await {
        return why;
    }
    run(inner, key, &pod, &behaviour).await
}

/// Containers start, end, and are started again.
async fn run(inner: &Arc<Inner>, key: &Key, pod: &Value, behaviour: &Behaviour) -> Option<()> {
    let mut restarts = 0;
    loop {
        if let Some(missing) = process::missing_in_environment(inner, pod) {
            status(inner, key, |status| {
                container(
                    status,
                    pod,
                    &json!({"waiting": {"reason": "CreateContainerConfigError", "message": missing}}),
                );
            });
            event(inner, pod, "Warning", "Failed", &format!("Error: {missing}"));
            return deleted(inner, key).await;
        }
        {
            let mut lives = inner.pods.lives();
            let life = lives.get_mut(key)?;
            let before = life.log.replace(Vec::new());
            if restarts > 0 {
                life.previous = before;
            }
        }
        let started = crate::now();
        status(inner, key, |status| {
            status["phase"] = json!("Running");
            container(status, pod, &json!({"running": {"startedAt": started}}));
        });
        let code = match behaviour {
            Behaviour::Process => process::run(inner, key, pod).await?,
            Behaviour::Ends { log, code, after } => {
                for line in log {
                    inner.pods.write(key, line);
                }
                // What ends at once is never seen ready.
                if *after > Duration::from_millis(50) {
                    ready(inner, key, true);
                }
                tokio::select! {
                    () = tokio::time::sleep(*after) => *code,
                    _ = deleted(inner, key) => return Some(()),
                }
            }
            Behaviour::CrashLoop { log, code } => {
                for line in log {
                    inner.pods.write(key, line);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
                *code
            }
            Behaviour::Runs { log } => {
                for line in log {
                    inner.pods.write(key, line);
                }
                ready(inner, key, true);
                return deleted(inner, key).await;
            }
            Behaviour::ImagePull { .. } | Behaviour::Unschedulable { .. } => {
                return deleted(inner, key).await;
            }
        };
        ready(inner, key, false);
        let reason = match code {
            0 => "Completed",
            137 => "OOMKilled",
            _ => "Error",
        };
        let terminated =
            json!({"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": crate::now()});
        let policy = pod["spec"]["restartPolicy"].as_str().unwrap_or("Always");
        let again = policy == "Always" || (policy == "OnFailure" && code != 0);
        let leaves = inner.store().get(key).is_none_or(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
        if !again || leaves {
            status(inner, key, |status| {
                status["phase"] = json!(if code == 0 { "Succeeded" } else { "Failed" });
                container(status, pod, &json!({"terminated": terminated}));
            });
            return deleted(inner, key).await;
        }
        restarts += 1;
        let name = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
        let message =
            format!("back-off 10s restarting failed container={name} pod={}_{}", key.name, key.namespace);
        status(inner, key, |status| {
            let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
            container(status, pod, &waiting);
            status["containerStatuses"][0]["restartCount"] = json!(restarts);
            status["containerStatuses"][0]["lastState"] = json!({"terminated": terminated});
        });
        event(inner, pod, "Warning", "BackOff", &format!("Back-off restarting failed container {name}"));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(100 << restarts.min(4))) => {}
            _ = deleted(inner, key) => return Some(()),
        }
    }
}

/// Waits until somebody deletes the pod.
pub(crate) async fn deleted(inner: &Arc<Inner>, key: &Key) -> Option<()> {
    let mut changed = inner.changes();
    loop {
        let goes = inner.store().get(key).is_none_or(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
        if goes {
            return Some(());
        }
        changed.changed().await.ok()?;
    }
}

/// Changes a pod's status.
pub(crate) fn status(inner: &Inner, key: &Key, change: impl FnOnce(&mut Value)) {
    inner.store().edit(key, |pod| change(&mut pod["status"]));
}

/// Says whether the pod takes part in services.
pub(crate) fn ready(inner: &Inner, key: &Key, is_ready: bool) {
    status(inner, key, |status| {
        condition(status, "ContainersReady", is_ready, "", "");
        condition(status, "Ready", is_ready, "", "");
        status["containerStatuses"][0]["ready"] = json!(is_ready);
    });
}

fn condition(status: &mut Value, kind: &str, holds: bool, reason: &str, message: &str) {
    let mut wanted = json!({"type": kind, "status": if holds { "True" } else { "False" }});
    if !reason.is_empty() {
        wanted["reason"] = json!(reason);
        wanted["message"] = json!(message);
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(all) = status["conditions"].as_array_mut() {
        all.retain(|one| one["type"] != kind);
        all.push(wanted);
    }
}

fn container(status: &mut Value, pod: &Value, state: &Value) {
    let known = status["containerStatuses"][0].clone();
    let mut own = json!({
        "name": pod["spec"]["containers"][0]["name"], "image": pod["spec"]["containers"][0]["image"], "imageID": "",
        "ready": false, "restartCount": known["restartCount"].as_u64().unwrap_or(0), "state": state,
    });
    if !known["lastState"].is_null() {
        own["lastState"] = known["lastState"].clone();
    }
    status["containerStatuses"] = json!([own]);
}
