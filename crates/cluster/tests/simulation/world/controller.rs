//! The controller's process: its machine, and a host program that checks what it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use throng_cluster::controller;
use throng_cluster::protocol::{FromController, ToWorker};
use throng_cluster::{Bundle, BundleFile, Happening, Moment, Order, worker};
use throng_metrics::{Delta, Sink};

use super::{Due, World};

impl World {
    pub(super) fn controller_takes(&mut self, event: controller::Event) {
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
            controller::Action::Starting(at) => {
                let world = at.since_origin().saturating_sub(self.controller_ahead);
                self.started_at = Some(world);
                self.tell("starting");
                self.at(world + Duration::from_secs(1), Due::LookAround);
            }
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
                let SocketAddr::V4(address) = address else { unreachable!() };
                // One that came long ago may have found a seat only now.
                self.quiet_since = self.quiet_since.max(self.now);
                self.workers.insert(worker.index(), usize::from(address.ip().octets()[3]));
            }
            Happening::AllJoined => {
                self.once("all joined");
                let files = vec![BundleFile::new("s", "export default 1")];
                let bundle = Bundle::new("s", files, Vec::new(), "{}", Vec::new()).unwrap();
                if let Some(work) = self.counted {
                    self.order(Duration::ZERO, Order::Count(vec![work]));
                }
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
                self.sum.told += iterations(&delta);
            }
            Happening::Discarded { worker, iterations } => {
                self.discarded += iterations;
                *self.told.entry(worker.index()).or_default() += iterations;
            }
            Happening::Unsettled { count, .. } => {
                self.once("unsettled");
                self.sum.unsettled = count;
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
                self.processes[process].was_lost = true;
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
}

fn iterations(delta: &Delta) -> u64 {
    let sinks = delta.series().iter().flat_map(|series| &series.sinks);
    sinks.map(|(_, sink)| if let Sink::Counter(sum) = sink { sum.value() as u64 } else { 0 }).sum()
}
