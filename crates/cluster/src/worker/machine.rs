//! The worker as a state machine: told the time and what happened, it answers with what is to be done.

mod commands;
mod reports;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use throng_plan::Slots;

use super::pending::Pending;
use super::{Disconnect, Instruction, Report};
use crate::clock::Clock;
use crate::ids::{InstanceId, RunId, WorkerId};
use crate::lane::{Inbox, Outbox};
use crate::moment::Moment;
use crate::protocol::{
    self, Batch, BundleMessage, Challenge, FromController, FromWorker, Hello, Join, LEASE, Milestone,
    ProgressMessage, SILENCE, Status, Welcome,
};
use crate::token::{Nonce, Role, Token};

/// Batches that are under way at a time; what is reported meanwhile folds into the next one.
const WINDOW: usize = 8;
/// The first heartbeats come quickly, for a good reading of the controller's clock before the start.
const EAGER_HEARTBEATS: u32 = 5;
const EAGER_HEARTBEAT: Duration = Duration::from_millis(50);
/// How often the status is sent, if it changed.
const STATUS_EVERY: Duration = Duration::from_millis(100);
/// The first pause before connecting again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// While iterations run, a connection without an answer for so long is made anew: the lease has ended.
const RUNNING_SILENCE: Duration = Duration::from_millis(2_500);

/// Who a worker is and how it behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The controller's address, for messages.
    pub controller: String,
    /// The name in logs and results.
    pub name: String,
    /// Threads that generate load.
    pub threads: u32,
    /// Random, of this process.
    pub instance: InstanceId,
    /// What both sides have to know.
    pub token: Option<Token>,
    /// How long to try to reach the controller.
    pub join_timeout: Duration,
    /// Whether the host program can follow a new map of slots while it runs iterations.
    pub takes_deals: bool,
    /// What the wall clock showed at the origin of moments, since 1970.
    pub unix_at_origin: Duration,
}

/// What happens to a worker.
#[derive(Debug)]
pub enum Event {
    /// A connection that [`Action::Connect`] asked for stands; the nonce is new and random.
    Connected([u8; 16]),
    /// It could not be made, or it broke, for this reason.
    Closed(String),
    /// It could not be made, as nobody listens there, for this reason: the controller has died.
    NobodyListens(String),
    /// It could not be made, as one side does not trust the other, for this reason.
    Untrusted(String),
    /// It could not be made for this reason, which looks like a mistake, but may pass.
    Doubtful(String),
    /// A part of a message came: a sign of life.
    Heard,
    /// The controller says something.
    Received(FromController),
    /// The host program reports something.
    Reported(Report),
    /// The host program reports raw samples.
    Samples(Bytes),
    /// The host program follows the map of this version from the moment it holds (see [`Action::Deal`]).
    Dealt(u64),
    /// Nothing runs any more in the host program of what the map of this version gave to others.
    Still(u64),
    /// Time has passed; see [`Machine::wakes_at`].
    Tick,
}

impl Event {
    /// Whether there is no connection after it.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::NobodyListens(_) | Self::Untrusted(_) | Self::Doubtful(_))
    }
}

/// What a worker's surroundings have to do.
#[derive(Debug)]
pub enum Action {
    /// Make a connection; answered by [`Event::Connected`], [`Event::Closed`] or another of the reasons why there is none.
    Connect,
    /// Send this on the connection.
    Send(FromWorker),
    /// Close the connection after what was sent; no [`Event::Closed`] follows.
    Close,
    /// Tell the host program.
    Instruct(Instruction),
    /// Tell the host program to start at this moment of this machine's clock.
    Start {
        /// The moment.
        at: Moment,
        /// When the run phase began.
        began: Moment,
        /// What `setup` returned.
        setup_data: Option<Arc<str>>,
        /// By how many nanoseconds the wall clock is ahead of the controller's.
        ahead: i64,
    },
    /// Tell the host program to follow a new map of slots; answered by [`Event::Dealt`] as soon as it is sure to.
    Deal {
        /// The map, with the worker's own slots.
        slots: Slots,
        /// From when on.
        from: Moment,
        /// The same since the start. It is counted on the controller's clock, so all workers have the same number.
        since_start: Duration,
        /// How many workers own a part of the test then.
        workers: u32,
        /// What of it others had who may still run what they had begun.
        coming: Slots,
    },
    /// Iterations may start until then, which may be earlier than was said before.
    Lease(Moment),
    /// Tell the host program that the controller has died, and until when iterations go on at most.
    Orphaned(Moment),
    /// So many bytes of raw samples have arrived: there is room for more.
    SamplesTaken(usize),
}

