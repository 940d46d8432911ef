//! What is watched in a cluster: one connection, and a task for each thing.

mod connect;
mod events;
mod explain;
mod follow;
mod hpa;
mod logs;
mod pods;
mod usage;
mod value;
mod workload;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use self::explain::Trouble;
use crate::backoff::Backoff;
use crate::spec::{Object, ObjectKind, Target, What};
use crate::watcher::{Outlet, Settings};

pub use logs::Pattern;

/// A cluster that is watched.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: kube::Client,
    namespace: String,
    pub(crate) interval: Duration,
    pub(crate) patterns: Vec<Pattern>,
    outlet: Outlet,
    /// Workloads that are watched already, whoever named them.
    known: Arc<Mutex<BTreeSet<(ObjectKind, String, String)>>>,
}

/// Connects, and watches what of the targets is in the cluster; tries until it can.
pub(crate) async fn watch(settings: Settings, outlet: Outlet) {
    let targets: Vec<Target> =
        settings.targets.iter().filter(|target| !matches!(target.what, What::Database(_))).cloned().collect();
    let Some(first) = targets.first() else { return };
    let mut teller = outlet.teller(&first.name, "the cluster");
    let mut backoff = Backoff::default();
    let (context, namespace) = (settings.context.as_deref(), settings.namespace.as_deref());
    let (client, namespace) = loop {
        match connect::connect(context, namespace).await {
            Ok(connected) => break connected,
            Err(Trouble { why, fix }) => {
                teller.failed(&why, fix);
                sleep(backoff.next()).await;
            }
        }
    };
    teller.worked();
    let cluster = Arc::new(Cluster {
        client,
        namespace,
        interval: settings.interval,
        patterns: settings.patterns.clone(),
        outlet,
        known: Arc::default(),
    });
    // Those that a user named have the user's name, also where an autoscaler leads to them.
    let (named, others): (Vec<Target>, Vec<Target>) = targets
        .into_iter()
        .partition(|target| matches!(&target.what, What::Object(object) if object.kind != ObjectKind::Hpa));
    for target in named.into_iter().chain(others) {
        match target.what {
            What::Object(object) if object.kind == ObjectKind::Hpa => {
                let teller = cluster.outlet.teller(&target.name, &object.to_string());
                tokio::spawn(hpa::watch(cluster.clone(), object, teller));
            }
            What::Object(object) => cluster.workload(object, target.name),
            What::Logs(object) => {
                let shown = format!("logs/{object}");
                let mut teller = cluster.outlet.teller(&target.name, &shown);
                let cluster = cluster.clone();
                tokio::spawn(async move {
                    if let Some(labels) = workload::labels(&cluster, &object, &mut teller).await {
                        logs::watch(cluster, object, labels, teller).await;
                    }
                });
            }
            What::Database(_) => {}
        }
    }
}

impl Cluster {
    /// The namespace of an object.
    pub(crate) fn namespace(&self, object: &Object) -> String {
        object.namespace.clone().unwrap_or_else(|| self.namespace.clone())
    }

    /// Watches the pods of a workload, with what they use and what is said of them, unless that is done already.
    pub(crate) fn workload(self: &Arc<Self>, object: Object, shown: String) {
        let key = (object.kind, self.namespace(&object), object.name.clone());
        if !self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            return;
        }
        let cluster = self.clone();
        tokio::spawn(async move {
            let teller = |what: &str| cluster.outlet.teller(&shown, what);
            let mut first = teller(&format!("the pods of {object}"));
            let Some(labels) = workload::labels(&cluster, &object, &mut first).await else { return };
            let usage = teller(&format!("CPU and memory of {object}"));
            let events = teller(&format!("the events of {object}"));
            tokio::spawn(usage::watch(cluster.clone(), object.clone(), labels.clone(), usage));
            tokio::spawn(events::watch(cluster.clone(), object.clone(), events));
            pods::watch(cluster.clone(), object, labels, first).await;
        });
    }
}
