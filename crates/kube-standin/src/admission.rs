//! What the server checks before it stores: types, unknown fields, names, sizes, the rules that manifests are refused
//! for most often, and restricted Pod Security.

use k8s_openapi::api::{
    apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch, core::v1 as core,
    discovery::v1 as discovery, networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::resources::Resource;
use crate::status::Refusal;

/// The most that a `ConfigMap` or `Secret` holds.
const MOST_DATA: usize = 1_048_576;

/// Checks an object that is to be stored.
pub(crate) fn check(resource: &Resource, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let invalid = |what: String| Err(Refusal::invalid(resource, name, &what));
    // Names of RBAC objects and of metrics are freer.
    let is_free = matches!(resource.group, "rbac.authorization.k8s.io" | "metrics.k8s.io");
    let longest = if resource.plural == "services" { 63 } else { 253 };
    if !is_free && !is_name(name, longest, resource.plural != "services") {
        return invalid(format!(
            "metadata.name: Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case \
             alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        ));
    }
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 || !text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return invalid(format!(
                "metadata.labels: Invalid value: \"{text}\" of {key}: a valid label must be …"
            ));
        }
    }
    types(resource, object)?;
    match resource.plural {
        "configmaps" | "secrets" => {
            let size: usize = ["data", "binaryData", "stringData"]
                .iter()
                .filter_map(|part| object[*part].as_object())
                .flatten()
                .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
                .sum();
            if size > MOST_DATA {
                return invalid(format!(": Too long: may not be more than {MOST_DATA} bytes"));
            }
            for key in ["data", "binaryData"].iter().filter_map(|part| object[*part].as_object()).flatten() {
                if !key.0.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                    return invalid(format!(
                        "data[{}]: Invalid value: a valid config key must consist of …",
                        key.0
                    ));
                }
            }
        }
        "deployments" => {
            let selector = &object["spec"]["selector"]["matchLabels"];
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            let fits = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
            if !selector.as_object().is_some_and(|all| !all.is_empty() && all.iter().all(fits)) {
                return invalid(
                    "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`".into(),
                );
            }
            if object["spec"]["template"]["spec"]["restartPolicy"].as_str().is_some_and(|one| one != "Always")
            {
                return invalid(
                    "spec.template.spec.restartPolicy: Unsupported value: supported values: \"Always\""
                        .into(),
                );
            }
            return containers(resource, name, &object["spec"]["template"]["spec"]);
        }
        "jobs" => {
            let policy = object["spec"]["template"]["spec"]["restartPolicy"].as_str().unwrap_or("Always");
            if !matches!(policy, "Never" | "OnFailure") {
                return invalid(format!(
                    "spec.template.spec.restartPolicy: Unsupported value: \"{policy}\": supported values: \
                     \"OnFailure\", \"Never\""
                ));
            }
            return containers(resource, name, &object["spec"]["template"]["spec"]);
        }
        "pods" => return containers(resource, name, &object["spec"]),
        _ => {}
    }
    Ok(())
}

fn is_name(name: &str, longest: usize, dots: bool) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= longest
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (dots && c == '.'))
}

fn containers(resource: &Resource, name: &str, spec: &Value) -> Result<(), Refusal> {
    let invalid = |what: String| Err(Refusal::invalid(resource, name, &what));
    let Some(containers) = spec["containers"].as_array().filter(|all| !all.is_empty()) else {
        return invalid("spec.containers: Required value".into());
    };
    let volumes: Vec<&str> = spec["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|volume| volume["name"].as_str())
        .collect();
    for container in containers {
        if container["image"].as_str().unwrap_or_default().is_empty() {
            return invalid("spec.containers[0].image: Required value".into());
        }
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let wanted = mount["name"].as_str().unwrap_or_default();
            if !volumes.contains(&wanted) {
                return invalid(format!("spec.containers[0].volumeMounts[0].name: Not found: \"{wanted}\""));
            }
        }
        for port in container["ports"].as_array().into_iter().flatten() {
            if port["name"].as_str().is_some_and(|name| name.len() > 15) {
                return invalid(format!("spec.containers[0].ports[0].name: Invalid value: {}", port["name"]));
            }
        }
    }
    Ok(())
}

