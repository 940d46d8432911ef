//! Ports of pods and services, brought to this machine.
//!
//! Every connection here is one to the API server, to a pod that is looked up anew when the last one is gone: a forward
//! outlives the pods behind it. A target that refuses is named.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::trouble::{is_ready, name, phase};

/// What is forwarded: `svc/NAME:PORT`, `pod/NAME:PORT` or `deployment/NAME:PORT`; `LOCAL:PORT` chooses the port here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Of which kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The port here; 0 takes a free one.
    pub local: u16,
    /// The port there, by number or name.
    pub remote: String,
}

/// What is in front of the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A service.
    Service,
    /// One pod.
    Pod,
    /// A deployment.
    Deployment,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let help =
            || format!("use svc/NAME:PORT or svc/NAME:LOCAL:PORT (also pod/ and deployment/), not {text:?}");
        let (kind, rest) = text.split_once('/').ok_or_else(help)?;
        let kind = match kind {
            "svc" | "service" | "services" => Kind::Service,
            "pod" | "pods" | "po" => Kind::Pod,
            "deploy" | "deployment" | "deployments" => Kind::Deployment,
            _ => return Err(help()),
        };
        let (name, ports) = rest.split_once(':').filter(|(name, _)| !name.is_empty()).ok_or_else(help)?;
        let (local, remote) = match ports.split_once(':') {
            Some((local, remote)) => (local.parse().map_err(|_| help())?, remote),
            None => (ports.parse().unwrap_or(0), ports),
        };
        if remote.is_empty() {
            return Err(help());
        }
        Ok(Self { kind, name: name.to_owned(), local, remote: remote.to_owned() })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Service => "svc",
            Kind::Pod => "pod",
            Kind::Deployment => "deployment",
        };
        write!(f, "{kind}/{}:{}", self.name, self.remote)
    }
}

/// Told what goes wrong with connections.
pub type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// A port here that leads to a target; closed when dropped.
#[derive(Debug)]
pub struct Forward {
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forward {
    /// Opens it, after checking that the target is there. If `or_another`, a port here that is taken is no reason to fail.
    pub async fn open(connection: &Connection, target: Target, or_another: bool, tell: Tell) -> Result<Self> {
        let finder = Finder::new(connection.clone(), target);
        finder.find().await?;
        let wanted = finder.target.local;
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await {
            Err(_) if or_another => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
            other => other,
        };
        let listener = listener.map_err(|error| {
            Error::Local(format!("cannot listen on port {wanted} for {}: {error}", finder.target))
        })?;
        let address =
            listener.local_addr().map_err(|error| Error::Local(format!("cannot tell the port: {error}")))?;
        let finder = Arc::new(finder);
        let said = Arc::new(Mutex::new(None));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (finder, tell, said) = (Arc::clone(&finder), Arc::clone(&tell), Arc::clone(&said));
                tokio::spawn(async move {
                    let failed = finder.carry(near).await.err();
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    // The same once, until it has worked again: a load test would say it a thousand times.
                    if let Some(failed) = &failed
                        && said.as_ref() != Some(failed)
                    {
                        tell(failed.clone());
                    }
                    *said = failed;
                });
            }
        });
        Ok(Self { address, task })
    }
}

/// Finds a pod behind a target, and keeps to it while it lasts.
struct Finder {
    connection: Connection,
    target: Target,
    known: Mutex<Option<(String, u16)>>,
}

