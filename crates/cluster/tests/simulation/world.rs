//! A world: one controller, its host program, some workers with theirs, and the network between them.

mod checks;
mod controller;
mod counting;
mod network;
mod workers;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use throng_cluster::controller as cluster;
use throng_cluster::{
    Bundle, BundleFile, CountedWork, Moment, OnWorkerLoss, Order, Report, RunId, Token, worker,
};
use throng_engine::ScenarioIndex;
use throng_plan::Slots;

use super::random::Random;

/// How long iterations run.
const TEST: Duration = Duration::from_secs(20);
/// After this long every world has come to an end.
const TOO_LONG: Duration = Duration::from_mins(3);
/// What clocks drift apart between a heartbeat and the start.
const DRIFT: Duration = Duration::from_millis(10);
const ITERATION: Duration = Duration::from_millis(100);
const DELTA_EVERY: u32 = 10;
/// The longest time for which workers go on without a controller, where one may be started again.
const GRACE: std::ops::Range<u64> = 2_000..9_000;

/// What is due.
enum Due {
    ControllerWakes,
    /// The controller's process is started again.
    ControllerStarts,
    WorkerWakes(usize),
    /// A message for the controller or its host.
    ToController(cluster::Event),
    /// A message on the connection of this number, or its making or breaking.
    ToWorker {
        process: usize,
        connection: u64,
        event: worker::Event,
    },
    /// The connection attempt of this number comes to a decision.
    Connect {
        process: usize,
        connection: u64,
    },
    /// The host program of a worker does its next step.
    Iterate(usize),
    Initialised(usize),
    /// A worker runs nothing any more of what a map took from it.
    Rests {
        process: usize,
        version: u64,
    },
    Mishap(Mishap),
    /// Is everything owned by someone?
    LookAround,
}

#[derive(Debug, Clone, Copy)]
enum Mishap {
    /// The process ends without a word.
    Kill(usize),
    /// A process takes its place, as a container's restart would.
    Restart(usize),
    /// The process does nothing for a while.
    Freeze(usize, Duration),
    /// Its messages do not arrive for a while.
    CutOff(usize, Duration),
    /// Its connection breaks.
    Break(usize),
    /// Its operator wants it gone.
    Terminate(usize),
    /// The host program ends the run early.
    Abort,
    /// Another worker comes.
    Join,
    /// The controller's process ends without a word, and is started again after a while.
    KillController(Duration),
    /// The controller's process does nothing for a while.
    FreezeController(Duration),
}

#[expect(clippy::struct_excessive_bools, reason = "states of a process that are independent of each other")]
struct Process {
    machine: worker::Machine,
    /// Its clock is so far ahead of the world's, and so many millionths faster.
    ahead: Duration,
    drift: i64,
    alive: bool,
    over: bool,
    frozen_until: Duration,
    cut_off_until: Duration,
    connection: u64,
    /// When the last message of each direction arrives: a connection does not reorder.
    up: Duration,
    down: Duration,
    lease: Moment,
    /// It was told that its controller has died, once.
    alone_until: Option<Moment>,
    initialised: bool,
    starts_at: Option<Moment>,
    /// The maps it was dealt, each with the moment from which it holds.
    maps: Vec<(Moment, Slots)>,
    /// By how much its clock may have been read wrongly when the moment of each was told.
    errors: Vec<Duration>,
    iterations: u64,
    since_delta: u64,
    finished: bool,
    leaving: bool,
    /// Sums of what was reported, after each report.
    sums: BTreeSet<u64>,
    reported: u64,
    stock: counting::Stock,
    /// The map by which it last came to rest.
    rests: u64,
    was_lost: bool,
    instructions: Vec<&'static str>,
    wakes_at: Option<Moment>,
}

