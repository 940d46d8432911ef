//! What all shards of a worker's run have in common, made before they start; and how it changes while they run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throng_plan::{Plan, Scenario, Slots};

use crate::executor::arrivals::starts_of;
use crate::ids::{ScenarioIndex, ShardIndex};
use crate::layout::{Layout, Numbers};
use crate::placement::Placement;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::time::Time;
use crate::work::{Kind, Work};

/// How far ahead a new map is set at least, so that no shard can have passed that moment without knowing of it.
const NOTICE: Duration = Duration::from_millis(5);

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
    /// The first of the chain.
    pub(crate) layout: Arc<Layout>,
    pub(crate) shared: Shared,
    pub(crate) min_iteration: Duration,
    scenarios: Vec<Scenario>,
    shards: usize,
    dealing: Mutex<()>,
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
        Arc::new(Self {
            layout: Layout::new(Time::ZERO, works, placement),
            shared,
            min_iteration: config.min_iteration_duration,
            scenarios: config.scenarios.to_vec(),
            shards,
            dealing: Mutex::new(()),
        })
    }

    /// Where virtual users live and how many there are; of the newest map, which may not hold yet.
    pub fn placement(&self) -> &Placement {
        &self.layout.newest().placement
    }

    /// The number of shards.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// The state machine for one thread; to be called once for each.
    pub fn shard(self: &Arc<Self>, shard: ShardIndex) -> Shard {
        Shard::new(Arc::clone(self), shard)
    }

    /// Gives this worker another part of the test, `agreed` for this moment; `now` reads the shards' clock. Returns from when
    /// on it really holds: later if the moment is past or too near. After that moment no shard starts anything by an
    /// earlier map. Each shard should be told the time (`Shard::on_time`), so that it prepares itself.
    ///
    /// Iterations that are counted (shared-iterations, per-vu-iterations) stay where they are.
    pub fn deal(&self, slots: &Slots, agreed: Time, now: impl Fn() -> Time) -> Time {
        let _one_at_a_time = self.dealing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.layout.newest();
        let whole: Vec<Work> = self.scenarios.iter().map(|s| Work::new(s, &Slots::whole())).collect();
        let planned = Placement::compute(&whole, &Slots::whole(), self.shards).planned_vus();
        let mut notice = NOTICE;
        loop {
            let at = agreed.max(now() + notice).max(last.at);
            let works = self.scenarios().map(|scenario| {
                let first = self.shared.scenario(scenario).sequence().peek();
                let old = &last.works[scenario.index()];
                old.dealt(&self.scenarios[scenario.index()], slots, |map| Numbers::from(first, agreed, map))
            });
            let works: Vec<Work> = works.collect();
            let used = |scenario| self.shared.scenario(scenario).growth.used() as usize;
            let used: Vec<usize> = self.scenarios().map(used).collect();
            let planned = slots.scale(u64::from(planned)) as u32;
            let placement = last.placement.dealt(&works, slots, at, planned, &used);
            // Placing many virtual users takes a while; if it took too long the moment is put off.
            if now() < at || notice > Duration::from_secs(10) {
                last.append(Layout::new(at, works, placement));
                return at;
            }
            notice *= 4;
        }
    }

    /// How many starts of this worker arrival rates plan until the scenario of this position ends; nothing for other executors.
    pub fn planned_starts(&self, scenario: ScenarioIndex) -> Option<u64> {
        let work = self.layout.works.get(scenario.index())?;
        let all = starts_of(work)?.first_from(Time::ZERO + work.hard_end.since(work.start));
        Some(work.iteration_slots.scale(all))
    }

    pub(crate) fn scenarios(&self) -> impl Iterator<Item = ScenarioIndex> + use<> {
        (0..self.scenarios.len()).map(ScenarioIndex::new)
    }
}
