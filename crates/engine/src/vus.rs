//! The virtual users of one shard: who is busy, with which scenario, and who waits for whom.

use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::time::Time;

/// What a virtual user is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It does not exist yet.
    Absent,
    /// The driver is initialising it; `growth` if an arrival rate waits for that to grow again. Planned ones are counted
    /// as such, the others as extra ones once they are ready.
    Initialising { growth: Option<ScenarioIndex>, is_planned: bool },
    /// It could start an iteration.
    Idle,
    /// It runs an iteration.
    Running,
    /// It runs one that the driver has been asked to cut short.
    Interrupting,
    /// Its iteration was shorter than `minIterationDuration`, and it waits out the rest.
    Resting,
}

/// Who holds a virtual user: a scenario, for one of its stints. Arrival rates have no stints (0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) scenario: ScenarioIndex,
    pub(crate) stint: u32,
}

/// One virtual user.
#[derive(Debug)]
pub(crate) struct Vu {
    pub(crate) phase: Phase,
    pub(crate) holder: Option<Holder>,
    /// Who takes it once its holder lets go. More than one only if this thread was stalled.
    waiters: Vec<Holder>,
    /// It was counted as one beyond the planned ones when it was ready.
    pub(crate) is_extra: bool,
    /// Its holder, an arrival rate, gives it up after the iteration that runs.
    pub(crate) leaves: bool,
    /// When its iteration began.
    pub(crate) began: Time,
    /// The index of what it runs, where a controller deals out indices and still has it down as this worker's.
    pub(crate) index: Option<u64>,
    iterations: u64,
    scenario: Option<ScenarioIndex>,
    in_scenario: u64,
    /// Iterations in scenarios it served before.
    earlier: Vec<(ScenarioIndex, u64)>,
}

impl Vu {
    fn new(phase: Phase) -> Self {
        Self {
            phase,
            holder: None,
            waiters: Vec::new(),
            is_extra: false,
            leaves: false,
            began: Time::ZERO,
            index: None,
            iterations: 0,
            scenario: None,
            in_scenario: 0,
            earlier: Vec::new(),
        }
    }

    /// Whether anyone may have it now.
    pub(crate) fn is_free(&self) -> bool {
        self.holder.is_none() && self.phase == Phase::Idle
    }

    /// How many iterations it has started; also names its current rest.
    pub(crate) fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Counts one more iteration in `scenario`: its number among all of the virtual user, and in `scenario`.
    pub(crate) fn count(&mut self, scenario: ScenarioIndex) -> (u64, u64) {
        if self.scenario != Some(scenario) {
            self.switch(scenario);
        }
        let numbers = (self.iterations, self.in_scenario);
        self.iterations += 1;
        self.in_scenario += 1;
        numbers
    }

    #[cold]
    fn switch(&mut self, scenario: ScenarioIndex) {
        if let Some(left) = self.scenario.replace(scenario) {
            self.earlier.push((left, self.in_scenario));
        }
        let known = self.earlier.iter().position(|(earlier, _)| *earlier == scenario);
        self.in_scenario = known.map_or(0, |position| self.earlier.swap_remove(position).1);
    }

    /// Whether `holder` waits for it.
    pub(crate) fn is_awaited_by(&self, holder: Holder) -> bool {
        self.waiters.contains(&holder)
    }

    /// Puts `holder` at the end of those who wait.
    pub(crate) fn wait(&mut self, holder: Holder) {
        self.waiters.push(holder);
    }

    /// Who is next, if it is free.
    pub(crate) fn next_waiter(&mut self) -> Option<Holder> {
        (self.is_free() && !self.waiters.is_empty()).then(|| self.waiters.remove(0))
    }

    /// Nobody of those whom `gone` names waits any longer; each is told to `told`.
    pub(crate) fn stop_waiting(&mut self, gone: impl Fn(&Holder) -> bool, mut told: impl FnMut(Holder)) {
        self.waiters.retain(|waiter| {
            let stays = !gone(waiter);
            if !stays {
                told(*waiter);
            }
            stays
        });
    }
}

/// All virtual users of a shard, by local number.
#[derive(Debug)]
pub(crate) struct Vus {
    list: Vec<Vu>,
    shard: u32,
    shards: u32,
}

impl Vus {
    /// The shard's share of a pool of `max` virtual users, of which the first `planned` exist.
    pub(crate) fn new(planned: u32, max: u32, shard: ShardIndex, shards: usize) -> Self {
        let phase = |number: u32| if number <= planned { Phase::Idle } else { Phase::Absent };
        let mine = (1..=max).skip(shard.index()).step_by(shards);
        Self {
            list: mine.map(|number| Vu::new(phase(number))).collect(),
            shard: shard.index() as u32,
            shards: shards as u32,
        }
    }

    /// The local number of a virtual user of this shard. One that was not foreseen is added as absent.
    pub(crate) fn local_or_absent(&mut self, vu: VuId) -> usize {
        let local = ((vu.get() - 1) / self.shards) as usize;
        while self.list.len() <= local {
            self.list.push(Vu::new(Phase::Absent));
        }
        local
    }

    /// The local number of a virtual user, if it lives on this shard; it may not have been foreseen.
    pub(crate) fn local_of(&mut self, vu: VuId) -> Option<usize> {
        (vu.get().checked_sub(1)? % self.shards == self.shard).then(|| self.local_or_absent(vu))
    }

    /// The local number of a virtual user, if it is one of this shard's.
    pub(crate) fn local(&self, vu: VuId) -> Option<usize> {
        let position = vu.get().checked_sub(1)?;
        let local = position / self.shards;
        (position % self.shards == self.shard && (local as usize) < self.list.len()).then_some(local as usize)
    }

    /// The id of the virtual user with a local number.
    pub(crate) fn id(&self, local: usize) -> VuId {
        VuId::new(local as u32 * self.shards + self.shard + 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}

impl std::ops::Index<usize> for Vus {
    type Output = Vu;

    fn index(&self, local: usize) -> &Vu {
        &self.list[local]
    }
}

impl std::ops::IndexMut<usize> for Vus {
    fn index_mut(&mut self, local: usize) -> &mut Vu {
        &mut self.list[local]
    }
}
