//! What the user may do, one by one, as the API server says.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::Finding;
use crate::connect::Connection;

/// Verb, group, resource, subresource, and what it is for; what a run cannot do without first.
const NEEDED: [(&str, &str, &str, &str, &str); 20] = [
    ("create", "batch", "jobs", "", "the controller"),
    ("patch", "batch", "jobs", "", "starting the controller"),
    ("delete", "batch", "jobs", "", "clearing away"),
    ("get", "batch", "jobs", "", "throng k8s status"),
    ("create", "apps", "deployments", "", "the workers"),
    ("get", "apps", "deployments", "", "throng k8s status"),
    ("delete", "apps", "deployments", "", "clearing away"),
    ("create", "", "services", "", "workers find the controller"),
    ("create", "", "configmaps", "", "the script"),
    ("create", "", "secrets", "", "the join token"),
    ("list", "", "pods", "", "following the run"),
    ("get", "", "pods", "", "following the run"),
    ("get", "", "pods", "log", "the output"),
    ("get", "", "pods", "portforward", "the page, large files and results"),
    ("create", "", "pods", "portforward", "the page, large files and results"),
    ("create", "", "serviceaccounts", "", "the controller's own rights; or give --service-account"),
    (
        "create",
        "rbac.authorization.k8s.io",
        "roles",
        "",
        "the controller's own rights; or give --service-account",
    ),
    (
        "create",
        "rbac.authorization.k8s.io",
        "rolebindings",
        "",
        "the controller's own rights; or give --service-account",
    ),
    ("patch", "apps", "deployments", "scale", "throng k8s scale, and to grant it to the controller"),
    ("list", "", "events", "", "saying why a pod does not start"),
];

/// Those without which a run works all the same.
fn is_extra(resource: &str, subresource: &str) -> bool {
    matches!(
        (resource, subresource),
        ("serviceaccounts" | "roles" | "rolebindings" | "events", _) | (_, "scale")
    )
}

pub(super) async fn check(connection: &Connection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut allowed = Vec::new();
    for (verb, group, resource, subresource, purpose) in NEEDED {
        let full =
            if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        match may(connection, verb, group, resource, subresource).await {
            Ok(true) => allowed.push(format!("{verb} {full}")),
            Ok(false) => {
                let text =
                    format!("you may not {verb} {full} in namespace {} ({purpose})", connection.namespace);
                let api = if group.is_empty() { "\"\"" } else { group };
                let fix = format!(
                    "a Role with apiGroups [{api}], resources [{full}], verbs [{verb}], bound to you"
                );
                findings.push(if is_extra(resource, subresource) {
                    Finding::lacking(text, fix)
                } else {
                    Finding::bad(text, fix)
                });
            }
            Err(error) => {
                let text = format!("cannot ask for permissions: {error}");
                findings
                    .push(Finding::lacking(text, "the cluster must let you create selfsubjectaccessreviews"));
                return findings;
            }
        }
    }
    if !allowed.is_empty() {
        let text = format!("you may in namespace {}: {}", connection.namespace, allowed.join(", "));
        findings.insert(0, Finding::good(text));
    }
    findings
}

/// Asks one question.
pub(crate) async fn may(
    connection: &Connection,
    verb: &str,
    group: &str,
    resource: &str,
    subresource: &str,
) -> crate::Result<bool> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(connection.client.clone());
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let attributes = ResourceAttributes {
        namespace: Some(connection.namespace.clone()),
        verb: filled(verb),
        group: Some(group.to_owned()),
        resource: filled(resource),
        subresource: filled(subresource),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let answered = reviews.create(&PostParams::default(), &review).await;
    let answer = answered.map_err(|error| connection.explain("ask for permissions", error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
