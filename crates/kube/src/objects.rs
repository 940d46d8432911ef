//! Making the objects of a run, finding them again, and taking them away.

use std::collections::BTreeSet;

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::manifests::Manifests;
use crate::names::{MANAGED_BY, RunName};

/// The kinds that a run is made of, its owner first: group, version, kind, plural.
const KINDS: [(&str, &str, &str, &str); 8] = [
    ("batch", "v1", "Job", "jobs"),
    ("apps", "v1", "Deployment", "deployments"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Secret", "secrets"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
];

fn api(connection: &Connection, kind: (&str, &str, &str, &str)) -> Api<DynamicObject> {
    let (group, version, name, plural) = kind;
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural);
    Api::namespaced_with(connection.client.clone(), &connection.namespace, &resource)
}

fn kind_of(object: &Value) -> Result<(&'static str, &'static str, &'static str, &'static str)> {
    KINDS
        .into_iter()
        .find(|kind| object["kind"] == kind.2)
        .ok_or_else(|| Error::Local(format!("no run is made of a {}", object["kind"])))
}

async fn create(connection: &Connection, object: Value) -> Result<DynamicObject> {
    let kind = kind_of(&object)?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let object: DynamicObject = serde_json::from_value(object)
        .map_err(|error| Error::Local(format!("the {} {name} cannot be written: {error}", kind.2)))?;
    let what = format!("make the {} {name} in namespace {}", kind.2, connection.namespace);
    let parameters = PostParams { field_manager: Some("throng".into()), ..PostParams::default() };
    api(connection, kind).create(&parameters, &object).await.map_err(|error| connection.explain(what, error))
}

/// Makes all objects: the owner suspended, what belongs to it, and then the owner goes on. A signal ends it between two of
/// them: a request that is given up half-way may still make something, of which nobody would know.
pub(crate) async fn make(
    connection: &Connection,
    run: &RunName,
    manifests: Manifests,
    stop: watch::Receiver<u32>,
) -> Result<()> {
    let Manifests { mut job, rest } = manifests;
    job["spec"]["suspend"] = json!(true);
    let owner = match create(connection, job).await {
        Err(Error::Refused { code: 409, .. }) => {
            return Err(Error::Taken { run: run.to_string(), namespace: connection.namespace.clone() });
        }
        other => other?,
    };
    let name = owner.name_any();
    // Without `blockOwnerDeletion`, which takes rights of its own on some clusters.
    let reference = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": owner.metadata.uid,
    }]);
    for mut object in rest {
        if *stop.borrow() > 0 {
            return Err(Error::Interrupted);
        }
        object["metadata"]["ownerReferences"] = reference.clone();
        create(connection, object).await?;
    }
    let go_on = Patch::Merge(json!({"spec": {"suspend": false}}));
    api(connection, KINDS[0])
        .patch(&name, &PatchParams::default(), &go_on)
        .await
        .map(drop)
        .map_err(|error| connection.explain(format!("start the Job {name}"), error))
}

/// An object that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Takes everything away that belongs to a run; what is gone already is no error.
pub(crate) async fn delete(connection: &Connection, run: &RunName) -> Result<Vec<Found>> {
    let mut gone = Vec::new();
    let mut failed = None;
    for kind in KINDS {
        match delete_kind(connection, kind, run).await {
            Ok(names) => {
                gone.extend(names.into_iter().map(|name| Found { kind: kind.2.to_owned(), name }));
            }
            // The others may be allowed; what belongs to the job goes with it anyway.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) if !gone.iter().any(|found| found.kind == "Job") => Err(error),
        _ => Ok(gone),
    }
}

async fn delete_kind(
    connection: &Connection,
    kind: (&str, &str, &str, &str),
    run: &RunName,
) -> Result<Vec<String>> {
    let api = api(connection, kind);
    let what = |name: &str| format!("delete the {} {name}", kind.2);
    let names = match api.list_metadata(&ListParams::default().labels(&run.selector())).await {
        Ok(listed) => listed.items.iter().map(ResourceExt::name_any).collect(),
        // Who may not list may still delete what has a known name.
        Err(kube::Error::Api(status)) if status.code == 403 => match kind.2 {
            "Deployment" => vec![run.workers()],
            "ConfigMap" => vec![run.files()],
            "Secret" => vec![run.token(), run.files(), run.variables()],
            _ => vec![run.object()],
        },
        Err(error) => return Err(connection.explain(what(&run.object()), error)),
    };
    let mut gone = Vec::new();
    for name in names {
        match api.delete(&name, &DeleteParams::background()).await {
            Ok(_) => gone.push(name),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(connection.explain(what(&name), error)),
        }
    }
    Ok(gone)
}

/// The runs of which anything is there.
pub(crate) async fn runs(connection: &Connection) -> Result<BTreeSet<RunName>> {
    let selector = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    let parameters = ListParams::default().labels(&selector);
    let mut runs = BTreeSet::new();
    let mut listed = 0;
    let mut failed = None;
    for kind in KINDS {
        match api(connection, kind).list_metadata(&parameters).await {
            Ok(objects) => {
                listed += 1;
                runs.extend(objects.items.iter().filter_map(|object| RunName::of_labels(object.labels())));
            }
            Err(error) => {
                let what = format!("list {} in namespace {}", kind.3, connection.namespace);
                failed = failed.or(Some(connection.explain(what, error)));
            }
        }
    }
    match failed {
        Some(error) if listed == 0 => Err(error),
        _ => Ok(runs),
    }
}

/// The join token of a run.
pub(crate) async fn token(connection: &Connection, run: &RunName) -> Result<String> {
    use k8s_openapi::api::core::v1::Secret;
    let secrets: Api<Secret> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let name = run.token();
    let secret = secrets
        .get(&name)
        .await
        .map_err(|error| connection.explain(format!("read the Secret {name}"), error))?;
    let token =
        secret.data.and_then(|mut data| data.remove("token")).map(|bytes| bytes.0).unwrap_or_default();
    String::from_utf8(token).map_err(|_| Error::Unusable(format!("the Secret {name} holds no token")))
}
