//! The handle that tests hold: starting, looking into the store, changing it, and making things go wrong.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::kubelet::{Behaviour, Pods};
use crate::network::Network;
use crate::resources::Resource;
use crate::rights::Prohibition;
use crate::store::{Key, Store};
use crate::tls::{self, Certificates};
use crate::{controllers, patch, serve};

/// What the test wants to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) prohibitions: Vec<Prohibition>,
    pub(crate) unavailable: bool,
    pub(crate) without_metrics: bool,
}

/// The test's own rule: which pods it is about, and what becomes of them.
type Rule = (Box<dyn Fn(&Value) -> bool + Send>, Behaviour);

/// What all parts of the cluster share.
pub(crate) struct Inner {
    store: Mutex<Store>,
    changed: watch::Sender<u64>,
    policy: Mutex<Policy>,
    rules: Mutex<Vec<Rule>>,
    programs: Mutex<BTreeMap<String, PathBuf>>,
    counts: Mutex<BTreeMap<String, u64>>,
    pub(crate) pods: Pods,
    network: Network,
    folder: tempfile::TempDir,
    address: SocketAddr,
    tls_address: SocketAddr,
    certificates: Certificates,
    epoch: AtomicU64,
    names: AtomicU64,
}

/// The store while it is locked; letting it go tells everyone who waits for changes.
pub(crate) struct Locked<'a> {
    store: MutexGuard<'a, Store>,
    changed: &'a watch::Sender<u64>,
}

impl std::ops::Deref for Locked<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let version = self.store.version();
        self.changed.send_if_modified(|known| {
            let is_new = *known != version;
            *known = version;
            is_new
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn store(&self) -> Locked<'_> {
        Locked { store: lock(&self.store), changed: &self.changed }
    }

    pub(crate) fn policy(&self) -> MutexGuard<'_, Policy> {
        lock(&self.policy)
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A folder of the cluster's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Told whenever the store has a new version.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn stream_epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Five letters that no name has had, as generated names end.
    pub(crate) fn suffix(&self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut number = self.names.fetch_add(1, Ordering::SeqCst) * 7_919 + 104_729;
        let mut name = String::new();
        for _ in 0..5 {
            name.push(char::from(LETTERS[number as usize % LETTERS.len()]));
            number /= LETTERS.len() as u64;
        }
        name
    }

    /// What becomes of a pod: the newest rule about it.
    pub(crate) fn behaviour(&self, pod: &Value) -> Behaviour {
        lock(&self.rules)
            .iter()
            .rev()
            .find(|(is_about, _)| is_about(pod))
            .map_or(Behaviour::Runs { log: Vec::new() }, |(_, behaviour)| behaviour.clone())
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let known = lock(&self.programs).get(name).cloned();
        known.unwrap_or_else(|| PathBuf::from(name))
    }

    pub(crate) fn count(&self, verb: &str, plural: &str) {
        *lock(&self.counts).entry(format!("{verb} {plural}")).or_default() += 1;
    }

    /// A kubeconfig for a token.
    pub(crate) fn kubeconfig(&self, token: &str, namespace: &str) -> String {
        let cluster = json!({"server": format!("http://{}", self.address)});
        Self::configuration(&cluster, &json!({"token": token}), namespace)
    }

    fn configuration(cluster: &Value, user: &Value, namespace: &str) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "standin", "preferences": {},
            "clusters": [{"name": "standin", "cluster": cluster}],
            "users": [{"name": "tester", "user": user}],
            "contexts": [
                {"name": "standin", "context": {"cluster": "standin", "user": "tester", "namespace": namespace}},
                {"name": "elsewhere", "context": {"cluster": "standin", "user": "tester", "namespace": "elsewhere"}},
            ],
        })
        .to_string()
    }
}

/// Writes a file that a program may be reading: it has the old one or the new one. The folder is the cluster's own; a failure
/// shows at once in whatever reads the file.
fn write_whole(path: &Path, text: &str) {
    let new = path.with_extension("new");
    let _ = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
}

