//! The command line of throng: faces, flags, terminal, log, header, progress and exit codes.
//!
//! One binary has three faces ([`face`]): its own, that of `k6` and that of `locust`. A face turns its
//! command line into a [`spec::RunSpec`], after which nothing knows where the settings came from, and
//! [`run`] assembles the engine from it.

#![forbid(unsafe_code)]

pub mod config_file;
pub mod container;
pub mod env;
pub mod exit;
pub mod face;
pub mod failure;
pub mod fill;
pub mod flags;
pub mod header;
pub mod logging;
pub mod outputs;
pub mod progress;
pub mod run;
pub mod signals;
pub mod spec;
pub mod terminal;
