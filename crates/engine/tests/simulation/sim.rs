//! A virtual clock, mock virtual users with scripted durations, and shards that talk through it: an hour
//! of schedule runs in milliseconds, and every rule of the conversation is checked on the way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use throng_engine::{
    Action, Config, Counting, Counts, Engine, Event, Indices, Iteration, Outcome, Progress, ScenarioIndex,
    Shard, ShardIndex, Time, VuId, Warning,
};
use throng_plan::{Executor, Scenario, Slots, Stage};

/// Milliseconds as a duration.
pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The moment this many milliseconds after the start.
pub(crate) const fn at(ms: u64) -> Time {
    Time::from_nanos(ms * 1_000_000)
}

pub(crate) const fn stage(duration_ms: u64, target: u64) -> Stage {
    Stage { duration: ms(duration_ms), target }
}

/// A scenario without start time and with 30 s of graceful stop.
pub(crate) fn scenario(name: &str, executor: Executor) -> Scenario {
    Scenario {
        name: name.to_owned(),
        start_time: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        exec: "default".to_owned(),
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
        executor,
    }
}

/// What is done from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    Stop,
    Abort,
    Pause,
    Resume,
    SetVus {
        vus: u64,
        max_vus: u64,
    },
    /// The deal of this number becomes known.
    Deal(usize),
    /// These iterations are dealt out, to scenario 0.
    Grant {
        from: u64,
        to: u64,
    },
    /// So many that nobody has started are taken back.
    TakeBack(u64),
    /// All of scenario 0 are over.
    Close,
    /// Nobody else runs anything of what came with this map.
    Still(u64),
    /// The worker was given up so often.
    Void(u32),
}

/// One started iteration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) at: Time,
    pub(crate) vu: VuId,
    pub(crate) iteration: Iteration,
}

impl Start {
    pub(crate) fn ms(&self) -> u64 {
        self.at.as_nanos() / 1_000_000
    }
}

/// Everything that happened.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) starts: Vec<Start>,
    pub(crate) interrupts: Vec<(Time, VuId)>,
    pub(crate) dropped: Vec<(Time, ScenarioIndex, u64, Option<VuId>)>,
    pub(crate) inits: Vec<(Time, VuId)>,
    pub(crate) forwards: usize,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) ended: Vec<(Time, ScenarioIndex)>,
    pub(crate) complete: u64,
    pub(crate) interrupted: u64,
    pub(crate) finished: Time,
    /// The most virtual users that were busy at once.
    pub(crate) peak: usize,
    pub(crate) progress: Option<Progress>,
    /// From when on each deal held.
    pub(crate) dealt: Vec<Time>,
    /// What was told of dealt iterations, in the end or before they were void.
    pub(crate) counts: Vec<Counts>,
    pub(crate) taken_back: Indices,
    /// From when on nothing ran any more of what the last deal took away.
    pub(crate) still: Option<Time>,
}

impl Log {
    pub(crate) fn start_ms(&self) -> Vec<u64> {
        self.starts.iter().map(Start::ms).collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.iter().map(|dropped| dropped.2).sum()
    }

    pub(crate) fn finished_ms(&self) -> u64 {
        self.finished.as_nanos() / 1_000_000
    }

    pub(crate) fn of(&self, scenario: usize) -> Vec<Start> {
        let index = ScenarioIndex::new(scenario);
        self.starts.iter().filter(|start| start.iteration.scenario == index).copied().collect()
    }

    pub(crate) fn progress(&self) -> &Progress {
        self.progress.as_ref().expect("the run is over")
    }
}

type Length = Box<dyn FnMut(VuId, &Iteration) -> Duration>;

/// A run to be simulated.
pub(crate) struct Sim {
    scenarios: Vec<Scenario>,
    slots: Slots,
    shards: usize,
    min_iteration: Duration,
    length: Length,
    init: Duration,
    failing_inits: usize,
    latency: Duration,
    commands: Vec<(Time, Command)>,
    deals: Vec<(Time, Slots)>,
    stall: Option<(usize, Time, Time)>,
    counting: Counting,
    coming: Slots,
}

