//! A world: one controller, its host program, some workers with theirs, and the network between them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use throng_cluster::controller::{self, ConnectionId};
use throng_cluster::protocol::{FromController, FromWorker, ToWorker};
use throng_cluster::{
    Bundle, BundleFile, Happening, InstanceId, Instruction, Moment, OnWorkerLoss, Order, Report, RunId,
    Token, worker,
};
use throng_metrics::{Delta, Recorder, RecorderConfig, Registry, Sink, UnixNanos, builtin};
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

/// What is due.
enum Due {
    ControllerWakes,
    WorkerWakes(usize),
    /// A message for the controller or its host.
    ToController(controller::Event),
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
    initialised: bool,
    starts_at: Option<Moment>,
    /// The maps it was dealt, each with the moment from which it holds.
    maps: Vec<(Moment, Slots)>,
    iterations: u64,
    since_delta: u64,
    finished: bool,
    leaving: bool,
    /// Sums of what was reported, after each report.
    sums: BTreeSet<u64>,
    reported: u64,
    instructions: Vec<&'static str>,
    wakes_at: Option<Moment>,
}

pub struct World {
    random: Random,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    due: BTreeMap<u64, Due>,
    numbers: u64,
    controller: controller::Machine,
    controller_ahead: Duration,
    controller_wakes_at: Option<Moment>,
    redistribute: bool,
    /// When the last mishap was over.
    quiet_since: Duration,
    processes: Vec<Process>,
    /// Which process made a connection; closed ones are gone.
    connections: BTreeMap<u64, usize>,
    told: BTreeMap<u32, u64>,
    /// The process of each worker.
    workers: BTreeMap<u32, usize>,
    happened: BTreeSet<&'static str>,
    gone: BTreeSet<u32>,
    started_at: Option<Duration>,
    ended: bool,
    latency: u64,
    /// How often all was looked at and owned.
    pub covered: u64,
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
        let settings = controller::Settings {
            run: RunId::new(random.next()),
            token: Some(Token::new("a token of the world").unwrap()),
            expected,
            gather_timeout: Duration::from_secs(20),
            on_worker_loss,
            redistribute,
        };
        let controller_ahead = random.millis(0..1_000_000);
        let mut world = Self {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            due: BTreeMap::new(),
            numbers: 0,
            controller: controller::Machine::new(controller_ahead.into(), settings),
            controller_ahead,
            controller_wakes_at: None,
            redistribute,
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
            story: String::new(),
            random,
        };
        for _ in 0..expected {
            world.spawn();
        }
        for _ in 0..world.random.range(0..6) {
            let process = world.random.range(0..u64::from(expected)) as usize;
            let mishap = match world.random.range(0..16) {
                0 | 1 => Mishap::Kill(process),
                2 => Mishap::Restart(process),
                3..=5 => Mishap::Freeze(process, world.random.millis(100..11_000)),
                6..=8 => Mishap::CutOff(process, world.random.millis(100..11_000)),
                9..=11 => Mishap::Break(process),
                12 => Mishap::Join,
                13 | 14 => Mishap::Terminate(process),
                _ => Mishap::Abort,
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
        for (worker, process) in &self.workers {
            let (told, process) = (self.told.get(worker).copied().unwrap_or(0), &self.processes[*process]);
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
            Due::ControllerWakes => {
                self.controller_wakes_at = None;
                self.controller_takes(controller::Event::Tick);
            }
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
            Mishap::Freeze(_, duration) | Mishap::CutOff(_, duration) => duration,
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
                    self.finish(process);
                }
            }
            Mishap::Join => self.spawn(),
            Mishap::Abort => {
                let order = Order::Abort { reason: "the operator wants it".to_owned() };
                self.controller_takes(controller::Event::Ordered(order));
            }
        }
    }

    // --- the network -----------------------------------------------------------------------------

    fn delay(&mut self) -> Duration {
        let slow = if self.random.percent(3) { 200 } else { 1 };
        Duration::from_micros(self.random.range(50..self.latency * 1_000 + slow * 1_000))
    }

    fn spawn(&mut self) {
        let process = self.processes.len();
        let ahead = self.random.millis(0..1_000_000);
        let settings = worker::Settings {
            controller: "controller:5557".to_owned(),
            name: format!("worker-{process}"),
            threads: 1,
            instance: InstanceId::new(self.random.next()),
            token: Some(Token::new("a token of the world").unwrap()),
            join_timeout: Duration::from_secs(30),
            takes_deals: true,
        };
        let drift = self.random.range(0..201) as i64 - 100;
        let nanos = self.now.as_nanos() as i64;
        let local = Moment::from(ahead + Duration::from_nanos((nanos + nanos / 1_000_000 * drift) as u64));
        let mut actions = Vec::new();
        let machine = worker::Machine::new(local, settings, &mut actions);
        self.processes.push(Process {
            machine,
            ahead,
            drift,
            alive: true,
            over: false,
            frozen_until: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            connection: 0,
            up: Duration::ZERO,
            down: Duration::ZERO,
            lease: Moment::default(),
            initialised: false,
            starts_at: None,
            maps: Vec::new(),
            iterations: 0,
            since_delta: 0,
            finished: false,
            leaving: false,
            sums: BTreeSet::from([0]),
            reported: 0,
            instructions: Vec::new(),
            wakes_at: None,
        });
        self.worker_acts(process, actions);
    }

    fn connect(&mut self, process: usize, connection: u64) {
        if !self.processes[process].alive || self.processes[process].connection != connection {
            return;
        }
        if self.processes[process].cut_off_until > self.now {
            let event = worker::Event::Closed("no answer within 5 s".to_owned());
            return self.after(Duration::from_secs(5), Due::ToWorker { process, connection, event });
        }
        if self.ended {
            let event = worker::Event::Closed("connection refused".to_owned());
            return self.after(Duration::ZERO, Due::ToWorker { process, connection, event });
        }
        self.connections.insert(connection, process);
        let nonce = [self.random.next() as u8; 16];
        let address = SocketAddr::from(([10, 0, 0, process as u8], 1));
        let event = controller::Event::Accepted { connection: ConnectionId(connection), address, nonce };
        (self.processes[process].up, self.processes[process].down) = (self.now, self.now);
        self.send_up(process, event);
        let nonce = [self.random.next() as u8; 16];
        self.send_down(process, connection, worker::Event::Connected(nonce));
    }

    /// A message on its way to the controller; it waits while the worker is cut off.
    fn send_up(&mut self, process: usize, event: controller::Event) {
        let delay = self.delay();
        let p = &mut self.processes[process];
        p.up = p.up.max(p.cut_off_until.max(self.now) + delay);
        let at = p.up;
        self.at(at, Due::ToController(event));
    }

    fn send_down(&mut self, process: usize, connection: u64, event: worker::Event) {
        let delay = self.delay();
        let p = &mut self.processes[process];
        p.down = p.down.max(p.cut_off_until.max(self.now) + delay);
        let at = p.down;
        self.at(at, Due::ToWorker { process, connection, event });
    }

    /// Both sides learn of it, each in its own time; what is under way is lost.
    fn break_connection(&mut self, process: usize) {
        let connection = self.processes[process].connection;
        if self.connections.remove(&connection).is_none() {
            return;
        }
        let lost: Vec<u64> = self
            .due
            .iter()
            .filter(|(_, due)| match due {
                Due::ToWorker { connection: c, .. } => *c == connection,
                Due::ToController(
                    controller::Event::Received { connection: c, .. }
                    | controller::Event::Accepted { connection: c, .. }
                    | controller::Event::Closed { connection: c, .. },
                ) => c.0 == connection,
                _ => false,
            })
            .map(|(number, _)| *number)
            .collect();
        for number in lost {
            self.due.remove(&number);
        }
        let why = "connection reset".to_owned();
        // Sometimes nobody tells the controller: it has to notice the silence.
        if self.random.percent(70) {
            let event = controller::Event::Closed { connection: ConnectionId(connection), why: why.clone() };
            let delay = self.delay();
            self.after(delay, Due::ToController(event));
        }
        let delay = self.delay();
        self.after(delay, Due::ToWorker { process, connection, event: worker::Event::Closed(why) });
    }

    // --- the controller --------------------------------------------------------------------------

    fn controller_takes(&mut self, event: controller::Event) {
        let mut actions = Vec::new();
        self.controller.on_event(self.controller_now(), event, &mut actions);
        for action in actions {
            self.controller_acts(action);
        }
        let wakes_at = self.controller.wakes_at();
        if wakes_at != Moment::NEVER && self.controller_wakes_at.is_none_or(|earlier| wakes_at < earlier) {
            self.controller_wakes_at = Some(wakes_at);
            let at = wakes_at.since_origin().saturating_sub(self.controller_ahead);
            self.at(at.max(self.now + Duration::from_nanos(1)), Due::ControllerWakes);
        }
    }

    fn controller_acts(&mut self, action: controller::Action) {
        match action {
            controller::Action::Send(connection, message) => self.deliver(connection.0, message),
            controller::Action::SendBundle(connection, bundle) => {
                let message = ToWorker::decode(bundle).unwrap().message.unwrap();
                self.deliver(connection.0, message);
            }
            controller::Action::Trust(_) => {}
            controller::Action::Close(connection) => {
                if let Some(process) = self.connections.remove(&connection.0) {
                    let event = worker::Event::Closed("the controller closed it".to_owned());
                    self.send_down(process, connection.0, event);
                }
            }
            controller::Action::Tell(happening) => self.host_hears(happening),
            controller::Action::Starting(at) => {
                let world = at.since_origin().saturating_sub(self.controller_ahead);
                self.started_at = Some(world);
                self.tell("starting");
                self.at(world + Duration::from_secs(1), Due::LookAround);
            }
        }
    }

    fn deliver(&mut self, connection: u64, message: FromController) {
        if let Some(process) = self.connections.get(&connection).copied() {
            self.send_down(process, connection, worker::Event::Received(message));
        }
    }

    fn once(&mut self, what: &'static str) {
        assert!(self.happened.insert(what), "{what} is told once");
    }

    fn order(&mut self, delay: Duration, order: Order) {
        self.after(delay, Due::ToController(controller::Event::Ordered(order)));
    }

    fn host_hears(&mut self, happening: Happening) {
        match &happening {
            Happening::Delta { .. } => {}
            other => self.tell(format!("controller: {other:?}")),
        }
        let think = self.random.millis(0..500);
        match happening {
            Happening::Joined { worker, address, .. } => {
                let SocketAddr::V4(address) = address else { unreachable!() };
                self.workers.insert(worker.index(), usize::from(address.ip().octets()[3]));
            }
            Happening::AllJoined => {
                self.once("all joined");
                let files = vec![BundleFile::new("s", "export default 1")];
                let bundle = Bundle::new("s", files, Vec::new(), "{}", Vec::new()).unwrap();
                self.order(think, Order::Prepare(Arc::new(bundle)));
            }
            Happening::Ready => {
                self.once("ready");
                self.order(think, Order::Start { setup_data: Some("{}".into()), elapsed: think });
            }
            Happening::AllDone => {
                self.once("all done");
                self.order(think, Order::End);
            }
            Happening::Ended => {
                self.once("ended");
                self.ended = true;
            }
            Happening::Failed(_) => self.once("failed"),
            Happening::Delta { worker, delta } => {
                *self.told.entry(worker.index()).or_default() += iterations(&delta);
            }
            Happening::Done { worker } | Happening::Left { worker, .. } => {
                let process = self.workers[&worker.index()];
                assert_eq!(
                    self.told.get(&worker.index()).copied().unwrap_or(0),
                    self.processes[process].reported
                );
                assert!(self.gone.insert(worker.index()), "a worker is done once");
            }
            Happening::Lost(loss) => {
                assert!(!self.happened.contains("all done"), "nobody is waited for any more");
                // Whoever takes over its work can be sure that it does none.
                let process = self.workers[&loss.worker.index()];
                if self.started_at.is_some() {
                    let local = self.process_now(process);
                    let p = &self.processes[process];
                    assert!(!p.alive || local >= p.lease, "the lease of a lost worker has ended");
                }
            }
            Happening::InitFailed { text, .. } => panic!("init failed: {text}"),
            Happening::Refused { reason, .. } => {
                assert!(!reason.contains("token") && !reason.contains("out of place"), "{reason}");
            }
            _ => {}
        }
    }

    // --- workers ---------------------------------------------------------------------------------

    fn worker_takes(&mut self, process: usize, event: worker::Event) {
        if !self.processes[process].alive {
            return;
        }
        let now = self.process_now(process);
        let mut actions = Vec::new();
        self.processes[process].machine.on_event(now, event, &mut actions);
        self.worker_acts(process, actions);
    }

    fn worker_acts(&mut self, process: usize, actions: Vec<worker::Action>) {
        for action in actions {
            match action {
                worker::Action::Connect => {
                    self.numbers += 1;
                    let connection = self.numbers;
                    self.processes[process].connection = connection;
                    let delay = self.delay();
                    self.after(delay, Due::Connect { process, connection });
                }
                worker::Action::Send(message) => self.worker_sends(process, message),
                worker::Action::Close => {
                    let connection = self.processes[process].connection;
                    self.processes[process].connection = 0;
                    if self.connections.remove(&connection).is_some() {
                        let why = "the worker closed it".to_owned();
                        self.send_up(
                            process,
                            controller::Event::Closed { connection: ConnectionId(connection), why },
                        );
                    }
                }
                worker::Action::Instruct(instruction) => self.instructed(process, instruction),
                worker::Action::Start { at, began, .. } => {
                    assert!(began <= at);
                    self.noted(process, "start");
                    self.processes[process].starts_at = Some(at);
                    let world = self.world_time(process, at);
                    let planned = self.started_at.unwrap();
                    let apart = world.abs_diff(planned);
                    let error = self.processes[process].machine.clock_error().unwrap() + DRIFT;
                    assert!(apart <= error, "starts are {apart:?} apart, and at most {error:?} was stated");
                    self.at(world, Due::Iterate(process));
                }
                worker::Action::Lease(until) => self.processes[process].lease = until,
                worker::Action::Deal { slots, from } => {
                    let version = slots.version();
                    self.tell(format!("worker {process} has {:.3} of map {version}", slots.share()));
                    self.processes[process].maps.push((from, slots));
                    self.worker_takes(process, worker::Event::Dealt(version));
                }
                worker::Action::SamplesTaken(_) => {}
            }
        }
        let p = &self.processes[process];
        let wakes_at = p.machine.wakes_at();
        if wakes_at != Moment::NEVER && p.wakes_at.is_none_or(|earlier| wakes_at < earlier) {
            self.processes[process].wakes_at = Some(wakes_at);
            let at = self.world_time(process, wakes_at);
            self.at(at, Due::WorkerWakes(process));
        }
    }

    fn worker_sends(&mut self, process: usize, message: FromWorker) {
        let connection = self.processes[process].connection;
        if self.connections.contains_key(&connection) {
            let connection = ConnectionId(connection);
            self.send_up(process, controller::Event::Received { connection, message });
        }
    }

    fn noted(&mut self, process: usize, what: &'static str) {
        self.tell(format!("worker {process} is told: {what}"));
        let so_far = &mut self.processes[process].instructions;
        assert!(!so_far.contains(&what), "{what} is told once");
        let order = ["prepare", "start", "abort", "end", "disconnected"];
        let place = |name: &str| order.iter().position(|n| *n == name);
        assert!(so_far.iter().all(|earlier| place(earlier) < place(what)), "{what} after {so_far:?}");
        so_far.push(what);
    }

    fn instructed(&mut self, process: usize, instruction: Instruction) {
        match instruction {
            Instruction::Prepare { slots, .. } => {
                self.noted(process, "prepare");
                self.processes[process].maps.push((Moment::default(), slots));
                let delay = self.random.millis(1..2_000);
                self.after(delay, Due::Initialised(process));
            }
            Instruction::Start { .. } => unreachable!("comes as an action of its own"),
            Instruction::Abort { .. } => {
                self.noted(process, "abort");
                self.finish(process);
            }
            Instruction::End => {
                self.noted(process, "end");
                self.processes[process].over = true;
            }
            Instruction::Disconnected(why) => {
                self.tell(format!("{why}"));
                self.noted(process, "disconnected");
                self.processes[process].over = true;
                self.processes[process].finished = true;
            }
        }
    }

    fn report(&mut self, process: usize, report: Report) {
        self.worker_takes(process, worker::Event::Reported(report));
    }

    fn iterate(&mut self, process: usize) {
        let now = self.process_now(process);
        let p = &mut self.processes[process];
        if p.finished {
            return;
        }
        let end = p.starts_at.unwrap() + TEST;
        if now >= end {
            return self.finish(process);
        }
        let works = now < p.lease && p.slots(now).owned_per_period() > 0;
        if works {
            self.assert_sole_owner(process);
        }
        let p = &mut self.processes[process];
        if works {
            p.iterations += 1;
            p.since_delta += 1;
        }
        if p.since_delta >= u64::from(DELTA_EVERY) {
            self.report_delta(process);
        }
        self.after(ITERATION, Due::Iterate(process));
    }

    /// What this worker owns, no other one that could work does. Clocks are read with an error, so only what both own for
    /// longer than that counts.
    fn assert_sole_owner(&self, process: usize) {
        for other in (0..self.processes.len()).filter(|other| *other != process) {
            let (p, q) = (&self.processes[process], &self.processes[other]);
            let local = self.process_now(other);
            let idle = !q.alive || q.finished || q.leaving || q.starts_at.is_none() || q.maps.is_empty();
            if idle || local >= q.lease || q.frozen_until > self.now {
                continue;
            }
            let error = p.machine.clock_error().max(q.machine.clock_error()).unwrap() + DRIFT;
            let owns = |p: &Process, now: Moment, slot: u64| {
                let before = Moment::from(now.since_origin().saturating_sub(error));
                p.slots(before).owns(slot) && p.slots(now).owns(slot) && p.slots(now + error).owns(slot)
            };
            let now = self.process_now(process);
            let slots = p.slots(now).period().max(q.slots(local).period()) * 2;
            let both = (0..slots).find(|slot| owns(p, now, *slot) && owns(q, local, *slot));
            assert_eq!(both, None, "workers {process} and {other} own a slot both");
        }
    }

    /// Some seconds after the last mishap the whole test is run again.
    fn assert_all_is_owned(&mut self) {
        if self.happened.contains("all done") {
            return;
        }
        if self.processes.iter().any(|p| p.finished && !p.leaving && p.alive && p.starts_at.is_some()) {
            return;
        }
        let quiet = self.now.saturating_sub(self.quiet_since) > Duration::from_secs(6);
        let at_work = |p: &&Process| p.alive && !p.over && !p.finished && p.starts_at.is_some();
        let maps = self.processes.iter().filter(at_work).map(|p| p.slots(Moment::NEVER));
        let maps: Vec<&Slots> = maps.collect();
        if self.redistribute && quiet && !self.happened.contains("failed") && !maps.is_empty() {
            assert!(
                maps.iter().all(|map| map.version() == maps[0].version()),
                "all have the same map: {maps:?}"
            );
            let owned: u64 = maps.iter().map(|map| map.owned_per_period()).sum();
            assert_eq!(owned, maps[0].period(), "every slot is somebody's");
            self.covered += 1;
        }
        self.after(Duration::from_secs(1), Due::LookAround);
    }

    fn report_delta(&mut self, process: usize) {
        let p = &mut self.processes[process];
        let count = std::mem::take(&mut p.since_delta);
        p.reported += count;
        p.sums.insert(p.reported);
        self.report(process, Report::Delta(delta(count)));
    }

    fn finish(&mut self, process: usize) {
        if std::mem::replace(&mut self.processes[process].finished, true) {
            return;
        }
        self.report_delta(process);
        self.report(process, Report::Done);
    }
}

fn delta(iterations: u64) -> Delta {
    let mut recorder = Recorder::new(Arc::new(Registry::new()), RecorderConfig::default());
    let root = recorder.root();
    recorder.add(builtin::ITERATIONS, root, iterations as f64, UnixNanos(1));
    recorder.take_delta()
}

fn iterations(delta: &Delta) -> u64 {
    let sinks = delta.series().iter().flat_map(|series| &series.sinks);
    sinks.map(|(_, sink)| if let Sink::Counter(sum) = sink { sum.value() as u64 } else { 0 }).sum()
}