/// A cluster that lives as long as this handle, on a thread of its own, so that tests need no runtime.
pub struct Cluster {
    inner: Arc<Inner>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Cluster {
    /// Starts one, with the namespaces `default` and `elsewhere` and one node.
    pub fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A test may be a task of another runtime, where nothing may be waited for.
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let tls_listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        tls_listener.set_nonblocking(true)?;
        let inner = Arc::new(Inner {
            store: Mutex::default(),
            changed: watch::Sender::new(0),
            policy: Mutex::default(),
            rules: Mutex::default(),
            programs: Mutex::default(),
            counts: Mutex::default(),
            pods: Pods::default(),
            network: Network::new(),
            folder: tempfile::tempdir()?,
            address: listener.local_addr()?,
            tls_address: tls_listener.local_addr()?,
            certificates: Certificates::generate()?,
            epoch: AtomicU64::new(0),
            names: AtomicU64::new(0),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let shared = Arc::clone(&inner);
        let thread = std::thread::Builder::new().name("standin".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let router = axum::Router::new().fallback(serve::answer).with_state(Arc::clone(&shared));
                let Ok(tls_listener) = tokio::net::TcpListener::from_std(tls_listener) else { return };
                let Ok(tls_listener) = shared.certificates.listen(tls_listener) else { return };
                tokio::spawn(controllers::run(Arc::clone(&shared)));
                tokio::select! {
                    _ = axum::serve(tls_listener, tls::router(router.clone())) => {}
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
                shared.pods.end_all();
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        })?;
        let cluster = Self { inner, stop: Some(stop), thread: Some(thread) };
        for namespace in ["default", "elsewhere", "kube-system"] {
            cluster.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
        }
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let resources = json!({"cpu": "4", "memory": "16Gi", "pods": "110"});
        cluster.put(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
            "status": {"conditions": ready, "capacity": resources, "allocatable": resources},
        }));
        Ok(cluster)
    }

    /// Where the server listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// Writes a kubeconfig for [`crate::USER`], with the contexts `standin` (namespace `default`) and `elsewhere`, and
    /// gives its path.
    pub fn kubeconfig(&self) -> PathBuf {
        let path = self.inner.folder().join("kubeconfig");
        write_whole(&path, &self.inner.kubeconfig("standin", "default"));
        path
    }

    /// The same for the server's other port, which speaks TLS: with its authority and a client's certificate.
    pub fn kubeconfig_over_tls(&self) -> PathBuf {
        let path = self.inner.folder().join("kubeconfig-tls");
        let (cluster, user) = self.inner.certificates.configuration(self.inner.tls_address);
        write_whole(&path, &Inner::configuration(&cluster, &user, "default"));
        path
    }

    /// Stores an object, whatever is there and whoever may; panics if it is of no kind that the server knows.
    pub fn put(&self, mut object: Value) -> Value {
        let key = Self::key_of(&object);
        if key.resource.namespaced {
            object["metadata"]["namespace"] = json!(key.namespace);
        }
        if key.resource.kind == "Service" && object["spec"]["clusterIP"].is_null() {
            object["spec"]["clusterIP"] = json!(self.inner.network.service_address().to_string());
        }
        self.inner.store().set(&key, object)
    }

    /// Changes an object by a JSON merge patch, its status too. False if it is not there.
    pub fn change(&self, plural: &str, namespace: &str, name: &str, change: &Value) -> bool {
        let key = key(plural, namespace, name);
        self.inner.store().edit(&key, |object| patch::merge(object, change)).is_some()
    }

    /// Takes an object away.
    pub fn remove(&self, plural: &str, namespace: &str, name: &str) -> bool {
        self.inner.store().remove(&key(plural, namespace, name)).is_some()
    }

