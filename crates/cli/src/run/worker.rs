//! `throng worker`: does what a controller says, and reports.
//!
//! The threads are the same as in a local run. This thread stands between them and the controller: it passes on what
//! they tell, starts them at the moment that all workers share, and ends them when it is told to, when the operator
//! wants the process gone (no further iterations, then the last report), or when the controller is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use throng_cluster::{
    Bundle, Disconnect, Instruction, Lease, LogLevel, LogRecord, Report, Steering, WorkerClient,
    WorkerConfig, WorkerId,
};
use throng_engine::Time;
use throng_js::log::{Level, Log};
use throng_js::settings::Member;
use throng_metrics::{Delta, RawReceiver, encode_samples, raw_channel};
use throng_plan::Slots;

use super::bundle::Unpacked;
use super::counting::{self, Appetite, Change};
use super::crew::{Crew, CrewEvent, Local};
use super::generator::{Processors, resident_memory};
use super::prepare::{Prepared, processors};
use super::stage::Stage;
use super::{descriptors, raw};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::Logger;
use crate::signals;

/// How often this thread looks up from what its threads tell.
const LOOK_UP: Duration = Duration::from_millis(10);
/// How often the controller is told how far this worker is.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// How often it is told how busy the processors are.
const USAGE_EVERY: Duration = Duration::from_secs(1);
/// How long one that leaves waits for others to take over. Where there are none nobody does.
const HANDING_OVER: Duration = Duration::from_secs(2);
/// How long virtual users that come from another worker wait for it to end what it runs: their number has to be back within three
/// seconds.
const LINGERING: Duration = Duration::from_millis(2_500);
/// Recorders of the first worker begin here; each worker has a range of its own.
const SOURCES_PER_WORKER: u64 = 1 << 32;

/// What a worker goes by until it is sent a test.
pub struct WorkSpec {
    /// Which controller it joins, and as whom.
    pub controller: WorkerConfig,
    /// The log of this process; what scripts print goes to the controller.
    pub log: Logger,
}

/// Joins and works until the run is over.
pub fn work(spec: &WorkSpec) -> Exit {
    match attempt(spec) {
        Ok(()) => Exit::Success,
        Err(failure) => {
            spec.log.error(&failure.message);
            failure.exit
        }
    }
}

/// As many threads as a worker has unless it is told otherwise.
///
/// # Errors
/// When `THRONG_THREADS` is no number.
pub fn default_threads() -> Result<u32, Failure> {
    Ok(u32::try_from(processors()?).unwrap_or(u32::MAX))
}

fn attempt(spec: &WorkSpec) -> Result<(), Failure> {
    let leaving = Arc::new(AtomicBool::new(false));
    let asked = leaving.clone();
    let _listener = signals::listen(spec.log.clone(), move |_| asked.store(true, Ordering::Release))
        .map_err(|error| Failure::other(format!("cannot listen for signals: {error}")))?;
    let (client, instructions) =
        WorkerClient::connect(spec.controller.clone()).map_err(|error| Failure::other(error.to_string()))?;
    let mut worker = Worker {
        spec,
        client,
        instructions,
        leaving,
        has_said_to_leave: false,
        leaves_at: None,
        performance: None,
        counts: VecDeque::new(),
    };
    worker.run()
}

/// A worker process from joining to leaving.
struct Worker<'a> {
    spec: &'a WorkSpec,
    client: WorkerClient,
    instructions: Receiver<Instruction>,
    /// The operator wants this process gone.
    leaving: Arc<AtomicBool>,
    has_said_to_leave: bool,
    /// When it starts nothing any more, if its part is not taken over before.
    leaves_at: Option<Instant>,
    performance: Option<Performance>,
    /// Changes of the iterations that are counted, to be made once there are threads.
    counts: VecDeque<Change>,
}

/// Its part in a run.
enum Performance {
    /// The script is being loaded on a thread of its own.
    Loading(Receiver<Result<Playing, Failure>>),
    /// Virtual users are being initialised, or run.
    Playing(Box<Playing>),
    /// Nothing is left to do but to wait for the end.
    Over,
}

