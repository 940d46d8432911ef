//! What can go wrong between here and a cluster, said so that the reader knows what to do.

use std::path::PathBuf;

/// Why something on the cluster could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is neither a kubeconfig nor a service account.
    #[error(
        "no cluster is configured: there is no {kubeconfig} and this is no pod of a cluster; set KUBECONFIG or give \
         --kubeconfig"
    )]
    NoConfiguration {
        /// The file that was looked for.
        kubeconfig: String,
    },
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig{}: {why}", place(path.as_ref()))]
    Kubeconfig {
        /// Which, if it was named.
        path: Option<PathBuf>,
        /// What is wrong with it.
        why: String,
    },
    /// The kubeconfig has no such context.
    #[error("the kubeconfig has no context {wanted:?}; it has {}", list(known))]
    NoContext {
        /// The one that was asked for.
        wanted: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// The service account cannot be used.
    #[error("cannot use the service account of this pod: {0}")]
    InCluster(String),
    /// No answer came from the API server.
    #[error("cannot reach the cluster at {server} to {what}: {why}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What was to be done.
        what: String,
        /// What happened instead.
        why: String,
    },
    /// The API server does not know who is asking.
    #[error("the cluster at {server} does not accept the credentials of the kubeconfig (401): log in again")]
    Unauthorized {
        /// Its address.
        server: String,
    },
    /// The API server refused.
    #[error("cannot {what}: {message}{}", fix(*code))]
    Refused {
        /// What was to be done.
        what: String,
        /// The HTTP status.
        code: u16,
        /// The API server's words.
        message: String,
    },
    /// The tunnel through another machine failed.
    #[error("cannot reach the cluster through {host}: {why}")]
    Tunnel {
        /// The machine.
        host: String,
        /// What ssh said.
        why: String,
    },
    /// A pod does not start, or ended too early.
    #[error("{0}")]
    Pod(String),
    /// The name of the run is in use.
    #[error(
        "there is a run {run} in namespace {namespace} already: give another --name, or take it away with throng k8s \
         delete {run}"
    )]
    Taken {
        /// The name.
        run: String,
        /// The namespace.
        namespace: String,
    },
    /// What was asked for is not there, or makes no sense.
    #[error("{0}")]
    Unusable(String),
    /// Something on this machine.
    #[error("{0}")]
    Local(String),
    /// The user wants to end.
    #[error("stopped by a signal")]
    Interrupted,
}

/// Everything in this crate ends so.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn place(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(" {}", path.display())).unwrap_or_default()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn fix(code: u16) -> &'static str {
    match code {
        403 => "\n  ask for this permission, or see what else is missing: throng k8s check",
        _ => "",
    }
}

/// Makes an error of the client's one of ours.
pub(crate) fn explain(server: &str, what: impl Into<String>, error: kube::Error) -> Error {
    let what = what.into();
    match error {
        kube::Error::Api(status) if status.code == 401 => Error::Unauthorized { server: server.to_owned() },
        kube::Error::Api(status) => {
            let message =
                if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
            Error::Refused { what, code: status.code, message }
        }
        kube::Error::Auth(error) => {
            Error::Kubeconfig { path: None, why: format!("its credentials cannot be had: {error}") }
        }
        other => Error::Unreachable { server: server.to_owned(), what, why: causes(&other) },
    }
}

/// An error with what caused it, each said once.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl Error {
    /// Whether the same command may work later: the cluster cannot be reached.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Tunnel { .. } => true,
            Self::Refused { code, .. } => matches!(code, 429 | 500..),
            _ => false,
        }
    }
}
