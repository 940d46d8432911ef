//! Why a pod does not start, or how it ended, in words that say what to do.

use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};

use crate::names::COMPONENT;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may go by: a node is being added, an image is being pulled again.
    MayPass,
    /// It will not change by waiting.
    Final,
}

/// What keeps a pod from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what to do.
    pub text: String,
    /// Whether the pod's container has run, so that it has a log.
    pub crashed: bool,
}

impl Trouble {
    fn new(severity: Severity, text: String) -> Self {
        Self { severity, text, crashed: false }
    }
}

/// A pod's name.
pub(crate) fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// Its phase.
pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

/// Whether it takes part in services.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True")
}

/// The container with throng in it, as others may have put theirs beside it; of other pods the first.
pub(crate) fn container(pod: &Pod) -> Option<&ContainerStatus> {
    let all = pod.status.as_ref()?.container_statuses.as_ref()?;
    all.iter().find(|one| Some(one.name.as_str()) == part(pod)).or(all.first())
}

/// Which part of a run it is, which is also the name of its container.
pub(crate) fn part(pod: &Pod) -> Option<&str> {
    pod.metadata.labels.as_ref()?.get(COMPONENT).map(String::as_str)
}

/// With which code its container ended, if it has for good.
pub(crate) fn exit_code(pod: &Pod) -> Option<i32> {
    container(pod)?.state.as_ref()?.terminated.as_ref().map(|ended| ended.exit_code)
}

/// Whether its container has done what it was there for, so that it was there, if only for a moment.
pub(crate) fn has_worked(pod: &Pod) -> bool {
    let Some(container) = container(pod) else { return false };
    let ended = [&container.state, &container.last_state].into_iter().flatten();
    ended.filter_map(|state| state.terminated.as_ref()).any(|ended| ended.exit_code == 0)
}

/// What keeps a pod from running; `events` are those about it.
pub fn of_pod(pod: &Pod, events: &[Event]) -> Option<Trouble> {
    let status = pod.status.as_ref()?;
    let name = name(pod);
    if let Some(trouble) = unscheduled(pod) {
        return Some(trouble);
    }
    if status.reason.as_deref() == Some("Evicted") {
        let why = status.message.as_deref().unwrap_or("its node ran out of something");
        return Some(Trouble::new(Severity::Final, format!("pod {name} was evicted: {why}")));
    }
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    let again = policy.is_none_or(|policy| policy == "Always");
    let init = status.init_container_statuses.iter().flatten();
    let mut all = init.chain(status.container_statuses.iter().flatten());
    all.find_map(|container| of_container(name, container, again)).or_else(|| mounting(pod, events))
}

fn unscheduled(pod: &Pod) -> Option<Trouble> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let unscheduled = conditions.iter().find(|one| one.type_ == "PodScheduled" && one.status == "False")?;
    let why = unscheduled.message.as_deref().unwrap_or("no node takes it");
    let fix = if why.contains("Insufficient") {
        "ask for less with --requests, or add nodes"
    } else if why.contains("taint") {
        "add --toleration, or other nodes"
    } else if why.contains("affinity") || why.contains("selector") {
        "see --node-selector and the affinity of the settings"
    } else if why.contains("persistentvolumeclaim") {
        "see --volume"
    } else {
        "a node must fit it"
    };
    Some(Trouble::new(Severity::MayPass, format!("pod {} cannot be scheduled: {why}\n  {fix}", name(pod))))
}

/// Said by what waits for a node or a registry that is slow.
const SLOW: [&str; 2] = ["timed out", "deadline exceeded"];

/// Said by registries that will say the same again.
const DENIED: [&str; 5] = ["not found", "denied", "unauthorized", "does not exist", "manifest unknown"];

/// `again`: the container is started again when it ends.
fn of_container(pod: &str, container: &ContainerStatus, again: bool) -> Option<Trouble> {
    let state = container.state.as_ref()?;
    let image = &container.image;
    if let Some(waiting) = &state.waiting {
        let message = waiting.message.as_deref().unwrap_or_default();
        return match waiting.reason.as_deref()? {
            "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => {
                let fix = if !image.contains('/') {
                    "load it into the nodes of the cluster, or name an image of a registry with --image"
                } else if ["unauthorized", "denied", "authentication", "401", "403"]
                    .iter()
                    .any(|word| message.to_lowercase().contains(word))
                {
                    "name the registry's secret with --image-pull-secret, or another image with --image"
                } else {
                    "name an image that this cluster can pull with --image"
                };
                // While it waits before the next attempt, an older kubelet no longer says why the last one failed: what
                // the registry answered to that is judged at once.
                let is_final = DENIED.iter().any(|word| message.to_lowercase().contains(word));
                let severity = if is_final { Severity::Final } else { Severity::MayPass };
                let text = format!("pod {pod} cannot pull its image {image}: {message}\n  {fix}");
                Some(Trouble::new(severity, text))
            }
            reason @ ("InvalidImageName" | "ErrImageNeverPull") => {
                let text =
                    format!("pod {pod} cannot use the image {image} ({reason}): {message}\n  see --image");
                Some(Trouble::new(Severity::Final, text))
            }
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
                let fix = if message.contains("non-root") || message.contains("runAsNonRoot") {
                    "the image must run as a user other than root: see --run-as-user"
                } else if message.contains("not found") {
                    "see --pod-env-from and --volume: what they name must be in the namespace"
                } else if message.contains("executable file") || message.contains("no such file") {
                    "the image must have throng on its path: see --image"
                } else {
                    "see --image and the settings of the pods"
                };
                let is_slow = SLOW.iter().any(|word| message.contains(word));
                Some(Trouble::new(
                    if is_slow { Severity::MayPass } else { Severity::Final },
                    format!("the container of pod {pod} cannot be made: {message}\n  {fix}"),
                ))
            }
            "CrashLoopBackOff" => {
                let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
                // A worker that has done its work is started again, for the next: nothing is wrong with it.
                if last.is_some_and(|last| last.exit_code == 0) {
                    return None;
                }
                let how = last.map_or_else(String::new, |last| {
                    format!(" with code {}", how_ended(last.exit_code, last.reason.as_deref()))
                });
                Some(Trouble {
                    severity: Severity::Final,
                    text: format!("pod {pod} keeps ending{how} ({} times)", container.restart_count),
                    crashed: true,
                })
            }
            _ => None,
        };
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let fix = match (ended.exit_code, ended.reason.as_deref()) {
        (_, Some("OOMKilled")) => "\n  give it more memory with --limits or --controller-limits",
        (126..=128, _) => "\n  the image must have throng on its path: see --image",
        _ => "",
    };
    let text =
        format!("pod {pod} ended with code {}{fix}", how_ended(ended.exit_code, ended.reason.as_deref()));
    let severity = if again { Severity::MayPass } else { Severity::Final };
    Some(Trouble { severity, text, crashed: true })
}

