//! The task that owns the controller's machine: it feeds it events and carries out its actions.

use std::collections::HashMap;
use std::sync::mpsc::Sender;

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;

use super::Origin;
use super::server::{Handle, Input};
use super::strangers::Strangers;
use crate::controller::{Action, ConnectionId, Event, Happening, Machine, Order};
use crate::protocol::{FromController, MAX_CONTROLLERS_MESSAGE, ToWorker};

/// What may wait for one worker: a bundle and more commands and answers than a worker that reads lets gather.
const MAX_QUEUED: usize = MAX_CONTROLLERS_MESSAGE + (16 << 20);

/// The controller's machine and the connections it knows.
pub(super) struct Hub {
    pub(super) origin: Origin,
    pub(super) machine: Machine,
    pub(super) strangers: Strangers,
    pub(super) happenings: Sender<Happening>,
    pub(super) connections: HashMap<ConnectionId, Handle>,
}

impl Hub {
    /// Runs until the host program drops its controller.
    pub(super) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) {
        loop {
            let event = tokio::select! {
                // The host's orders first, and the clock before a flood of inputs.
                biased;
                order = orders.recv() => match order {
                    Some(order) => Event::Ordered(order),
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
        self.machine.on_event(self.origin.now(), event, &mut actions);
        let mut overflowed = Vec::new();
        for action in actions {
            overflowed.extend(self.carry_out(action));
        }
        for connection in overflowed {
            let why = "it does not read what it is sent".to_owned();
            self.take(Event::Closed { connection, why });
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