    /// An object, if it is there. A name such as `pods.metrics.k8s.io` tells kinds of the same name apart.
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.inner.store().get(&key(plural, namespace, name)).cloned()
    }

    /// All objects of a kind in a namespace.
    pub fn list(&self, plural: &str, namespace: &str) -> Vec<Value> {
        self.inner.store().list(resource(plural), Some(namespace)).cloned().collect()
    }

    /// What of the kinds that `throng` makes is there in a namespace, as `kind/name`; events are left out.
    pub fn leftovers(&self, namespace: &str) -> Vec<String> {
        let store = self.inner.store();
        store
            .all()
            .filter(|(key, _)| key.namespace == namespace && key.resource.kind != "Event")
            .map(|(key, _)| format!("{}/{}", key.resource.kind, key.name))
            .collect()
    }

    /// Writes down an event about an object.
    pub fn event(&self, about: &Value, kind: &str, reason: &str, message: &str) {
        controllers::event(&self.inner, about, kind, reason, message);
    }

    /// What becomes of pods that `is_about` says yes to; the newest rule decides.
    pub fn when(&self, is_about: impl Fn(&Value) -> bool + Send + 'static, behaviour: Behaviour) {
        lock(&self.inner.rules).push((Box::new(is_about), behaviour));
    }

    /// Where a program that containers name lies on this machine.
    pub fn program(&self, name: &str, path: impl Into<PathBuf>) {
        lock(&self.inner.programs).insert(name.to_owned(), path.into());
    }

    /// Connections to `port` of pods for which the store has this label go to `target`: what listens in a pod that is
    /// not a process.
    pub fn listens(&self, label: (&str, &str), port: u16, target: SocketAddr) {
        self.inner.network.listens(label, port, target);
    }

    /// Forbids the kubeconfig's user a verb (or `*`) on a resource such as `pods/log` (or `*`).
    pub fn forbid(&self, verb: &str, resource: &str) {
        let prohibition = Prohibition { verb: verb.to_owned(), resource: resource.to_owned() };
        self.inner.policy().prohibitions.push(prohibition);
    }

    /// Allows everything again.
    pub fn allow_all(&self) {
        self.inner.policy().prohibitions.clear();
    }

    /// Forgets the history: watches from before get 410, as after some minutes with a real server.
    pub fn expire(&self) {
        self.inner.store().expire();
    }

    /// Cuts all watches, logs that are followed and forwarded connections.
    pub fn break_streams(&self) {
        self.inner.epoch.fetch_add(1, Ordering::SeqCst);
        self.inner.changed.send_modify(|_| {});
    }

    /// Answers everything with 503, or no longer.
    pub fn unavailable(&self, is_so: bool) {
        self.inner.policy().unavailable = is_so;
    }

    /// Whether there is no metrics-server.
    pub fn without_metrics(&self, is_so: bool) {
        self.inner.policy().without_metrics = is_so;
    }

    /// How often clients did something, such as `create pods`.
    pub fn count(&self, what: &str) -> u64 {
        lock(&self.inner.counts).get(what).copied().unwrap_or_default()
    }

    /// Ends a pod's process as a node that runs out of memory does.
    pub fn kill(&self, namespace: &str, pod: &str) {
        self.inner.pods.kill(&key("pods", namespace, pod));
    }

    /// Waits until `done` says something about the store; panics after `limit`.
    pub fn wait<T>(&self, what: &str, limit: Duration, mut done: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(found) = done(self) {
                return found;
            }
            assert!(Instant::now() < end, "{what} did not come about within {limit:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn key_of(object: &Value) -> Key {
        let resource = Resource::of(object)
            .unwrap_or_else(|| panic!("no kind {}/{}", object["apiVersion"], object["kind"]));
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        let namespace = match (resource.namespaced, text("namespace")) {
            (true, "") => "default",
            (true, namespace) => namespace,
            (false, _) => "",
        };
        Key::new(resource, namespace, text("name"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens if the thread has ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn resource(plural: &str) -> &'static Resource {
    let (plural, group) =
        plural.split_once('.').map_or((plural, None), |(plural, group)| (plural, Some(group)));
    crate::resources::ALL
        .iter()
        .find(|row| row.plural == plural && group.is_none_or(|group| group == row.group))
        .unwrap_or_else(|| panic!("no resource {plural}"))
}

fn key(plural: &str, namespace: &str, name: &str) -> Key {
    let resource = resource(plural);
    Key::new(resource, if resource.namespaced { namespace } else { "" }, name)
}
