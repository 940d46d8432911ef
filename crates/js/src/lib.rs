//! The k6 runtime: scripts as virtual users on QuickJS.
//!
//! A script is loaded once into a [`program::Program`] (bytecode, files, metrics). Every virtual user is a
//! [`vm::Vm`] inside a coroutine on one thread; its host functions wait for futures of the thread's reactor, so
//! that the script sees k6's synchronous API. [`worker`] drives the engine's schedule on each thread; the
//! functions that run once are in [`lifecycle`]. One k6 module is one file in `modules`.

#![forbid(unsafe_code)]

pub mod databases;
mod event_loop;
mod globals;
mod host;
pub mod lifecycle;
mod loader;
pub mod log;
mod modules;
pub mod network;
pub mod program;
mod serialise;
pub mod settings;
#[cfg(test)]
mod testing;
pub mod vm;
pub mod worker;

pub use throng_reactor::raise_descriptor_limit;
