//! The pods: what both kinds share, and what is each one's own. They fit the restricted Pod Security level.

use serde_json::{Value, json};

use super::{carries_files, files, rights};
use crate::names::COMPONENT;
use crate::settings::{Part, Spread, USER};
use crate::wanted::{Carrier, IMAGE, Wanted, Workers, place, port};

/// The controller's: the post, which runs the test.
pub(super) fn controller(wanted: &Wanted) -> Value {
    let mut command = vec!["throng".to_owned(), "k8s".into(), "post".into()];
    command.extend(post_arguments(wanted));
    command.push(format!("--hold={}", wanted.hold.as_secs()));
    command.push("--listen=0.0.0.0".into());
    if wanted.carrier == Carrier::Upload {
        command.push("--upload".into());
    }
    if wanted.workers != Workers::None {
        command.push(format!("--release={}/{}", wanted.namespace, wanted.run.workers()));
    }
    command.push("--".into());
    command.extend(wanted.command.iter().cloned());

    let mut ports = vec![json!({"name": "post", "containerPort": port::POST})];
    if wanted.workers != Workers::None {
        ports.push(json!({"name": "cluster", "containerPort": port::CLUSTER}));
    }
    if wanted.has_page {
        ports.push(json!({"name": "page", "containerPort": port::PAGE}));
    }
    let mut container = container(wanted, "controller", &command, &wanted.settings.controller, "250m");
    container["ports"] = json!(ports);
    container["readinessProbe"] =
        json!({"httpGet": {"path": "/healthz", "port": "post"}, "periodSeconds": 1, "failureThreshold": 5});
    let mut spec = spec(wanted, container);
    let needs_account = !rights::rules(wanted).is_empty();
    match &wanted.settings.service_account {
        Some(account) => spec["serviceAccountName"] = json!(account),
        None if needs_account => spec["serviceAccountName"] = json!(wanted.run.object()),
        None => {}
    }
    spec["automountServiceAccountToken"] = json!(needs_account);
    spec
}

/// A worker's.
pub(super) fn worker(wanted: &Wanted) -> Value {
    let mut command = Vec::new();
    match &wanted.workers {
        Workers::None => {}
        Workers::Joining { command: own, .. } => command.clone_from(own),
        Workers::WithFiles { command: own, .. } => {
            command.extend(["throng".to_owned(), "k8s".into(), "post".into(), "--worker".into()]);
            command.extend(post_arguments(wanted));
            if wanted.carrier == Carrier::Upload {
                let host = Wanted::host(&wanted.run, &wanted.namespace);
                command.push(format!("--files-from={host}:{}", port::POST));
            }
            command.push("--".into());
            command.extend(own.iter().cloned());
        }
    }
    let container = container(wanted, "worker", &command, &wanted.settings.worker, "500m");
    let mut spec = spec(wanted, container);
    spec["automountServiceAccountToken"] = json!(false);
    if let Some(account) = &wanted.settings.service_account {
        spec["serviceAccountName"] = json!(account);
    }
    let spread = wanted.settings.spread.unwrap_or(Spread::Preferred);
    if spread != Spread::None {
        let mut labels = wanted.run.labels();
        labels.insert(COMPONENT.to_owned(), "worker".to_owned());
        spec["topologySpreadConstraints"] = json!([{
            "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": if spread == Spread::Required { "DoNotSchedule" } else { "ScheduleAnyway" },
            "labelSelector": {"matchLabels": labels},
        }]);
    }
    spec
}

fn post_arguments(wanted: &Wanted) -> Vec<String> {
    let mut arguments = vec![format!("--work={}", place::WORK)];
    if carries_files(wanted) {
        arguments.push(format!("--files={}", place::FILES));
    }
    if !wanted.folder.is_empty() {
        arguments.push(format!("--folder={}", wanted.folder));
    }
    arguments.extend(wanted.requirements.iter().map(|file| format!("--requirements={file}")));
    arguments
}

