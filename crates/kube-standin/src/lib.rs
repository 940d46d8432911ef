//! A Kubernetes API server for tests, and a cluster behind it that does what the test says.
//!
//! It listens on loopback and speaks what clients really use: create, get, list, watch (with bookmarks, 410 and broken
//! streams on demand), the patches, `status`, `scale`, logs, port-forwarding over web sockets, discovery, access reviews,
//! and refusals as `Status` objects in the real server's words. Objects are checked against the real types with their
//! unknown fields refused. Deployments and jobs become pods; [`Behaviour`] says what becomes of a pod, among it a real
//! process on this machine, with an address of its own, reached through the addresses of services.
//!
//! What it is not: a scheduler, a rollout, admission webhooks, conflicts of field managers.

#![forbid(unsafe_code)]
#![expect(clippy::single_match_else, reason = "both ways are of one weight here, and read side by side")]

mod admission;
mod cluster;
mod controllers;
mod discovery;
mod kubelet;
mod logs;
mod network;
mod objects;
mod patch;
mod portforward;
mod process;
mod resources;
mod rights;
mod selectors;
mod serve;
mod status;
mod store;
mod tls;
mod watch;

pub use cluster::Cluster;
pub use kubelet::Behaviour;
pub use resources::Resource;
pub use rights::USER;

/// The present time as the API writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
