//! What the user may do, one by one, as the API server says.

use futures_util::StreamExt;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::Finding;
use crate::connect::Connection;

/// What a run needs.
struct Need {
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    verbs: &'static [&'static str],
    purpose: &'static str,
    /// Without it a run works all the same.
    is_extra: bool,
}

const fn need(
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    verbs: &'static [&'static str],
    purpose: &'static str,
) -> Need {
    Need { group, resource, subresource, verbs, purpose, is_extra: false }
}

impl Need {
    /// Without it a run works all the same.
    const fn extra(self) -> Self {
        Self { is_extra: true, ..self }
    }
}

/// How many questions are asked side by side: a cluster may be far away.
const AT_ONCE: usize = 8;

const RBAC: &str = "rbac.authorization.k8s.io";
const OWN: &str = "the controller's own rights; or give --service-account";
const CLEARING: &str = "clearing away";
const WATCHING: &str = "--watch of what is in the cluster";
const STATUS: &str = "throng k8s status, and finding what is left of a run";

/// What docs/kubernetes.md lists, with what it is for.
const NEEDED: [Need; 31] = [
    need("batch", "jobs", "", &["create", "patch"], "the controller"),
    need("batch", "jobs", "", &["delete"], CLEARING),
    need("batch", "jobs", "", &["get", "list"], STATUS).extra(),
    need("apps", "deployments", "", &["create"], "the workers"),
    need("apps", "deployments", "", &["delete"], CLEARING),
    need("apps", "deployments", "", &["get"], "saying why a worker does not start").extra(),
    need("apps", "deployments", "", &["list"], STATUS).extra(),
    need(
        "apps",
        "deployments",
        "scale",
        &["get", "patch"],
        "throng k8s scale, and granting it to the controller",
    )
    .extra(),
    need("", "services", "", &["create"], "workers find the controller"),
    need("", "configmaps", "", &["create"], "the files of the test"),
    need("", "secrets", "", &["create"], "the join token"),
    need("", "secrets", "", &["get"], "throng k8s results").extra(),
    need("", "services", "", &["get", "list", "delete"], CLEARING).extra(),
    need("", "configmaps", "", &["list", "delete"], CLEARING).extra(),
    need("", "secrets", "", &["list", "delete"], CLEARING).extra(),
    need("", "pods", "", &["get", "list"], "following the run"),
    need("", "pods", "log", &["get"], "the output"),
    need("", "pods", "portforward", &["create", "get"], "the page, large files and results"),
    need("", "events", "", &["list"], "saying why a pod does not start").extra(),
    need("", "serviceaccounts", "", &["create"], OWN).extra(),
    need(RBAC, "roles", "", &["create"], OWN).extra(),
    need(RBAC, "rolebindings", "", &["create"], OWN).extra(),
    need("", "serviceaccounts", "", &["list", "delete"], CLEARING).extra(),
    need(RBAC, "roles", "", &["list", "delete"], CLEARING).extra(),
    need(RBAC, "rolebindings", "", &["list", "delete"], CLEARING).extra(),
    need("autoscaling", "horizontalpodautoscalers", "", &["list", "watch"], WATCHING).extra(),
    need("apps", "deployments", "", &["watch"], WATCHING).extra(),
    need("apps", "statefulsets", "", &["list", "watch"], WATCHING).extra(),
    need("", "pods", "", &["watch"], WATCHING).extra(),
    need("", "events", "", &["get", "watch"], WATCHING).extra(),
    need("metrics.k8s.io", "pods", "", &["list"], WATCHING).extra(),
];

pub(super) async fn check(connection: &Connection) -> Vec<Finding> {
    let questions = NEEDED.iter().flat_map(|need| need.verbs.iter().map(move |verb| (need, *verb)));
    let asked = questions.map(|(need, verb)| async move {
        (need, verb, may(connection, verb, need.group, need.resource, need.subresource).await)
    });
    let mut answers = futures_util::stream::iter(asked).buffered(AT_ONCE);
    let mut findings = Vec::new();
    // By resource, in the order in which they are asked for.
    let mut allowed: Vec<(String, Vec<&str>)> = Vec::new();
    while let Some((need, verb, answer)) = answers.next().await {
        let full = match need.subresource {
            "" => need.resource.to_owned(),
            subresource => format!("{}/{subresource}", need.resource),
        };
        match answer {
            Ok(true) => {
                let shown = match need.group {
                    "metrics.k8s.io" => format!("{full} of metrics.k8s.io"),
                    _ => full,
                };
                match allowed.iter_mut().find(|(resource, _)| *resource == shown) {
                    Some((_, verbs)) => verbs.push(verb),
                    None => allowed.push((shown, vec![verb])),
                }
            }
            Ok(false) => {
                let text = format!(
                    "you may not {verb} {full} in namespace {} ({})",
                    connection.namespace, need.purpose
                );
                let api = if need.group.is_empty() { "\"\"" } else { need.group };
                let fix = format!(
                    "a Role with apiGroups [{api}], resources [{full}], verbs [{verb}], bound to you"
                );
                findings.push(if need.is_extra {
                    Finding::lacking(text, fix)
                } else {
                    Finding::bad(text, fix)
                });
            }
            Err(error) => {
                let text = format!("cannot ask for permissions: {error}");
                let fix = "the cluster must let you create selfsubjectaccessreviews";
                return vec![Finding::lacking(text, fix)];
            }
        }
    }
    if !allowed.is_empty() {
        let all: Vec<_> =
            allowed.iter().map(|(resource, verbs)| format!("{} {resource}", verbs.join(", "))).collect();
        let text = format!("you may in namespace {}: {}", connection.namespace, all.join("; "));
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