/// Reads the object as its type, and refuses what the type does not know, as with `fieldValidation=Strict`.
fn types(resource: &Resource, object: &Value) -> Result<(), Refusal> {
    match resource.kind {
        "Namespace" => typed::<core::Namespace>(resource, object),
        "Pod" => typed::<core::Pod>(resource, object),
        "Service" => typed::<core::Service>(resource, object),
        "ConfigMap" => typed::<core::ConfigMap>(resource, object),
        "Secret" => typed::<core::Secret>(resource, object),
        "ServiceAccount" => typed::<core::ServiceAccount>(resource, object),
        "Event" => typed::<core::Event>(resource, object),
        "ResourceQuota" => typed::<core::ResourceQuota>(resource, object),
        "Node" => typed::<core::Node>(resource, object),
        "Deployment" => typed::<apps::Deployment>(resource, object),
        "ReplicaSet" => typed::<apps::ReplicaSet>(resource, object),
        "StatefulSet" => typed::<apps::StatefulSet>(resource, object),
        "Job" => typed::<batch::Job>(resource, object),
        "HorizontalPodAutoscaler" => typed::<autoscaling::HorizontalPodAutoscaler>(resource, object),
        "EndpointSlice" => typed::<discovery::EndpointSlice>(resource, object),
        "PodDisruptionBudget" => typed::<policy::PodDisruptionBudget>(resource, object),
        "NetworkPolicy" => typed::<networking::NetworkPolicy>(resource, object),
        "Role" => typed::<rbac::Role>(resource, object),
        "RoleBinding" => typed::<rbac::RoleBinding>(resource, object),
        _ => Ok(()),
    }
}

fn typed<T: DeserializeOwned + Serialize>(resource: &Resource, object: &Value) -> Result<(), Refusal> {
    let bad = |what: String| {
        Refusal::bad(format!(
            "{} in version \"{}\" cannot be handled as a {}: {what}",
            resource.kind, resource.version, resource.kind
        ))
    };
    let read: T = serde_json::from_value(object.clone()).map_err(|error| bad(error.to_string()))?;
    let known = serde_json::to_value(&read).map_err(|error| bad(error.to_string()))?;
    match unknown(object, &known, String::new()) {
        Some(path) => {
            Err(bad(format!("strict decoding error: unknown field \"{}\"", path.trim_start_matches('.'))))
        }
        None => Ok(()),
    }
}

/// The first field of `given` that `known` has lost; empty values are lost without harm.
fn unknown(given: &Value, known: &Value, path: String) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match known.get(name) {
                Some(known) => unknown(value, known, path),
                None => (!is_empty(value)).then_some(path),
            }
        }),
        (Value::Array(given), Value::Array(known)) => given
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(at, (given, known))| unknown(given, known, format!("{path}[{at}]"))),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// What the restricted Pod Security level has against a pod; the admission controller's words.
pub(crate) fn restricted(spec: &Value) -> Option<String> {
    let mut against = Vec::new();
    let pod = &spec["securityContext"];
    for container in spec["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        let own = &container["securityContext"];
        if own["allowPrivilegeEscalation"] != false {
            against.push(format!(
                "allowPrivilegeEscalation != false (container \"{name}\" must set \
                 securityContext.allowPrivilegeEscalation=false)"
            ));
        }
        if !own["capabilities"]["drop"].as_array().is_some_and(|all| all.iter().any(|one| one == "ALL")) {
            against.push(format!(
                "unrestricted capabilities (container \"{name}\" must set \
                 securityContext.capabilities.drop=[\"ALL\"])"
            ));
        }
        if own["runAsNonRoot"] != true && pod["runAsNonRoot"] != true {
            against.push(format!(
                "runAsNonRoot != true (pod or container \"{name}\" must set securityContext.runAsNonRoot=true)"
            ));
        }
        let profile =
            if own["seccompProfile"].is_null() { &pod["seccompProfile"] } else { &own["seccompProfile"] };
        if !matches!(profile["type"].as_str(), Some("RuntimeDefault" | "Localhost")) {
            against.push(format!(
                "seccompProfile (pod or container \"{name}\" must set securityContext.seccompProfile.type to \
                 \"RuntimeDefault\" or \"Localhost\")"
            ));
        }
    }
    let allowed = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kinds =
            volume.as_object().into_iter().flatten().map(|(kind, _)| kind).filter(|kind| *kind != "name");
        for kind in kinds {
            if !allowed.contains(&kind.as_str()) {
                against.push(format!(
                    "restricted volume types (volume {} uses restricted volume type \"{kind}\")",
                    volume["name"]
                ));
            }
        }
    }
    (!against.is_empty())
        .then(|| format!("violates PodSecurity \"restricted:latest\": {}", against.join(", ")))
}
