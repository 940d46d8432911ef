//! A worker for a host program: its machine and its connection on a thread of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self as std_mpsc, Receiver};
use std::time::{Duration, Instant};

use prost::Message as _;
use rustls::pki_types::ServerName;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

use super::client::{self, Input, Target};
use super::frames::{Outgoing, outgoing};
use super::{FLUSH, NetError, Origin};
use crate::ids::InstanceId;
use crate::protocol::ToController;
use crate::worker::{Action, Event, Instruction, Lease, Machine, Report, Settings, WorkerConfig};

/// The origin of a worker's clock lies before any start of a run that it may join late.
const LONG_AGO: Duration = Duration::from_hours(24 * 365);
/// What may wait for the pilot; the connection waits beyond.
const INPUTS: usize = 64;

/// A worker's connection to its controller, which it keeps up by itself. Cheap to clone; any thread may report. When the
/// last clone is dropped the connection ends, which the controller takes for the worker's death unless it was told to go.
#[derive(Debug, Clone)]
pub struct WorkerClient {
    reports: UnboundedSender<Event>,
    lease: Lease,
    /// Bytes of raw samples that have not arrived.
    samples: Arc<AtomicUsize>,
}

impl WorkerClient {
    /// The most bytes of raw samples that wait; a single report has to be smaller.
    pub const MAX_SAMPLES: usize = 8 << 20;

    /// Begins to connect; what comes of it are [`Instruction`]s, at the latest [`Instruction::Disconnected`].
    pub fn connect(config: WorkerConfig) -> Result<(Self, Receiver<Instruction>), NetError> {
        let target = target(&config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let instance = InstanceId::random().map_err(std::io::Error::other)?;
        let (instructions, instructed) = std_mpsc::channel();
        let (reports, reported) = mpsc::unbounded_channel();
        let now = Instant::now();
        let origin = Origin(now.checked_sub(LONG_AGO).unwrap_or(now));
        let lease = Lease::new(origin.0);
        let settings = Settings {
            controller: config.controller,
            name: config.name,
            threads: config.threads,
            instance,
            token: config.token,
            join_timeout: config.join_timeout,
            takes_deals: true,
            unix_at_origin: super::unix_now().saturating_sub(origin.0.elapsed()),
        };
        let (inputs, received) = mpsc::channel(INPUTS);
        let samples = Arc::new(AtomicUsize::new(0));
        let pilot = Pilot {
            samples: samples.clone(),
            origin,
            target,
            instructions,
            lease: lease.clone(),
            inputs,
            attempt: 0,
            outgoing: None,
            connection: None,
            disconnected: None,
        };
        std::thread::Builder::new().name("throng-worker".to_owned()).spawn(move || {
            runtime.block_on(pilot.run(settings, received, reported));
        })?;
        Ok((Self { reports, lease, samples }, instructed))
    }

    /// Reports something; never waits.
    pub fn report(&self, report: Report) {
        // Once there is no controller any more nobody takes reports.
        let _ = self.reports.send(Event::Reported(report));
    }

    /// From its moment on, or from now on if that has passed, nothing starts here that is not this worker's by the map of this
    /// version ([`Instruction::Deal`]).
    pub fn dealt(&self, version: u64) {
        let _ = self.reports.send(Event::Dealt(version));
    }

    /// Nothing runs here any more of what the map of this version gave to others.
    pub fn still(&self, version: u64) {
        let _ = self.reports.send(Event::Still(version));
    }

    /// Reports raw samples in the host program's own encoding; never waits. They arrive in order, and before a
    /// [`Report::Done`] that comes after them. If more than [`Self::MAX_SAMPLES`] bytes have not arrived yet they are
    /// not taken and the answer is `false`: the host program counts what is dropped.
    pub fn report_samples(&self, bytes: Vec<u8>) -> bool {
        let size = bytes.len();
        if self.samples.fetch_add(size, Ordering::AcqRel) + size > Self::MAX_SAMPLES {
            self.samples.fetch_sub(size, Ordering::AcqRel);
            return false;
        }
        self.reports.send(Event::Samples(bytes.into())).is_ok()
    }

    /// Whether iterations may start.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }
}

fn target(config: &WorkerConfig) -> Result<Target, NetError> {
    let wrong = || NetError::Address(config.controller.clone());
    let (host, port) = config.controller.rsplit_once(':').ok_or_else(wrong)?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(wrong());
    }
    let tls = match &config.tls {
        None => None,
        Some(tls) => {
            let name = tls.server_name.as_deref().unwrap_or(host.trim_matches(['[', ']']));
            let name = ServerName::try_from(name.to_owned()).map_err(|_| wrong())?;
            Some((name, Arc::new(tls.config()?)))
        }
    };
    Ok(Target { address: config.controller.clone(), tls })
}

