//! What a cluster refuses, and what to do about it.

use std::error::Error as _;
use std::time::Duration;

/// Why something cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) why: String,
    pub(crate) fix: &'static str,
}

impl Trouble {
    pub(crate) fn new(why: impl Into<String>, fix: &'static str) -> Self {
        Self { why: why.into(), fix }
    }

    pub(crate) fn silent(patience: Duration) -> Self {
        Self::new(format!("the API server does not answer within {} s", patience.as_secs()), UNREACHABLE)
    }
}

const UNREACHABLE: &str = "check that the cluster runs and is reachable from here (kubectl get nodes)";
pub(crate) const RIGHTS: &str =
    "give the account the right (docs/watch.md has a Role with all that watching needs)";

/// An error of the client's.
pub(crate) fn explain(error: &kube::Error) -> Trouble {
    match error {
        kube::Error::Api(status) => {
            let why = if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
            let fix = match status.code {
                401 => "log in to the cluster again",
                403 => RIGHTS,
                404 => "check its name, and the namespace (--watch-namespace)",
                _ => UNREACHABLE,
            };
            Trouble::new(why, fix)
        }
        other => {
            let mut why = other.to_string();
            let mut cause = other.source();
            while let Some(next) = cause {
                let text = next.to_string();
                if !why.contains(&text) {
                    why = format!("{why}: {text}");
                }
                cause = next.source();
            }
            Trouble::new(why, UNREACHABLE)
        }
    }
}
