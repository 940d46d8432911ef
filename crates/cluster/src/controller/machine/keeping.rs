//! The machine's state as a journal keeps it, and a machine that goes on from there in another process.
//!
//! What a worker that is not heard may still do decides how long its slots stay its own. Where there is a journal, a worker
//! whose controller has died (its address refuses connections) goes on for the grace it was given. It does so only if its
//! lease was valid when it learnt that, so no controller had given it up; and it counts the grace from when it tried to
//! connect, at which time nobody listened, so the controller after that one began to listen later. A controller that
//! goes on therefore gives nobody up before the grace has passed since it began to listen, unless it has heard that worker;
//! and a worker gives up the grace for the ordinary lease before it says the first word that a controller could hear.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use throng_engine::{Indices, ScenarioIndex};

use super::dealing::{Change, Lingering, Map};
use super::{Action, Happening, Machine, Moment, Ordered, Phase, Settings};
use crate::controller::journal::{
    BookMessage, ChangeMessage, EpochMessage, HeldMessage, MapMessage, MemberMessage, SaidMessage,
    StateMessage,
};
use crate::controller::ledger::{Book, CountedWork, Ledger};
use crate::controller::member::{Member, Standing};
use crate::ids::{InstanceId, WorkerId};
use crate::lane::{Inbox, Outbox};
use crate::protocol::{Command, LEASE, LEASE_MARGIN, Task, decode, encode};

/// What a machine goes on from.
#[derive(Debug)]
pub(in crate::controller) struct Kept {
    pub(in crate::controller) state: StateMessage,
    pub(in crate::controller) setup_data: Option<Arc<str>>,
    /// What workers that load the test from now on are sent.
    pub(in crate::controller) bundle: Bytes,
    /// When the last thing was written down.
    pub(in crate::controller) last: Moment,
    /// How long workers go on without a controller, at most.
    pub(in crate::controller) grace: Duration,
}

impl Machine {
    /// The worker behind a connection.
    pub(in crate::controller) fn worker_at(&self, connection: super::ConnectionId) -> Option<WorkerId> {
        match self.meetings.get(&connection) {
            Some((_, super::Meeting::Member(worker))) => Some(*worker),
            _ => None,
        }
    }

    /// The number of the last batch that was taken from a worker.
    pub(in crate::controller) fn taken(&self, worker: WorkerId) -> u64 {
        self.members[worker.index() as usize].batches.received()
    }

    /// Whether a worker has nothing left to run.
    pub(in crate::controller) fn is_done(&self, worker: WorkerId) -> bool {
        self.members[worker.index() as usize].done
    }

    /// What `setup` returned, once the start was ordered.
    pub(in crate::controller) fn setup_data(&self) -> Option<&Arc<str>> {
        self.start.as_ref().and_then(|start| start.setup_data.as_ref())
    }

    /// When the run phase began, once the start was ordered.
    pub(in crate::controller) fn began(&self) -> Option<Moment> {
        self.start.as_ref().map(|start| start.began)
    }

    /// When iterations began, or will.
    pub(in crate::controller) fn starting(&self) -> Option<Moment> {
        self.started
    }

    /// All of it but what a new process makes anew: connections, and who was heard when.
    pub(in crate::controller) fn state(&self) -> StateMessage {
        let (phase, phase_at) = match self.phase {
            Phase::Gathering => (0, 0),
            Phase::Preparing => (1, 0),
            Phase::Running(at) => (2, at.as_nanos()),
            Phase::Ending(since) => (3, since.as_nanos()),
            Phase::Ended => (4, 0),
        };
        let members = self.members.iter().map(keep_member).collect();
        StateMessage {
            phase,
            phase_at,
            members,
            seats: self.seats.iter().map(|seat| seat.map_or(0, |worker| worker.0 + 1)).collect(),
            map: Some(keep_map(&self.map)),
            began: self.began().map(Moment::as_nanos),
            started: self.started.map(Moment::as_nanos),
            aborted: self.aborted,
            failed: self.failure.clone(),
            script_aborted: self.script_aborted.clone(),
            script_failed: self.script_failed.clone(),
            init_failed: self.init_failed.clone(),
            books: if self.leases.ledger.books.is_empty() {
                Ledger::new(&self.leases.works).keep()
            } else {
                self.leases.ledger.keep()
            },
            epochs: self.leases.ledger.keep_epochs(),
            has_ledger: !self.leases.ledger.books.is_empty(),
        }
    }