/// The task that owns the worker's machine.
struct Pilot {
    origin: Origin,
    target: Target,
    instructions: std_mpsc::Sender<Instruction>,
    lease: Lease,
    samples: Arc<AtomicUsize>,
    inputs: mpsc::Sender<Input>,
    attempt: u64,
    outgoing: Option<Outgoing>,
    connection: Option<JoinHandle<()>>,
    /// Why there is no controller any more.
    disconnected: Option<Instruction>,
}

impl Pilot {
    /// Runs until the host program drops its client, or there is no controller any more.
    async fn run(
        mut self,
        settings: Settings,
        mut inputs: mpsc::Receiver<Input>,
        mut reports: UnboundedReceiver<Event>,
    ) {
        self.live(settings, &mut inputs, &mut reports).await;
        // The last words are under way.
        self.outgoing = None;
        drop(inputs);
        if let Some(connection) = self.connection {
            let _ = tokio::time::timeout(FLUSH * 2, connection).await;
        }
        // Only now: a host program that hears this ends its process.
        if let Some(why) = self.disconnected {
            drop(self.instructions.send(why));
        }
    }

    async fn live(
        &mut self,
        settings: Settings,
        inputs: &mut mpsc::Receiver<Input>,
        reports: &mut UnboundedReceiver<Event>,
    ) {
        let mut actions = Vec::new();
        let mut machine = Machine::new(self.origin.now(), settings, &mut actions);
        loop {
            for action in actions.drain(..) {
                self.carry_out(action);
            }
            if machine.is_over() {
                return;
            }
            let event = tokio::select! {
                // Heartbeats are due whatever else there is to do.
                biased;
                () = self.origin.sleep_until(machine.wakes_at()) => Event::Tick,
                input = inputs.recv() => match input {
                    Some((attempt, event)) if attempt == self.attempt => event,
                    Some(_) => continue,
                    None => return,
                },
                report = reports.recv() => match report {
                    Some(report) => report,
                    None => return,
                },
            };
            if event.is_end() {
                self.outgoing = None;
            }
            machine.on_event(self.origin.now(), event, &mut actions);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Connect => {
                let (outgoing, requests) = outgoing();
                self.outgoing = Some(outgoing);
                self.attempt += 1;
                let connection =
                    client::run(self.target.clone(), self.attempt, requests, self.inputs.clone());
                self.connection = Some(tokio::spawn(connection));
            }
            Action::Send(message) => {
                if let Some(outgoing) = &self.outgoing {
                    outgoing.send(ToController::from(message).encode_to_vec().into());
                }
            }
            Action::Close => {
                self.outgoing = None;
                // What the closed connection still says is of no account.
                self.attempt += 1;
            }
            Action::Instruct(why @ Instruction::Disconnected(_)) => self.disconnected = Some(why),
            // A host program that has stopped listening is about to end.
            Action::Instruct(instruction) => drop(self.instructions.send(instruction)),
            Action::Start { at, began, setup_data, ahead } => {
                let (at, began) = (self.origin.instant(at), self.origin.instant(began));
                drop(self.instructions.send(Instruction::Start { at, began, setup_data, ahead }));
            }
            Action::Deal { slots, from: _, since_start, workers, coming } => {
                drop(self.instructions.send(Instruction::Deal { slots, since_start, workers, coming }));
            }
            Action::SamplesTaken(bytes) => {
                self.samples.fetch_sub(bytes, Ordering::AcqRel);
            }
            Action::Orphaned(until) => {
                let until = self.origin.instant(until);
                drop(self.instructions.send(Instruction::Orphaned { until }));
            }
            Action::Lease(until) => self.lease.set(until.since_origin()),
        }
    }
}