/// How the worker stands with its controller.
#[derive(Debug)]
enum Link {
    /// No connection until this moment; then it tries again.
    Pausing { until: Moment },
    /// A connection is being made since then.
    Connecting(Moment),
    /// `Hello` was sent.
    Greeting { nonce: Nonce },
    /// `Join` was sent.
    Joining,
    /// The worker takes part.
    Joined,
    /// It never will again.
    Over,
}

/// A worker. It connects, joins, carries out commands once, and keeps what it reports until the controller has it.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    link: Link,
    /// When the link came to its state, or was last known to work.
    heard: Moment,
    /// When it was last known to work; the measure of giving up.
    alive: Moment,
    pause: Duration,
    run: Option<(RunId, WorkerId)>,
    /// The worker's number among the owners of slots.
    seat: u32,
    running: bool,
    /// When iterations began, or will, on the controller's clock.
    start: Moment,
    clock: Clock,
    lease: Moment,
    /// How long iterations may go on after the controller has died.
    grace: Duration,
    /// It has died, and nobody was heard since: until when they do.
    orphaned_until: Option<Moment>,
    next_heartbeat: Moment,
    heartbeats: u32,
    commands: Inbox,
    bundle: Option<BundleMessage>,
    batches: Outbox<Batch>,
    pending: Pending,
    status: Status,
    /// How far the run was when that was last sent: a controller that goes on may not have it.
    progress_sent: Option<ProgressMessage>,
    status_sent: Moment,
    /// What was said last of why there is no connection.
    doubt: Option<String>,
}

impl Machine {
    /// A worker that begins to connect at once.
    pub fn new(now: Moment, settings: Settings, actions: &mut Vec<Action>) -> Self {
        actions.push(Action::Connect);
        Self {
            settings,
            link: Link::Connecting(now),
            heard: now,
            alive: now,
            pause: FIRST_PAUSE,
            run: None,
            seat: 0,
            running: false,
            start: Moment::default(),
            clock: Clock::default(),
            lease: Moment::default(),
            grace: Duration::ZERO,
            orphaned_until: None,
            next_heartbeat: now,
            heartbeats: 0,
            commands: Inbox::default(),
            bundle: None,
            batches: Outbox::default(),
            pending: Pending::default(),
            status: Status::default(),
            progress_sent: None,
            status_sent: Moment::default(),
            doubt: None,
        }
    }

    /// Takes in an event.
    pub fn on_event(&mut self, now: Moment, event: Event, actions: &mut Vec<Action>) {
        if matches!(self.link, Link::Over) {
            return;
        }
        match event {
            Event::Connected(nonce) => {
                self.link = Link::Greeting { nonce };
                self.heard = now;
                let hello = Hello { version: protocol::VERSION, nonce: nonce.to_vec() };
                actions.push(Action::Send(FromWorker::Hello(hello)));
            }
            // Who takes part already goes on trying: something else may be at the address for a while.
            Event::Untrusted(why) if self.run.is_none() => self.refuse(why, actions),
            Event::Doubtful(why) => {
                if self.doubt.as_ref() != Some(&why) {
                    self.doubt = Some(why.clone());
                    let controller = self.settings.controller.clone();
                    actions.push(Action::Instruct(Instruction::Doubtful { controller, reason: why.clone() }));
                }
                self.closed(now, why, actions);
            }
            Event::Closed(why) | Event::Untrusted(why) => self.closed(now, why, actions),
            Event::NobodyListens(why) => {
                self.orphaned(now, actions);
                self.closed(now, why, actions);
            }
            Event::Heard => self.heard = now,
            Event::Received(message) => {
                self.heard = now;
                self.received(now, message, actions);
            }
            Event::Reported(report) => {
                // After the last batch the run may be over at once.
                if matches!((&report, &self.link), (Report::Done, Link::Joined)) && self.has_status() {
                    self.send_status(now, actions);
                }
                self.reported(now, report, actions);
                self.send_batch(actions);
            }
            Event::Samples(bytes) => {
                self.pending.samples(bytes);
                self.send_batch(actions);
            }
            Event::Dealt(version) => {
                self.pending.milestone(Milestone::Dealt(version));
                self.send_batch(actions);
            }
            Event::Still(version) => {
                self.pending.milestone(Milestone::Still(version));
                self.send_batch(actions);
            }
            Event::Tick => {}
        }
        self.on_time(now, actions);
    }

