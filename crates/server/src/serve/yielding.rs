//! Paths that throng has and Locust has not: a locustfile's route of that name wins, as nothing stands in its way with Locust.
//!
//! A Prometheus exporter at `/metrics` is the usual one. The host program tells which of them it has, so that nobody waits for
//! it where it has none: the probes say whether this server serves. Where it has one, it is served like its other routes, with
//! the login and the checks that stand before those. `/api/` and the page are never given away.

use std::sync::{Mutex, PoisonError};

/// What is given away to a route that the host program tells of. Of files and of logging out it is just asked when we have none.
const YIELDED: &[&str] = &["/healthz", "/readyz", "/metrics", STYLE];

/// The style sheet of the login, which our own login needs.
pub(crate) const STYLE: &str = "/login.css";

/// Which of them are the host program's by now.
#[derive(Debug, Default)]
pub(crate) struct Yielding(Mutex<Vec<&'static str>>);

impl Yielding {
    /// Takes those of the host program's paths that can be given away.
    pub(crate) fn set(&self, routes: &[String]) {
        let yielded = YIELDED.iter().filter(|path| routes.iter().any(|route| route == *path)).copied();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = yielded.collect();
    }

    /// Whether this path is the host program's.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&path)
    }
}
