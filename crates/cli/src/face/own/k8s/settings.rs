//! The flags about the cluster and about pods, which every command or several have.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use k8s_openapi::api::core::v1 as core;
use throng_kube::Place;
use throng_kube::settings::{self, Settings, Spread, Variable};

use super::super::cluster;
use super::failure;
use crate::exit::Exit;
use crate::failure::Failure;

const CLUSTER: &str = "Cluster";
const PODS: &str = "Pods";

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).help_heading(PODS)
}

fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    text(name, value, help).action(ArgAction::Append)
}

/// Which cluster.
pub(super) fn place_args() -> Vec<Arg> {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(CLUSTER)
    };
    vec![
        text(
            "kubeconfig",
            "file",
            "use this kubeconfig [default: $KUBECONFIG, or ~/.kube/config, or this pod's account]",
        )
        .value_parser(value_parser!(PathBuf)),
        text("context", "name", "use this context of it"),
        text("namespace", "name", "work in this namespace [default: the context's]").short('n'),
        text("ssh", "user@host", "reach the cluster through this machine, by the system's ssh"),
    ]
}

/// Which cluster is meant; what flags leave open may be in the settings.
pub(super) fn place(matches: &ArgMatches, settings: &Settings) -> Place {
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    Place {
        kubeconfig: matches.get_one("kubeconfig").cloned(),
        context: given("context").or_else(|| settings.context.clone()),
        namespace: given("namespace").or_else(|| settings.namespace.clone()),
        ssh: given("ssh"),
    }
}

/// How pods are to be.
pub(super) fn pod_args() -> Vec<Arg> {
    vec![
        cluster::file_arg("settings", "read settings from this YAML file; flags win (docs/kubernetes.md)")
            .help_heading(PODS),
        text(
            "image",
            "image",
            "the image of all pods [default: throng:VERSION, for locustfiles throng:VERSION-python]",
        ),
        text("image-pull-policy", "policy", "Always, IfNotPresent or Never").value_parser([
            "Always",
            "IfNotPresent",
            "Never",
        ]),
        many("image-pull-secret", "secret", "a secret of the namespace with the registry's password"),
        text("service-account", "name", "run the controller as this account instead of making one"),
        text("run-as-user", "uid", "the user of the processes; 0 leaves it to the cluster [default: 10001]")
            .value_parser(value_parser!(i64).range(0..)),
        many(
            "pod-env",
            "NAME[=value]",
            "a variable of all pods; without a value what it is here, kept in a Secret",
        )
        .value_parser(settings::variable),
        many("pod-env-from", "kind/name", "variables of all pods from secret/NAME or configmap/NAME")
            .value_parser(settings::variables_from),
        many("pod-label", "key=value", "a label of all pods").value_parser(settings::pair),
        many("pod-annotation", "key=value", "an annotation of all pods").value_parser(settings::pair),
        many("node-selector", "key=value", "run on nodes with this label only").value_parser(settings::pair),
        many("toleration", "key[=value][:effect]", "run on nodes with this taint too")
            .value_parser(settings::toleration),
        text("affinity", "yaml", "the affinity of all pods, with Kubernetes' own fields")
            .value_parser(affinity),
        text("spread", "how", "spread workers over nodes: preferred, required or none [default: preferred]")
            .value_parser(["preferred", "required", "none"]),
        text("requests", "cpu=..,memory=..", "what a worker asks for [default: cpu=500m,memory=256Mi]")
            .value_parser(settings::quantities),
        text("limits", "cpu=..,memory=..", "what a worker gets at most").value_parser(settings::quantities),
        text(
            "controller-requests",
            "cpu=..,memory=..",
            "what the controller asks for [default: cpu=250m,memory=256Mi]",
        )
        .value_parser(settings::quantities),
        text("controller-limits", "cpu=..,memory=..", "what the controller gets at most")
            .value_parser(settings::quantities),
        many(
            "volume",
            "kind/name:/path",
            "mount configmap/NAME, secret/NAME, pvc/NAME or emptydir into all pods",
        ),
        text("priority-class", "name", "the priority class of all pods"),
        cluster::time_arg("ttl", "1h", "a run that is over and was not cleared away goes after so long")
            .help_heading(PODS),
        cluster::time_arg("grace-period", "60s", "a worker has so long to finish its iterations")
            .help_heading(PODS),
    ]
}

fn affinity(text: &str) -> Result<core::Affinity, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// The settings of the file with the flags over them.
pub(super) fn settings(matches: &ArgMatches) -> Result<Settings, Failure> {
    let mut all = match matches.get_one::<PathBuf>("settings") {
        Some(path) => Settings::load(path).map_err(failure)?,
        None => Settings::default(),
    };
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    let replace = |place: &mut Option<String>, name: &str| {
        if let Some(value) = given(name) {
            *place = Some(value);
        }
    };
    replace(&mut all.image, "image");
    replace(&mut all.image_pull_policy, "image-pull-policy");
    replace(&mut all.service_account, "service-account");
    replace(&mut all.priority_class_name, "priority-class");
    all.image_pull_secrets.extend(several(matches, "image-pull-secret"));
    for variable in several::<Variable>(matches, "pod-env") {
        match variable {
            Variable::Written(name, value) => {
                // As it is written: Kubernetes would replace `$(NAME)` in it.
                let value = value.replace("$(", "$$(");
                all.env.push(core::EnvVar { name, value: Some(value), value_from: None });
            }
            Variable::Taken(name, value) => {
                all.secret_env.insert(name, value);
            }
        }
    }
    all.env_from.extend(several(matches, "pod-env-from"));
    all.labels.extend(several(matches, "pod-label"));
    all.annotations.extend(several(matches, "pod-annotation"));
    all.node_selector.extend(several(matches, "node-selector"));
    all.tolerations.extend(several(matches, "toleration"));
    if let Some(user) = matches.get_one("run-as-user") {
        all.run_as_user = Some(*user);
    }
    if let Some(affinity) = matches.get_one::<core::Affinity>("affinity") {
        all.affinity = Some(affinity.clone());
    }
    match given("spread").as_deref() {
        Some("required") => all.spread = Some(Spread::Required),
        Some("none") => all.spread = Some(Spread::None),
        Some(_) => all.spread = Some(Spread::Preferred),
        None => {}
    }
    for (number, text) in several::<String>(matches, "volume").into_iter().enumerate() {
        let (volume, mount) = settings::volume(&text, number + 1)
            .map_err(|error| Failure::new(Exit::Usage, format!("--volume: {error}")))?;
        all.volumes.push(volume);
        all.volume_mounts.push(mount);
    }
    for (part, requests, limits) in [
        (&mut all.worker, "requests", "limits"),
        (&mut all.controller, "controller-requests", "controller-limits"),
    ] {
        for (name, is_limit) in [(requests, false), (limits, true)] {
            if let Some(quantities) = matches.get_one(name).cloned() {
                let resources = part.resources.get_or_insert_default();
                *(if is_limit { &mut resources.limits } else { &mut resources.requests }) = Some(quantities);
            }
        }
    }
    let seconds = |name: &str| u32::try_from(cluster::time(matches, name).as_secs()).unwrap_or(u32::MAX);
    let is_given = |name: &str| matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
    if is_given("ttl") || all.ttl_seconds.is_none() {
        all.ttl_seconds = Some(seconds("ttl"));
    }
    if is_given("grace-period") || all.grace_seconds.is_none() {
        all.grace_seconds = Some(seconds("grace-period"));
    }
    Ok(all)
}

fn several<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    matches.get_many::<T>(name).into_iter().flatten().cloned().collect()
}