impl Worker<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let instruction = match &mut self.performance {
                Some(Performance::Playing(playing)) => {
                    if playing.step(&self.client)? {
                        self.performance = Some(Performance::Over);
                    }
                    self.instructions.try_recv().ok()
                }
                _ => match self.instructions.recv_timeout(LOOK_UP) {
                    Ok(instruction) => Some(instruction),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Failure::other("the connection to the controller ended unexpectedly"));
                    }
                },
            };
            self.look_after_loading();
            if let Some(Performance::Playing(playing)) = &mut self.performance {
                playing.count(&mut self.counts, &self.client);
            }
            if let Some(instruction) = instruction
                && self.follow(instruction)?
            {
                return Ok(());
            }
            let is_free =
                matches!(&self.performance, Some(Performance::Playing(playing)) if playing.owns_nothing());
            if let Some(at) = self.leaves_at
                && (is_free || Instant::now() >= at)
            {
                self.leaves_at = None;
                self.end(Playing::drain);
            }
            if self.leaving.load(Ordering::Acquire)
                && !std::mem::replace(&mut self.has_said_to_leave, true)
                && self.leave()
            {
                return Ok(());
            }
        }
    }

    /// Takes what the loading thread made.
    fn look_after_loading(&mut self) {
        let Some(Performance::Loading(loading)) = &self.performance else { return };
        let loaded = match loading.try_recv() {
            Ok(loaded) => loaded,
            Err(mpsc::TryRecvError::Empty) => return,
            Err(mpsc::TryRecvError::Disconnected) => {
                Err(Failure::new(Exit::Panic, "the thread that loads the script ended unexpectedly"))
            }
        };
        self.performance = Some(match loaded {
            Ok(playing) => Performance::Playing(Box::new(playing)),
            Err(failure) => {
                self.client.report(Report::InitFailed(failure.message));
                Performance::Over
            }
        });
    }

    /// Does as it is told; true if that is to end.
    fn follow(&mut self, instruction: Instruction) -> Result<bool, Failure> {
        match instruction {
            Instruction::Prepare { run: _, worker, workers, slots, bundle } => {
                let share = slots.share() * 100.0;
                self.spec
                    .log
                    .info(&format!("joined as worker {worker} of {workers}, with {share:.1} % of the test"));
                let (sender, loading) = mpsc::channel();
                let part = Part { worker, workers, slots, bundle };
                let (client, log) = (self.client.clone(), self.spec.log.clone());
                let threads = self.spec.controller.threads as usize;
                std::thread::spawn(move || {
                    let _ = sender.send(Playing::prepare(&part, threads, &client, &log));
                });
                self.performance = Some(Performance::Loading(loading));
            }
            Instruction::Start { at, began, setup_data, ahead } => {
                throng_js::worker::set_clock_ahead(ahead);
                if let Some(Performance::Playing(playing)) = &mut self.performance {
                    playing.stage.control.start(began);
                    playing.start = Some((at, setup_data));
                }
            }
            Instruction::Deal { slots, since_start, workers, coming } => {
                let share = slots.share() * 100.0;
                self.spec
                    .log
                    .info(&format!("{share:.1} % of the test is this worker's from {since_start:.1?} on"));
                if let Some(Performance::Playing(playing)) = &mut self.performance {
                    playing.deals.push_back(PartChange { slots, since_start, workers, coming });
                } else {
                    // Nothing starts here; and before the start nothing is given to a worker that comes late.
                    self.client.dealt(slots.version());
                    self.client.still(slots.version());
                }
            }
            Instruction::Still(version) => {
                if let Some(Performance::Playing(playing)) = &self.performance {
                    playing.still(version);
                }
            }
            Instruction::Count { epoch, void, grants, recalls, closed } => {
                self.counts.push_back(Change { epoch, void, grants, recalls, closed });
            }
            Instruction::Orphaned { until } => {
                let left = until.saturating_duration_since(Instant::now());
                self.spec.log.warn(&format!(
                    "the controller has died; going on without it for {:.0} s at most, and trying to reach the one that goes \
                     on with the run",
                    left.as_secs_f64()
                ));
            }
            Instruction::Doubtful { controller, reason } => {
                self.spec.log.warn(&format!("cannot reach {controller} and goes on trying: {reason}"));
            }
            Instruction::Steer(steering) => {
                if let Some(Performance::Playing(playing)) = &mut self.performance {
                    playing.steering = Some(steering);
                    if playing.has_started {
                        playing.crew.steer(steering);
                    }
                }
            }
            Instruction::Abort { reason } => {
                self.spec.log.info(&format!("ending iterations: {reason}"));
                self.end(Playing::stop);
            }
            Instruction::End => {
                self.spec.log.info("the run is over");
                return Ok(true);
            }
            Instruction::Disconnected(why) => {
                let exit = match why {
                    // As with one that was there until the end, nothing is wrong. In Kubernetes it is started again and again
                    // until its pod is taken away.
                    Disconnect::Over { .. } => {
                        self.spec.log.info(&why.to_string());
                        return Ok(true);
                    }
                    Disconnect::Refused { .. } => Exit::InvalidConfig,
                    Disconnect::Unreachable { .. } => Exit::Other,
                };
                return Err(Failure::new(exit, why.to_string()));
            }
        }
        Ok(false)
    }

    /// The operator wants this process gone; true if it can go at once.
    fn leave(&mut self) -> bool {
        self.spec.log.info("leaving the run: others take over, and the iterations that run here may finish");
        self.client.report(Report::Leaving);
        self.leaves_at = Some(Instant::now() + HANDING_OVER);
        self.performance.is_none()
    }

    /// Has the threads end, if there are any that have begun.
    fn end(&mut self, how: impl FnOnce(&mut Playing)) {
        match &mut self.performance {
            Some(Performance::Playing(playing)) if playing.has_started => how(playing),
            Some(Performance::Over) => {}
            _ => {
                self.client.report(Report::Done);
                self.performance = Some(Performance::Over);
            }
        }
    }
}

