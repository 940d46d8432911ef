//! Connecting: a kubeconfig with one of its contexts, or the service account of the pod that this runs in; directly or
//! through another machine.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::error::{Error, Result, causes, explain};
use crate::ssh::Tunnel;

/// Which cluster and namespace are meant; what is left open is decided by the kubeconfig.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, unless it is `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// One of its contexts.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// A machine that reaches the API server, as ssh takes it.
    pub ssh: Option<String>,
}

/// Where the credentials came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A context of a kubeconfig.
    Context(String),
    /// The service account of this pod.
    ServiceAccount,
}

/// A cluster that can be asked.
#[derive(Clone)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// The namespace to work in.
    pub namespace: String,
    /// The API server's address, as configured.
    pub server: String,
    /// Where the credentials came from.
    pub source: Source,
    // Kept for as long as somebody uses the client.
    _tunnel: Option<std::sync::Arc<Tunnel>>,
}

/// How long the API server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

impl Connection {
    /// Prepares a client; nothing is sent yet but for a tunnel.
    pub async fn open(place: &Place) -> Result<Self> {
        Self::prepare(place, |_| ()).await
    }

    /// The same for who tries again by themselves and has to know of every failure: the client otherwise repeats what a
    /// server could not answer now, for longer than a reader of the log wants to wait.
    pub async fn open_without_retries(place: &Place) -> Result<Self> {
        Self::prepare(place, |config| config.default_retry = false).await
    }

    async fn prepare(place: &Place, change: impl FnOnce(&mut Config)) -> Result<Self> {
        let (mut config, source) = configuration(place).await?;
        change(&mut config);
        config.connect_timeout = Some(PATIENCE);
        if let Some(namespace) = &place.namespace {
            namespace.clone_into(&mut config.default_namespace);
        }
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let tunnel = match &place.ssh {
            Some(host) => Some(std::sync::Arc::new(Tunnel::open(host, &mut config).await?)),
            None => None,
        };
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config)
            .map_err(|error| Error::Kubeconfig { path: place.kubeconfig.clone(), why: causes(&error) })?;
        Ok(Self { client, namespace, server, source, _tunnel: tunnel })
    }

    /// Asks the API server for its version: whether it can be reached and takes the credentials.
    pub async fn version(&self) -> Result<String> {
        let asked = tokio::time::timeout(PATIENCE * 2, self.client.apiserver_version()).await;
        match asked {
            Ok(version) => version
                .map(|info| info.git_version)
                .map_err(|error| self.explain("ask for its version", error)),
            Err(_) => Err(Error::Unreachable {
                server: self.server.clone(),
                what: "ask for its version".into(),
                why: format!("no answer within {} seconds", (PATIENCE * 2).as_secs()),
            }),
        }
    }

    /// An error of the client's in our words.
    pub fn explain(&self, what: impl Into<String>, error: kube::Error) -> Error {
        explain(&self.server, what, error)
    }
}

/// The namespace that is meant, without asking a cluster or starting a tunnel; `default` where none is configured.
pub async fn namespace(place: &Place) -> Result<String> {
    if let Some(namespace) = &place.namespace {
        return Ok(namespace.clone());
    }
    match configuration(place).await {
        Ok((config, _)) => Ok(config.default_namespace),
        Err(Error::NoConfiguration { .. }) => Ok("default".to_owned()),
        Err(error) => Err(error),
    }
}

async fn configuration(place: &Place) -> Result<(Config, Source)> {
    let unusable = |why: String| Error::Kubeconfig { path: place.kubeconfig.clone(), why };
    let file = match &place.kubeconfig {
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| unusable(causes(&error)))?),
        None => found()?,
    };
    let Some(file) = file else {
        if place.context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            let config = Config::incluster().map_err(|error| Error::InCluster(causes(&error)))?;
            return Ok((config, Source::ServiceAccount));
        }
        return Err(Error::NoConfiguration { kubeconfig: default_path().display().to_string() });
    };
    let context =
        place.context.clone().or_else(|| file.current_context.clone()).filter(|name| !name.is_empty());
    let known: Vec<String> = file.contexts.iter().map(|context| context.name.clone()).collect();
    let Some(context) = context else {
        let why = format!("it has no current context; give --context with one of {}", known.join(", "));
        return Err(unusable(why));
    };
    if !known.contains(&context) {
        return Err(Error::NoContext { wanted: context, known });
    }
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let config =
        Config::from_custom_kubeconfig(file, &options).await.map_err(|error| unusable(causes(&error)))?;
    Ok((config, Source::Context(context)))
}

/// `$KUBECONFIG`, which may name several files, or the file in the home folder.
fn found() -> Result<Option<Kubeconfig>> {
    let unusable =
        |error: kube::config::KubeconfigError| Error::Kubeconfig { path: None, why: causes(&error) };
    if let Some(merged) = Kubeconfig::from_env().map_err(unusable)? {
        return Ok(Some(merged));
    }
    let path = default_path();
    if !path.exists() {
        return Ok(None);
    }
    Kubeconfig::read_from(&path)
        .map(Some)
        .map_err(|error| Error::Kubeconfig { path: Some(path), why: causes(&error) })
}

fn default_path() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".kube/config")
}
