//! The controller's process: its machine, and a host program that checks what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use prost::Message as _;
use throng_cluster::controller;
use throng_cluster::protocol::{FromController, ToWorker};
use throng_cluster::{Happening, Moment, Order, RunId, WorkerId, worker};
use throng_metrics::{Delta, Sink};

use super::{Due, World};

impl World {
    pub(super) fn controller_takes(&mut self, event: controller::Event) {
        let now = self.controller_now();
        let Some(machine) = &mut self.controller else { return };
        let before = self.journal.as_ref().map(|journal| journal.before(machine, &event));
        let mut actions = Vec::new();
        machine.on_event(now, event, &mut actions);
        if let (Some(journal), Some(before)) = (&mut self.journal, before) {
            let entry = journal.after(now, machine, before, &actions);
            if let Some(duration) = self.dying.take() {
                let written = self.random.range(0..entry.bytes.len() as u64 + 1) as usize;
                let written = if self.random.percent(50) { written } else { entry.bytes.len() };
                self.file.extend_from_slice(&entry.bytes[..written]);
                return self.controller_dies(duration);
            }
            self.file.extend_from_slice(&entry.bytes);
            if self.random.percent(1) {
                self.file = journal.snapshot(now, machine);
            }
        }
        self.controller_does(actions);
    }

    fn controller_does(&mut self, actions: Vec<controller::Action>) {
        for action in actions {
            self.controller_acts(action);
        }
        let wakes_at = self.controller.as_ref().map_or(Moment::NEVER, controller::Machine::wakes_at);
        if wakes_at != Moment::NEVER && self.controller_wakes_at.is_none_or(|earlier| wakes_at < earlier) {
            self.controller_wakes_at = Some(wakes_at);
            let at = wakes_at.since_origin().saturating_sub(self.controller_ahead);
            self.at(at.max(self.now + Duration::from_nanos(1)), Due::ControllerWakes);
        }
    }

    /// The process and its host program are gone, with what they had not said yet.
    fn controller_dies(&mut self, duration: Duration) {
        self.tell("the controller is dead");
        (self.controller, self.journal) = (None, None);
        self.due.retain(|_, due| !matches!(due, Due::ToController(_)));
        let connections: Vec<(u64, usize)> = self.connections.iter().map(|(c, p)| (*c, *p)).collect();
        for (connection, process) in connections {
            if self.processes[process].cut_off_until > self.now {
                // Not even that arrives.
                self.connections.remove(&connection);
            } else {
                self.break_connection(process);
            }
        }
        self.after(duration, Due::ControllerStarts);
    }

    /// Another process goes on with the run.
    pub(super) fn controller_starts(&mut self) {
        let now = self.controller_now();
        let recovered = controller::Recovered::read(&self.file).unwrap();
        let mut actions = Vec::new();
        let settings = controller::Settings { run: RunId::new(0), ..self.settings.clone() };
        let resumed = recovered.resume(now, settings, &self.test, &mut actions);
        let (machine, mut journal, resumed) = resumed.unwrap();
        self.tell(format!("another controller goes on: {resumed:?}"));
        self.file = journal.snapshot(now, &machine);
        (self.controller, self.journal) = (Some(machine), Some(journal));
        // What this host program knows it knows from the file.
        self.told.clear();
        self.sum = super::counting::Sum::default();
        self.workers.clear();
        self.gone.clear();
        for what in ["all joined", "ready", "all done", "failed", "unsettled"] {
            self.happened.remove(what);
        }
        for happening in resumed.told {
            match happening {
                Happening::Joined { worker, address, .. } => self.joined(worker, address),
                Happening::Delta { delta, .. } => self.measured(&delta),
                Happening::Discarded { worker, iterations } => self.passed_over(worker, iterations),
                // The process that gave it up may have died before it could say so.
                Happening::Lost(loss) => {
                    let process = self.workers[&loss.worker.index()];
                    self.processes[process].was_lost = true;
                }
                Happening::Done { worker } | Happening::Left { worker, .. } => {
                    self.gone.insert(worker.index());
                }
                _ => {}
            }
        }
        if let (Some(starting), None) = (resumed.starting, self.started_at) {
            self.starting(starting);
        }
        self.controller_does(actions);
        self.controller_takes(controller::Event::Tick);
    }

