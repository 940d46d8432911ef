//! What workers say, and that they do not say anything any more.

use std::time::Duration;

use throng_metrics::Delta;

use super::{Action, ConnectionId, Happening, Machine, Moment, Phase};
use crate::controller::journal::SaidMessage;
use crate::controller::member::Standing;
use crate::controller::{Loss, OnWorkerLoss};
use crate::lane::Arrival;
use crate::protocol::{Batch, FromController, FromWorker, Heartbeat, Milestone, Pulse, Status, Taken, Task};

impl Machine {
    pub(super) fn member_says(
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
                let leased = self.members[index].has_lease();
                let pulse = Pulse { sent, at: now.as_nanos(), leased };
                actions.push(Action::Send(connection, FromController::Pulse(pulse)));
            }
            FromWorker::Batch(batch) => self.batch(now, index, connection, batch, actions),
            FromWorker::Status(status) => self.status(index, status, actions),
            FromWorker::Wants(wants) => self.wants(index, wants),
            FromWorker::Hello(_) | FromWorker::Join(_) | FromWorker::Distrust(_) => {
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
        let worker = self.members[index].id;
        match self.members[index].batches.arrive(batch.number) {
            Arrival::Next => {
                let counts = self.book(now, index, &batch, actions);
                let logs = batch.logs.into_iter();
                let logs = logs.map(|log| Happening::Log { worker, record: log.into() });
                actions.extend(logs.map(Action::Tell));
                if batch.logs_dropped > 0 {
                    let count = batch.logs_dropped;
                    actions.push(Action::Tell(Happening::LogsDropped { worker, count }));
                }
                let samples = batch.samples.into_iter().filter(|_| counts);
                actions.extend(samples.map(|bytes| Action::Tell(Happening::Samples { worker, bytes })));
                if let Some(delta) = delta.filter(|_| counts) {
                    let measured = match batch.measured[..] {
                        [from, until] => Some((Duration::from_millis(from), Duration::from_millis(until))),
                        _ => None,
                    };
                    actions.push(Action::Tell(Happening::Delta { worker, delta, measured }));
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
            Milestone::Initialised(_) => {
                member.initialised = true;
                self.map.stale = true;
                self.begin_late(index, actions);
            }
            Milestone::Dealt(version) => self.promised(index, version),
            Milestone::Still(version) => self.rests(index, version),
            Milestone::InitFailed(text) if matches!(self.phase, Phase::Running(_)) => {
                // The others run the test without it, as before.
                self.lose(now, index, format!("it could not initialise the test: {text}"), actions);
            }
            Milestone::InitFailed(text) => {
                member.done = true;
                self.init_failed.get_or_insert(SaidMessage { worker: worker.0, text: text.clone() });
                tell(Happening::InitFailed { worker, text });
            }
            Milestone::ScriptAborted(message) => {
                self.script_aborted.get_or_insert(SaidMessage { worker: worker.0, text: message.clone() });
                tell(Happening::ScriptAborted { worker, message });
            }
            Milestone::ScriptFailed(_) => {
                self.script_failed.get_or_insert(SaidMessage { worker: worker.0, text: String::new() });
                tell(Happening::ScriptFailed { worker });
            }
            Milestone::Leaving(_) => {
                member.leaving = Some(share);
                self.map.stale = true;
            }
            Milestone::Done(_) if member.leaving.is_some() => {
                let share = member.leaving.unwrap_or_default();
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
            status.cpu.map(|cpu| Happening::Usage { worker, cpu, memory: status.memory }),
        ];
        actions.extend(told.into_iter().flatten().map(Action::Tell));
    }

    pub(super) fn lose(&mut self, now: Moment, index: usize, why: String, actions: &mut Vec<Action>) {
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
        self.take_leases(index);
        let member = &mut self.members[index];
        self.map.stale = true;
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
    pub(super) fn vacate(&mut self, now: Moment, index: usize) {
        if matches!(self.phase, Phase::Gathering | Phase::Preparing) {
            self.seats[self.members[index].seat] = None;
            self.vacant_since = now;
        }
    }
}
