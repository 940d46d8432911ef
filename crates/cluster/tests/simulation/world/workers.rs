//! The workers' processes: their machines, and host programs that iterate while they may.

use std::sync::Arc;

use throng_cluster::controller::{self, ConnectionId};
use throng_cluster::protocol::FromWorker;
use throng_cluster::{Instruction, Moment, Report, worker};
use throng_metrics::{Delta, Recorder, RecorderConfig, Registry, UnixNanos, builtin};

use super::{DELTA_EVERY, DRIFT, Due, ITERATION, TEST, World};

impl World {
    pub(super) fn worker_takes(&mut self, process: usize, event: worker::Event) {
        if !self.processes[process].alive {
            return;
        }
        let now = self.process_now(process);
        let mut actions = Vec::new();
        self.processes[process].machine.on_event(now, event, &mut actions);
        self.worker_acts(process, actions);
    }

    pub(super) fn worker_acts(&mut self, process: usize, actions: Vec<worker::Action>) {
        for action in actions {
            match action {
                worker::Action::Connect => {
                    self.numbers += 1;
                    let connection = self.numbers;
                    self.processes[process].connection = connection;
                    let delay = self.delay();
                    self.after(delay, Due::Connect { process, connection });
                }
                worker::Action::Send(message) => self.worker_sends(process, message),
                worker::Action::Close => {
                    let connection = self.processes[process].connection;
                    self.processes[process].connection = 0;
                    if self.connections.remove(&connection).is_some() {
                        let why = "the worker closed it".to_owned();
                        self.send_up(
                            process,
                            controller::Event::Closed { connection: ConnectionId(connection), why },
                        );
                        self.perhaps_hold_up(connection);
                    }
                }
                worker::Action::Instruct(instruction) => self.instructed(process, instruction),
                worker::Action::Start { at, began, .. } => {
                    assert!(began <= at);
                    self.noted(process, "start");
                    self.processes[process].starts_at = Some(at);
                    let world = self.world_time(process, at);
                    let planned = self.started_at.unwrap();
                    let apart = world.abs_diff(planned);
                    let error = self.processes[process].machine.clock_error().unwrap() + DRIFT;
                    assert!(apart <= error, "starts are {apart:?} apart, and at most {error:?} was stated");
                    self.at(world, Due::Iterate(process));
                }
                worker::Action::Orphaned(until) => {
                    self.tell(format!("worker {process} is alone"));
                    self.processes[process].alone_until = Some(until);
                }
                worker::Action::Lease(until) => self.processes[process].lease = until,
                worker::Action::Deal { slots, from, coming, .. } => {
                    let version = slots.version();
                    if coming.owned_per_period() > 0 {
                        assert!((0..coming.period()).all(|slot| !coming.owns(slot) || slots.owns(slot)));
                    }
                    self.tell(format!("worker {process} has {:.3} of map {version}", slots.share()));
                    let error = self.processes[process].machine.clock_error();
                    let is_idle = slots.owned_per_period() == 0;
                    assert!(error.is_some() || is_idle, "who does not know the time is given nothing");
                    self.processes[process].errors.push(error.unwrap_or_default());
                    self.processes[process].maps.push((from, slots));
                    self.worker_takes(process, worker::Event::Dealt(version));
                    let rest = self.random.millis(0..1_500);
                    self.after(rest, Due::Rests { process, version });
                }
                worker::Action::SamplesTaken(_) => {}
            }
        }
        let p = &self.processes[process];
        let wakes_at = p.machine.wakes_at();
        if wakes_at != Moment::NEVER && p.wakes_at.is_none_or(|earlier| wakes_at < earlier) {
            self.processes[process].wakes_at = Some(wakes_at);
            let at = self.world_time(process, wakes_at);
            self.at(at, Due::WorkerWakes(process));
        }
    }

    pub(super) fn worker_sends(&mut self, process: usize, message: FromWorker) {
        let connection = self.processes[process].connection;
        if self.connections.contains_key(&connection) {
            let connection = ConnectionId(connection);
            self.send_up(process, controller::Event::Received { connection, message });
        }
    }

