//! Connections: they delay, they hold back what is cut off, they break. None reorders what it carries, but one that is over
//! may still deliver when the next one does already, as a proxy or a full buffer has it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use throng_cluster::controller::{self, ConnectionId};
use throng_cluster::{InstanceId, Moment, Token, worker};

use super::{Due, Process, World};

impl World {
    pub(super) fn delay(&mut self) -> Duration {
        let slow = if self.random.percent(3) { 200 } else { 1 };
        Duration::from_micros(self.random.range(50..self.latency * 1_000 + slow * 1_000))
    }

    pub(super) fn spawn(&mut self) {
        let process = self.processes.len();
        let ahead = self.random.millis(0..1_000_000);
        let settings = worker::Settings {
            controller: "controller:5557".to_owned(),
            name: format!("worker-{process}"),
            threads: 1,
            instance: InstanceId::new(self.random.next()),
            token: Some(Token::new("a token of the world").unwrap()),
            join_timeout: Duration::from_secs(30),
            takes_deals: true,
            unix_at_origin: Duration::ZERO,
        };
        let drift = self.random.range(0..201) as i64 - 100;
        let nanos = self.now.as_nanos() as i64;
        let local = Moment::from(ahead + Duration::from_nanos((nanos + nanos / 1_000_000 * drift) as u64));
        let mut actions = Vec::new();
        let machine = worker::Machine::new(local, settings, &mut actions);
        self.processes.push(Process {
            machine,
            ahead,
            drift,
            alive: true,
            over: false,
            frozen_until: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            connection: 0,
            up: Duration::ZERO,
            down: Duration::ZERO,
            lease: Moment::default(),
            alone_until: None,
            initialised: false,
            starts_at: None,
            maps: Vec::new(),
            errors: Vec::new(),
            iterations: 0,
            since_delta: 0,
            finished: false,
            leaving: false,
            sums: BTreeSet::from([0]),
            reported: 0,
            stock: super::counting::Stock::default(),
            rests: 0,
            was_lost: false,
            instructions: Vec::new(),
            wakes_at: None,
        });
        self.worker_acts(process, actions);
    }

    pub(super) fn connect(&mut self, process: usize, connection: u64) {
        if !self.processes[process].alive || self.processes[process].connection != connection {
            return;
        }
        if self.processes[process].cut_off_until > self.now {
            let event = worker::Event::Closed("no answer within 5 s".to_owned());
            return self.after(Duration::from_secs(5), Due::ToWorker { process, connection, event });
        }
        if self.ended || self.controller.is_none() {
            let event = worker::Event::NobodyListens("connection refused".to_owned());
            // A first attempt may get lost.
            let lost = if self.random.percent(10) { Duration::from_secs(1) } else { Duration::ZERO };
            let delay = self.delay() + lost;
            return self.after(delay, Due::ToWorker { process, connection, event });
        }
        self.connections.insert(connection, process);
        let nonce = [self.random.next() as u8; 16];
        let address = SocketAddr::from(([10, 0, 0, process as u8], 1));
        let event = controller::Event::Accepted { connection: ConnectionId(connection), address, nonce };
        (self.processes[process].up, self.processes[process].down) = (self.now, self.now);
        self.send_up(process, event);
        let nonce = [self.random.next() as u8; 16];
        self.send_down(process, connection, worker::Event::Connected(nonce));
    }

    /// A message on its way to the controller; it waits while the worker is cut off.
    pub(super) fn send_up(&mut self, process: usize, event: controller::Event) {
        let delay = self.delay();
        let p = &mut self.processes[process];
        p.up = p.up.max(p.cut_off_until.max(self.now) + delay);
        let at = p.up;
        self.at(at, Due::ToController(event));
    }

    pub(super) fn send_down(&mut self, process: usize, connection: u64, event: worker::Event) {
        let delay = self.delay();
        let p = &mut self.processes[process];
        p.down = p.down.max(p.cut_off_until.max(self.now) + delay);
        let at = p.down;
        self.at(at, Due::ToWorker { process, connection, event });
    }

    /// What is under way to the controller on a connection, its end included, takes so much longer; its order stays.
    fn hold_up(&mut self, connection: u64, time: Duration) {
        let late: Vec<(Duration, u64)> = self
            .queue
            .iter()
            .map(|Reverse(entry)| *entry)
            .filter(|(_, number)| {
                self.due.get(number).is_some_and(|due| is_to_controller_on(due, connection))
            })
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        self.held_up += late.len() as u64;
        self.quiet_since = self.quiet_since.max(self.now + time);
        for (at, number) in late {
            if let Some(due) = self.due.remove(&number) {
                self.at(at + time, due);
            }
        }
    }

    /// Sometimes what a connection carried arrives long after it was given up here.
    pub(super) fn perhaps_hold_up(&mut self, connection: u64) {
        if self.random.percent(30) {
            let time = self.random.millis(0..4_000);
            self.hold_up(connection, time);
        }
    }

    /// Both sides learn of it, each in its own time; what is under way is lost, or comes much later.
    pub(super) fn break_connection(&mut self, process: usize) {
        let connection = self.processes[process].connection;
        if self.connections.remove(&connection).is_none() {
            return;
        }
        let why = "connection reset".to_owned();
        if self.controller.is_some() && self.random.percent(20) {
            let event = controller::Event::Closed { connection: ConnectionId(connection), why: why.clone() };
            self.send_up(process, event);
            let time = self.random.millis(0..4_000);
            self.hold_up(connection, time);
            let delay = self.delay();
            return self
                .after(delay, Due::ToWorker { process, connection, event: worker::Event::Closed(why) });
        }
        let lost: Vec<u64> = self
            .due
            .iter()
            .filter(|(_, due)| {
                matches!(due, Due::ToWorker { connection: c, .. } if *c == connection)
                    || is_to_controller_on(due, connection)
            })
            .map(|(number, _)| *number)
            .collect();
        for number in lost {
            self.due.remove(&number);
        }
        // Sometimes nobody tells the controller: it has to notice the silence.
        if self.random.percent(70) {
            let event = controller::Event::Closed { connection: ConnectionId(connection), why: why.clone() };
            let delay = self.delay();
            self.after(delay, Due::ToController(event));
        }
        let delay = self.delay();
        self.after(delay, Due::ToWorker { process, connection, event: worker::Event::Closed(why) });
    }
}

/// Whether the controller is to hear this on that connection.
fn is_to_controller_on(due: &Due, connection: u64) -> bool {
    match due {
        Due::ToController(
            controller::Event::Received { connection: c, .. }
            | controller::Event::Accepted { connection: c, .. }
            | controller::Event::Closed { connection: c, .. },
        ) => c.0 == connection,
        _ => false,
    }
}