    /// When [`Event::Tick`] is due at the latest.
    pub fn wakes_at(&self) -> Moment {
        match self.link {
            Link::Pausing { until } => until,
            // The connection attempt has its own timeout.
            Link::Over | Link::Connecting(_) => Moment::NEVER,
            Link::Greeting { .. } | Link::Joining => self.heard + self.patience(),
            Link::Joined => {
                let status = if self.has_status() { self.status_sent + STATUS_EVERY } else { Moment::NEVER };
                self.next_heartbeat.min(status).min(self.heard + self.patience())
            }
        }
    }

    /// Whether everything that was reported has arrived.
    pub fn is_flushed(&self) -> bool {
        self.batches.is_empty() && self.pending.is_empty()
    }

    /// By how much this worker may read the controller's clock wrongly; `None` before the first heartbeat's answer.
    pub fn clock_error(&self) -> Option<Duration> {
        self.clock.error()
    }

    /// Whether nothing will happen any more.
    pub fn is_over(&self) -> bool {
        matches!(self.link, Link::Over)
    }

    fn on_time(&mut self, now: Moment, actions: &mut Vec<Action>) {
        match self.link {
            Link::Pausing { until } if now >= until => {
                self.link = Link::Connecting(now);
                actions.push(Action::Connect);
            }
            Link::Greeting { .. } | Link::Joining | Link::Joined if now >= self.heard + self.patience() => {
                actions.push(Action::Close);
                let why = format!("it has been silent for {:.1} s", now.since(self.heard).as_secs_f64());
                self.closed(now, why, actions);
            }
            Link::Joined => {
                if now >= self.next_heartbeat {
                    self.heartbeat(now, actions);
                }
                if self.has_status() && now >= self.status_sent + STATUS_EVERY {
                    self.send_status(now, actions);
                }
            }
            _ => {}
        }
    }

    /// How long the controller may be silent.
    fn patience(&self) -> Duration {
        if self.running { RUNNING_SILENCE } else { SILENCE }
    }

    // --- the link --------------------------------------------------------------------------------

