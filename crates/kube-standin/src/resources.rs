//! The kinds that the server knows, in one table: it decides paths, discovery and subresources.

use std::fmt;

/// One row: a kind of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The version within it.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The name in objects.
    pub kind: &'static str,
    /// Whether objects lie in namespaces.
    pub namespaced: bool,
    /// What can be asked of an object beside itself.
    pub subresources: &'static [&'static str],
}

const fn row(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    subresources: &'static [&'static str],
) -> Resource {
    Resource { group, version, plural, kind, namespaced: true, subresources }
}

const fn wide(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Resource {
    Resource { group, version, plural, kind, namespaced: false, subresources: &[] }
}

const SCALED: &[&str] = &["status", "scale"];
const STATUS: &[&str] = &["status"];

/// All kinds.
pub(crate) const ALL: &[Resource] = &[
    wide("", "v1", "namespaces", "Namespace"),
    wide("", "v1", "nodes", "Node"),
    row("", "v1", "pods", "Pod", &["status", "log", "portforward"]),
    row("", "v1", "services", "Service", STATUS),
    row("", "v1", "endpoints", "Endpoints", &[]),
    row("", "v1", "configmaps", "ConfigMap", &[]),
    row("", "v1", "secrets", "Secret", &[]),
    row("", "v1", "serviceaccounts", "ServiceAccount", &[]),
    row("", "v1", "events", "Event", &[]),
    row("", "v1", "resourcequotas", "ResourceQuota", STATUS),
    row("", "v1", "limitranges", "LimitRange", &[]),
    row("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", STATUS),
    row("apps", "v1", "deployments", "Deployment", SCALED),
    row("apps", "v1", "replicasets", "ReplicaSet", SCALED),
    row("apps", "v1", "statefulsets", "StatefulSet", SCALED),
    row("batch", "v1", "jobs", "Job", STATUS),
    row("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", STATUS),
    row("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", &[]),
    row("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", STATUS),
    row("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", &[]),
    row("rbac.authorization.k8s.io", "v1", "roles", "Role", &[]),
    row("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", &[]),
    wide("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
    wide("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"),
    row("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", &[]),
    wide("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics"),
    wide("apiregistration.k8s.io", "v1", "apiservices", "APIService"),
    // Asked, never stored.
    wide("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
];

impl Resource {
    /// The row with this name in paths.
    pub fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        ALL.iter().find(|row| row.group == group && row.version == version && row.plural == plural)
    }

    /// The row of an object, by what it says of itself.
    pub fn of(object: &serde_json::Value) -> Option<&'static Self> {
        let (api, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        ALL.iter().find(|row| row.kind == kind && row.api_version() == api)
    }

    /// `apps/v1`
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// As messages name it: `deployments.apps`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}
