//! What all shards of a worker's run have in common, made before they start; and how it changes while they run.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throng_plan::{Plan, Scenario, Slots};

use crate::executor::arrivals::starts_of;
use crate::ids::{ScenarioIndex, ShardIndex};
use crate::indices::Indices;
use crate::layout::{Layout, Numbers};
use crate::placement::Placement;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::stock::Stock;
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
    /// Who knows which of the iterations that are counted this worker runs.
    pub counting: Counting,
}

/// Who deals out the iterations of shared-iterations and per-vu-iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counting {
    /// The slots say which of them are this worker's, once and for all.
    #[default]
    Here,
    /// A controller, while the test runs ([`Engine::grant`]); also virtual users of such scenarios move with their slots.
    Dealt,
}

impl<'a> Config<'a> {
    /// The configuration that runs `plan` on `shards` threads.
    pub fn of(plan: &'a Plan, shards: usize) -> Self {
        Self {
            scenarios: &plan.scenarios,
            slots: &plan.slots,
            shards,
            min_iteration_duration: plan.options.min_iteration_duration,
            counting: Counting::Here,
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
    counting: Counting,
    /// Raised with each change of the stocks.
    pub(crate) stocked: AtomicU64,
    /// Up to which map nobody else runs anything of what came.
    still: AtomicU64,
    /// How often this worker was given up: what it was dealt before is others'.
    epoch: AtomicU32,
}

impl Engine {
    /// Scales the plan to this worker and places its virtual users.
    pub fn new(config: &Config<'_>) -> Arc<Self> {
        let shards = config.shards.max(1);
        let works: Vec<Work> =
            config.scenarios.iter().map(|s| Work::new(s, config.slots, config.counting)).collect();
        let placement = Placement::compute(&works, config.slots, shards);
        let shared = Shared::new(&works, shards);
        for (scenario, work) in works.iter().enumerate() {
            if let Kind::ExternallyControlled { vus, max_vus } = work.kind {
                shared.scenario(ScenarioIndex::new(scenario)).set_controlled(vus, max_vus);
            }
        }
        Arc::new(Self {
            layout: Layout::new(Time::ZERO, works, placement, 0, nothing()),
            shared,
            min_iteration: config.min_iteration_duration,
            scenarios: config.scenarios.to_vec(),
            shards,
            dealing: Mutex::new(()),
            counting: config.counting,
            stocked: AtomicU64::new(0),
            still: AtomicU64::new(0),
            epoch: AtomicU32::new(0),
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
    /// Iterations that are counted (shared-iterations, per-vu-iterations) stay where they are, unless they are
    /// [`Counting::Dealt`].
    ///
    /// What is `coming` was another worker's until then; its looping virtual users begin only once that one has ended what it
    /// ran there ([`Self::still`]), so that there are never more than planned.
    pub fn deal(&self, slots: &Slots, coming: &Slots, agreed: Time, now: impl Fn() -> Time) -> Time {
        let _one_at_a_time = self.dealing.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.layout.newest();
        let whole: Vec<Work> =
            self.scenarios.iter().map(|s| Work::new(s, &Slots::whole(), self.counting)).collect();
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
                last.append(Layout::new(at, works, placement, slots.version(), coming.clone()));
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

    /// By the map of this version and those before it nobody else runs anything any more of what has come from others.
    pub fn still(&self, version: u64) {
        self.still.fetch_max(version, Ordering::Release);
        self.stocked.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn still_by(&self) -> u64 {
        self.still.load(Ordering::Acquire)
    }

    /// Whether all shards follow the map of this version, and nothing runs any more of what went to others.
    pub fn is_still(&self, version: u64) -> bool {
        self.shared.is_still(version)
    }

    // --- iterations that a controller deals out --------------------------------------------------

    /// Iterations for this worker. Shards should be told the time then, as virtual users may wait for them.
    pub fn grant(&self, scenario: ScenarioIndex, indices: &Indices) {
        if let Some(stock) = self.stock(scenario) {
            stock.grant(indices);
            self.stocked.fetch_add(1, Ordering::Release);
        }
    }

    /// Takes up to `count` of the shared iterations that nobody has started back.
    pub fn take_back(&self, scenario: ScenarioIndex, count: u64) -> Indices {
        self.stock(scenario).map(|stock| stock.take(count)).unwrap_or_default()
    }

    /// How many shared iterations are here to be started; nothing for what no controller deals out.
    pub fn left_to_start(&self, scenario: ScenarioIndex) -> Option<u64> {
        self.stock(scenario).map(Stock::left)
    }

    /// How many shared iterations were taken from the stock so far.
    pub fn taken(&self, scenario: ScenarioIndex) -> u64 {
        self.stock(scenario).map_or(0, Stock::taken)
    }

    /// All iterations of the scenario are over, wherever they ran: nobody has to wait for more.
    pub fn close(&self, scenario: ScenarioIndex) {
        if let Some(stock) = self.stock(scenario) {
            stock.close();
            self.stocked.fetch_add(1, Ordering::Release);
        }
    }

    /// This worker was given up; others have been dealt what it had. It is forgotten here, and each shard has to forget what
    /// runs ([`Shard::void`]) before there are new grants.
    pub fn void(&self, epoch: u32) {
        for scenario in self.scenarios() {
            drop(self.stock(scenario).map(Stock::take_all));
        }
        self.epoch.store(epoch, Ordering::Release);
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn stock(&self, scenario: ScenarioIndex) -> Option<&Stock> {
        self.shared.scenario(scenario).stock.as_ref()
    }

    pub(crate) fn scenarios(&self) -> impl Iterator<Item = ScenarioIndex> + use<> {
        (0..self.scenarios.len()).map(ScenarioIndex::new)
    }
}

/// No slots.
pub(crate) fn nothing() -> Slots {
    Slots::from_owners(0, 0, vec![1])
}
