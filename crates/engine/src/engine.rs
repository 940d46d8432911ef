//! What all shards of a worker's run have in common, made once before they start.

use std::sync::Arc;
use std::time::Duration;

use throng_plan::{Plan, Scenario, Slots};

use crate::ids::{ScenarioIndex, ShardIndex};
use crate::placement::Placement;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::work::{Kind, Work};

/// What an engine is made of.
#[derive(Debug, Clone, Copy)]
pub struct Config<'a> {
    /// The scenarios of the whole test.
    pub scenarios: &'a [Scenario],
    /// Which part of it is this worker's.
    pub slots: &'a Slots,
    /// The number of threads; zero counts as one.
    pub shards: usize,
    /// A complete iteration occupies its virtual user for at least this long.
    pub min_iteration_duration: Duration,
}

impl<'a> Config<'a> {
    /// The configuration that runs `plan` on `shards` threads.
    pub fn of(plan: &'a Plan, shards: usize) -> Self {
        Self {
            scenarios: &plan.scenarios,
            slots: &plan.slots,
            shards,
            min_iteration_duration: plan.options.min_iteration_duration,
        }
    }
}

/// One worker's run: its part of the plan, its placement and its counters.
#[derive(Debug)]
pub struct Engine {
    pub(crate) works: Vec<Work>,
    pub(crate) placement: Placement,
    pub(crate) shared: Shared,
    pub(crate) min_iteration: Duration,
}

impl Engine {
    /// Scales the plan to this worker and places its virtual users.
    pub fn new(config: &Config<'_>) -> Arc<Self> {
        let shards = config.shards.max(1);
        let works: Vec<Work> = config.scenarios.iter().map(|s| Work::new(s, config.slots)).collect();
        let placement = Placement::compute(&works, config.slots, shards);
        let shared = Shared::new(works.len(), shards);
        for (scenario, work) in works.iter().enumerate() {
            if let Kind::ExternallyControlled { vus, max_vus } = work.kind {
                shared.scenario(ScenarioIndex::new(scenario)).set_controlled(vus, max_vus);
            }
        }
        Arc::new(Self { works, placement, shared, min_iteration: config.min_iteration_duration })
    }

    /// Where virtual users live and how many there are.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The number of shards.
    pub fn shards(&self) -> usize {
        self.placement.shards()
    }

    /// The state machine for one thread; to be called once for each.
    pub fn shard(self: &Arc<Self>, shard: ShardIndex) -> Shard {
        Shard::new(Arc::clone(self), shard)
    }

    pub(crate) fn scenarios(&self) -> impl Iterator<Item = ScenarioIndex> + use<> {
        (0..self.works.len()).map(ScenarioIndex::new)
    }
}
