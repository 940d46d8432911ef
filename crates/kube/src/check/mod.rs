//! `throng k8s check`: whether a run would work here, point by point, each with what to do about it.

mod rights;
mod scaling;
mod target;

use crate::connect::Connection;

pub use target::Target;

/// How a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// A run works, something beside it does not.
    Lacking,
    /// A run does not work.
    Bad,
}

/// One point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// What was looked at, and what was seen.
    pub text: String,
    /// What to do.
    pub fix: Option<String>,
}

impl Finding {
    fn good(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, text: text.into(), fix: None }
    }

    fn lacking(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Lacking, text: text.into(), fix: Some(fix.into()) }
    }

    fn bad(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, text: text.into(), fix: Some(fix.into()) }
    }
}

/// Checks everything; each finding is told as it is made. Gives whether the cluster can be reached.
pub async fn check(connection: &Connection, target: Option<&Target>, mut tell: impl FnMut(Finding)) -> bool {
    match connection.version().await {
        Ok(version) => {
            tell(Finding::good(format!("the API server at {} answers: {version}", connection.server)));
        }
        Err(error) => {
            let fix = "check the kubeconfig, --context and the network; for a cluster behind another machine, --ssh";
            let is_away = error.is_unavailable();
            tell(Finding::bad(error.to_string(), fix));
            // All else would fail in the same way.
            return !is_away;
        }
    }
    for finding in rights::check(connection).await {
        tell(finding);
    }
    tell(scaling::metrics(connection).await);
    for finding in scaling::autoscalers(connection).await {
        tell(finding);
    }
    if let Some(target) = target {
        for finding in target::check(connection, target).await {
            tell(finding);
        }
    }
    true
}