impl Sim {
    /// Iterations take 100 ms, interruptions and messages no time, an initialisation 5 ms.
    pub(crate) fn of(scenarios: impl Into<Vec<Scenario>>) -> Self {
        Self {
            scenarios: scenarios.into(),
            slots: Slots::whole(),
            shards: 1,
            min_iteration: Duration::ZERO,
            length: Box::new(|_, _| ms(100)),
            init: ms(5),
            failing_inits: 0,
            latency: Duration::ZERO,
            commands: Vec::new(),
            deals: Vec::new(),
            stall: None,
            counting: Counting::Here,
            coming: Slots::from_owners(0, 0, vec![1]),
        }
    }

    /// These slots come from a worker that may still run something there.
    pub(crate) fn coming(mut self, slots: &Slots) -> Self {
        self.coming = slots.clone();
        self
    }

    /// Iterations that are counted come by [`Command::Grant`].
    pub(crate) fn dealt(mut self) -> Self {
        self.counting = Counting::Dealt;
        self
    }

    pub(crate) fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    pub(crate) fn slots(mut self, slots: &Slots) -> Self {
        self.slots = slots.clone();
        self
    }

    /// Every iteration takes this long.
    pub(crate) fn lasting(self, length: Duration) -> Self {
        self.each_lasting(move |_, _| length)
    }

    pub(crate) fn each_lasting(mut self, length: impl FnMut(VuId, &Iteration) -> Duration + 'static) -> Self {
        self.length = Box::new(length);
        self
    }

    pub(crate) fn min_iteration(mut self, min: Duration) -> Self {
        self.min_iteration = min;
        self
    }

    /// Messages between shards and interruptions take this long.
    pub(crate) fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The first initialisations fail.
    pub(crate) fn failing_inits(mut self, count: usize) -> Self {
        self.failing_inits = count;
        self
    }

    pub(crate) fn command(mut self, at: Time, command: Command) -> Self {
        self.commands.push((at, command));
        self
    }

    /// Another map of slots becomes known; it is to hold from `agreed` on.
    pub(crate) fn deal(mut self, known: Time, agreed: Time, slots: &Slots) -> Self {
        self.commands.push((known, Command::Deal(self.deals.len())));
        self.deals.push((agreed, slots.clone()));
        self
    }

    /// The thread of a shard does nothing between two moments.
    pub(crate) fn stall(mut self, shard: usize, from: Time, to: Time) -> Self {
        self.stall = Some((shard, from, to));
        self
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        Engine::new(&Config {
            scenarios: &self.scenarios,
            slots: &self.slots,
            shards: self.shards,
            min_iteration_duration: self.min_iteration,
            counting: self.counting,
        })
    }

    pub(crate) fn run(self) -> Log {
        Running::new(self).run()
    }
}

#[derive(Debug, Clone, Copy)]
enum Input {
    Event(Event),
    Command(Command),
}

struct Running {
    sim: Sim,
    engine: Arc<Engine>,
    shards: Vec<Shard>,
    inbox: BinaryHeap<Reverse<(Time, u64, usize)>>,
    inputs: HashMap<u64, Input>,
    sequence: u64,
    /// The message that will end the iteration of a busy virtual user.
    busy: HashMap<VuId, u64>,
    ready: HashMap<VuId, bool>,
    log: Log,
}

impl Running {
    fn new(sim: Sim) -> Self {
        let engine = sim.engine();
        let shards: Vec<Shard> = (0..sim.shards).map(|s| engine.shard(ShardIndex::new(s))).collect();
        let ready: HashMap<VuId, bool> =
            shards.iter().flat_map(Shard::planned_vus).map(|vu| (vu, true)).collect();
        assert_eq!(ready.len(), engine.placement().planned_vus() as usize, "every planned user has one home");
        Self {
            sim,
            engine,
            shards,
            inbox: BinaryHeap::new(),
            inputs: HashMap::new(),
            sequence: 0,
            busy: HashMap::new(),
            ready,
            log: Log::default(),
        }
    }

