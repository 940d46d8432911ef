//! What the server says of itself: version, groups, resources, health.

use std::sync::Arc;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::cluster::Inner;
use crate::resources::ALL;
use crate::status::Refusal;

/// The answer, if the path is one of discovery.
pub(crate) fn answer(
    inner: &Arc<Inner>,
    steps: &[&str],
    _headers: &HeaderMap,
) -> Option<Result<Value, Refusal>> {
    let groups = || {
        let mut groups: Vec<(&str, &str)> = ALL.iter().map(|row| (row.group, row.version)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|(group, _)| {
            !(group.is_empty() || *group == "metrics.k8s.io" && inner.policy().without_metrics)
        });
        groups
    };
    Some(Ok(match steps {
        ["version"] => json!({
            "major": "1", "minor": "33", "gitVersion": "v1.33.0-standin", "gitCommit": "0", "gitTreeState": "clean",
            "buildDate": "2025-04-23T00:00:00Z", "goVersion": "go1.24", "compiler": "gc", "platform": "linux/amd64",
        }),
        ["healthz" | "readyz" | "livez"] => json!("ok"),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": inner.address().to_string()}],
        }),
        ["apis"] => {
            let groups: Vec<Value> = groups()
                .into_iter()
                .map(|(group, version)| {
                    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
                    json!({"name": group, "versions": [version], "preferredVersion": version})
                })
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", version] => resources("", version),
        ["apis", group, version] => {
            if !groups().contains(&(*group, *version)) {
                return Some(Err(Refusal::no_such_path()));
            }
            resources(group, version)
        }
        _ => return None,
    }))
}

fn resources(group: &str, version: &str) -> Value {
    let rows = ALL.iter().filter(|row| row.group == group && row.version == version);
    let mut list = Vec::new();
    for row in rows {
        let singular = row.kind.to_lowercase();
        list.push(json!({
            "name": row.plural, "singularName": singular, "namespaced": row.namespaced, "kind": row.kind,
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }));
        for sub in row.subresources {
            list.push(json!({
                "name": format!("{}/{sub}", row.plural), "singularName": "", "namespaced": row.namespaced,
                "kind": if *sub == "scale" { "Scale" } else { row.kind }, "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": list})
}
