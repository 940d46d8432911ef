//! Who may do what: the test's user may do everything that is not forbidden, a service account what roles give it.

use serde_json::Value;

use crate::resources::Resource;
use crate::status::Refusal;
use crate::store::Store;

/// The user of the kubeconfig that the stand-in writes.
pub const USER: &str = "tester";

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    Account { namespace: String, name: String },
}

impl Who {
    /// By the bearer token; the kubeconfig's is `standin`, an account's says which it is.
    pub(crate) fn by_token(token: &str) -> Option<Self> {
        if token == "standin" {
            return Some(Self::User);
        }
        let (namespace, name) = token.strip_prefix("account:")?.split_once('/')?;
        Some(Self::Account { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    fn name(&self) -> String {
        match self {
            Self::User => USER.to_owned(),
            Self::Account { namespace, name } => format!("system:serviceaccount:{namespace}:{name}"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Attempt {
    /// `pods/log`, as rules name it.
    fn full(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

/// What the test forbade: a verb or `*`, and a resource such as `pods/log` or `*`.
#[derive(Debug, Clone)]
pub(crate) struct Prohibition {
    pub(crate) verb: String,
    pub(crate) resource: String,
}

/// Whether it is allowed.
pub(crate) fn allows(store: &Store, prohibitions: &[Prohibition], who: &Who, attempt: &Attempt) -> bool {
    match who {
        Who::User => !prohibitions.iter().any(|one| {
            (one.verb == "*" || one.verb == attempt.verb)
                && (one.resource == "*" || one.resource == attempt.full())
        }),
        Who::Account { namespace, name } => granted(store, namespace, name, attempt),
    }
}

/// The refusal in the real server's words.
pub(crate) fn refuse(who: &Who, attempt: &Attempt) -> Refusal {
    let place = if attempt.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{}\"", attempt.namespace)
    };
    let why = format!(
        "User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
        who.name(),
        attempt.verb,
        attempt.full(),
        attempt.group
    );
    let version = if attempt.version.is_empty() { "v1" } else { &attempt.version };
    match Resource::by_path(&attempt.group, version, &attempt.resource) {
        Some(resource) => Refusal::forbidden(resource, &attempt.name, &why),
        None => Refusal::new(403, "Forbidden", format!("{} is forbidden: {why}", attempt.resource)),
    }
}

/// That nobody grants what they do not have themselves, unless they may `escalate` roles. The words are the real server's.
pub(crate) fn may_grant(
    store: &Store,
    prohibitions: &[Prohibition],
    who: &Who,
    attempt: &Attempt,
    role: &Value,
) -> Result<(), Refusal> {
    let is_role = matches!(attempt.resource.as_str(), "roles" | "clusterroles")
        && matches!(attempt.verb.as_str(), "create" | "update" | "patch");
    let escalate = Attempt { verb: "escalate".to_owned(), ..attempt.clone() };
    // Who may do everything may do this, too; the kubeconfig's user only until something is forbidden.
    let unbound = *who == Who::User && prohibitions.is_empty();
    if !is_role || unbound || *who != Who::User && allows(store, prohibitions, who, &escalate) {
        return Ok(());
    }
    let texts = |rule: &Value, list: &str| -> Vec<String> {
        let all = rule[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(str::to_owned).collect()
    };
    let mut missing = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let names = texts(rule, "resourceNames");
        let name = names.first().cloned().unwrap_or_default();
        for (group, resource) in texts(rule, "apiGroups")
            .into_iter()
            .flat_map(|group| texts(rule, "resources").into_iter().map(move |of| (group.clone(), of)))
        {
            let (plain, sub) = resource.split_once('/').unwrap_or((&resource, ""));
            let of = |verb: &String| Attempt {
                verb: verb.clone(),
                group: group.clone(),
                resource: plain.to_owned(),
                subresource: sub.to_owned(),
                name: name.clone(),
                ..attempt.clone()
            };
            let not_held: Vec<String> = texts(rule, "verbs")
                .into_iter()
                .filter(|verb| !allows(store, prohibitions, who, &of(verb)))
                .collect();
            if !not_held.is_empty() {
                missing
                    .push(format!("{{APIGroups:[{group:?}], Resources:[{resource:?}], Verbs:{not_held:?}}}"));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "user {:?} (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{}",
        who.name(),
        missing.join("\n")
    );
    let name = role["metadata"]["name"].as_str().unwrap_or_default();
    Err(match Resource::by_path(&attempt.group, &attempt.version, &attempt.resource) {
        Some(resource) => Refusal::forbidden(resource, name, &why),
        None => Refusal::new(403, "Forbidden", why),
    })
}

fn granted(store: &Store, namespace: &str, account: &str, attempt: &Attempt) -> bool {
    let row = |plural| Resource::by_path("rbac.authorization.k8s.io", "v1", plural);
    let (Some(bindings), Some(roles), Some(wide_bindings), Some(wide_roles)) =
        (row("rolebindings"), row("roles"), row("clusterrolebindings"), row("clusterroles"))
    else {
        return false;
    };
    let is_me = |binding: &&Value| {
        binding["subjects"].as_array().into_iter().flatten().any(|subject| {
            subject["kind"] == "ServiceAccount"
                && subject["name"] == account
                && subject["namespace"] == namespace
        })
    };
    let local = store.list(bindings, Some(&attempt.namespace)).filter(is_me);
    let wide = store.list(wide_bindings, None).filter(is_me);
    local.chain(wide).any(|binding| {
        let role = &binding["roleRef"];
        let kind = if role["kind"] == "Role" { roles } else { wide_roles };
        let scope = (kind == roles).then_some(attempt.namespace.as_str());
        store
            .list(kind, scope)
            .filter(|one| one["metadata"]["name"] == role["name"])
            .flat_map(|one| one["rules"].as_array().into_iter().flatten())
            .any(|rule| permits(rule, attempt))
    })
}

fn permits(rule: &Value, attempt: &Attempt) -> bool {
    let has = |list: &str, wanted: &str| {
        rule[list].as_array().into_iter().flatten().any(|one| one == wanted || one == "*")
    };
    let names = rule["resourceNames"].as_array().map_or(&[][..], Vec::as_slice);
    has("apiGroups", &attempt.group)
        && has("resources", &attempt.full())
        && has("verbs", &attempt.verb)
        && (names.is_empty() || names.iter().any(|name| *name == attempt.name))
}
