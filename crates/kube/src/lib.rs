//! Runs of throng on Kubernetes: what is made there, watching it, and bringing results back.
//!
//! [`connect`] finds a cluster; [`wanted`] is what a user asks for and [`manifests`] the objects that follow from it;
//! [`run()`] makes them, waits, streams and clears away. In the cluster [`post`] runs the test beside a small server
//! through which files come and results go, over a forwarded port ([`forward`], [`lead`]). Each command of `throng k8s`
//! has a file of its own.

#![forbid(unsafe_code)]

pub mod check;
pub mod connect;
mod delete;
mod error;
pub mod files;
pub mod forward;
pub mod lead;
mod logs;
pub mod manifests;
pub mod names;
mod objects;
pub mod output;
mod pods;
pub mod post;
mod results;
pub mod run;
pub mod runtime;
mod say;
mod scale;
pub mod settings;
pub mod ssh;
mod status;
pub mod trouble;
pub mod wanted;

pub use connect::{Connection, Place, Source};
pub use delete::{Found, delete, runs};
pub use error::{Error, Result};
pub use logs::next_line;
pub use names::RunName;
pub use results::{results, results_are_in};
pub use run::run;
pub use say::Say;
pub use scale::scale;
pub use status::{PodStatus, Status, status};
