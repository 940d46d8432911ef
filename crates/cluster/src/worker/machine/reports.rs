//! What the host program reports: kept until the controller has it, and folded while it waits.

use bytes::Bytes;

use super::{Action, EAGER_HEARTBEAT, EAGER_HEARTBEATS, Link, Machine, WINDOW};
use crate::moment::Moment;
use crate::protocol::{Batch, FromWorker, HEARTBEAT, Heartbeat, Milestone, Status, WantMessage, Wants};
use crate::worker::Report;

impl Machine {
    /// Milliseconds since the start of the run, while it runs.
    fn since_start(&self, now: Moment) -> Option<u64> {
        self.running.then(|| now.since(self.clock.to_local(self.start)).as_millis() as u64)
    }

    pub(super) fn reported(&mut self, now: Moment, report: Report, actions: &mut Vec<Action>) {
        match report {
            Report::VusReady(count) => self.status.vus_ready = Some(count),
            Report::Progress(progress) => self.status.progress = Some((&progress).into()),
            Report::Lag(lag) => {
                let worst = (lag.as_nanos() as u64).max(self.status.lag.unwrap_or_default());
                self.status.lag = Some(worst);
            }
            Report::Usage { cpu, memory } => {
                self.status.cpu = Some(cpu);
                self.status.memory = memory;
            }
            Report::Log(record) => self.pending.log(record),
            Report::Delta(delta) => {
                let at = self.since_start(now);
                self.pending.delta(delta, at);
            }
            Report::Counted(delta, counts) => {
                if self.pending.is_of_another_epoch(&counts) {
                    self.push_batch(actions);
                }
                let at = self.since_start(now);
                self.pending.delta(delta, at);
                self.pending.counts(counts);
            }
            Report::Wants(wants) => {
                if matches!(self.link, Link::Joined) {
                    let wants = wants.iter().map(|want| WantMessage {
                        scenario: want.scenario.index() as u32,
                        left: want.left,
                        wanted: want.wanted,
                        rest: want.rest,
                    });
                    actions.push(Action::Send(FromWorker::Wants(Wants { wants: wants.collect() })));
                }
            }
            Report::Initialised => self.pending.milestone(Milestone::Initialised(true)),
            Report::InitFailed(text) => self.pending.milestone(Milestone::InitFailed(text)),
            Report::ScriptAborted(text) => self.pending.milestone(Milestone::ScriptAborted(text)),
            Report::ScriptFailed => self.pending.milestone(Milestone::ScriptFailed(true)),
            Report::Leaving => self.pending.milestone(Milestone::Leaving(true)),
            Report::Done => {
                // How far it came is known before it is done.
                if matches!(self.link, Link::Joined) && self.has_status() {
                    self.send_status(now, actions);
                }
                self.pending.milestone(Milestone::Done(true));
            }
        }
    }

    pub(super) fn send_batch(&mut self, actions: &mut Vec<Action>) {
        if matches!(self.link, Link::Joined) && !self.pending.is_empty() && self.batches.len() < WINDOW {
            self.push_batch(actions);
        }
    }

    /// Makes a batch of what waits; it is sent now or with the next connection.
    pub(super) fn push_batch(&mut self, actions: &mut Vec<Action>) {
        let batch = self.pending.take(self.batches.last() + 1);
        self.batches.push(batch.clone());
        if matches!(self.link, Link::Joined) {
            actions.push(Action::Send(FromWorker::Batch(batch)));
        }
    }

    pub(super) fn acknowledged(&mut self, batch: u64, actions: &mut Vec<Action>) {
        let samples = |(_, batch): (u64, &Batch)| batch.samples.iter().map(Bytes::len).sum::<usize>();
        let taken: usize = self.batches.kept().take_while(|(number, _)| *number <= batch).map(samples).sum();
        if taken > 0 {
            actions.push(Action::SamplesTaken(taken));
        }
        self.batches.acknowledge(batch);
    }

    pub(super) fn has_status(&self) -> bool {
        self.status != Status::default()
    }

    pub(super) fn send_status(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.status_sent = now;
        if self.status.progress.is_some() {
            self.progress_sent.clone_from(&self.status.progress);
        }
        actions.push(Action::Send(FromWorker::Status(std::mem::take(&mut self.status))));
    }

    pub(super) fn heartbeat(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.heartbeats += 1;
        self.next_heartbeat =
            now + if self.heartbeats < EAGER_HEARTBEATS { EAGER_HEARTBEAT } else { HEARTBEAT };
        let heartbeat = Heartbeat { sent: now.as_nanos(), received: self.commands.received() };
        actions.push(Action::Send(FromWorker::Heartbeat(heartbeat)));
    }
}