/// `137 (OOMKilled)`
pub(crate) fn how_ended(code: i32, reason: Option<&str>) -> String {
    match reason {
        Some(reason) if reason != "Error" && reason != "Completed" => format!("{code} ({reason})"),
        _ => code.to_string(),
    }
}

/// Volumes that cannot be mounted show in events only.
fn mounting(pod: &Pod, events: &[Event]) -> Option<Trouble> {
    if phase(pod) != "Pending" {
        return None;
    }
    let event = events.iter().rev().find(|event| {
        matches!(
            event.reason.as_deref(),
            Some("FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox")
        )
    })?;
    let message = event.message.as_deref().unwrap_or_default();
    Some(Trouble::new(Severity::MayPass, format!("pod {} waits: {message}", name(pod))))
}

/// Why a job or replica set makes no pods; from the events about it, the newest last.
pub fn of_owner(events: &[Event]) -> Option<Trouble> {
    let event = events.iter().rev().find(|event| event.reason.as_deref() == Some("FailedCreate"))?;
    let message = event.message.as_deref().unwrap_or_default();
    let fix = if message.contains("must specify") {
        "the quota of the namespace asks for this of every pod: see --requests and --limits"
    } else if message.contains("quota") {
        "free some of the quota of the namespace, ask for less with --requests, or use fewer --workers"
    } else if message.contains("PodSecurity") {
        "the namespace's Pod Security refuses what the settings add to the pods"
    } else if message.contains("service account") {
        "see --service-account"
    } else {
        "the cluster's own rules refuse this pod"
    };
    // A quota may be freed; a rule stays.
    let severity = if message.contains("exceeded quota") || message.contains("service account") {
        Severity::MayPass
    } else {
        Severity::Final
    };
    Some(Trouble::new(severity, format!("no pod can be made: {message}\n  {fix}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn trouble(status: Value) -> Option<Trouble> {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "p"}, "status": status})).unwrap();
        of_pod(&pod, &[])
    }

    fn waiting(reason: &str, message: &str) -> Value {
        json!({"phase": "Pending", "containerStatuses": [{
            "name": "c", "image": "throng:1", "imageID": "", "ready": false, "restartCount": 3,
            "state": {"waiting": {"reason": reason, "message": message}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        }]})
    }

    #[test]
    fn each_reason_says_what_to_do() {
        for (reason, message, severity, says) in [
            ("ErrImagePull", "rpc error: not found", Severity::Final, "load it into the nodes"),
            ("CreateContainerError", "context deadline exceeded", Severity::MayPass, "cannot be made"),
            ("ImagePullBackOff", "Back-off: not found", Severity::Final, "throng:1"),
            ("ImagePullBackOff", "i/o timeout", Severity::MayPass, "--image"),
            ("ImagePullBackOff", "401 Unauthorized", Severity::Final, "--image"),
            ("CreateContainerConfigError", "secret \"x\" not found", Severity::Final, "--pod-env-from"),
            ("CreateContainerConfigError", "container has runAsNonRoot", Severity::Final, "--run-as-user"),
            ("CrashLoopBackOff", "back-off", Severity::Final, "137 (OOMKilled) (3 times)"),
        ] {
            let trouble = trouble(waiting(reason, message)).unwrap();
            assert_eq!(trouble.severity, severity, "{reason} {message}");
            assert!(trouble.text.contains(says), "{}", trouble.text);
        }
        assert_eq!(trouble(waiting("ContainerCreating", "")), None);
        let mut done = waiting("CrashLoopBackOff", "back-off");
        done["containerStatuses"][0]["lastState"] =
            json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
        let pod = |status: &Value| serde_json::from_value(json!({"status": status})).unwrap();
        assert!(has_worked(&pod(&done)) && !has_worked(&pod(&waiting("CrashLoopBackOff", "back-off"))));
        assert_eq!(trouble(done), None, "it has done its work");
        let mut denied = waiting("ImagePullBackOff", "401 Unauthorized");
        denied["containerStatuses"][0]["image"] = json!("r.example/throng:1");
        assert!(trouble(denied).unwrap().text.contains("--image-pull-secret"));
        let unscheduled = json!({"conditions": [{
            "type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: 3 Insufficient cpu.",
        }]});
        assert!(trouble(unscheduled).unwrap().text.contains("--requests"));
    }
}