fn container(wanted: &Wanted, name: &str, command: &[String], part: &Part, cpu: &str) -> Value {
    let settings = &wanted.settings;
    // A `$(NAME)` in an argument would be replaced by Kubernetes; doubled it is what was written.
    let command: Vec<String> = command.iter().map(|word| word.replace("$(", "$$(")).collect();
    let mut env = vec![
        json!({"name": "THRONG_TOKEN", "valueFrom": {"secretKeyRef": {"name": wanted.run.token(), "key": "token"}}}),
        json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
        // The root of the image is read-only.
        json!({"name": "HOME", "value": place::WORK}),
        json!({"name": "TMPDIR", "value": "/tmp"}),
    ];
    env.extend(settings.env.iter().chain(&part.env).map(|variable| json!(variable)));
    env.extend(settings.secret_env.keys().map(|name| {
        let from = json!({"secretKeyRef": {"name": wanted.run.variables(), "key": name}});
        json!({"name": name, "valueFrom": from})
    }));
    let env = last_of_each(env);
    let mut mounts =
        vec![json!({"name": "work", "mountPath": place::WORK}), json!({"name": "tmp", "mountPath": "/tmp"})];
    let has_files = carries_files(wanted) && command.iter().any(|word| word.starts_with("--files="));
    if has_files {
        mounts.push(json!({"name": "files", "mountPath": place::FILES, "readOnly": true}));
    }
    mounts.extend(settings.volume_mounts.iter().map(|mount| json!(mount)));
    let resources = match &part.resources {
        Some(resources) => json!(resources),
        None => json!({"requests": {"cpu": cpu, "memory": "256Mi"}}),
    };
    let mut container = json!({
        "name": name, "image": settings.image.as_deref().unwrap_or(IMAGE), "command": command, "env": env,
        "envFrom": settings.env_from, "volumeMounts": mounts, "resources": resources, "workingDir": place::WORK,
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        },
    });
    // Without one by its tag: Kubernetes looks for a newer one only of `latest`.
    if let Some(policy) = &settings.image_pull_policy {
        container["imagePullPolicy"] = json!(policy);
    }
    container
}

/// Of variables that are named twice the last one, as in a container: `kubectl apply --server-side` takes no two.
fn last_of_each(variables: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for variable in variables {
        kept.retain(|earlier| earlier["name"] != variable["name"]);
        kept.push(variable);
    }
    kept
}

fn spec(wanted: &Wanted, container: Value) -> Value {
    let settings = &wanted.settings;
    let mounts_files =
        container["volumeMounts"].as_array().into_iter().flatten().any(|one| one["name"] == "files");
    let mut volumes = vec![json!({"name": "work", "emptyDir": {}}), json!({"name": "tmp", "emptyDir": {}})];
    if mounts_files {
        volumes.push(files::volume(wanted, "files"));
    }
    volumes.extend(settings.volumes.iter().map(|volume| json!(volume)));
    let mut security = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    match settings.run_as_user.unwrap_or(USER) {
        // The cluster decides, as OpenShift does.
        0 => {}
        user => {
            for field in ["runAsUser", "runAsGroup", "fsGroup"] {
                security[field] = json!(user);
            }
        }
    }
    let mut spec = json!({"containers": [container], "volumes": volumes, "securityContext": security,
        // Links to every service of the namespace would become variables of the script.
        "enableServiceLinks": false,
    });
    let secrets: Vec<Value> = settings.image_pull_secrets.iter().map(|name| json!({"name": name})).collect();
    for (field, value) in [
        ("imagePullSecrets", json!(secrets)),
        ("nodeSelector", json!(settings.node_selector)),
        ("tolerations", json!(settings.tolerations)),
        ("affinity", json!(settings.affinity)),
        ("priorityClassName", json!(settings.priority_class_name)),
    ] {
        let is_empty = value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !is_empty {
            spec[field] = value;
        }
    }
    spec
}
