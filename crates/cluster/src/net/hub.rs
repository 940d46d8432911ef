//! The task that owns the controller's machine: it feeds it events and carries out its actions.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, SyncSender};

use bytes::Bytes;
use prost::Message as _;
use throng_metrics::Delta;
use tokio::sync::mpsc;

use super::Origin;
use super::server::{Handle, Input};
use super::store::Store;
use super::strangers::Strangers;
use crate::controller::{Action, ConnectionId, Entry, Event, Happening, Journal, Machine, Order};
use crate::protocol::{FromController, MAX_CONTROLLERS_MESSAGE, ToWorker};

/// What may wait for one worker: a bundle and more commands and answers than a worker that reads lets gather.
const MAX_QUEUED: usize = MAX_CONTROLLERS_MESSAGE + (16 << 20);

/// What the host program asks of the hub.
#[derive(Debug)]
pub(super) enum Errand {
    /// For the machine.
    Order(Order),
    /// Write down a note, and say when that is done.
    Note { name: String, value: String, done: SyncSender<()> },
    /// Write down what the host program measured itself.
    Measured(Delta),
}

/// What is written down of the run, and where.
#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) journal: Journal,
    pub(super) store: Store,
}

/// The controller's machine and the connections it knows.
pub(super) struct Hub {
    pub(super) origin: Origin,
    pub(super) machine: Machine,
    pub(super) strangers: Strangers,
    pub(super) happenings: Sender<Happening>,
    pub(super) connections: HashMap<ConnectionId, Handle>,
    /// Where another process could go on with the run.
    pub(super) keeping: Option<Keeping>,
    /// What a machine that goes on has to say first.
    pub(super) first: Vec<Action>,
}

impl Hub {
    /// Runs until the host program drops its controller.
    pub(super) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut errands: mpsc::UnboundedReceiver<Errand>,
    ) {
        for action in std::mem::take(&mut self.first) {
            self.carry_out(action);
        }
        // A machine that goes on may have something to do at once.
        self.take(Event::Tick);
        loop {
            let event = tokio::select! {
                // The host's orders first, and the clock before a flood of inputs.
                biased;
                errand = errands.recv() => match errand {
                    Some(Errand::Order(order)) => Event::Ordered(order),
                    Some(errand) => {
                        self.keep(errand);
                        continue;
                    }
                    None => return,
                },
                () = self.origin.sleep_until(self.machine.wakes_at()) => Event::Tick,
                input = inputs.recv() => match input {
                    Some(Input::Event(event)) => event,
                    Some(Input::Opened { connection, address, handle }) => {
                        self.connections.insert(connection, handle);
                        let mut nonce = [0; 16];
                        if getrandom::fill(&mut nonce).is_err() {
                            // Without random numbers nobody can be told from a stranger.
                            self.connections.remove(&connection);
                            continue;
                        }
                        Event::Accepted { connection, address, nonce }
                    }
                    None => return,
                },
            };
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        if let Event::Closed { connection, .. } = &event {
            self.connections.remove(connection);
        }
        let mut actions = Vec::new();
        let now = self.origin.now();
        let before = self.keeping.as_ref().map(|keeping| keeping.journal.before(&self.machine, &event));
        self.machine.on_event(now, event, &mut actions);
        if let (Some(keeping), Some(before)) = (&mut self.keeping, before) {
            let entry = keeping.journal.after(now, &self.machine, before, &actions);
            self.write(&entry);
        }
        let mut overflowed = Vec::new();
        for action in actions {
            overflowed.extend(self.carry_out(action));
        }
        for connection in overflowed {
            let why = "it does not read what it is sent".to_owned();
            self.take(Event::Closed { connection, why });
        }
    }

    fn keep(&mut self, errand: Errand) {
        let now = self.origin.now();
        let Some(keeping) = &mut self.keeping else { return };
        match errand {
            Errand::Order(_) => {}
            Errand::Note { name, value, done } => {
                let entry = keeping.journal.note(now, &name, &value);
                self.write(&entry);
                let _ = done.send(());
            }
            Errand::Measured(delta) => {
                let entry = keeping.journal.measured(now, &delta);
                self.write(&entry);
            }
        }
    }

    /// Writes an entry down. If that cannot be done the run goes on without.
    fn write(&mut self, entry: &Entry) {
        let Some(Keeping { journal, store }) = &mut self.keeping else { return };
        if entry.bytes.is_empty() {
            return;
        }
        let mut written = store.append(&entry.bytes, entry.sync);
        if written.is_ok() && journal.is_large() {
            written = store.replace(&journal.snapshot(self.origin.now(), &self.machine));
        }
        if let Err(error) = written {
            store.spoil();
            self.keeping = None;
            drop(self.happenings.send(Happening::NotKept(error.to_string())));
        }
    }

    /// Returns a connection that has more to send than it should.
    fn carry_out(&mut self, action: Action) -> Option<ConnectionId> {
        match action {
            Action::Send(connection, message) => {
                let message: FromController = message;
                return self.send(connection, ToWorker::from(message).encode_to_vec().into());
            }
            Action::SendBundle(connection, bundle) => return self.send(connection, bundle),
            Action::Trust(connection) => self.strangers.trust(connection),
            Action::Close(connection) => drop(self.connections.remove(&connection)),
            // A host program that has stopped listening is about to drop its controller.
            Action::Tell(happening) => drop(self.happenings.send(happening)),
            Action::Starting(at) => {
                drop(self.happenings.send(Happening::Starting { at: self.origin.instant(at) }));
            }
        }
        None
    }

    fn send(&mut self, connection: ConnectionId, message: Bytes) -> Option<ConnectionId> {
        let handle = self.connections.get(&connection)?;
        handle.outgoing.send(message);
        (handle.outgoing.queued() > MAX_QUEUED).then_some(connection)
    }
}
