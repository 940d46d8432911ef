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
//!
//! ```
//! use std::time::Duration;
//! use throng_engine::{Action, Config, Counting, Engine, Event, Outcome, ShardIndex, Time};
//! # let scenario = throng_plan::Scenario {
//! #     name: "default".to_owned(),
//! #     start_time: Duration::ZERO,
//! #     graceful_stop: Duration::from_secs(30),
//! #     exec: "default".to_owned(),
//! #     env: Default::default(),
//! #     tags: Default::default(),
//! #     executor: throng_plan::Executor::ConstantVus { vus: 2, duration: Duration::from_secs(1) },
//! # };
//!
//! let slots = throng_plan::Slots::whole();
//! let min_iteration_duration = Duration::ZERO;
//! let counting = Counting::Here;
//! let engine =
//!     Engine::new(&Config { scenarios: &[scenario], slots: &slots, shards: 1, min_iteration_duration, counting });
//! let mut shard = engine.shard(ShardIndex::new(0));
//! let mut actions = Vec::new();
//! let mut now = Time::ZERO;
//! shard.start(now, &mut actions);
//! while !shard.is_done() {
//!     // Two virtual users whose iterations take 400 ms: 0, 400 and 800 ms are before the end.
//!     now = now + Duration::from_millis(400);
//!     for action in std::mem::take(&mut actions) {
//!         if let Action::Start { vu, .. } = action {
//!             let ended = Event::IterationEnded { vu, outcome: Outcome::Complete };
//!             shard.on_event(now, ended, &mut actions);
//!         }
//!     }
//!     shard.on_time(now, &mut actions);
//! }
//! assert_eq!(engine.progress(now).complete, 6);
//! ```

#![forbid(unsafe_code)]

mod action;
mod counts;
mod deal;
mod dealt;
mod engine;
mod executor;
mod ids;
mod indices;
mod layout;
mod placement;
mod progress;
pub mod schedule;
mod shard;
mod shared;
mod stock;
mod time;
mod timers;
mod vus;
mod work;

pub use action::{Action, Actions, ArrivalStart, Event, Iteration, Outcome, Purpose, Warning};
pub use counts::{Counts, Tally};
pub use engine::{Config, Counting, Engine};
pub use ids::{ScenarioIndex, ShardIndex, VuId};
pub use indices::Indices;
pub use placement::Placement;
pub use progress::{Detail, Progress, ScenarioProgress, State};
pub use shard::Shard;
pub use time::Time;
