//! The workers of a controller.
//!
//! The machinery of [`throng_cluster`] gathers them, deals the slots and keeps the books of who was lost; here its
//! happenings become what the conductor knows: events of one crew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use throng_cluster::{
    Bundle, Controller, CountedWork, Happening, LogLevel, LogRecord, Loss, OnWorkerLoss, Order, Steering,
    Went, WorkerId,
};
use throng_engine::{Progress, Time};
use throng_metrics::Delta;
use throng_server::Worker;

use super::account::{Account, Others, seconds, when};
use super::children::Children;
use super::{Crew, CrewEvent, CrewGone, CrewReport, Earlier, Stopper, together};
use crate::exit::Exit;
use crate::logging::{Field, Level, Logger};
use crate::run::raw::Inlet;

/// What arrives so long after it was measured is no part of the present second.
const LATE: Duration = Duration::from_millis(1_500);
/// How long the answer to an order of the controller's own machine may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The note about the times without a controller, one a line.
const GAPS: &str = "gaps";

/// What the controller keeps of a worker.
struct Member {
    name: String,
    ready: u64,
    progress: Option<Progress>,
    is_lost: bool,
    has_left: bool,
    /// `joined`, or `done`.
    phase: &'static str,
    /// How late its loops were at worst, as last told.
    lag: Option<Duration>,
    /// The share of the processors that was reported last.
    cpu: Option<f64>,
    /// Resident memory, as reported last.
    memory: Option<u64>,
    /// Shares of the processors that were reported: their sum and number.
    usage: (f64, u32),
}

/// See the module's description.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing that it has happened")]
pub(in crate::run) struct Remote {
    controller: Arc<Controller>,
    happenings: Receiver<Happening>,
    bundle: Arc<Bundle>,
    /// What the whole test looks like before anyone reports.
    nothing_done: Progress,
    waiting: VecDeque<CrewEvent>,
    members: BTreeMap<WorkerId, Member>,
    started: Option<Instant>,
    account: Account,
    log: Logger,
    console: Logger,
    samples: Option<Inlet>,
    samples_dropped: u64,
    /// Before the controller closes, so that they hear that the run is over.
    children: Option<Children>,
    moves: Moves,
    on_loss: OnWorkerLoss,
    /// It was asked to end early.
    is_stopped: Arc<AtomicBool>,
    /// The run is another process's, as far as it is known.
    earlier: Option<Earlier>,
    /// What is told is from before this process, and was said then.
    is_history: bool,
    /// The start was ordered by another process.
    is_ordered: bool,
    /// All workers have gone.
    has_gone: bool,
    has_ended: bool,
}

/// What of a test others take over from a worker that is gone.
#[derive(Debug, Clone)]
pub(in crate::run) struct Moves {
    /// The scenarios, by name.
    pub(in crate::run) names: Vec<String>,
    /// Those whose iterations are counted: whatever nobody has reported is run again.
    pub(in crate::run) counted: Vec<CountedWork>,
    /// How many starts are planned in each scenario; nothing where they are not.
    pub(in crate::run) planned_starts: Vec<Option<u64>>,
}

/// What a controller's crew needs beside the controller.
pub(in crate::run) struct RemoteConfig {
    /// What every worker is sent.
    pub(in crate::run) bundle: Arc<Bundle>,
    /// The progress of the whole test at its start.
    pub(in crate::run) nothing_done: Progress,
    /// Where the workers' own records go, and those of scripts.
    pub(in crate::run) log: Logger,
    /// See `log`.
    pub(in crate::run) console: Logger,
    /// Where raw samples go, if an output wants them.
    pub(in crate::run) samples: Option<Inlet>,
    /// The worker processes that belong to this run alone.
    pub(in crate::run) children: Option<Children>,
    /// What happens to the part of one that is lost.
    pub(in crate::run) moves: Moves,
    /// What its loss means for the run.
    pub(in crate::run) on_loss: OnWorkerLoss,
}

impl Remote {
    /// A crew of the workers that join `controller`.
    pub(in crate::run) fn new(
        controller: Controller,
        happenings: Receiver<Happening>,
        config: RemoteConfig,
    ) -> Self {
        let RemoteConfig { bundle, nothing_done, log, console, samples, children, moves, on_loss } = config;
        Self {
            controller: Arc::new(controller),
            happenings,
            bundle,
            nothing_done,
            waiting: VecDeque::new(),
            members: BTreeMap::new(),
            started: None,
            account: Account::default(),
            log,
            console,
            samples,
            samples_dropped: 0,
            children,
            moves,
            on_loss,
            is_stopped: Arc::default(),
            earlier: None,
            is_history: false,
            is_ordered: false,
            has_gone: false,
            has_ended: false,
        }
    }

