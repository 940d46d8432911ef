//! The controller as a state machine: told the time and what happened, it answers with what is to be done.
//!
//! A run has as many seats as workers were expected. Until the start a seat that is lost can be taken by another worker,
//! which gets the same slots; after the start a seat stays with its worker, who may come back to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use throng_metrics::Delta;
use throng_plan::Slots;

use super::member::{Member, Standing};
use super::refusals::Refusals;
use super::{Happening, Loss, OnWorkerLoss, Order};
use crate::ids::{InstanceId, RunId, WorkerId};
use crate::lane::{Arrival, Inbox, Outbox};
use crate::moment::Moment;
use crate::protocol::{
    self, Batch, BundleMessage, Challenge, Command, FromController, FromWorker, Heartbeat, Join, Milestone,
    Prepare, Pulse, Refused, Start, Status, Taken, Task, Welcome,
};
use crate::token::{Nonce, Role, Token};

/// How far ahead the common start is set: more than any command takes to arrive in a usable network.
const START_DELAY: Duration = Duration::from_millis(300);
/// How long workers have to say that they heard of the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection, numbered by the edge and never numbered so again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What a controller expects.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Random, of this run.
    pub run: RunId,
    /// What workers have to know.
    pub token: Option<Token>,
    /// With how many workers the run begins.
    pub expected: u32,
    /// How long a seat may be empty before the start.
    pub gather_timeout: Duration,
    /// What a lost worker means.
    pub on_worker_loss: OnWorkerLoss,
}

/// What happens to a controller.
#[derive(Debug)]
pub enum Event {
    /// Somebody connected; the nonce is new and random.
    Accepted {
        /// From now on called so.
        connection: ConnectionId,
        /// Where from.
        address: SocketAddr,
        /// Never used before.
        nonce: [u8; 16],
    },
    /// Somebody says something.
    Received {
        /// Who.
        connection: ConnectionId,
        /// What.
        message: FromWorker,
    },
    /// A part of a message came: a sign of life.
    Heard(ConnectionId),
    /// A connection broke or was closed by the other side.
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        why: String,
    },
    /// Somebody was turned away before it could say anything.
    TurnedAway {
        /// Where it came from.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The host program orders something.
    Ordered(Order),
    /// Time has passed; see [`Machine::wakes_at`].
    Tick,
}

/// What a controller's surroundings have to do.
#[derive(Debug)]
pub enum Action {
    /// Send a message.
    Send(ConnectionId, FromController),
    /// Send the bundle, an encoded message, which is the same for all.
    SendBundle(ConnectionId, Bytes),
    /// The other side is a worker of this run: the limits for strangers end.
    Trust(ConnectionId),
    /// Close a connection after what was sent; no [`Event::Closed`] follows.
    Close(ConnectionId),
    /// Tell the host program.
    Tell(Happening),
    /// Tell the host program that workers start at this moment.
    Starting(Moment),
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Workers join; nobody has the test.
    Gathering,
    /// Workers load the test; those that join now get it as well.
    Preparing,
    /// Iterations run, or were to run, from this moment on.
    Running(Moment),
    /// Workers were told at this moment to go.
    Ending(Moment),
    /// They have gone.
    Ended,
}

/// A start that was ordered.
#[derive(Debug, Clone)]
struct Ordered {
    /// What `setup` returned.
    setup_data: Option<Arc<str>>,
    /// When the run phase began.
    began: Moment,
}

/// How far the acquaintance with a connection's other side is.
#[derive(Debug)]
enum Meeting {
    /// It said nothing yet.
    Silent(Nonce),
    /// It was given a challenge.
    Challenged { ours: Nonce, theirs: Nonce },
    /// It is this worker.
    Member(WorkerId),
}

/// A controller.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    phase: Phase,
    meetings: BTreeMap<ConnectionId, (SocketAddr, Meeting)>,
    /// By [`WorkerId`].
    members: Vec<Member>,
    seats: Vec<Option<WorkerId>>,
    /// Since when a seat is empty.
    vacant_since: Moment,
    bundle: Bytes,
    /// Who owns each slot of one period, by seat.
    owners: Vec<u32>,
    /// Once the start was ordered.
    start: Option<Ordered>,
    refusals: Refusals,
    told_all_joined: bool,
    told_ready: bool,
    told_all_done: bool,
    failed: bool,
    aborted: bool,
}

