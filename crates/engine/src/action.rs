//! What a shard is told and what it asks for: the whole conversation between the engine and its driver.

use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::time::Time;

/// A reusable list of actions. A shard only appends; the driver carries them out in order and clears it.
pub type Actions = Vec<Action>;

/// What happened, told to a shard by its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The iteration that ran on `vu` is over. Every [`Action::Start`] is answered by exactly one.
    IterationEnded {
        /// Where it ran.
        vu: VuId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The virtual user asked for by [`Action::InitVu`] is ready.
    VuReady {
        /// Which one.
        vu: VuId,
    },
    /// The virtual user asked for by [`Action::InitVu`] could not be initialised.
    VuFailed {
        /// Which one.
        vu: VuId,
    },
    /// A start that another shard handed over with [`Action::Forward`].
    Forwarded(ArrivalStart),
    /// Externally controlled scenarios start no more iterations; sent to every shard.
    Pause,
    /// Externally controlled scenarios go on; sent to every shard.
    Resume,
    /// The number of virtual users of the (first) externally controlled scenario, in the whole test; sent to every shard of
    /// every worker, and remembered for other maps of slots.
    SetVus {
        /// How many loop; more than `max_vus` counts as `max_vus`.
        vus: u64,
        /// How many are held ready; below the scenario's own `maxVUs` (which k6 refuses) counts as that.
        max_vus: u64,
    },
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ran to its end, be it by an exception: it counts in `iterations`.
    Complete,
    /// It was cut short: it counts as interrupted and nowhere else.
    Interrupted,
    /// Its driver did not let it begin: it counts nowhere.
    Withheld,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start an iteration on an idle virtual user.
    Start {
        /// Where.
        vu: VuId,
        /// Which.
        iteration: Iteration,
    },
    /// Cut the running iteration short, then report [`Event::IterationEnded`] as usual.
    Interrupt {
        /// Where.
        vu: VuId,
    },
    /// If the iteration that was started on this virtual user has not begun, it is not to: its place is another worker's.
    /// It is reported as [`Outcome::Withheld`] then.
    Withhold {
        /// Where.
        vu: VuId,
    },
    /// Initialise one more virtual user in the background, then report [`Event::VuReady`] or
    /// [`Event::VuFailed`]. [`Shard::is_done`](crate::Shard::is_done) does not wait for it.
    InitVu {
        /// The id it is to have.
        vu: VuId,
    },
    /// Hand a planned start to another shard as [`Event::Forwarded`].
    Forward {
        /// The shard that has an idle virtual user, or is to initialise one.
        shard: ShardIndex,
        /// What to hand over.
        start: ArrivalStart,
    },
    /// Iterations that will not be run: `count` of `dropped_iterations`.
    Dropped {
        /// Of which scenario.
        scenario: ScenarioIndex,
        /// How many, at least 1.
        count: u64,
        /// Whose they were, where they were one virtual user's (per-vu-iterations).
        vu: Option<VuId>,
    },
    /// Something the user should read, once.
    Warn(Warning),
    /// All shards are done with a scenario; sent by the last one of them.
    ScenarioEnded {
        /// Which one.
        scenario: ScenarioIndex,
    },
}

/// One iteration and its numbers, all counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iteration {
    /// The scenario it belongs to.
    pub scenario: ScenarioIndex,
    /// Among all iterations of its virtual user (`__ITER`, `exec.vu.iterationInInstance`).
    pub in_vu: u64,
    /// Among those of its virtual user in this scenario (`exec.vu.iterationInScenario`).
    pub in_vu_scenario: u64,
    /// Among those of its scenario on this worker (`exec.scenario.iterationInInstance`).
    pub in_instance: u64,
    /// Among those of its scenario in the whole test (`exec.scenario.iterationInTest`).
    pub in_test: u64,
    /// When it was due; arrival rates only.
    pub planned: Option<Time>,
}

/// A planned start of an arrival rate on its way to another shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrivalStart {
    /// The scenario.
    pub scenario: ScenarioIndex,
    /// When it was due.
    pub planned: Time,
    /// Why it was handed over.
    pub purpose: Purpose,
}

/// Why a start was handed to another shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An idle virtual user there is reserved for it.
    Reserved,
    /// Nobody is idle anywhere: that shard is the home of the next extra virtual user.
    Grow(VuId),
}

/// What the user should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// A start found nobody idle, and the scenario has all the virtual users it may have.
    InsufficientVus {
        /// The scenario.
        scenario: ScenarioIndex,
        /// How many it has on this worker.
        vus: u32,
    },
}