    /// Goes on with a run that another process began.
    pub(in crate::run) fn go_on(&mut self, went: Went) {
        let Went { resumed, began, starting } = went;
        self.is_history = true;
        for happening in resumed.told {
            self.take(happening);
        }
        self.is_history = false;
        (self.started, self.is_ordered) = (starting, began.is_some());
        // What was said when it went on before.
        let mut gaps = resumed.notes.get(GAPS).cloned().unwrap_or_default();
        gaps.lines().for_each(|text| self.account.say(text.to_owned()));
        let at = starting.map(|at| at.elapsed());
        let text = format!(
            "there was no controller for {}: another one took over{}",
            seconds(resumed.away),
            when(at)
        );
        gaps.push_str(&text);
        gaps.push('\n');
        self.record(text);
        self.controller.note(GAPS, &gaps);
        if resumed.damaged > 0 {
            self.log.warn(&format!(
                "the last {} bytes of the run's journal are damaged and left out; what workers had reported in them is \
                 asked for again or said to be missing",
                resumed.damaged
            ));
        }
        self.earlier =
            Some(Earlier { began, starting, setup_data: resumed.setup_data, notes: resumed.notes });
    }

    fn name(&self, worker: WorkerId) -> &str {
        self.members.get(&worker).map_or("?", |member| &member.name)
    }