impl Machine {
    /// A controller that waits for its workers.
    pub fn new(now: Moment, settings: Settings) -> Self {
        let seats = settings.expected.max(1);
        Self {
            phase: Phase::Gathering,
            meetings: BTreeMap::new(),
            members: Vec::new(),
            seats: vec![None; seats as usize],
            vacant_since: now,
            bundle: Bytes::new(),
            owners: owners(seats),
            start: None,
            refusals: Refusals::default(),
            told_all_joined: false,
            told_ready: false,
            told_all_done: false,
            failed: false,
            aborted: false,
            settings,
        }
    }

    /// Takes in an event.
    pub fn on_event(&mut self, now: Moment, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Accepted { connection, address, nonce } => {
                self.meetings.insert(connection, (address, Meeting::Silent(nonce)));
            }
            Event::Received { connection, message } => self.received(now, connection, message, actions),
            Event::Heard(connection) => {
                if let Some((_, Meeting::Member(worker))) = self.meetings.get(&connection) {
                    self.members[worker.index() as usize].heard = now;
                }
            }
            Event::Closed { connection, why: _ } => self.forget(connection),
            Event::TurnedAway { address, reason } => {
                actions.extend(self.refusals.refuse(now, address, &reason).map(Action::Tell));
            }
            Event::Ordered(order) => self.ordered(now, order, actions),
            Event::Tick => {}
        }
        self.on_time(now, actions);
        self.on_progress(now, actions);
    }

    /// When [`Event::Tick`] is due at the latest.
    pub fn wakes_at(&self) -> Moment {
        let running = self.is_running();
        let mut wakes_at = match self.phase {
            Phase::Ending(since) => since + FAREWELL,
            Phase::Ended => return Moment::NEVER,
            _ => self.members.iter().map(|m| m.given_up_at(running)).min().unwrap_or(Moment::NEVER),
        };
        if self.awaits_workers() {
            wakes_at = wakes_at.min(self.vacant_since + self.settings.gather_timeout);
        }
        wakes_at
    }

    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// Whether an empty seat holds up the start.
    fn awaits_workers(&self) -> bool {
        let before_start = matches!(self.phase, Phase::Gathering | Phase::Preparing);
        before_start && !self.aborted && self.seats.contains(&None)
    }

    /// What time alone brings about.
    fn on_time(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if let Phase::Ending(since) = self.phase {
            if now >= since + FAREWELL {
                self.ended(actions);
            }
            return;
        }
        let running = self.is_running();
        for index in 0..self.members.len() {
            let member = &self.members[index];
            if now >= member.given_up_at(running) {
                let silent = now.since(member.heard).as_secs_f64();
                let why = match member.link {
                    Some(_) => format!("it was silent for {silent:.1} s"),
                    None => format!("its connection broke and it did not come back within {silent:.1} s"),
                };
                self.lose(now, index, why, actions);
            }
        }
        if self.awaits_workers() && now >= self.vacant_since + self.settings.gather_timeout {
            let (there, expected) = (self.seats.iter().flatten().count(), self.seats.len());
            let waited = self.settings.gather_timeout.as_secs();
            self.fail(format!("only {there} of {expected} workers are there after {waited} s"), actions);
        }
    }

    /// What follows from where all workers are.
    fn on_progress(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if !self.aborted && !self.told_all_joined && !self.seats.contains(&None) {
            self.told_all_joined = true;
            actions.push(Action::Tell(Happening::AllJoined));
        }
        let initialised = |seat: &Option<WorkerId>| {
            seat.is_some_and(|worker| self.members[worker.index() as usize].initialised)
        };
        if self.phase == Phase::Preparing && !self.aborted && self.seats.iter().all(initialised) {
            if !std::mem::replace(&mut self.told_ready, true) {
                actions.push(Action::Tell(Happening::Ready));
            }
            if let Some(start) = self.start.clone() {
                self.begin(now, start, actions);
            }
        }
        let over = self.is_running() || self.aborted && self.phase != Phase::Ended;
        if over && !self.told_all_done && self.members.iter().all(|m| m.done || !m.is_present()) {
            if !self.aborted && !self.members.iter().any(|m| m.done) {
                self.fail("no worker is left".to_owned(), actions);
            }
            self.told_all_done = true;
            actions.push(Action::Tell(Happening::AllDone));
        }
        let gone = |m: &Member| !m.is_present() || m.link.is_none() || m.commands.is_empty();
        if matches!(self.phase, Phase::Ending(_)) && self.members.iter().all(gone) {
            self.ended(actions);
        }
    }

    // --- orders ----------------------------------------------------------------------------------

    fn ordered(&mut self, now: Moment, order: Order, actions: &mut Vec<Action>) {
        match (order, self.phase) {
            // The run is ending early: what the host program ordered before it heard of that has no effect.
            (Order::Prepare(_) | Order::Start { .. }, _) if self.aborted => {}
            (Order::Prepare(bundle), Phase::Gathering) if self.told_all_joined => {
                self.bundle = BundleMessage::encoded(&bundle);
                self.phase = Phase::Preparing;
                for index in 0..self.members.len() {
                    if self.members[index].is_present() {
                        self.prepare(index, actions);
                    }
                }
            }
            (Order::Start { setup_data, elapsed }, Phase::Preparing)
                if self.told_ready && self.start.is_none() =>
            {
                let began = Moment::from(now.since_origin().saturating_sub(elapsed));
                self.start = Some(Ordered { setup_data, began });
            }
            (Order::Abort { reason }, Phase::Gathering | Phase::Preparing | Phase::Running(_)) => {
                self.abort(&reason, actions);
            }
            (Order::Abort { .. }, _) | (Order::End, Phase::Ending(_) | Phase::Ended) => {}
            (Order::End, _) => {
                self.phase = Phase::Ending(now);
                self.aborted = true;
                self.command_all(&Task::End(true), actions);
            }
            (Order::Prepare(_) | Order::Start { .. }, _) => {
                self.fail("an order came at the wrong time".to_owned(), actions);
            }
        }
    }

    fn prepare(&mut self, index: usize, actions: &mut Vec<Action>) {
        let member = &mut self.members[index];
        member.prepared = true;
        let task = Task::Prepare(Prepare {
            workers: self.seats.len() as u32,
            seat: member.seat as u32,
            version: 0,
            owners: self.owners.clone(),
        });
        self.command(index, task, actions);
    }

    fn begin(&mut self, now: Moment, start: Ordered, actions: &mut Vec<Action>) {
        let at = now + START_DELAY;
        self.phase = Phase::Running(at);
        let setup_data = start.setup_data.map(|data| data.to_string());
        let start = Start { at: at.as_nanos(), began: start.began.as_nanos(), setup_data };
        self.command_all(&Task::Start(start), actions);
        actions.push(Action::Starting(at));
    }

    fn abort(&mut self, reason: &str, actions: &mut Vec<Action>) {
        if std::mem::replace(&mut self.aborted, true) {
            return;
        }
        for member in &mut self.members {
            member.done |= !member.prepared;
        }
        self.command_all(&Task::Abort(reason.to_owned()), actions);
    }

    fn fail(&mut self, text: String, actions: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.failed, true) {
            self.abort(&text, actions);
            actions.push(Action::Tell(Happening::Failed(text)));
        }
    }

    fn ended(&mut self, actions: &mut Vec<Action>) {
        self.phase = Phase::Ended;
        for connection in std::mem::take(&mut self.meetings).into_keys() {
            actions.push(Action::Close(connection));
        }
        actions.push(Action::Tell(Happening::Ended));
    }

    // --- commands --------------------------------------------------------------------------------

    /// Commands whoever takes part, or may come back to it.
    fn command_all(&mut self, task: &Task, actions: &mut Vec<Action>) {
        for index in 0..self.members.len() {
            if self.members[index].standing != Standing::Left {
                self.command(index, task.clone(), actions);
            }
        }
    }

    fn command(&mut self, index: usize, task: Task, actions: &mut Vec<Action>) {
        let number = self.members[index].commands.push(task.clone());
        if let Some(connection) = self.members[index].link {
            self.send_command(connection, number, task, actions);
        }
    }

    fn send_command(&self, connection: ConnectionId, number: u64, task: Task, actions: &mut Vec<Action>) {
        if matches!(task, Task::Prepare(_)) {
            actions.push(Action::SendBundle(connection, self.bundle.clone()));
        }
        let command = Command { number, task: Some(task) };
        actions.push(Action::Send(connection, FromController::Command(command)));
    }

    // --- connections -----------------------------------------------------------------------------

    fn received(
        &mut self,
        now: Moment,
        connection: ConnectionId,
        message: FromWorker,
        actions: &mut Vec<Action>,
    ) {
        let Some((_, meeting)) = self.meetings.get_mut(&connection) else {
            return;
        };
        match (message, &*meeting) {
            (FromWorker::Hello(hello), Meeting::Silent(ours)) => {
                let ours = *ours;
                let Ok(theirs) = Nonce::try_from(&hello.nonce[..]) else {
                    return self.refuse(now, connection, "its greeting makes no sense", actions);
                };
                if hello.version != protocol::VERSION {
                    let reason = format!(
                        "the controller speaks version {} of the protocol and the worker version {}: use the same throng \
                         on all machines",
                        protocol::VERSION,
                        hello.version
                    );
                    return self.refuse(now, connection, &reason, actions);
                }
                *meeting = Meeting::Challenged { ours, theirs };
                let token = self.settings.token.as_ref();
                let proof = token.map(|token| token.prove(Role::Controller, &ours, &theirs));
                let challenge = Challenge { nonce: ours.to_vec(), proof: proof.unwrap_or_default() };
                actions.push(Action::Send(connection, FromController::Challenge(challenge)));
            }
            (FromWorker::Join(join), Meeting::Challenged { ours, theirs }) => {
                let knows = |token: &Token| token.accepts(Role::Worker, ours, theirs, &join.proof);
                if self.settings.token.as_ref().is_none_or(knows) {
                    self.join(now, connection, join, actions);
                } else if join.proof.is_empty() {
                    self.refuse(now, connection, "the controller asks for a join token", actions);
                } else {
                    let reason = "the join token is wrong: compare the token on both sides";
                    self.refuse(now, connection, reason, actions);
                }
            }
            (message, Meeting::Member(worker)) => {
                let index = worker.index() as usize;
                self.members[index].heard = now;
                self.member_says(now, index, connection, message, actions);
            }
            _ => self.refuse(now, connection, "what it says is out of place", actions),
        }
    }

    fn refuse(&mut self, now: Moment, connection: ConnectionId, reason: &str, actions: &mut Vec<Action>) {
        let refused = Refused { reason: reason.to_owned() };
        actions.push(Action::Send(connection, FromController::Refused(refused)));
        actions.push(Action::Close(connection));
        if let Some((address, _)) = self.meetings.get(&connection) {
            actions.extend(self.refusals.refuse(now, *address, reason).map(Action::Tell));
        }
        self.forget(connection);
    }

    /// A connection is no more; the worker behind it may make another.
    fn forget(&mut self, connection: ConnectionId) {
        if let Some((_, Meeting::Member(worker))) = self.meetings.remove(&connection) {
            let member = &mut self.members[worker.index() as usize];
            if member.link == Some(connection) {
                member.link = None;
            }
        }
    }

    // --- joining ---------------------------------------------------------------------------------

    fn join(&mut self, now: Moment, connection: ConnectionId, join: Join, actions: &mut Vec<Action>) {
        let instance = InstanceId(join.instance);
        if join.run.is_some_and(|run| run != self.settings.run.0) {
            let reason = "the worker takes part in another run than this controller's";
            return self.refuse(now, connection, reason, actions);
        }
        let known = self.members.iter().position(|member| member.instance == instance);
        if let Some(index) = known {
            return self.join_again(now, index, connection, &join, actions);
        }
        let seat = self.seats.iter().position(Option::is_none);
        let seat = match (self.phase, seat) {
            (Phase::Ending(_) | Phase::Ended, _) => Err("the run is over"),
            _ if self.aborted => Err("the run is over"),
            (Phase::Running(_), _) => Err("the test is running; joining a running test is not supported yet"),
            (_, None) => Err("all the workers that were expected are there"),
            (_, Some(seat)) => Ok(seat),
        };
        let seat = match seat {
            Ok(seat) => seat,
            Err(reason) => return self.refuse(now, connection, reason, actions),
        };
        let Some((address, meeting)) = self.meetings.get_mut(&connection) else {
            return;
        };
        let id = WorkerId(self.members.len() as u32);
        *meeting = Meeting::Member(id);
        self.seats[seat] = Some(id);
        self.members.push(Member {
            id,
            instance,
            name: join.name,
            address: *address,
            threads: join.threads,
            seat,
            standing: Standing::Present,
            link: Some(connection),
            heard: now,
            commands: Outbox::default(),
            batches: Inbox::default(),
            prepared: false,
            initialised: false,
            leaving: false,
            done: false,
        });
        let member = &self.members[id.index() as usize];
        actions.push(Action::Tell(Happening::Joined {
            worker: id,
            name: member.name.clone(),
            address: member.address,
            threads: member.threads,
        }));
        self.welcome(id.index() as usize, connection, actions);
        if self.phase == Phase::Preparing {
            self.prepare(id.index() as usize, actions);
        }
    }

    /// A process that is known connects again.
    fn join_again(
        &mut self,
        now: Moment,
        index: usize,
        connection: ConnectionId,
        join: &Join,
        actions: &mut Vec<Action>,
    ) {
        let member = &mut self.members[index];
        let (id, seat) = (member.id, member.seat);
        match member.standing {
            Standing::Present => {}
            Standing::Left => return self.refuse(now, connection, "the worker has left the run", actions),
            Standing::Lost if self.told_all_done || matches!(self.phase, Phase::Ending(_) | Phase::Ended) => {
                return self.refuse(now, connection, "the run is over", actions);
            }
            Standing::Lost if self.seats[seat].is_some_and(|taken| taken != id) => {
                return self.refuse(now, connection, "another worker has taken its place", actions);
            }
            Standing::Lost => {
                member.standing = Standing::Present;
                self.seats[seat] = Some(id);
                actions.push(Action::Tell(Happening::Returned { worker: id }));
            }
        }
        let member = &mut self.members[index];
        member.heard = now;
        member.commands.acknowledge(join.received);
        if let Some(old) = member.link.replace(connection) {
            self.meetings.remove(&old);
            actions.push(Action::Close(old));
        }
        if let Some((_, meeting)) = self.meetings.get_mut(&connection) {
            *meeting = Meeting::Member(id);
        }
        self.welcome(index, connection, actions);
        let kept: Vec<(u64, Task)> =
            self.members[index].commands.kept().map(|(number, task)| (number, task.clone())).collect();
        for (number, task) in kept {
            self.send_command(connection, number, task, actions);
        }
    }

    fn welcome(&self, index: usize, connection: ConnectionId, actions: &mut Vec<Action>) {
        let member = &self.members[index];
        actions.push(Action::Trust(connection));
        let (worker, taken) = (member.id.index(), member.batches.received());
        let welcome = Welcome { run: self.settings.run.0, worker, taken };
        actions.push(Action::Send(connection, FromController::Welcome(welcome)));
    }

    // --- what workers say ------------------------------------------------------------------------

    fn member_says(
        &mut self,
        now: Moment,
        index: usize,
        connection: ConnectionId,
        message: FromWorker,
        actions: &mut Vec<Action>,
    ) {
        match message {
            FromWorker::Heartbeat(Heartbeat { sent, received }) => {
                self.members[index].commands.acknowledge(received);
                let pulse = Pulse { sent, at: now.as_nanos() };
                actions.push(Action::Send(connection, FromController::Pulse(pulse)));
            }
            FromWorker::Batch(batch) => self.batch(now, index, connection, batch, actions),
            FromWorker::Status(status) => self.status(index, status, actions),
            FromWorker::Hello(_) | FromWorker::Join(_) => {
                self.lose(now, index, "it greeted twice on one connection".to_owned(), actions);
            }
        }
    }

    fn batch(
        &mut self,
        now: Moment,
        index: usize,
        connection: ConnectionId,
        batch: Batch,
        actions: &mut Vec<Action>,
    ) {
        let delta = match batch.delta.as_deref().map(Delta::decode).transpose() {
            Ok(delta) => delta,
            Err(error) => return self.lose(now, index, error.to_string(), actions),
        };
        let member = &mut self.members[index];
        let worker = member.id;
        match member.batches.arrive(batch.number) {
            Arrival::Next => {
                let logs = batch.logs.into_iter();
                let logs = logs.map(|log| Happening::Log { worker, record: log.into() });
                actions.extend(logs.map(Action::Tell));
                if batch.logs_dropped > 0 {
                    let count = batch.logs_dropped;
                    actions.push(Action::Tell(Happening::LogsDropped { worker, count }));
                }
                let samples = batch.samples.into_iter();
                actions.extend(samples.map(|bytes| Action::Tell(Happening::Samples { worker, bytes })));
                if let Some(delta) = delta {
                    actions.push(Action::Tell(Happening::Delta { worker, delta }));
                }
                for milestone in batch.milestones.into_iter().filter_map(|message| message.milestone) {
                    self.milestone(now, index, milestone, actions);
                }
            }
            Arrival::Again => {}
            Arrival::Gap => {
                return self.lose(
                    now,
                    index,
                    "a batch of it was lost, which cannot happen".to_owned(),
                    actions,
                );
            }
        }
        let taken = Taken { batch: self.members[index].batches.received() };
        actions.push(Action::Send(connection, FromController::Taken(taken)));
    }

    fn milestone(&mut self, now: Moment, index: usize, milestone: Milestone, actions: &mut Vec<Action>) {
        let share = self.share(index);
        let member = &mut self.members[index];
        let worker = member.id;
        let mut tell = |happening| actions.push(Action::Tell(happening));
        match milestone {
            Milestone::Initialised(_) => member.initialised = true,
            Milestone::InitFailed(text) => {
                member.done = true;
                tell(Happening::InitFailed { worker, text });
            }
            Milestone::ScriptAborted(message) => tell(Happening::ScriptAborted { worker, message }),
            Milestone::ScriptFailed(_) => tell(Happening::ScriptFailed { worker }),
            Milestone::Leaving(_) => member.leaving = true,
            Milestone::Done(_) if member.leaving => {
                member.done = true;
                member.standing = Standing::Left;
                tell(Happening::Left { worker, share });
                self.vacate(now, index);
                self.command(index, Task::End(true), actions);
            }
            Milestone::Done(_) => {
                member.done = true;
                tell(Happening::Done { worker });
            }
        }
    }

    fn status(&mut self, index: usize, status: Status, actions: &mut Vec<Action>) {
        let worker = self.members[index].id;
        let progress = status.progress.and_then(|progress| progress.read());
        let told = [
            status.vus_ready.map(|count| Happening::VusReady { worker, count }),
            progress.map(|progress| Happening::Progress { worker, progress }),
            status.lag.map(|lag| Happening::Lag { worker, worst: Duration::from_nanos(lag) }),
            status.cpu.map(|cpu| Happening::Usage { worker, cpu }),
        ];
        actions.extend(told.into_iter().flatten().map(Action::Tell));
    }

    // --- loss ------------------------------------------------------------------------------------

    fn lose(&mut self, now: Moment, index: usize, why: String, actions: &mut Vec<Action>) {
        let share = self.share(index);
        let at = match self.phase {
            Phase::Running(start) => Some(now.since(start)),
            _ => None,
        };
        let member = &mut self.members[index];
        if !member.is_present() {
            return;
        }
        member.standing = Standing::Lost;
        if let Some(connection) = member.link.take() {
            self.meetings.remove(&connection);
            actions.push(Action::Close(connection));
        }
        let (worker, name) = (member.id, member.name.clone());
        let text = format!("worker {name} was lost: {why}");
        let loss = Loss { worker, name, share, at, silent: now.since(member.heard), why };
        actions.push(Action::Tell(Happening::Lost(loss)));
        self.vacate(now, index);
        if self.settings.on_worker_loss == OnWorkerLoss::Fail {
            self.fail(text, actions);
        }
    }

    /// Before the start, the seat of someone who went is free.
    fn vacate(&mut self, now: Moment, index: usize) {
        if matches!(self.phase, Phase::Gathering | Phase::Preparing) {
            self.seats[self.members[index].seat] = None;
            self.vacant_since = now;
        }
    }

    fn share(&self, index: usize) -> f64 {
        let seat = self.members[index].seat as u32;
        Slots::from_owners(0, seat, self.owners.clone()).share()
    }
}

/// Equal parts for so many seats: the stripes of k6's execution segments.
fn owners(seats: u32) -> Vec<u32> {
    (0..seats).collect()
}

#[cfg(test)]
mod tests {
    use throng_plan::SegmentSequence;

    use super::*;

    #[test]
    fn equal_parts_are_those_of_execution_segments() {
        for seats in 1..20 {
            let sequence = SegmentSequence::equal(seats);
            for (seat, segment) in (0..).zip(sequence.segments()) {
                let of_segment = Slots::of(segment, &sequence).unwrap();
                assert_eq!(Slots::from_owners(0, seat, owners(seats)), of_segment);
            }
        }
    }
}