    fn run(mut self) -> Log {
        for (at, command) in std::mem::take(&mut self.sim.commands) {
            for shard in 0..self.shards.len() {
                self.send(at, shard, Input::Command(command));
            }
        }
        let mut actions = Vec::new();
        for shard in 0..self.shards.len() {
            let now = self.awake(shard, Time::ZERO);
            self.shards[shard].start(now, &mut actions);
            self.carry_out(shard, now, &mut actions);
        }
        let mut steps = 0_u64;
        let mut now = Time::ZERO;
        while !self.shards.iter().all(Shard::is_done) {
            if self.log.still.is_none()
                && let Some((_, slots)) = self.sim.deals.last()
                && self.engine.is_still(slots.version())
            {
                self.log.still = Some(now);
            }
            steps += 1;
            assert!(steps < 5_000_000, "the engine does not come to an end");
            let wake = (0..self.shards.len())
                .filter_map(|shard| Some((self.awake(shard, self.shards[shard].next_wake()?), shard)))
                .min();
            let message = self.next_message();
            now = match (wake, message) {
                (None, None) => panic!("not done, and nothing will happen: {:?}", self.log.progress),
                (Some((at, shard)), message) if message.is_none_or(|(message, _)| at <= message) => {
                    assert!(at >= now, "time goes forwards");
                    self.shards[shard].on_time(at, &mut actions);
                    let next = self.shards[shard].next_wake();
                    assert!(next.is_none_or(|next| next > at), "what is due has been done");
                    self.carry_out(shard, at, &mut actions);
                    at
                }
                (_, message) => {
                    let (at, shard) = message.expect("one of both");
                    let Some(Reverse((_, id, _))) = self.inbox.pop() else { unreachable!() };
                    if let Some(input) = self.inputs.remove(&id) {
                        self.deliver(shard, at, input, &mut actions);
                        self.carry_out(shard, at, &mut actions);
                    }
                    at
                }
            };
        }
        assert!(self.busy.is_empty(), "done while iterations run");
        self.log.finished = now;
        self.log.counts.extend(self.shards.iter_mut().map(Shard::take_counts));
        let progress = self.engine.progress(now);
        assert_eq!(progress.complete, self.log.complete);
        assert_eq!(progress.interrupted, self.log.interrupted);
        assert_eq!(progress.dropped, self.log.dropped());
        assert_eq!(progress.active_vus, 0);
        assert_eq!(self.log.starts.len() as u64, self.log.complete + self.log.interrupted);
        self.log.progress = Some(progress);
        self.log
    }

    /// The first message, once those of a stalled thread have been put off.
    fn next_message(&mut self) -> Option<(Time, usize)> {
        loop {
            let Reverse((at, id, shard)) = *self.inbox.peek()?;
            let awake = self.awake(shard, at);
            if awake == at {
                return Some((at, shard));
            }
            self.inbox.pop();
            self.inbox.push(Reverse((awake, id, shard)));
        }
    }

    /// When a shard that should act at `at` really does.
    fn awake(&self, shard: usize, at: Time) -> Time {
        match self.sim.stall {
            Some((stalled, from, to)) if stalled == shard && from <= at && at < to => to,
            _ => at,
        }
    }

    fn send(&mut self, at: Time, shard: usize, input: Input) -> u64 {
        self.sequence += 1;
        self.inbox.push(Reverse((at, self.sequence, shard)));
        self.inputs.insert(self.sequence, input);
        self.sequence
    }