    /// Takes in what happened; what concerns the conductor is put in line for it.
    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Joined { worker, name, address, threads } => {
                let when = when(self.since_start());
                let text = format!("worker {name} has joined from {address} ({threads} threads){when}");
                // Children join because we start them.
                let level = if self.children.is_some() { Level::Debug } else { Level::Info };
                if !self.is_history {
                    self.log.log(level, &text, &[]);
                }
                let member = Member {
                    name,
                    ready: 0,
                    progress: None,
                    is_lost: false,
                    has_left: false,
                    phase: "joined",
                    lag: None,
                    cpu: None,
                    memory: None,
                    usage: (0.0, 0),
                };
                self.members.insert(worker, member);
            }
            Happening::AllJoined => {
                self.controller.order(Order::Count(self.moves.counted.clone()));
                self.controller.order(Order::Prepare(self.bundle.clone()));
            }
            Happening::VusReady { worker, count } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    let more = count.saturating_sub(member.ready);
                    member.ready = member.ready.max(count);
                    self.waiting.push_back(CrewEvent::VusReady(more));
                }
            }
            Happening::InitFailed { worker, text } => {
                self.log.debug(&format!("worker {} could not initialise the test", self.name(worker)));
                self.waiting.push_back(CrewEvent::InitFailed(text));
            }
            Happening::Ready => self.waiting.push_back(CrewEvent::Ready),
            Happening::Starting { at } => self.started = Some(at),
            Happening::Delta { worker, delta, measured } => {
                self.account.reported(worker);
                let late = measured.filter(|(_, until)| {
                    self.started.is_some_and(|at| at.elapsed().saturating_sub(*until) > LATE)
                });
                self.waiting.push_back(match late {
                    _ if self.is_history => CrewEvent::Earlier(delta),
                    Some(measured) => CrewEvent::Late(delta, measured),
                    None => CrewEvent::Delta(delta),
                });
            }
            Happening::Progress { worker, progress } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    member.progress = Some(progress);
                    // One that is back reports what it has by the newest map.
                    member.is_lost = false;
                }
            }
            Happening::Lag { worker, worst } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    member.lag = Some(worst);
                }
                self.waiting.push_back(CrewEvent::Lag(worst));
            }
            Happening::Usage { worker, cpu, memory } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    member.memory = memory;
                    member.cpu = Some(cpu);
                    member.usage = (member.usage.0 + cpu, member.usage.1 + 1);
                }
            }
            Happening::Samples { worker, bytes } => self.pass_samples(worker, &bytes),
            Happening::Log { worker, record } => self.write(worker, &record),
            Happening::LogsDropped { worker, count } => self.log.warn(&format!(
                "{count} log records of worker {} were dropped: there were more than could be sent",
                self.name(worker)
            )),
            Happening::ScriptAborted { worker: _, message } => {
                self.waiting.push_back(CrewEvent::ScriptAborted(message));
            }
            Happening::ScriptFailed { worker: _ } => self.waiting.push_back(CrewEvent::ScriptFailed),
            Happening::Done { worker } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    member.phase = "done";
                }
                if !self.is_history {
                    self.log.debug(&format!("worker {} is done", self.name(worker)));
                }
            }
            Happening::AllDone => {
                self.has_ended = self.has_run_to_its_end();
                self.waiting.push_back(CrewEvent::Done);
            }
            Happening::Lost(loss) => self.lost(&loss),
            Happening::Returned { worker } => {
                let (name, at) = (self.name(worker).to_owned(), self.since_start());
                let text = self.account.returned(worker, &name, at);
                self.warn(&text);
            }
            Happening::Dealt { at, workers } => {
                self.account.dealt();
                let them =
                    if workers == 1 { "1 worker has".to_owned() } else { format!("{workers} workers share") };
                if !self.is_history {
                    self.log.info(&format!("{them} the whole test from {} into the run on", seconds(at)));
                }
            }
            Happening::Discarded { worker, iterations } => self.record(format!(
                "{} of worker {} had been run again by others when it told of them, and are counted once; what it \
                 measured meanwhile is missing",
                counted(iterations, "iteration"),
                self.name(worker)
            )),
            Happening::Unsettled { scenario, count, total } => {
                if self.has_run_to_its_end() {
                    let name = self.moves.names.get(scenario.index()).map_or("?", String::as_str);
                    let text = format!("{count} of {total} iterations of scenario {name} are missing: nobody reported them");
                    self.record(text);
                }
            }
            Happening::Left { worker, share } => {
                if let Some(member) = self.members.get_mut(&worker) {
                    member.has_left = true;
                }
                let (name, at) = (self.name(worker).to_owned(), self.since_start());
                let others = self.others(worker);
                let text = self.account.left(worker, &name, share, at, others);
                self.warn(&text);
            }
            Happening::Refused { address, reason } => {
                self.log.warn(&format!("turned away {address}: {reason}"));
            }
            Happening::Failed(text) => self.waiting.push_back(CrewEvent::Failed(text)),
            Happening::Reattached { worker } => {
                self.log.info(&format!("worker {} is there again", self.name(worker)));
            }
            Happening::ReportsMissing { worker, reports } => self.record(format!(
                "{reports} reports of worker {}, of about a second each, are missing: the controller's machine failed before \
                 they were on its disk",
                self.name(worker)
            )),
            Happening::HeldUp { absent } => self.record(format!(
                "the controller was held up for {}{}: it was stopped, its machine or its disk was slow; meanwhile workers \
                 start nothing after two seconds without an answer",
                seconds(absent),
                when(self.since_start()),
            )),
            Happening::NotKept(error) => self.log.error(&format!(
                "the run cannot be kept in the state directory any more and goes on without: {error}; a controller that \
                 is started again could not go on with it"
            )),
            Happening::Ended => self.has_gone = true,
        }
    }

    /// Nobody has asked it to end early.
    fn has_run_to_its_end(&self) -> bool {
        !self.is_stopped.load(Ordering::Acquire)
    }

    fn lost(&mut self, loss: &Loss) {
        if let Some(member) = self.members.get_mut(&loss.worker) {
            member.is_lost = true;
        }
        let others = self.others(loss.worker);
        let text = self.account.lost(loss, others);
        self.warn(&text);
    }

    /// Who is there beside a worker that goes.
    fn others(&self, gone: WorkerId) -> Others {
        let others = || self.members.iter().filter(|(id, member)| **id != gone && !member.has_left);
        if self.started.is_none() && !self.is_history {
            Others::Gather
        } else if self.on_loss == OnWorkerLoss::Fail
            || self.is_stopped.load(Ordering::Acquire)
            || others().any(|(_, member)| member.phase == "done")
        {
            Others::End
        } else if others().any(|(_, member)| !member.is_lost) {
            Others::TakeOver
        } else {
            Others::Nobody
        }
    }

    /// How long iterations have been running; nothing before they do, and of what another process was told.
    fn since_start(&self) -> Option<Duration> {
        self.started.map(|at| at.elapsed())
    }

    /// What belongs into the log and into the result.
    fn record(&mut self, text: String) {
        self.warn(&text);
        self.account.say(text);
    }

    /// Says something in the log, unless another process has.
    fn warn(&self, text: &str) {
        if !self.is_history {
            self.log.warn(text);
        }
    }

    fn write(&self, worker: WorkerId, record: &LogRecord) {
        let level = match record.level {
            LogLevel::Debug => Level::Debug,
            LogLevel::Info => Level::Info,
            LogLevel::Warning => Level::Warning,
            LogLevel::Error => Level::Error,
        };
        let mut fields: Vec<Field> =
            record.fields.iter().map(|(key, value)| Field::new(key.clone(), value.clone())).collect();
        let is_console = record.fields.iter().any(|(key, value)| key == "source" && value == "console");
        fields.push(Field::new("worker", self.name(worker).to_owned()));
        let logger = if is_console { &self.console } else { &self.log };
        logger.log(level, &record.message, &fields);
    }

    fn pass_samples(&mut self, worker: WorkerId, bytes: &[u8]) {
        let Some(inlet) = &self.samples else { return };
        match inlet.pass(bytes) {
            Ok(dropped) => self.samples_dropped += dropped,
            Err(error) => {
                self.log.error(&format!("samples of worker {} were lost: {error}", self.name(worker)));
            }
        }
    }

    /// What was planned and nobody is known to have tried: between the loss of a worker and its replacement by others, and
    /// what a lost one did last.
    fn missing_starts(&self) -> Option<String> {
        let was_whole = self.has_ended && !self.account.is_empty();
        let total: u64 = self.moves.planned_starts.iter().flatten().sum();
        let parts = || self.members.values().filter_map(|member| member.progress.as_ref());
        let tried = self.moves.planned_starts.iter().enumerate().filter(|(_, planned)| planned.is_some());
        let tried = tried.flat_map(|(index, _)| parts().filter_map(move |part| part.scenarios.get(index)));
        let tried: u64 = tried.map(|s| s.complete + s.interrupted + s.dropped).sum();
        let missing = total.saturating_sub(tried);
        (was_whole && missing > 0)
            .then(|| format!("{missing} of {total} planned starts are missing: nobody reported them"))
    }

    /// The next happening within `patience`; false if there is none.
    fn receive(&mut self, patience: Duration) -> Result<bool, CrewGone> {
        match self.happenings.recv_timeout(patience) {
            Ok(happening) => {
                self.take(happening);
                Ok(true)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Err(CrewGone),
        }
    }
}

