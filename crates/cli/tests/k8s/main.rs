//! `throng k8s` against a stand-in cluster, the binary driven from outside: pods are real processes of the same binary
//! unless the test says otherwise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod commands;
mod failures;
mod forward;
mod locustfiles;
mod reach;
mod runs;
mod support;