    /// A machine that goes on at `now`, from which moment on workers can reach it. What the host program was told and may not
    /// have acted upon is told again.
    pub(in crate::controller) fn resume(
        now: Moment,
        settings: Settings,
        kept: Kept,
        actions: &mut Vec<Action>,
    ) -> Self {
        let Kept { state, setup_data, bundle, last, grace } = kept;
        let at = Moment::from_nanos(state.phase_at);
        let phase = match state.phase {
            0 => Phase::Gathering,
            1 => Phase::Preparing,
            2 => Phase::Running(at),
            // That it ended may not have been told.
            _ => Phase::Ending(now),
        };
        let members = (0..).zip(state.members).map(|(id, member)| {
            let mut member = restore_member(id, member, setup_data.as_ref());
            member.heard = last;
            member.awaited_until = member.is_present().then(|| now + (grace + LEASE + LEASE_MARGIN));
            member
        });
        let mut machine = Self::new(now, settings);
        machine.phase = phase;
        machine.members = members.collect();
        machine.seats = state.seats.iter().map(|seat| seat.checked_sub(1).map(WorkerId)).collect();
        machine.map = restore_map(state.map.unwrap_or_default());
        machine.start = state.began.map(|began| Ordered { setup_data, began: Moment::from_nanos(began) });
        machine.started = state.started.map(Moment::from_nanos);
        // Told again, as their consequences may not have been ordered: what follows from a start is known to have been.
        machine.told_all_joined = phase != Phase::Gathering;
        machine.told_ready = phase != Phase::Gathering && machine.start.is_some();
        machine.bundle = bundle;
        machine.leases.works = state.books.iter().map(work).collect();
        if state.has_ledger {
            machine.leases.ledger = Ledger::restored(&state.books, &state.epochs);
        }
        machine.aborted = state.aborted;
        machine.failed = state.failed.is_some();
        let worker = |said: &SaidMessage| WorkerId(said.worker);
        if let Some(said) = &state.init_failed {
            let (worker, text) = (worker(said), said.text.clone());
            actions.push(Action::Tell(Happening::InitFailed { worker, text }));
        }
        if let Some(said) = &state.script_failed {
            actions.push(Action::Tell(Happening::ScriptFailed { worker: worker(said) }));
        }
        if let Some(said) = &state.script_aborted {
            let (worker, message) = (worker(said), said.text.clone());
            actions.push(Action::Tell(Happening::ScriptAborted { worker, message }));
        }
        actions.extend(state.failed.clone().map(Happening::Failed).map(Action::Tell));
        machine.failure = state.failed;
        machine.script_aborted = state.script_aborted;
        machine.script_failed = state.script_failed;
        machine.init_failed = state.init_failed;
        machine
    }
}

fn keep_member(member: &Member) -> MemberMessage {
    let keep = |(number, task): (u64, &Task)| {
        let mut task = task.clone();
        if let Task::Start(start) = &mut task {
            start.setup_data = None;
        }
        Command { number, task: Some(task) }
    };
    MemberMessage {
        instance: member.instance.0,
        name: member.name.clone(),
        address: member.address.to_string(),
        threads: member.threads,
        seat: member.seat as u32,
        standing: match member.standing {
            Standing::Present => 0,
            Standing::Lost => 1,
            Standing::Left => 2,
        },
        commanded: member.commands.last(),
        kept: member.commands.kept().map(keep).collect(),
        taken: member.batches.received(),
        prepared: member.prepared,
        initialised: member.initialised,
        leaving: member.leaving,
        done: member.done,
        promised: member.promised,
        suspended_for: member.suspended_for,
    }
}