    fn closed(&mut self, now: Moment, why: String, actions: &mut Vec<Action>) {
        if matches!(self.link, Link::Joined) {
            self.pause = FIRST_PAUSE;
        }
        if now.since(self.alive) >= self.settings.join_timeout {
            let controller = self.settings.controller.clone();
            self.give_up(Disconnect::Unreachable { controller, reason: why }, actions);
        } else {
            self.link = Link::Pausing { until: now + self.pause };
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Nobody listens at the controller's address. Who has a lease knows that no controller has given it up, and goes on for
    /// the grace; see the controller's `keeping` for why that is safe.
    fn orphaned(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let Link::Connecting(since) = self.link else { return };
        if self.grace.is_zero() || !self.running || now >= self.lease {
            return;
        }
        let until = *self.orphaned_until.get_or_insert_with(|| {
            let until = since + self.grace;
            actions.push(Action::Orphaned(until));
            until
        });
        if until > self.lease {
            self.lease = until;
            actions.push(Action::Lease(until));
        }
    }

    fn give_up(&mut self, disconnect: Disconnect, actions: &mut Vec<Action>) {
        self.link = Link::Over;
        actions.push(Action::Close);
        actions.push(Action::Lease(Moment::default()));
        actions.push(Action::Instruct(Instruction::Disconnected(disconnect)));
    }

    fn refuse(&mut self, reason: impl Into<String>, actions: &mut Vec<Action>) {
        let (controller, reason) = (self.settings.controller.clone(), reason.into());
        self.give_up(Disconnect::Refused { controller, reason }, actions);
    }

    fn received(&mut self, now: Moment, message: FromController, actions: &mut Vec<Action>) {
        match (message, &self.link) {
            (FromController::Refused(refused), _) if refused.for_now => {
                actions.push(Action::Close);
                self.closed(now, refused.reason, actions);
            }
            // One that took part and was lost meanwhile has something to tell that nobody takes any more: that is no good end.
            (FromController::Refused(refused), _) if refused.over && self.run.is_none() => {
                let controller = self.settings.controller.clone();
                self.give_up(Disconnect::Over { controller }, actions);
            }
            (FromController::Refused(refused), _) => self.refuse(refused.reason, actions),
            (FromController::Challenge(challenge), &Link::Greeting { nonce }) => {
                self.challenged(now, &nonce, &challenge, actions);
            }
            (FromController::Welcome(welcome), Link::Joining) => self.welcomed(now, &welcome, actions),
            (FromController::Pulse(pulse), Link::Joined) => {
                let sent = Moment::from_nanos(pulse.sent);
                self.clock.sample(sent, Moment::from_nanos(pulse.at), now);
                if pulse.leased && sent + LEASE > self.lease {
                    self.lease = sent + LEASE;
                    actions.push(Action::Lease(self.lease));
                }
            }
            (FromController::Taken(taken), Link::Joined) => {
                self.acknowledged(taken.batch, actions);
                self.send_batch(actions);
            }
            (FromController::Bundle(bundle), Link::Joined) => self.bundle = Some(bundle),
            (FromController::Command(command), Link::Joined) => self.commanded(now, command, actions),
            _ => self.refuse("its answer is out of place: use the same throng on all machines", actions),
        }
        if matches!(self.link, Link::Joined) {
            self.alive = now;
        }
    }

    fn challenged(&mut self, now: Moment, nonce: &Nonce, challenge: &Challenge, actions: &mut Vec<Action>) {
        let Ok(theirs) = Nonce::try_from(&challenge.nonce[..]) else {
            return self.refuse("its challenge makes no sense", actions);
        };
        let proof = match &self.settings.token {
            Some(token) if !token.accepts(Role::Controller, &theirs, nonce, &challenge.proof) => {
                actions.push(Action::Send(FromWorker::Distrust(true)));
                let reason = "it does not know the join token: compare the token on both sides";
                return self.refuse(reason, actions);
            }
            Some(token) => token.prove(Role::Worker, &theirs, nonce),
            None => Vec::new(),
        };
        self.link = Link::Joining;
        // Whoever hears this counts the ordinary lease from now on.
        if self.orphaned_until.is_some() && self.lease > now + LEASE {
            self.lease = now + LEASE;
            actions.push(Action::Lease(self.lease));
        }
        actions.push(Action::Send(FromWorker::Join(Join {
            proof,
            instance: self.settings.instance.0,
            name: self.settings.name.clone(),
            threads: self.settings.threads,
            run: self.run.map(|(run, _)| run.0),
            received: self.commands.received(),
            takes_deals: self.settings.takes_deals,
            kept_from: self.batches.kept().next().map_or(self.batches.last() + 1, |(number, _)| number),
        })));
    }

    fn welcomed(&mut self, now: Moment, welcome: &Welcome, actions: &mut Vec<Action>) {
        self.run = Some((RunId(welcome.run), WorkerId(welcome.worker)));
        self.link = Link::Joined;
        self.doubt = None;
        self.pause = FIRST_PAUSE;
        self.grace = Duration::from_nanos(welcome.grace);
        if self.orphaned_until.take().is_some() {
            self.clock.changes();
        }
        if self.status.progress.is_none() {
            self.status.progress.clone_from(&self.progress_sent);
        }
        self.acknowledged(welcome.taken, actions);
        // The heartbeat first: its answer, with the controller's clock, then comes before any command to start.
        self.heartbeats = 0;
        self.heartbeat(now, actions);
        if self.has_status() {
            self.send_status(now, actions);
        }
        for (_, batch) in self.batches.kept() {
            actions.push(Action::Send(FromWorker::Batch(batch.clone())));
        }
        self.send_batch(actions);
    }
}
