//! Iterations that a controller deals out to this worker: taken in, given back, and asked for before they run out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use throng_cluster::{Report, Want, WorkerClient};
use throng_engine::{Counts, Detail, Engine, Indices, ScenarioIndex, State, Time};
use throng_metrics::Delta;

use super::crew::Local;
use super::prepare::Prepared;

/// How long before the last one is started more are asked for: some times what an answer takes.
const AHEAD: f64 = 0.3;
/// How often the rate of starts is measured, at most.
const MEASURE: Duration = Duration::from_millis(20);
/// How often the controller is asked for the same thing, and how often once nothing is left and it had nothing.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What changes in the iterations that are this worker's; see [`throng_cluster::Instruction::Count`].
pub(super) struct Change {
    pub(super) epoch: u32,
    pub(super) void: bool,
    pub(super) grants: Vec<(ScenarioIndex, Indices)>,
    pub(super) recalls: Vec<(ScenarioIndex, u64)>,
    pub(super) closed: Vec<ScenarioIndex>,
}

/// Makes a change; what is recalled and not started goes back.
pub(super) fn make(change: Change, engine: &Engine, crew: &mut Local, client: &WorkerClient) {
    let Change { epoch, void, grants, recalls, closed } = change;
    if void {
        engine.void(epoch);
        crew.void();
    }
    for (scenario, indices) in &grants {
        engine.grant(*scenario, indices);
    }
    for scenario in &closed {
        engine.close(*scenario);
    }
    if !grants.is_empty() || !closed.is_empty() {
        crew.look_up();
    }
    let mut counts = Counts { epoch, ..Counts::default() };
    for (scenario, count) in recalls {
        counts.give_back(scenario, &engine.take_back(scenario, count));
    }
    if !counts.is_empty() {
        client.report(Report::Counted(Delta::default(), counts));
    }
}

/// How fast this worker starts the iterations of each scenario, and what it has asked for.
#[derive(Default)]
pub(super) struct Appetite {
    measured: Option<Instant>,
    by_scenario: BTreeMap<ScenarioIndex, Pace>,
}

#[derive(Default)]
struct Pace {
    taken: u64,
    /// Starts in a second.
    rate: f64,
    asked: Option<Instant>,
}

impl Appetite {
    /// Asks for more where little is left.
    pub(super) fn tell(&mut self, started: Instant, prepared: &Prepared, client: &WorkerClient) {
        let now = Instant::now();
        let since = self.measured.map(|measured| now - measured);
        if since.is_some_and(|since| since < MEASURE) {
            return;
        }
        self.measured = Some(now);
        let engine = &prepared.engine;
        let mut wants = Vec::new();
        for scenario in (0..prepared.plan.scenarios.len()).map(ScenarioIndex::new) {
            let Some(left) = engine.left_to_start(scenario) else { continue };
            let progress = engine.scenario_progress(scenario, Time::from(started.elapsed()));
            let (vus, is_shared) = match progress.detail {
                Detail::Shared { vus, .. } => (vus, true),
                _ => (0, false),
            };
            let pace = self.by_scenario.entry(scenario).or_default();
            let taken = engine.taken(scenario);
            if let Some(since) = since {
                let rate = (taken - pace.taken) as f64 / since.as_secs_f64();
                // The last tenth of a second or so; a burst counts at once.
                pace.rate = rate.max(pace.rate + (rate - pace.rate) * (since.as_secs_f64() / 0.3).min(1.0));
            }
            pace.taken = taken;
            let is_short = left <= ((pace.rate * AHEAD) as u64).max(1);
            let may_ask = pace.asked.is_none_or(|asked| now - asked >= ASK_AGAIN);
            let rest = progress.state == State::Stopping;
            let runs = progress.state == State::Running && is_shared && vus > 0 && is_short;
            if (runs || rest) && may_ask {
                pace.asked = Some(now);
                let idle = if left == 0 { vus.saturating_sub(progress.active_vus) } else { 0 };
                let wanted = (pace.rate.ceil() as u64).max(idle).max(1);
                wants.push(Want { scenario, left, wanted, rest });
            }
        }
        if !wants.is_empty() {
            client.report(Report::Wants(wants));
        }
    }
}
