//! The controller as a state machine: told the time and what happened, it answers with what is to be done.
//!
//! A run has as many seats as workers were expected. Until the start a seat that is lost can be taken by another worker,
//! which gets the same slots; after the start a seat stays with its worker, who may come back to it.

mod absence;
mod dealing;
mod joining;
mod keeping;
mod leases;
mod reports;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::absence::Presence;
use self::dealing::Map;
pub(super) use self::keeping::Kept;
use self::leases::Leases;
use super::journal::SaidMessage;
use super::member::{Member, Standing};
use super::refusals::Refusals;
use super::{Happening, OnWorkerLoss, Order};
use crate::ids::{RunId, WorkerId};
use crate::moment::Moment;
use crate::protocol::{BundleMessage, Command, FromController, FromWorker, Prepare, Start, Task};
use crate::steering::Steering;
use crate::token::{Nonce, Token};

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
    /// Whether workers take over slots from each other while the test runs, and may join it then.
    pub redistribute: bool,
    /// What the wall clock showed at the origin of moments, since 1970.
    pub unix_at_origin: Duration,
    /// How long workers may go on after the controller has died; zero where no other would go on with the run.
    pub grace: Duration,
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

impl Ordered {
    fn at(self, at: Moment, unix_at_origin: Duration) -> Start {
        let setup_data = self.setup_data.map(|data| data.to_string());
        let unix = (unix_at_origin + at.since_origin()).as_nanos() as u64;
        Start { at: at.as_nanos(), began: self.began.as_nanos(), setup_data, unix }
    }
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
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing that it was told, or happened")]
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
    map: Map,
    leases: Leases,
    presence: Presence,
    /// Once the start was ordered.
    start: Option<Ordered>,
    /// How the host program set externally controlled scenarios, if it did.
    steering: Option<Steering>,
    refusals: Refusals,
    told_all_joined: bool,
    told_ready: bool,
    told_all_done: bool,
    failed: bool,
    aborted: bool,
    /// When iterations began, once that is settled.
    started: Option<Moment>,
    /// What was told once, for whoever goes on with the run.
    failure: Option<String>,
    script_aborted: Option<SaidMessage>,
    script_failed: Option<SaidMessage>,
    init_failed: Option<SaidMessage>,
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
            map: Map::equal(seats),
            leases: Leases::default(),
            presence: Presence::since(now),
            start: None,
            steering: None,
            refusals: Refusals::default(),
            told_all_joined: false,
            told_ready: false,
            told_all_done: false,
            failed: false,
            aborted: false,
            started: None,
            failure: None,
            script_aborted: None,
            script_failed: None,
            init_failed: None,
            settings,
        }
    }

    /// Takes in an event.
    pub fn on_event(&mut self, now: Moment, event: Event, actions: &mut Vec<Action>) {
        self.notice_absence(now, actions);
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
        self.note_presence(now);
    }

    /// When [`Event::Tick`] is due at the latest.
    pub fn wakes_at(&self) -> Moment {
        let mut wakes_at = match self.phase {
            Phase::Ending(since) => since + FAREWELL,
            Phase::Ended => return Moment::NEVER,
            _ => self.members.iter().map(|m| self.given_up_at(m)).min().unwrap_or(Moment::NEVER),
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
        for index in 0..self.members.len() {
            let member = &self.members[index];
            if now >= self.given_up_at(member) {
                let silent = now.since(member.heard).as_secs_f64();
                let why = match member.link {
                    None if member.awaited_until.is_some() => {
                        "it did not come back after the controller was started again".to_owned()
                    }
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
        self.redistribute(now, actions);
        self.deal_out(now, actions);
        let over = self.is_running() || self.aborted && self.phase != Phase::Ended;
        if over && !self.told_all_done && self.members.iter().all(|m| m.done || !m.is_present()) {
            // Those who have left on the way did not run the test to its end.
            if !self.aborted && !self.members.iter().any(|m| m.done && m.standing != Standing::Left) {
                self.fail("no worker is left".to_owned(), actions);
            }
            self.told_all_done = true;
            self.tell_unsettled(actions);
            actions.push(Action::Tell(Happening::AllDone));
        }
        // Those whose connection is away may come back to hear it.
        let gone = |m: &Member| !m.is_present() || m.commands.is_empty();
        if matches!(self.phase, Phase::Ending(_)) && self.members.iter().all(gone) {
            self.ended(actions);
        }
    }

    // --- orders ----------------------------------------------------------------------------------

    fn ordered(&mut self, now: Moment, order: Order, actions: &mut Vec<Action>) {
        match (order, self.phase) {
            // The run is ending early: what the host program ordered before it heard of that has no effect.
            (Order::Prepare(_) | Order::Start { .. } | Order::Count(_), _) if self.aborted => {}
            (Order::Count(works), Phase::Gathering) => self.count(works),
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
            (Order::Steer(steering), _) => {
                self.steering = Some(steering);
                if self.is_running() {
                    self.command_all(&Task::Steer(steering.into()), actions);
                }
            }
            (Order::Abort { .. }, _) | (Order::End, Phase::Ending(_) | Phase::Ended) => {}
            (Order::End, _) => {
                self.phase = Phase::Ending(now);
                self.aborted = true;
                self.command_all(&Task::End(true), actions);
            }
            (Order::Prepare(_) | Order::Start { .. } | Order::Count(_), _) => {
                self.fail("an order came at the wrong time".to_owned(), actions);
            }
        }
    }

    fn prepare(&mut self, index: usize, actions: &mut Vec<Action>) {
        let member = &mut self.members[index];
        member.prepared = true;
        let task = Task::Prepare(Prepare {
            workers: self.settings.expected.max(1),
            seat: member.seat as u32,
            version: self.map.version,
            owners: self.map.owners.clone(),
        });
        self.command(index, task, actions);
    }

    /// Tells a worker that joined a running test to start; what it owns is dealt to it then.
    fn begin_late(&mut self, index: usize, actions: &mut Vec<Action>) {
        if let (Phase::Running(at), Some(start), false) = (self.phase, self.start.clone(), self.aborted) {
            self.command(index, Task::Start(start.at(at, self.settings.unix_at_origin)), actions);
            self.tell_leases(index, false, actions);
            if let Some(steering) = self.steering {
                self.command(index, Task::Steer(steering.into()), actions);
            }
        }
    }

    fn begin(&mut self, now: Moment, start: Ordered, actions: &mut Vec<Action>) {
        let at = now + START_DELAY;
        self.phase = Phase::Running(at);
        // Before the start, so that everyone has something to start with.
        self.open_ledger(actions);
        self.started = Some(at);
        self.command_all(&Task::Start(start.at(at, self.settings.unix_at_origin)), actions);
        if let Some(steering) = self.steering {
            self.command_all(&Task::Steer(steering.into()), actions);
        }
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
            self.failure = Some(text.clone());
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

    fn share(&self, index: usize) -> f64 {
        self.map.share(self.members[index].seat)
    }
}

#[cfg(test)]
mod tests {
    use throng_plan::{SegmentSequence, Slots};

    use super::*;

    #[test]
    fn equal_parts_are_those_of_execution_segments() {
        for seats in 1..20 {
            let sequence = SegmentSequence::equal(seats);
            for (seat, segment) in (0..).zip(sequence.segments()) {
                let of_segment = Slots::of(segment, &sequence).unwrap();
                assert_eq!(Slots::from_owners(0, seat, Map::equal(seats).owners), of_segment);
            }
        }
    }
}
