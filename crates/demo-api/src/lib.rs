//! The system under test of the examples: a small web application with a database behind it.
//!
//! Load tests need something to load. This crate is the employees API that the demo and the
//! examples run against, backed by SQLite in the process or by a MariaDB or MySQL server, plus
//! the two tiny endpoints of the well known "distributed load testing" sample application and a
//! `/hello`. It knows nothing of the load generator and shares no thread with it: [`run`] serves
//! on the calling thread, [`Server::start`] on a thread of its own, and SQLite has one more.
#![forbid(unsafe_code)]

mod api;
mod config;
mod error;
mod model;
mod sample;
mod server;
mod store;

pub use config::{Config, Database};
pub use error::DemoError;
pub use server::{Server, run};