impl Crew for Remote {
    fn next(&mut self, patience: Duration) -> Result<Option<CrewEvent>, CrewGone> {
        let is_quiet = self.waiting.is_empty() && !self.receive(patience)?;
        if let Some(children) = &mut self.children {
            children.look_after(&self.log);
            // Nobody else can join. What it said before it ended comes first.
            if is_quiet
                && self.started.is_none()
                && !self.is_stopped.load(Ordering::Acquire)
                && let Some(name) = children.take_missing()
            {
                self.waiting.push_back(CrewEvent::Failed(format!(
                    "the process of worker {name} has ended before the start, and nobody else can take its place"
                )));
            }
        }
        Ok(self.waiting.pop_front())
    }

    fn progress(&self, _now: Time) -> Progress {
        let members = self.members.values();
        together::sum(
            &self.nothing_done,
            members.filter_map(|member| Some((member.progress.as_ref()?, member.is_lost || member.has_left))),
        )
    }

    fn start(&mut self, began: Instant, setup_data: Option<Arc<str>>) {
        if !self.is_ordered {
            self.controller.order(Order::Start { setup_data, elapsed: began.elapsed() });
        }
    }

    fn started(&self) -> Option<Instant> {
        self.started
    }

    fn steer(&mut self, steering: Steering) {
        self.controller.order(Order::Steer(steering));
    }

    fn stopper(&self) -> Stopper {
        let (controller, is_stopped) = (self.controller.clone(), self.is_stopped.clone());
        Arc::new(move || {
            is_stopped.store(true, Ordering::Release);
            controller.order(Order::Abort { reason: "the run is being stopped".to_owned() });
        })
    }

    fn processor_share(&self) -> Option<f64> {
        let shares = self.members.values().filter(|member| member.usage.1 > 0);
        shares.map(|member| member.usage.0 / f64::from(member.usage.1)).max_by(f64::total_cmp)
    }

    fn workers(&self) -> Vec<Worker> {
        let state = |member: &Member| match member.phase {
            _ if member.is_lost => "missing",
            _ if member.has_left => "left",
            "joined" if self.started.is_some() => "running",
            "joined" if member.ready > 0 => "initialising",
            phase => phase,
        };
        self.members
            .values()
            .map(|member| Worker {
                id: member.name.clone(),
                state: state(member).to_owned(),
                users: match &member.progress {
                    Some(progress) if !member.is_lost => progress.active_vus,
                    _ => 0,
                },
                cpu: member.cpu.map(|share| (share * 1_000.0).round() / 10.0),
                memory: member.memory,
                lag: member.lag.map(|worst| worst.as_secs_f64() * 1_000.0),
            })
            .collect()
    }

    fn take_earlier(&mut self) -> Option<Earlier> {
        self.earlier.take()
    }

    fn note(&self, name: &'static str, value: &str) {
        self.controller.note(name, value);
    }

    fn measured(&self, delta: &Delta) {
        self.controller.measured(delta);
    }

    fn ended(&self, exit: Exit) {
        self.controller.ended(exit.code());
    }

    fn dismiss(&mut self) -> CrewReport {
        self.controller.order(Order::End);
        while !self.has_gone
            && let Ok(happening) = self.happenings.recv_timeout(ANSWER)
        {
            self.take(happening);
        }
        if let Some(children) = self.children.take() {
            children.reap(&self.log);
        }
        if let Some(text) = self.missing_starts() {
            self.record(text);
        }
        CrewReport {
            workers: self.members.len(),
            losses: std::mem::take(&mut self.account).sentences(),
            raw_dropped: self.samples_dropped,
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
