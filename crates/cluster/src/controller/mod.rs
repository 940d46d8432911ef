//! The controller's side: what a host program configures, orders and is told, and the machine behind it.

mod config;
mod deal;
mod happening;
mod journal;
mod ledger;
mod machine;
mod member;
mod order;
mod refusals;

pub use config::{ControllerConfig, OnWorkerLoss};
pub use happening::{Happening, Loss};
pub use journal::{Before, Entry, Journal, JournalError, Recovered, Resumed};
pub use ledger::CountedWork;
pub use machine::{Action, ConnectionId, Event, Machine, Settings};
pub use order::Order;
