//! The worker's side: what a host program configures, is told to do and reports, and the machine behind it.

mod config;
mod instruction;
mod lease;
mod machine;
mod pending;
mod report;

pub use config::WorkerConfig;
pub use instruction::{Disconnect, Instruction};
pub use lease::Lease;
pub use machine::{Action, Event, Machine, Settings};
pub use report::{Report, Want};