    fn deliver(&mut self, shard: usize, now: Time, input: Input, actions: &mut Vec<Action>) {
        let target = &mut self.shards[shard];
        match input {
            Input::Event(event) => {
                match event {
                    Event::IterationEnded { vu, outcome } => {
                        self.busy.remove(&vu).expect("a running iteration ends");
                        match outcome {
                            Outcome::Complete => self.log.complete += 1,
                            Outcome::Interrupted => self.log.interrupted += 1,
                            Outcome::Withheld => {}
                        }
                    }
                    Event::VuReady { vu } => {
                        self.ready.insert(vu, true);
                    }
                    Event::VuFailed { vu } => {
                        self.ready.remove(&vu);
                    }
                    _ => {}
                }
                target.on_event(now, event, actions);
            }
            Input::Command(Command::Stop) => target.stop(now, actions),
            Input::Command(Command::Abort) => target.abort(now, actions),
            Input::Command(Command::Deal(number)) => {
                if shard == 0 {
                    let (agreed, slots) = &self.sim.deals[number];
                    let at = self.engine.deal(slots, &self.sim.coming, *agreed, || now);
                    self.log.dealt.push(at);
                }
                self.shards[shard].on_time(now, actions);
            }
            Input::Command(Command::Grant { from, to }) => {
                if shard == 0 {
                    self.engine.grant(ScenarioIndex::new(0), &Indices::of(from..to));
                }
                self.shards[shard].on_time(now, actions);
            }
            Input::Command(Command::TakeBack(count)) => {
                if shard == 0 {
                    self.log.taken_back.extend(&self.engine.take_back(ScenarioIndex::new(0), count));
                }
            }
            Input::Command(Command::Close) => {
                self.engine.close(ScenarioIndex::new(0));
                self.shards[shard].on_time(now, actions);
            }
            Input::Command(Command::Still(version)) => {
                self.engine.still(version);
                self.shards[shard].on_time(now, actions);
            }
            Input::Command(Command::Void(epoch)) => {
                if shard == 0 {
                    self.engine.void(epoch);
                }
                assert!(target.is_outdated());
                self.log.counts.push(target.take_counts());
                target.void(now, actions);
            }
            Input::Command(Command::Pause) => target.on_event(now, Event::Pause, actions),
            Input::Command(Command::Resume) => target.on_event(now, Event::Resume, actions),
            Input::Command(Command::SetVus { vus, max_vus }) => {
                target.on_event(now, Event::SetVus { vus, max_vus }, actions);
            }
        }
    }

    fn carry_out(&mut self, shard: usize, now: Time, actions: &mut Vec<Action>) {
        for action in actions.drain(..) {
            match action {
                Action::Start { vu, iteration } => {
                    assert_eq!(self.engine.placement().shard_of(vu).index(), shard, "a user never moves");
                    assert_eq!(self.ready.get(&vu), Some(&true), "{vu} is not initialised");
                    let length = (self.sim.length)(vu, &iteration);
                    let event = Event::IterationEnded { vu, outcome: Outcome::Complete };
                    let id = self.send(now + length, shard, Input::Event(event));
                    assert_eq!(self.busy.insert(vu, id), None, "{vu} is busy");
                    self.log.peak = self.log.peak.max(self.busy.len());
                    self.log.starts.push(Start { at: now, vu, iteration });
                }
                Action::Interrupt { vu } => {
                    let id = self.busy.get(&vu).expect("only what runs is interrupted");
                    self.inputs.remove(id);
                    let event = Event::IterationEnded { vu, outcome: Outcome::Interrupted };
                    let id = self.send(now + self.sim.latency, shard, Input::Event(event));
                    self.busy.insert(vu, id);
                    self.log.interrupts.push((now, vu));
                }
                // Here iterations begin when they are started.
                Action::Withhold { .. } => {}
                Action::InitVu { vu } => {
                    assert_eq!(self.engine.placement().shard_of(vu).index(), shard, "initialised at home");
                    assert_eq!(self.ready.insert(vu, false), None, "{vu} exists");
                    self.log.inits.push((now, vu));
                    let fails = self.log.inits.len() <= self.sim.failing_inits;
                    let event = if fails { Event::VuFailed { vu } } else { Event::VuReady { vu } };
                    self.send(now + self.sim.init, shard, Input::Event(event));
                }
                Action::Forward { shard: target, start } => {
                    assert_ne!(target.index(), shard, "forwarded to itself");
                    self.log.forwards += 1;
                    self.send(now + self.sim.latency, target.index(), Input::Event(Event::Forwarded(start)));
                }
                Action::Dropped { scenario, count, vu } => {
                    assert!(count > 0);
                    self.log.dropped.push((now, scenario, count, vu));
                }
                Action::Warn(warning) => self.log.warnings.push(warning),
                Action::ScenarioEnded { scenario } => self.log.ended.push((now, scenario)),
            }
        }
    }
}