    fn starting(&mut self, at: Moment) {
        let world = at.since_origin().saturating_sub(self.controller_ahead);
        self.started_at = Some(world);
        self.tell("starting");
        self.at(world + Duration::from_secs(1), Due::LookAround);
    }

    fn joined(&mut self, worker: WorkerId, address: SocketAddr) {
        let SocketAddr::V4(address) = address else { unreachable!() };
        self.workers.insert(worker.index(), usize::from(address.ip().octets()[3]));
    }

    fn measured(&mut self, delta: &Delta) {
        for series in delta.series() {
            let process: usize = series.tags.get("process").unwrap().parse().unwrap();
            let counters = series.sinks.iter();
            let count: f64 =
                counters.map(|(_, sink)| if let Sink::Counter(sum) = sink { sum.value() } else { 0.0 }).sum();
            *self.told.entry(process).or_default() += count as u64;
            self.sum.told += count as u64;
        }
    }

    /// What others have run again.
    fn passed_over(&mut self, worker: WorkerId, iterations: u64) {
        *self.told.entry(self.workers[&worker.index()]).or_default() += iterations;
    }

    pub(super) fn controller_acts(&mut self, action: controller::Action) {
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
            controller::Action::Starting(at) => self.starting(at),
        }
    }

    pub(super) fn deliver(&mut self, connection: u64, message: FromController) {
        if let Some(process) = self.connections.get(&connection).copied() {
            self.send_down(process, connection, worker::Event::Received(message));
        }
    }

    pub(super) fn once(&mut self, what: &'static str) {
        assert!(self.happened.insert(what), "{what} is told once");
    }

    pub(super) fn order(&mut self, delay: Duration, order: Order) {
        self.after(delay, Due::ToController(controller::Event::Ordered(order)));
    }

    pub(super) fn host_hears(&mut self, happening: Happening) {
        match &happening {
            Happening::Delta { .. } => {}
            other => self.tell(format!("controller: {other:?}")),
        }
        let think = self.random.millis(0..500);
        match happening {
            Happening::Joined { worker, address, .. } => {
                // One that came long ago may have found a seat only now.
                self.quiet_since = self.quiet_since.max(self.now);
                self.joined(worker, address);
            }
            Happening::AllJoined => {
                self.once("all joined");
                if let Some(work) = self.counted {
                    self.order(Duration::ZERO, Order::Count(vec![work]));
                }
                self.order(think, Order::Prepare(self.test.clone()));
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
            Happening::Delta { delta, .. } => self.measured(&delta),
            Happening::Discarded { worker, iterations } => {
                self.discarded += iterations;
                self.passed_over(worker, iterations);
            }
            Happening::Unsettled { count, .. } => {
                self.once("unsettled");
                self.sum.unsettled = count;
            }
            Happening::Done { worker } | Happening::Left { worker, .. } => {
                let process = self.workers[&worker.index()];
                assert_eq!(self.told.get(&process).copied().unwrap_or(0), self.processes[process].reported);
                assert!(self.gone.insert(worker.index()), "a worker is done once");
            }
            Happening::Lost(loss) => {
                assert!(!self.happened.contains("all done"), "nobody is waited for any more");
                // Whoever takes over its work can be sure that it does none.
                let process = self.workers[&loss.worker.index()];
                self.processes[process].was_lost = true;
                if self.started_at.is_some() {
                    let local = self.process_now(process);
                    let p = &self.processes[process];
                    assert!(!p.alive || local >= p.lease, "the lease of a lost worker has ended");
                }
            }
            Happening::InitFailed { text, .. } => panic!("init failed: {text}"),
            Happening::ReportsMissing { .. } => panic!("what was acknowledged was written down"),
            Happening::Refused { reason, .. } => {
                let never = ["token", "out of place", "remembers"];
                assert!(!never.iter().any(|text| reason.contains(text)), "{reason}");
            }
            _ => {}
        }
    }
}
