//! A thread of virtual users: it carries out what the engine's shard asks for and tells it what happened.

mod driver;
mod mailbox;
mod scenario;
mod thread;
mod user;

pub use thread::{Shards, ShardsConfig, ThreadEvent};