/// What a worker was dealt.
struct Part {
    worker: WorkerId,
    workers: u32,
    slots: Slots,
    bundle: Arc<Bundle>,
}

/// Another part of the test from some moment on.
struct PartChange {
    slots: Slots,
    since_start: Duration,
    workers: u32,
    coming: Slots,
}

/// The threads at work.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing that it happened, or was told")]
struct Playing {
    prepared: Prepared,
    stage: Stage,
    crew: Local,
    samples: Option<RawReceiver>,
    ready: u64,
    /// When to start, and with what setup data.
    start: Option<(Instant, Option<Arc<str>>)>,
    has_started: bool,
    /// It was told to end.
    has_drained: bool,
    appetite: Appetite,
    started: Instant,
    /// What was set from outside, if anything was.
    steering: Option<Steering>,
    /// Changes that have been told and not made.
    deals: VecDeque<PartChange>,
    /// Changes that were made, until nothing runs any more of what they gave away.
    unsettled: VecDeque<(Time, u64)>,
    /// When virtual users that came with the map of this version begin at the latest.
    begin_by: Option<(Time, u64)>,
    /// Changes that were made too late: from when on their maps hold here, and their versions.
    promises: VecDeque<(Time, u64)>,
    vus_of_whole_test: u32,
    /// From when on nothing is this worker's, if that is so by the newest map.
    emptied_at: Option<Time>,
    has_told_abort: bool,
    has_told_failure: bool,
    next_progress: Instant,
    usage: Processors,
    next_usage: Instant,
    threads: usize,
    lease: Lease,
}