impl Finder {
    fn new(connection: Connection, target: Target) -> Self {
        Self { connection, target, known: Mutex::default() }
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.connection.client.clone(), &self.connection.namespace)
    }

    fn remember(&self, found: Option<(String, u16)>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// A pod and the port there.
    async fn find(&self) -> Result<(String, u16)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = match self.target.kind {
            Kind::Pod => {
                let what = format!("find {}", self.target);
                let pod = self
                    .pods()
                    .get(&self.target.name)
                    .await
                    .map_err(|error| self.connection.explain(what, error))?;
                let port = container_port(&pod, &self.target.remote);
                (self.target.name.clone(), port.ok_or_else(|| self.no_port())?)
            }
            Kind::Service => self.behind_service().await?,
            Kind::Deployment => self.behind_deployment().await?,
        };
        self.remember(Some(found.clone()));
        Ok(found)
    }

    fn no_port(&self) -> Error {
        let target = &self.target;
        Error::Unusable(format!(
            "{target}: there is no port {}; use one that it has, or a number",
            target.remote
        ))
    }

    async fn behind_service(&self) -> Result<(String, u16)> {
        let target = &self.target;
        let services: Api<Service> =
            Api::namespaced(self.connection.client.clone(), &self.connection.namespace);
        let what = format!("find {target}");
        let service =
            services.get(&target.name).await.map_err(|error| self.connection.explain(what, error))?;
        let spec = service.spec.unwrap_or_default();
        let ports = spec.ports.unwrap_or_default();
        let number: Option<i32> = target.remote.parse().ok();
        let port = ports
            .iter()
            .find(|port| Some(port.port) == number || port.name.as_deref() == Some(&target.remote))
            .ok_or_else(|| {
                let known: Vec<String> = ports.iter().map(|port| port.port.to_string()).collect();
                Error::Unusable(format!(
                    "{target}: the service has no such port; it has {}",
                    known.join(", ")
                ))
            })?;
        let selector = spec.selector.filter(|selector| !selector.is_empty()).ok_or_else(|| {
            Error::Unusable(format!(
                "{target}: the service selects no pods, so there is nothing to forward to"
            ))
        })?;
        let selector: Vec<String> = selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pod = self.ready_pod(&selector.join(",")).await?;
        let remote = match &port.target_port {
            None => u16::try_from(port.port).ok(),
            Some(IntOrString::Int(number)) => u16::try_from(*number).ok(),
            Some(IntOrString::String(name)) => container_port(&pod, name),
        };
        Ok((name(&pod).to_owned(), remote.ok_or_else(|| self.no_port())?))
    }

    async fn behind_deployment(&self) -> Result<(String, u16)> {
        let target = &self.target;
        let deployments: Api<k8s_openapi::api::apps::v1::Deployment> =
            Api::namespaced(self.connection.client.clone(), &self.connection.namespace);
        let what = format!("find {target}");
        let deployment =
            deployments.get(&target.name).await.map_err(|error| self.connection.explain(what, error))?;
        let selector = deployment.spec.unwrap_or_default().selector.match_labels.unwrap_or_default();
        let selector: Vec<String> = selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pod = self.ready_pod(&selector.join(",")).await?;
        let port = container_port(&pod, &target.remote);
        Ok((name(&pod).to_owned(), port.ok_or_else(|| self.no_port())?))
    }

    async fn ready_pod(&self, selector: &str) -> Result<Pod> {
        let target = &self.target;
        let what = format!("find the pods behind {target}");
        let pods = self
            .pods()
            .list(&ListParams::default().labels(selector))
            .await
            .map_err(|error| self.connection.explain(what, error))?
            .items;
        let count = pods.len();
        let is_leaving = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        pods.into_iter().find(|pod| phase(pod) == "Running" && is_ready(pod) && !is_leaving(pod)).ok_or_else(
            || {
                Error::Unusable(match count {
                    0 => format!("{target}: no pod is behind it (labels {selector})"),
                    _ => format!("{target}: none of the {count} pods behind it is ready"),
                })
            },
        )
    }

    /// Carries one connection there and back.
    async fn carry(&self, mut near: TcpStream) -> std::result::Result<(), String> {
        for attempt in 0..2 {
            let (pod, port) = self.find().await.map_err(|error| error.to_string())?;
            match open(&self.connection, &pod, port).await {
                Ok((mut far, refused)) => {
                    let carried = tokio::io::copy_bidirectional(&mut near, &mut far);
                    let refused = async {
                        match refused.await {
                            Some(why) => why,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        why = refused => {
                            self.remember(None);
                            return Err(format!("{} (pod {pod}) refused a connection: {}", self.target, short(&why)));
                        }
                        // What broke a connection shows where it is used.
                        _ = carried => return Ok(()),
                    }
                }
                // The pod may have gone; there may be another one.
                Err(_) if attempt == 0 => self.remember(None),
                Err(error) => return Err(format!("{}: {error}", self.target)),
            }
        }
        Ok(())
    }
}

/// The end of what a node says: its beginning names sandboxes.
fn short(why: &str) -> &str {
    why.trim().rsplit("connect: ").next().unwrap_or(why)
}

/// One connection to a port of a pod, and what is said if it cannot be used.
pub(crate) async fn open(
    connection: &Connection,
    pod: &str,
    port: u16,
) -> Result<(
    impl AsyncRead + AsyncWrite + Unpin + Send + use<>,
    impl Future<Output = Option<String>> + Send + use<>,
)> {
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let what = || format!("forward port {port} of pod {pod}");
    let mut forwarder =
        pods.portforward(pod, &[port]).await.map_err(|error| refused(connection, what(), error))?;
    let nothing = || Error::Local(format!("cannot {}: the client gave no stream", what()));
    let stream = forwarder.take_stream(port).ok_or_else(nothing)?;
    let error = forwarder.take_error(port).ok_or_else(nothing)?;
    Ok((stream, error))
}

/// A handshake that is refused has a status and no words.
fn refused(connection: &Connection, what: String, error: kube::Error) -> Error {
    if let kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(status)) =
        &error
    {
        let message = match status.as_u16() {
            403 => "it is not allowed (get and create pods/portforward)".to_owned(),
            404 => "there is no such pod".to_owned(),
            code => format!("the API server answers {code}"),
        };
        return Error::Refused { what, code: status.as_u16(), message };
    }
    connection.explain(what, error)
}

fn container_port(pod: &Pod, wanted: &str) -> Option<u16> {
    if let Ok(number) = wanted.parse() {
        return Some(number);
    }
    let containers = &pod.spec.as_ref()?.containers;
    let ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    ports.into_iter().find(|port| port.name.as_deref() == Some(wanted))?.container_port.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_kubectl_does() {
        let target: Target = "svc/flask-backend:5000".parse().unwrap();
        assert_eq!((target.kind, target.local, target.remote.as_str()), (Kind::Service, 5000, "5000"));
        let target: Target = "deployment/api:8080:http".parse().unwrap();
        assert_eq!((target.kind, target.local, target.remote.as_str()), (Kind::Deployment, 8080, "http"));
        assert_eq!("pod/a:http".parse::<Target>().unwrap().local, 0);
        for bad in ["", "svc/a", "a:80", "svc/:80", "svc/a:", "svc/a:x:80", "node/a:1"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