pub struct World {
    random: Random,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    due: BTreeMap<u64, Due>,
    numbers: u64,
    /// Nothing while its process is dead.
    controller: Option<cluster::Machine>,
    settings: cluster::Settings,
    test: Arc<Bundle>,
    /// Where the run is kept, its journal and the file of that.
    journal: Option<cluster::Journal>,
    file: Vec<u8>,
    /// The process ends at its next step, and is started again after so long.
    dying: Option<Duration>,
    controller_ahead: Duration,
    controller_wakes_at: Option<Moment>,
    controller_frozen_until: Duration,
    redistribute: bool,
    /// The iterations are counted.
    counted: Option<CountedWork>,
    sum: counting::Sum,
    was_aborted: bool,
    /// When the last mishap was over.
    quiet_since: Duration,
    processes: Vec<Process>,
    /// Which process made a connection; closed ones are gone.
    connections: BTreeMap<u64, usize>,
    /// What was told of each process.
    told: BTreeMap<usize, u64>,
    /// The process of each worker.
    workers: BTreeMap<u32, usize>,
    happened: BTreeSet<&'static str>,
    gone: BTreeSet<u32>,
    started_at: Option<Duration>,
    ended: bool,
    latency: u64,
    /// How often all was looked at and owned.
    pub covered: u64,
    /// How many iterations did not count, as others had run them again.
    pub discarded: u64,
    /// How many iterations ran without a controller after the ordinary lease.
    pub alone: u64,
    /// How many messages came after their connection was given up.
    pub held_up: u64,
    story: String,
}

impl Process {
    /// What it owns at a moment of its own clock.
    fn slots(&self, now: Moment) -> &Slots {
        let held = self.maps.iter().rev().find(|(from, _)| *from <= now);
        &held.expect("a map that always held").1
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let expected = random.range(1..6) as u32;
        let on_worker_loss = if random.percent(25) { OnWorkerLoss::Fail } else { OnWorkerLoss::Continue };
        let redistribute = random.percent(60);
        let counted = (redistribute && random.percent(60)).then(|| {
            let vus = u64::from(expected) * random.range(1..4) + random.range(0..3);
            let (is_each, rounds) = (random.percent(40), random.range(1..120));
            let iterations = if is_each { rounds } else { vus * rounds };
            CountedWork { scenario: ScenarioIndex::new(0), vus, iterations, is_each }
        });
        let controller_ahead = random.millis(0..1_000_000);
        let is_kept = random.percent(60);
        let grace = if is_kept { random.millis(GRACE) } else { Duration::ZERO };
        let settings = cluster::Settings {
            run: RunId::new(random.next()),
            token: Some(Token::new("a token of the world").unwrap()),
            expected,
            gather_timeout: Duration::from_secs(20),
            on_worker_loss,
            redistribute,
            unix_at_origin: Duration::from_secs(1_000_000).saturating_sub(controller_ahead),
            grace,
        };
        let files = vec![BundleFile::new("s", "export default 1")];
        let test = Arc::new(Bundle::new("s", files, Vec::new(), "{}", Vec::new()).unwrap());
        let machine = cluster::Machine::new(controller_ahead.into(), settings.clone());
        let mut journal = is_kept.then(|| cluster::Journal::new(&settings, &test));
        let file = journal.as_mut().map(|journal| journal.snapshot(controller_ahead.into(), &machine));
        let mut world = Self {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            due: BTreeMap::new(),
            numbers: 0,
            controller: Some(machine),
            settings,
            test,
            journal,
            file: file.unwrap_or_default(),
            dying: None,
            controller_ahead,
            controller_wakes_at: None,
            controller_frozen_until: Duration::ZERO,
            redistribute,
            counted,
            sum: counting::Sum::default(),
            was_aborted: false,
            quiet_since: Duration::ZERO,
            processes: Vec::new(),
            connections: BTreeMap::new(),
            told: BTreeMap::new(),
            workers: BTreeMap::new(),
            happened: BTreeSet::new(),
            gone: BTreeSet::new(),
            started_at: None,
            ended: false,
            latency: random.range(1..40),
            covered: 0,
            discarded: 0,
            alone: 0,
            held_up: 0,
            story: String::new(),
            random,
        };
        for _ in 0..expected {
            world.spawn();
        }
        for _ in 0..world.random.range(0..6) {
            let process = world.random.range(0..u64::from(expected)) as usize;
            let mishap = match world.random.range(0..if is_kept { 23 } else { 18 }) {
                0 | 1 => Mishap::Kill(process),
                2 => Mishap::Restart(process),
                3..=5 => Mishap::Freeze(process, world.random.millis(100..11_000)),
                6..=8 => Mishap::CutOff(process, world.random.millis(100..11_000)),
                9..=11 => Mishap::Break(process),
                12 => Mishap::Join,
                13 | 14 => Mishap::Terminate(process),
                15 => Mishap::Abort,
                16 | 17 => Mishap::FreezeController(world.random.millis(100..11_000)),
                _ => Mishap::KillController(world.random.millis(50..12_000)),
            };
            let at = world.random.millis(0..18_000);
            world.after(at, Due::Mishap(mishap));
        }
        world.after(Duration::ZERO, Due::ControllerWakes);
        world
    }

