//! Executors, schedules and the life of a virtual user, as state machines without I/O.
//!
//! An [`Engine`] is what all threads of one worker share: the part of the plan that is theirs, the
//! placement of virtual users and a few counters. Each thread drives one [`Shard`] of it: it tells the
//! shard the time and what happened ([`Event`]), and carries out what the shard asks for ([`Action`]).
//! A shard knows neither a clock nor what an iteration is; a virtual user never leaves its shard.
//!
//! Work is split twice. [`throng_plan::Slots`] says which virtual users, iterations and planned starts of
//! the whole test are this worker's; [`Placement`] says on which shard each of its virtual users lives.
//! The union of all shards of all workers is exactly the schedule of one thread on one machine.

#![forbid(unsafe_code)]

mod action;
mod engine;
mod executor;
mod ids;
mod placement;
mod progress;
pub mod schedule;
mod shard;
mod shared;
mod time;
mod timers;
mod vus;
mod work;

pub use action::{Action, Actions, ArrivalStart, Event, Iteration, Outcome, Purpose, Warning};
pub use engine::{Config, Engine};
pub use ids::{ScenarioIndex, ShardIndex, VuId};
pub use placement::Placement;
pub use progress::{Detail, Progress, ScenarioProgress, State};
pub use shard::Shard;
pub use time::Time;
