//! Addresses on loopback: every pod and every service has one of its own, and a service's passes connections on.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::cluster::Inner;
use crate::resources::Resource;
use crate::store::Key;

/// The next address of all clusters of this process: several tests may run side by side.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What listens in pods that are no processes: label, port and where it really is.
type Listener = ((String, String), u16, SocketAddr);

/// The cluster's network.
#[derive(Debug)]
pub(crate) struct Network {
    /// Decided by the process, so that two of them do not share addresses.
    block: u32,
    listeners: Mutex<Vec<Listener>>,
    proxies: Mutex<BTreeMap<Key, Vec<tokio::task::JoinHandle<()>>>>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self { block: std::process::id() % 200 + 20, listeners: Mutex::default(), proxies: Mutex::default() }
    }

    pub(crate) fn pod_address(&self) -> Ipv4Addr {
        let next = NEXT.fetch_add(1, Ordering::SeqCst) + 2;
        let [_, _, high, low] = next.to_be_bytes();
        Ipv4Addr::new(127, self.block as u8, high, low)
    }

    pub(crate) fn service_address(&self) -> Ipv4Addr {
        self.pod_address()
    }

    pub(crate) fn listens(&self, label: (&str, &str), port: u16, target: SocketAddr) {
        let label = (label.0.to_owned(), label.1.to_owned());
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push((label, port, target));
    }

    /// Where a port of a pod is.
    pub(crate) fn target(&self, pod: &Value, port: u16) -> Option<SocketAddr> {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let named = listeners.iter().rev().find(|((name, value), listens, _)| {
            *listens == port && pod["metadata"]["labels"].get(name).and_then(Value::as_str) == Some(value)
        });
        if let Some((_, _, target)) = named {
            return Some(*target);
        }
        let address: Ipv4Addr = pod["status"]["podIP"].as_str()?.parse().ok()?;
        Some(SocketAddr::from((address, port)))
    }

    /// Starts what listens at the addresses of services, and ends it for those that are gone.
    pub(crate) fn proxy(&self, inner: &Arc<Inner>) {
        let Some(services) = Resource::by_path("", "v1", "services") else { return };
        let wanted: Vec<(Key, Value)> = inner
            .store()
            .all()
            .filter(|(key, _)| key.resource == services)
            .map(|(key, service)| (key.clone(), service.clone()))
            .collect();
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        proxies.retain(|key, tasks| {
            let stays = wanted.iter().any(|(wanted, _)| wanted == key);
            if !stays {
                tasks.iter().for_each(tokio::task::JoinHandle::abort);
            }
            stays
        });
        for (key, service) in wanted {
            if proxies.contains_key(&key) {
                continue;
            }
            let Some(address) =
                service["spec"]["clusterIP"].as_str().and_then(|text| text.parse::<Ipv4Addr>().ok())
            else {
                continue;
            };
            let ports = service["spec"]["ports"].as_array().into_iter().flatten();
            let tasks = ports
                .filter_map(|port| port["port"].as_u64())
                .map(|port| tokio::spawn(listen(Arc::clone(inner), key.clone(), address, port as u16)))
                .collect();
            proxies.insert(key, tasks);
        }
    }
}

async fn listen(inner: Arc<Inner>, service: Key, address: Ipv4Addr, port: u16) {
    let Ok(listener) = TcpListener::bind((address, port)).await else { return };
    while let Ok((mut near, _)) = listener.accept().await {
        let (inner, service) = (Arc::clone(&inner), service.clone());
        tokio::spawn(async move {
            // Without an endpoint the connection is closed at once; a real one is refused.
            let target = endpoint(&inner, &service, port)?;
            let mut far = TcpStream::connect(target).await.ok()?;
            tokio::io::copy_bidirectional(&mut near, &mut far).await.ok()
        });
    }
}

/// A ready pod behind a service, with the port there.
fn endpoint(inner: &Inner, key: &Key, port: u16) -> Option<SocketAddr> {
    let store = inner.store();
    let service = store.get(key)?;
    let wanted = service["spec"]["selector"].as_object()?;
    let row = service["spec"]["ports"].as_array()?.iter().find(|row| row["port"] == port)?;
    let pods = Resource::by_path("", "v1", "pods")?;
    let publishes = service["spec"]["publishNotReadyAddresses"] == true;
    let pod = store.list(pods, Some(&key.namespace)).find(|pod| {
        let is_ready = pod["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one["type"] == "Ready" && one["status"] == "True");
        let fits = wanted.iter().all(|(name, value)| pod["metadata"]["labels"].get(name) == Some(value));
        fits && pod["status"]["phase"] == "Running" && (is_ready || publishes)
    })?;
    let target = match &row["targetPort"] {
        Value::Number(number) => number.as_u64()? as u16,
        Value::String(name) => container_port(pod, name)?,
        _ => port,
    };
    inner.network().target(pod, target)
}

fn container_port(pod: &Value, name: &str) -> Option<u16> {
    pod["spec"]["containers"]
        .as_array()?
        .iter()
        .flat_map(|container| container["ports"].as_array().into_iter().flatten())
        .find(|port| port["name"] == name)
        .and_then(|port| Some(port["containerPort"].as_u64()? as u16))
}
