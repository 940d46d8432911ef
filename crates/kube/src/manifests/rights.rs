//! The service account of a controller, and the least that it must be allowed.

use serde_json::{Value, json};

use super::metadata;
use crate::wanted::{Wanted, Workers};

/// The account, its role and what binds them.
pub(super) fn rights(wanted: &Wanted) -> Vec<Value> {
    let rules = rules(wanted);
    if rules.is_empty() {
        return Vec::new();
    }
    let name = wanted.run.object();
    vec![
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(wanted, &name),
            "automountServiceAccountToken": false,
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata(wanted, &name),
            "rules": rules,
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata(wanted, &name),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": wanted.namespace}],
        }),
    ]
}

/// What the controller may do: take its own workers away when the test is over, and read what it watches.
pub fn rules(wanted: &Wanted) -> Vec<Value> {
    let mut rules = Vec::new();
    if wanted.workers != Workers::None {
        rules.push(json!({
            "apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": [wanted.run.workers()],
            "verbs": ["get", "patch"],
        }));
    }
    if wanted.watches {
        // What docs/watch.md lists and no more: nobody may grant what they do not have.
        let follow = json!(["list", "watch"]);
        rules.push(json!({
            "apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": follow,
        }));
        rules.push(
            json!({"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": follow}),
        );
        rules.push(
            json!({"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["get", "list", "watch"]}),
        );
        rules.push(json!({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}));
        rules.push(json!({"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["list"]}));
    }
    rules
}
