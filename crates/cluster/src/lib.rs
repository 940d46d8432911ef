//! One run on many machines: a controller and its workers.
//!
//! The controller gathers workers, sends each the test and its part of the slots, starts them at one moment, takes in
//! what they measured, and says who was lost. Both sides are state machines that know neither a socket nor a clock
//! (`controller::Machine`, `worker::Machine`); the network edge carries their messages, one gRPC stream per worker.
//! A host program uses [`Controller`] with [`Order`]s and [`Happening`]s, and [`WorkerClient`] with [`Report`]s and
//! [`Instruction`]s; it knows nothing of the wire.

#![forbid(unsafe_code)]

mod bundle;
mod clock;
pub mod controller;
mod ids;
mod lane;
mod log;
pub mod meeting;
mod moment;
mod net;
pub mod protocol;
mod steering;
mod token;
pub mod worker;

pub use bundle::{Bundle, BundleError, BundleFile};
pub use controller::{
    ControllerConfig, CountedWork, Happening, JournalError, Loss, OnWorkerLoss, Order, Resumed,
};
pub use ids::{InstanceId, RunId, WorkerId};
pub use log::{LogLevel, LogRecord};
pub use moment::Moment;
pub use net::{ClientTls, Controller, NetError, ServerTls, StateDir, StateError, Went, WorkerClient};
pub use steering::Steering;
pub use token::{Token, TokenError};
pub use worker::{Disconnect, Instruction, Lease, Report, Want, WorkerConfig};
