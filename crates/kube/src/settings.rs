//! How pods are to be: from flags and from a small YAML file with Kubernetes' own fields.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::Deserialize;

use crate::error::{Error, Result};

/// The user of throng's image.
pub const USER: i64 = 10_001;

/// Everything about pods that can be chosen. What is not said is decided where manifests are made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The image of all pods.
    pub image: Option<String>,
    /// `Always`, `IfNotPresent` or `Never`.
    pub image_pull_policy: Option<String>,
    /// Secrets with passwords of registries.
    pub image_pull_secrets: Vec<String>,
    /// A service account that is there already; none is made then, nor rights.
    pub service_account: Option<String>,
    /// The user of the processes; 0 leaves it to the image or the cluster.
    pub run_as_user: Option<i64>,
    /// How many workers.
    pub workers: Option<u32>,
    /// Variables of all pods.
    pub env: Vec<core::EnvVar>,
    /// Variables of all pods whose values come from the user's shell: they are kept in a secret. By flag only.
    #[serde(skip)]
    pub secret_env: BTreeMap<String, String>,
    /// Variables of all pods, from secrets and config maps.
    pub env_from: Vec<core::EnvFromSource>,
    /// Labels of all pods.
    pub labels: BTreeMap<String, String>,
    /// Annotations of all pods.
    pub annotations: BTreeMap<String, String>,
    /// Where pods may run.
    pub node_selector: BTreeMap<String, String>,
    /// What of nodes they tolerate.
    pub tolerations: Vec<core::Toleration>,
    /// Where they would rather run.
    pub affinity: Option<core::Affinity>,
    /// How workers spread over nodes.
    pub spread: Option<Spread>,
    /// Volumes of all pods.
    pub volumes: Vec<core::Volume>,
    /// Where they are mounted.
    pub volume_mounts: Vec<core::VolumeMount>,
    /// The priority class of all pods.
    pub priority_class_name: Option<String>,
    /// Seconds until a finished run that nobody cleared away goes.
    pub ttl_seconds: Option<u32>,
    /// Seconds that a worker has to finish its iterations.
    pub grace_seconds: Option<u32>,
    /// The controller's own.
    pub controller: Part,
    /// The workers' own.
    pub worker: Part,
}

/// What is chosen for one kind of pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Part {
    /// Requests and limits.
    pub resources: Option<core::ResourceRequirements>,
    /// Variables of these pods only.
    pub env: Vec<core::EnvVar>,
}

/// How workers spread over nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Evenly where that is possible.
    Preferred,
    /// Evenly, or not at all.
    Required,
    /// As it comes.
    None,
}

impl Settings {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Local(format!("cannot read {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|why| Error::Unusable(format!("{}: {why}", path.display())))
    }

    /// Reads the text of one.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }
}

/// A variable of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// What was written on the command line, and is written into manifests.
    Written(String, String),
    /// What is set in this shell, often as it must not be written anywhere.
    Taken(String, String),
}

/// `NAME=value`, or `NAME` for what it is here.
pub fn variable(text: &str) -> std::result::Result<Variable, String> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "{name:?} is no name of a variable; use NAME=value, or NAME for what it is here"
        ));
    }
    match text.split_once('=') {
        Some((name, value)) => Ok(Variable::Written(name.to_owned(), value.to_owned())),
        None => match std::env::var(text) {
            Ok(value) => Ok(Variable::Taken(text.to_owned(), value)),
            Err(_) => Err(format!("{text} is not set here; use NAME=value, or set it")),
        },
    }
}

/// `secret/NAME` or `configmap/NAME`.
pub fn variables_from(text: &str) -> std::result::Result<core::EnvFromSource, String> {
    let source = core::EnvFromSource::default();
    match text.split_once('/') {
        Some(("secret", name)) if !name.is_empty() => Ok(core::EnvFromSource {
            secret_ref: Some(core::SecretEnvSource { name: name.to_owned(), optional: None }),
            ..source
        }),
        Some(("configmap", name)) if !name.is_empty() => Ok(core::EnvFromSource {
            config_map_ref: Some(core::ConfigMapEnvSource { name: name.to_owned(), optional: None }),
            ..source
        }),
        _ => Err(format!("use secret/NAME or configmap/NAME, not {text:?}")),
    }
}