    pub(super) fn noted(&mut self, process: usize, what: &'static str) {
        self.tell(format!("worker {process} is told: {what}"));
        let so_far = &mut self.processes[process].instructions;
        assert!(!so_far.contains(&what), "{what} is told once");
        let order = ["prepare", "start", "abort", "end", "disconnected"];
        let place = |name: &str| order.iter().position(|n| *n == name);
        assert!(so_far.iter().all(|earlier| place(earlier) < place(what)), "{what} after {so_far:?}");
        so_far.push(what);
    }

    pub(super) fn instructed(&mut self, process: usize, instruction: Instruction) {
        match instruction {
            Instruction::Prepare { slots, .. } => {
                self.noted(process, "prepare");
                self.processes[process].maps.push((Moment::default(), slots));
                let delay = self.random.millis(1..2_000);
                self.after(delay, Due::Initialised(process));
            }
            Instruction::Start { .. }
            | Instruction::Deal { .. }
            | Instruction::Doubtful { .. }
            | Instruction::Orphaned { .. } => {
                unreachable!("comes as an action of its own")
            }
            Instruction::Still(version) => self.assert_still(process, version),
            count @ Instruction::Count { .. } => self.count(process, count),
            Instruction::Steer(_) => unreachable!("nobody steers here"),
            Instruction::Abort { .. } => {
                self.noted(process, "abort");
                self.finish(process);
            }
            Instruction::End => {
                self.noted(process, "end");
                self.processes[process].over = true;
            }
            Instruction::Disconnected(why) => {
                self.tell(format!("{why}"));
                self.noted(process, "disconnected");
                self.processes[process].over = true;
                self.processes[process].finished = true;
            }
        }
    }

    pub(super) fn report(&mut self, process: usize, report: Report) {
        self.worker_takes(process, worker::Event::Reported(report));
    }

    pub(super) fn iterate(&mut self, process: usize) {
        let now = self.process_now(process);
        let p = &mut self.processes[process];
        if p.finished {
            return;
        }
        let end = p.starts_at.unwrap() + TEST;
        if now >= end {
            if self.counted.is_some() {
                self.drop_counted(process);
                return self.after(ITERATION, Due::Iterate(process));
            }
            return self.finish(process);
        }
        if let Some(work) = self.counted {
            self.iterate_counted(process, work);
            return self.after(ITERATION, Due::Iterate(process));
        }
        let works = now < p.lease && p.slots(now).owned_per_period() > 0;
        if works {
            self.assert_sole_owner(process);
            self.alone +=
                u64::from(self.controller.is_none() && self.processes[process].alone_until.is_some());
        }
        let p = &mut self.processes[process];
        if works {
            p.iterations += 1;
            p.since_delta += 1;
        }
        if p.since_delta >= u64::from(DELTA_EVERY) {
            self.report_delta(process);
        }
        self.after(ITERATION, Due::Iterate(process));
    }

    pub(super) fn report_delta(&mut self, process: usize) {
        let p = &mut self.processes[process];
        let count = std::mem::take(&mut p.since_delta);
        p.reported += count;
        p.sums.insert(p.reported);
        self.report(process, Report::Delta(delta(process, count)));
    }

    pub(super) fn finish(&mut self, process: usize) {
        if std::mem::replace(&mut self.processes[process].finished, true) {
            return;
        }
        if self.counted.is_some() {
            self.report_counted(process);
        } else {
            self.report_delta(process);
        }
        self.report(process, Report::Done);
    }
}

/// So many iterations, with the process as a tag.
pub(super) fn delta(process: usize, iterations: u64) -> Delta {
    let mut recorder = Recorder::new(Arc::new(Registry::new()), RecorderConfig::default());
    let root = recorder.root();
    let tags = recorder.with_tags(root, &[("process", &process.to_string())]);
    recorder.add(builtin::ITERATIONS, tags, iterations as f64, UnixNanos(1));
    recorder.take_delta()
}