impl Playing {
    fn prepare(
        part: &Part,
        threads: usize,
        client: &WorkerClient,
        own_log: &Logger,
    ) -> Result<Self, Failure> {
        let unpacked = Unpacked::new(&part.bundle)?;
        let log = Arc::new(ToController { client: client.clone(), verbose: unpacked.verbose });
        let wants_samples = unpacked.wants_samples;
        let prepared = Prepared::of_worker(unpacked, part.slots.clone(), Some(threads), log)?;
        descriptors::prepare(own_log, prepared.max_vus());
        let (sink, samples) = if wants_samples {
            let (sink, samples) = raw_channel(raw::capacity(&prepared));
            (Some(sink), Some(samples))
        } else {
            (None, None)
        };
        let lease = client.lease();
        let asked = lease.clone();
        let vus_of_whole_test = prepared.vus_of_whole_test();
        let member = Member {
            workers: part.workers.min(vus_of_whole_test),
            may_start: Box::new(move || asked.is_valid(Instant::now())),
        };
        let stage = Stage::new(&prepared, sink, Some(member));
        let first_source = (u64::from(part.worker.index()) + 1) * SOURCES_PER_WORKER;
        let crew = Local::spawn(&prepared, &stage, first_source).map_err(Failure::other)?;
        let stop = crew.stopper();
        stage.control.on_abort(move || stop());
        let threads = prepared.engine.shards();
        let now = Instant::now();
        Ok(Self {
            prepared,
            stage,
            crew,
            samples,
            ready: 0,
            start: None,
            has_started: false,
            has_drained: false,
            appetite: Appetite::default(),
            started: now,
            steering: None,
            deals: VecDeque::new(),
            unsettled: VecDeque::new(),
            begin_by: None,
            promises: VecDeque::new(),
            vus_of_whole_test,
            emptied_at: None,
            has_told_abort: false,
            has_told_failure: false,
            next_progress: now,
            usage: Processors::watch(threads),
            next_usage: now + USAGE_EVERY,
            threads,
            lease,
        })
    }

    /// Passes on what the threads tell within a moment; true if they are done.
    fn step(&mut self, client: &WorkerClient) -> Result<bool, Failure> {
        self.start_when_due();
        self.follow_deals(client);
        let event = self.crew.next(LOOK_UP);
        let event =
            event.map_err(|_| Failure::new(Exit::Panic, "the generator threads ended unexpectedly"))?;
        self.pass_samples(client);
        self.tell_signals(client);
        match event {
            Some(CrewEvent::VusReady(more)) => {
                self.ready += more;
                client.report(Report::VusReady(self.ready));
            }
            Some(CrewEvent::Ready) => client.report(Report::Initialised),
            Some(CrewEvent::InitFailed(text)) => client.report(Report::InitFailed(text)),
            Some(CrewEvent::Delta(delta)) if !delta.is_empty() => client.report(Report::Delta(delta)),
            Some(CrewEvent::Counted(delta, counts)) => client.report(Report::Counted(delta, counts)),
            Some(CrewEvent::Lag(worst)) => client.report(Report::Lag(worst)),
            Some(CrewEvent::Done) => {
                self.tell_progress(client);
                self.tell_usage(client);
                client.report(Report::Done);
                return Ok(true);
            }
            _ => {}
        }
        let now = Instant::now();
        // Without a lease others may have taken over what this worker believes to be its own.
        if self.has_started && now >= self.next_progress && self.lease.is_valid(now) {
            self.next_progress = now + PROGRESS_EVERY;
            self.tell_progress(client);
        }
        if now >= self.next_usage {
            self.next_usage = now + USAGE_EVERY;
            self.tell_usage(client);
        }
        Ok(false)
    }

    /// Makes the changes that were told, and asks for more iterations before they run out.
    fn count(&mut self, changes: &mut VecDeque<Change>, client: &WorkerClient) {
        // Threads forget before they are given anything new.
        while !self.crew.is_voiding()
            && let Some(change) = changes.pop_front()
        {
            counting::make(change, &self.prepared.engine, &mut self.crew, client);
        }
        if self.has_started && !self.has_drained && self.stage.control.aborted().is_none() {
            self.appetite.tell(self.started, &self.prepared, client);
        }
    }

    /// All workers start at one moment, which is not to be missed for the sake of looking up.
    fn start_when_due(&mut self) {
        let Some((at, _)) = &self.start else { return };
        let left = at.saturating_duration_since(Instant::now());
        if left > LOOK_UP * 2 {
            return;
        }
        std::thread::sleep(left);
        if let Some((at, setup_data)) = self.start.take() {
            self.has_started = true;
            self.started = at;
            self.crew.start_at(at, setup_data);
            if let Some(steering) = self.steering {
                self.crew.steer(steering);
            }
        }
    }