fn restore_member(id: u32, kept: MemberMessage, setup_data: Option<&Arc<str>>) -> Member {
    let commands = kept.kept.into_iter().filter_map(|command| command.task);
    let commands = commands.map(|mut task| {
        if let Task::Start(start) = &mut task {
            start.setup_data = setup_data.map(ToString::to_string);
        }
        task
    });
    Member {
        id: WorkerId(id),
        instance: InstanceId(kept.instance),
        name: kept.name,
        address: kept.address.parse().unwrap_or_else(|_| ([0, 0, 0, 0], 0).into()),
        threads: kept.threads,
        seat: kept.seat as usize,
        standing: match kept.standing {
            0 => Standing::Present,
            1 => Standing::Lost,
            _ => Standing::Left,
        },
        link: None,
        heard: Moment::default(),
        awaited_until: None,
        commands: Outbox::restored(kept.commanded, commands.collect()),
        batches: Inbox::restored(kept.taken),
        prepared: kept.prepared,
        initialised: kept.initialised,
        leaving: kept.leaving,
        done: kept.done,
        promised: kept.promised,
        rested: 0,
        suspended_for: kept.suspended_for,
    }
}

fn keep_map(map: &Map) -> MapMessage {
    let change = map.change.as_ref().map(|change| ChangeMessage {
        version: change.version,
        interim: change.interim.clone(),
        from: change.from.as_nanos(),
        awaited: change.awaited.iter().map(|worker| worker.0).collect(),
        owners: change.owners.clone(),
        givers: change.givers.iter().map(|worker| worker.0).collect(),
    });
    let number = |(worker, number): (&WorkerId, &u64)| EpochMessage { worker: worker.0, number: *number };
    let restless = map.lingering.iter().flat_map(|lingering| &lingering.awaited).map(number).collect();
    let lingering = map.lingering.as_ref().map(|lingering| lingering.version);
    let (version, owners, stale) = (map.version, map.owners.clone(), map.stale);
    MapMessage { version, owners, from: map.from.as_nanos(), stale, change, lingering, restless }
}

fn restore_map(kept: MapMessage) -> Map {
    let change = kept.change.map(|change| Change {
        version: change.version,
        interim: change.interim,
        from: Moment::from_nanos(change.from),
        awaited: change.awaited.into_iter().map(WorkerId).collect::<BTreeSet<_>>(),
        owners: change.owners,
        givers: change.givers.into_iter().map(WorkerId).collect(),
    });
    let restless = kept.restless.iter().map(|awaited| (WorkerId(awaited.worker), awaited.number));
    let awaited = restless.collect();
    let lingering = kept.lingering.map(|version| Lingering { version, awaited });
    let from = Moment::from_nanos(kept.from);
    Map { version: kept.version, owners: kept.owners, from, stale: kept.stale, change, lingering }
}

fn work(book: &BookMessage) -> CountedWork {
    CountedWork {
        scenario: ScenarioIndex::new(book.scenario as usize),
        vus: book.vus,
        iterations: book.iterations,
        is_each: book.is_each,
    }
}

impl Ledger {
    fn keep(&self) -> Vec<BookMessage> {
        let held = |(worker, indices): (&WorkerId, &Indices)| HeldMessage {
            worker: worker.0,
            indices: encode(indices),
        };
        let book = |book: &Book| BookMessage {
            scenario: book.work.scenario.index() as u32,
            vus: book.work.vus,
            iterations: book.work.iterations,
            is_each: book.work.is_each,
            free: encode(&book.free),
            held: book.held.iter().map(held).collect(),
            is_closed: book.is_closed,
        };
        self.books.iter().map(book).collect()
    }

    fn keep_epochs(&self) -> Vec<EpochMessage> {
        let epoch =
            |(worker, epoch): (&WorkerId, &u32)| EpochMessage { worker: worker.0, number: u64::from(*epoch) };
        self.epochs.iter().map(epoch).collect()
    }

    fn restored(books: &[BookMessage], epochs: &[EpochMessage]) -> Self {
        let book = |book: &BookMessage| Book {
            work: work(book),
            free: decode(&book.free),
            held: book.held.iter().map(|held| (WorkerId(held.worker), decode(&held.indices))).collect(),
            is_closed: book.is_closed,
        };
        let epochs = epochs.iter().map(|epoch| (WorkerId(epoch.worker), epoch.number as u32));
        Self { books: books.iter().map(book).collect(), epochs: epochs.collect() }
    }
}