/// `key=value`
pub fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("use key=value, not {text:?}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// `key=value:Effect`, `key:Effect`, `key`, or `:Effect`, as in `kubectl taint`.
pub fn toleration(text: &str) -> std::result::Result<core::Toleration, String> {
    let (rest, effect) = match text.split_once(':') {
        Some((rest, effect @ ("NoSchedule" | "PreferNoSchedule" | "NoExecute"))) => {
            (rest, Some(effect.to_owned()))
        }
        Some((_, effect)) => {
            return Err(format!("there is no effect {effect:?}: NoSchedule, PreferNoSchedule, NoExecute"));
        }
        None => (text, None),
    };
    let (key, value) = match rest.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (rest, None),
    };
    Ok(core::Toleration {
        key: (!key.is_empty()).then(|| key.to_owned()),
        operator: Some(if value.is_some() { "Equal" } else { "Exists" }.to_owned()),
        value,
        effect,
        toleration_seconds: None,
    })
}

/// `cpu=500m,memory=256Mi`
pub fn quantities(text: &str) -> std::result::Result<BTreeMap<String, Quantity>, String> {
    text.split(',').map(|one| pair(one.trim()).map(|(name, value)| (name, Quantity(value)))).collect()
}

/// `configmap/NAME:/path`, `secret/NAME:/path`, `pvc/NAME:/path` or `emptydir:/path`: a volume and its place.
pub fn volume(text: &str, number: usize) -> std::result::Result<(core::Volume, core::VolumeMount), String> {
    let help = || {
        format!("use configmap/NAME:/path, secret/NAME:/path, pvc/NAME:/path or emptydir:/path, not {text:?}")
    };
    let (source, path) = text.split_once(':').filter(|(_, path)| path.starts_with('/')).ok_or_else(help)?;
    let mut volume = core::Volume { name: format!("volume-{number}"), ..core::Volume::default() };
    let mut read_only = Some(true);
    match source.split_once('/') {
        Some(("configmap", name)) => {
            volume.config_map = Some(core::ConfigMapVolumeSource {
                name: name.to_owned(),
                ..core::ConfigMapVolumeSource::default()
            });
        }
        Some(("secret", name)) => {
            volume.secret = Some(core::SecretVolumeSource {
                secret_name: Some(name.to_owned()),
                ..core::SecretVolumeSource::default()
            });
        }
        Some(("pvc", name)) => {
            volume.persistent_volume_claim = Some(core::PersistentVolumeClaimVolumeSource {
                claim_name: name.to_owned(),
                read_only: None,
            });
            read_only = None;
        }
        None if source == "emptydir" => {
            volume.empty_dir = Some(core::EmptyDirVolumeSource::default());
            read_only = None;
        }
        _ => return Err(help()),
    }
    let mount = core::VolumeMount {
        name: volume.name.clone(),
        mount_path: path.to_owned(),
        read_only,
        ..core::VolumeMount::default()
    };
    Ok((volume, mount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_fields_of_kubernetes_and_no_others() {
        let settings = Settings::parse(
            "image: registry.example/throng:1\nworkers: 4\nenv:\n- name: A\n  value: b\nspread: required\n\
             worker:\n  resources:\n    requests: {cpu: '1', memory: 1Gi}\ntolerations:\n- key: load\n  operator: Exists\n",
        )
        .unwrap();
        assert_eq!(settings.workers, Some(4));
        assert_eq!(settings.spread, Some(Spread::Required));
        let requests = settings.worker.resources.unwrap().requests.unwrap();
        assert_eq!(requests["cpu"], Quantity("1".into()));
        assert!(Settings::parse("imag: x").unwrap_err().contains("imag"));
    }

    #[test]
    fn flags_are_read_or_refused_with_the_form_that_they_have() {
        let tolerated = toleration("dedicated=load:NoSchedule").unwrap();
        assert_eq!((tolerated.key.as_deref(), tolerated.value.as_deref()), (Some("dedicated"), Some("load")));
        assert_eq!(tolerated.effect.as_deref(), Some("NoSchedule"));
        assert_eq!(toleration("dedicated").unwrap().operator.as_deref(), Some("Exists"));
        assert!(toleration("a:Never").is_err());
        let (data, mount) = volume("configmap/data:/data", 1).unwrap();
        assert_eq!(data.config_map.unwrap().name, "data");
        assert_eq!(mount.mount_path, "/data");
        for bad in ["data", "configmap/data", "nfs/x:/y", "configmap/x:y"] {
            assert!(volume(bad, 1).is_err(), "{bad}");
        }
        assert!(variables_from("secret/db").unwrap().secret_ref.is_some());
        assert!(variables_from("db").is_err());
        assert_eq!(variable("A=b=c"), Ok(Variable::Written("A".into(), "b=c".into())));
        assert!(matches!(variable("PATH"), Ok(Variable::Taken(name, _)) if name == "PATH"));
        for bad in ["", "=x", "A B=c", "1A=c", "THRONG_NOT_SET_ANYWHERE"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
        assert_eq!(quantities("cpu=1,memory=1Gi").unwrap().len(), 2);
    }
}