    /// What happened, for whoever looks for the fault.
    pub fn story(&self) -> &str {
        &self.story
    }

    fn tell(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.story, "{:10.4} {}", self.now.as_secs_f64(), text.as_ref());
    }

    pub fn run(&mut self) {
        while let Some(Reverse((at, number))) = self.queue.pop() {
            assert!(at < TOO_LONG, "the run does not end");
            self.now = at;
            if let Some(due) = self.due.remove(&number) {
                self.happen(due);
            }
        }
        assert!(self.ended, "the controller has ended");
        self.assert_each_counted_once();
        for (worker, process) in self.workers.iter().filter(|_| self.counted.is_none()) {
            let (told, process) = (self.told.get(process).copied().unwrap_or(0), &self.processes[*process]);
            assert!(
                process.sums.contains(&told),
                "worker {worker}: {told} is what was reported at some time"
            );
        }
        for process in self.processes.iter().filter(|process| process.alive) {
            assert!(process.over, "a worker that lives knows that the run is over");
        }
    }

    // --- time ------------------------------------------------------------------------------------

    fn at(&mut self, at: Duration, due: Due) {
        self.numbers += 1;
        self.due.insert(self.numbers, due);
        self.queue.push(Reverse((at.max(self.now), self.numbers)));
    }

    fn after(&mut self, delay: Duration, due: Due) {
        self.at(self.now + delay, due);
    }

    fn controller_now(&self) -> Moment {
        (self.now + self.controller_ahead).into()
    }

    fn process_now(&self, process: usize) -> Moment {
        let Process { ahead, drift, .. } = &self.processes[process];
        let nanos = self.now.as_nanos() as i64;
        Moment::from(*ahead + Duration::from_nanos((nanos + nanos / 1_000_000 * drift) as u64))
    }

    /// When a process's clock shows a moment; a bit late rather than early.
    fn world_time(&self, process: usize, moment: Moment) -> Duration {
        let Process { ahead, drift, .. } = &self.processes[process];
        let nanos = moment.since_origin().saturating_sub(*ahead).as_nanos() as i64;
        Duration::from_nanos((nanos - nanos / 1_000_000 * drift + 1_000) as u64)
    }

    // --- what happens ----------------------------------------------------------------------------

    fn happen(&mut self, due: Due) {
        match due {
            // What comes meanwhile waits in the order in which it came, but the clock is looked at first.
            Due::ControllerWakes if self.controller_frozen_until > self.now => {
                self.at(self.controller_frozen_until, Due::ControllerWakes);
            }
            Due::ToController(event) if self.controller_frozen_until > self.now => {
                self.at(self.controller_frozen_until + Duration::from_nanos(1), Due::ToController(event));
            }
            Due::ControllerWakes => {
                self.controller_wakes_at = None;
                self.controller_takes(cluster::Event::Tick);
            }
            Due::ControllerStarts => self.controller_starts(),
            Due::ToController(event) => self.controller_takes(event),
            Due::WorkerWakes(process) => {
                self.processes[process].wakes_at = None;
                if self.thaws(process, Due::WorkerWakes(process)) {
                    self.worker_takes(process, worker::Event::Tick);
                }
            }
            Due::ToWorker { process, connection, event } => {
                if self.processes[process].connection != connection {
                    return;
                }
                let until = self.processes[process].frozen_until;
                if self.processes[process].alive && until > self.now {
                    self.at(until, Due::ToWorker { process, connection, event });
                } else {
                    self.worker_takes(process, event);
                }
            }
            Due::Connect { process, connection } => self.connect(process, connection),
            Due::Initialised(process) => {
                if self.thaws(process, Due::Initialised(process)) && !self.processes[process].finished {
                    self.processes[process].initialised = true;
                    self.report(process, Report::Initialised);
                }
            }
            Due::Rests { process, version } => {
                if self.thaws(process, Due::Rests { process, version }) {
                    self.processes[process].rests = self.processes[process].rests.max(version);
                    self.worker_takes(process, worker::Event::Still(version));
                }
            }
            Due::Iterate(process) => {
                if self.thaws(process, Due::Iterate(process)) {
                    self.iterate(process);
                }
            }
            Due::Mishap(mishap) => self.befall(mishap),
            Due::LookAround => self.assert_all_is_owned(),
        }
    }

    /// Whether a process can act; if it is frozen the event waits.
    fn thaws(&mut self, process: usize, due: Due) -> bool {
        let until = self.processes[process].frozen_until;
        if self.processes[process].alive && until > self.now {
            self.at(until, due);
            return false;
        }
        self.processes[process].alive
    }

    fn befall(&mut self, mishap: Mishap) {
        self.tell(format!("{mishap:?}"));
        let lasts = match mishap {
            Mishap::Freeze(_, duration)
            | Mishap::CutOff(_, duration)
            | Mishap::FreezeController(duration) => duration,
            // Who has died meanwhile is given up when the grace is over.
            Mishap::KillController(duration) => duration + self.settings.grace + Duration::from_secs(3),
            _ => Duration::ZERO,
        };
        self.quiet_since = self.quiet_since.max(self.now + lasts);
        match mishap {
            Mishap::Kill(process) => {
                self.processes[process].alive = false;
                self.break_connection(process);
            }
            Mishap::Restart(process) => {
                self.befall(Mishap::Kill(process));
                self.spawn();
            }
            Mishap::Freeze(process, duration) => {
                self.processes[process].frozen_until = self.now + duration;
            }
            Mishap::CutOff(process, duration) => {
                self.processes[process].cut_off_until = self.now + duration;
            }
            Mishap::Break(process) => self.break_connection(process),
            Mishap::Terminate(process) => {
                let p = &mut self.processes[process];
                if p.alive && !p.finished && !p.leaving {
                    p.leaving = true;
                    self.report(process, Report::Leaving);
                    if self.counted.is_some() {
                        self.end_counted(process, false);
                    }
                    self.finish(process);
                }
            }
            Mishap::Join => self.spawn(),
            Mishap::FreezeController(duration) => {
                if self.controller.is_some() {
                    self.controller_frozen_until = self.controller_frozen_until.max(self.now + duration);
                }
            }
            Mishap::KillController(duration) => {
                if self.controller.is_some() && !self.ended {
                    self.dying = Some(duration);
                    // One that is killed is not frozen any more.
                    self.controller_frozen_until = self.now;
                    self.after(Duration::from_millis(100), Due::ToController(cluster::Event::Tick));
                }
            }
            Mishap::Abort => {
                self.was_aborted = true;
                let order = Order::Abort { reason: "the operator wants it".to_owned() };
                self.controller_takes(cluster::Event::Ordered(order));
            }
        }
    }
}