    /// Whether others have taken over everything.
    fn owns_nothing(&self) -> bool {
        self.emptied_at.is_some_and(|at| at <= Time::from(self.started.elapsed()))
    }

    /// Has the threads follow another map of slots, and promises it as soon as that is certain.
    fn follow_deals(&mut self, client: &WorkerClient) {
        if !self.has_started {
            return;
        }
        let started = self.started;
        let now = move || Time::from(started.elapsed());
        while let Some(PartChange { slots, since_start, workers, coming }) = self.deals.pop_front() {
            let agreed = Time::from(since_start);
            let at = self.prepared.engine.deal(&slots, &coming, agreed, now);
            self.stage.settings.share_limits_among(workers.min(self.vus_of_whole_test));
            self.crew.look_up();
            let certain = if at > agreed { at } else { Time::ZERO };
            self.promises.push_back((certain, slots.version()));
            self.unsettled.push_back((at, slots.version()));
            if coming.owned_per_period() > 0 {
                self.begin_by = Some((at + LINGERING, slots.version()));
            }
            self.emptied_at = (slots.owned_per_period() == 0).then_some(at);
        }
        while let Some((_, version)) = self.promises.pop_front_if(|(certain, _)| *certain <= now()) {
            client.dealt(version);
        }
        let engine = &self.prepared.engine;
        while let Some((_, version)) =
            self.unsettled.pop_front_if(|(at, version)| *at <= now() && engine.is_still(*version))
        {
            client.still(version);
        }
        if let Some((by, version)) = self.begin_by
            && by <= now()
        {
            self.begin_by = None;
            self.still(version);
        }
    }

    /// What came with this map may begin: whoever had it runs nothing of it any more, or has for too long.
    fn still(&self, version: u64) {
        self.prepared.engine.still(version);
        self.crew.look_up();
    }

    fn stop(&mut self) {
        self.has_drained = true;
        (self.crew.stopper())();
    }

    fn drain(&mut self) {
        self.has_drained = true;
        self.crew.drain();
    }

    fn tell_progress(&self, client: &WorkerClient) {
        let since = Time::from(self.started.elapsed());
        client.report(Report::Progress(self.prepared.engine.progress(since)));
    }

    fn tell_usage(&mut self, client: &WorkerClient) {
        if let Some(share) = self.usage.share() {
            client.report(Report::Usage { cpu: share, memory: resident_memory() });
        }
        self.usage = Processors::watch(self.threads);
    }

    /// What scripts said about the run as a whole.
    fn tell_signals(&mut self, client: &WorkerClient) {
        if !self.has_told_abort
            && let Some(message) = self.stage.control.aborted()
        {
            self.has_told_abort = true;
            client.report(Report::ScriptAborted(message));
        }
        if !self.has_told_failure && self.stage.control.failed() {
            self.has_told_failure = true;
            client.report(Report::ScriptFailed);
        }
    }

    /// Raw samples for the controller's outputs. What finds no room is counted: the load does not wait for a disk.
    fn pass_samples(&self, client: &WorkerClient) {
        let Some(samples) = &self.samples else { return };
        let registry = &self.prepared.loaded.program.registry;
        let mut dropped = 0;
        for batch in samples.try_iter() {
            if !client.report_samples(encode_samples(&batch, registry)) {
                dropped += batch.len() as u64;
            }
        }
        if dropped > 0 {
            client.report(Report::Delta(Delta::of_dropped_samples(dropped)));
        }
    }
}

/// What scripts and virtual machines log goes to the controller.
struct ToController {
    client: WorkerClient,
    verbose: bool,
}

impl Log for ToController {
    fn enabled(&self, level: Level) -> bool {
        level > Level::Debug || self.verbose
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        if !self.enabled(level) {
            return;
        }
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warning,
            Level::Error => LogLevel::Error,
        };
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.client.report(Report::Log(LogRecord { level, message: message.to_owned(), fields }));
    }
}
