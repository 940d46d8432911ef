//! The control thread of a local run: it merges what the threads report, judges thresholds, draws progress, and sees to
//! setup, teardown and every way a run can end early.
//!
//! A local run takes the path of a distributed one, with the threads as its only worker: they send deltas, this thread
//! merges them into one [`Aggregate`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use throng_engine::{Engine, Time};
use throng_js::lifecycle::{Interrupter, Lifecycle, LifecycleError, SummaryFiles};
use throng_js::log::Log;
use throng_js::settings::{Control, Settings};
use throng_js::vm::ScriptError;
use throng_js::worker::{ShardControls, Shards, ShardsConfig, ThreadEvent};
use throng_metrics::threshold::Phase as Judge;
use throng_metrics::{Aggregate, Breakdown, Delta, Notice, RawSink, Recorder, RecorderConfig, builtin};
use throng_outputs::summary::GeneratorReport;

use super::generator::Generator;
use super::prepare::Prepared;
use super::progress;
use crate::exit::Exit;
use crate::logging::{Field, Level};
use crate::progress::{Display, Phase};
use crate::signals::{self, Signal};
use crate::spec::{RunSpec, SummaryMode};

/// How often thresholds are judged while the test runs, as in k6.
const JUDGE_EVERY: Duration = Duration::from_secs(2);
/// How often the control thread looks up from its channel.
const LOOK_UP: Duration = Duration::from_millis(20);

/// What a run leaves behind.
pub(super) struct Ended {
    /// Why it ended early, if it did; the first reason counts.
    pub(super) exit: Exit,
    /// All samples.
    pub(super) aggregate: Aggregate,
    /// What `setup` returned, as JSON.
    pub(super) setup_data: Option<Arc<str>>,
    /// From the start of the run phase, setup included, to the end of teardown.
    pub(super) duration: Duration,
    /// How the generator fared.
    pub(super) generator: GeneratorReport,
    /// The progress display, for its last frame.
    pub(super) display: Display,
}

/// Why the run is being stopped, as the signal handler and thresholds say it.
#[derive(Default)]
struct Stop(AtomicU8);

const BY_INTERRUPT: u8 = 1;
const BY_TERMINATE: u8 = 2;

/// Runs the test.
pub(super) fn run(spec: &RunSpec, prepared: &Prepared, raw: Option<RawSink>) -> Result<Ended, String> {
    let engine = prepared.engine.clone();
    let threads = engine.shards();
    let control = Arc::new(Control::default());
    let settings = Arc::new(Settings {
        plan: Some(prepared.plan.clone()),
        engine: Some(engine.clone()),
        memory_limit: prepared.memory_limit,
        control: control.clone(),
    });
    let recorder = |source| RecorderConfig {
        source,
        run_tags: prepared.plan.options.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        system_tags: prepared.system_tags(),
        selectors: prepared.selectors.clone(),
        raw: raw.clone(),
        ..RecorderConfig::default()
    };
    let breakdown =
        if spec.summary.mode == SummaryMode::Full { Breakdown::Sections } else { Breakdown::Totals };
    let registry = prepared.loaded.program.registry.clone();
    let aggregate = Aggregate::new(registry.clone(), prepared.submetrics.clone(), breakdown);
    let shards = Shards::spawn(ShardsConfig {
        program: prepared.loaded.program.clone(),
        settings: settings.clone(),
        engine: engine.clone(),
        // 0 is this thread, 1 the lifecycle functions.
        recorders: (0..threads).map(|i| recorder(i as u64 + 2)).collect(),
        log: prepared.log.clone(),
    })
    .map_err(|error| format!("cannot start the generator threads: {error}"))?;
    let stop = Arc::new(Stop::default());
    let controls = shards.controls.clone();
    let (signalled, on_signal) = (stop.clone(), controls.clone());
    let listener = signals::listen(spec.log.clone(), move |signal| {
        let reason = if signal == Signal::Interrupt { BY_INTERRUPT } else { BY_TERMINATE };
        signalled.0.store(reason, Ordering::Release);
        on_signal.abort();
    });
    let listener = listener.map_err(|error| format!("cannot listen for signals: {error}"))?;
    control.on_abort({
        let controls = controls.clone();
        move || controls.abort()
    });
    let mut run = Run {
        spec,
        prepared,
        engine,
        settings,
        control,
        controls,
        shards,
        stop,
        aggregate,
        recorder: Recorder::new(registry, recorder(0)),
        lifecycle_recorder: recorder(1),
        display: Display::new(spec.terminal.clone(), spec.quiet, Instant::now()),
        exit: None,
        begun: Instant::now(),
        phase_start: None,
        // Not at once: k6 has no such samples of a run that is over within a second.
        next_gauges: Instant::now() + Duration::from_secs(1),
        next_judgement: Instant::now() + JUDGE_EVERY,
        threads,
        done: 0,
        generator: Generator::start(),
        aborting: false,
    };
    let setup_data = run.whole();
    drop(listener);
    let duration = run.begun.elapsed();
    let generator = run.generator.report(&run.aggregate, threads);
    Ok(Ended {
        exit: run.exit.unwrap_or(Exit::Success),
        aggregate: run.aggregate,
        setup_data,
        duration,
        generator,
        display: run.display,
    })
}

struct Run<'a> {
    spec: &'a RunSpec,
    prepared: &'a Prepared,
    engine: Arc<Engine>,
    settings: Arc<Settings>,
    control: Arc<Control>,
    controls: ShardControls,
    shards: Shards,
    stop: Arc<Stop>,
    aggregate: Aggregate,
    recorder: Recorder,
    lifecycle_recorder: RecorderConfig,
    display: Display,
    exit: Option<Exit>,
    begun: Instant,
    phase_start: Option<Instant>,
    next_gauges: Instant,
    next_judgement: Instant,
    threads: usize,
    done: usize,
    generator: Generator,
    aborting: bool,
}

impl Run<'_> {
    /// The whole run; returns the setup data.
    fn whole(&mut self) -> Option<Arc<str>> {
        if !self.initialise() {
            return None;
        }
        self.begun = Instant::now();
        self.next_judgement = self.begun + JUDGE_EVERY;
        self.control.start(self.begun);
        let mut data = None;
        let mut setup_failed = false;
        if self.prepared.has("setup") && !self.prepared.plan.options.no_setup {
            match self.setup() {
                Ok(result) => data = result.map(Arc::from),
                Err(()) => setup_failed = true,
            }
        }
        if !setup_failed && !self.is_stopping() {
            self.iterate(data.clone());
        }
        if !setup_failed && self.prepared.has("teardown") && !self.prepared.plan.options.no_teardown {
            self.teardown(data.clone());
        }
        if self.control.failed() && self.exit.is_none() {
            self.fail(Exit::ScriptMarkedFailed, "test run was marked as failed", &[]);
        }
        data
    }

    fn planned(&self) -> u64 {
        u64::from(self.engine.placement().planned_vus())
    }

    fn max_vus(&self) -> u64 {
        self.prepared.max_vus()
    }

    // --- phases ----------------------------------------------------------------------------------

    fn initialise(&mut self) -> bool {
        let (mut ready, mut threads) = (0, 0);
        while threads < self.threads {
            match self.shards.events.recv_timeout(LOOK_UP) {
                Ok(ThreadEvent::VuReady) => ready += 1,
                Ok(ThreadEvent::Initialised) => threads += 1,
                Ok(ThreadEvent::InitFailed(text)) => {
                    self.fail(Exit::ScriptException, &text, &[]);
                    return false;
                }
                Ok(other) => self.take(other),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.fail(
                        Exit::Panic,
                        "a generator thread ended while virtual users were initialised",
                        &[],
                    );
                    return false;
                }
            }
            if self.check_signal() {
                return false;
            }
            let phase = Phase::Init { ready, total: self.planned() };
            let snapshot = progress::before(&self.prepared.plan, &self.engine, phase, self.max_vus());
            self.display.show(snapshot, Instant::now());
        }
        true
    }

    fn setup(&mut self) -> Result<Option<String>, ()> {
        let timeout = self.prepared.plan.options.setup_timeout;
        let job = self.lifecycle(move |lifecycle| lifecycle.setup(timeout));
        let result = self.wait_for(job, |run| {
            let snapshot = progress::before(&run.prepared.plan, &run.engine, Phase::Setup, run.max_vus());
            run.display.show(snapshot, Instant::now());
        });
        match result {
            Some(Ok(data)) => Ok(data),
            Some(Err(error)) => {
                self.lifecycle_failed(&error, Exit::SetupTimeout);
                Err(())
            }
            None => {
                self.fail(Exit::Panic, "setup() ended unexpectedly", &[]);
                Err(())
            }
        }
    }

    fn iterate(&mut self, data: Option<Arc<str>>) {
        let start = Instant::now();
        self.phase_start = Some(start);
        self.controls.start(start, data);
        // An abort that came before the start found nothing to abort.
        if self.is_stopping() {
            self.controls.abort();
        }
        while self.done < self.threads {
            match self.shards.events.recv_timeout(LOOK_UP) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.fail(Exit::Panic, "the generator threads ended unexpectedly", &[]);
                    return;
                }
            }
            self.tick();
        }
    }

    fn teardown(&mut self, data: Option<Arc<str>>) {
        let timeout = self.prepared.plan.options.teardown_timeout;
        let job = self.lifecycle(move |lifecycle| lifecycle.teardown(timeout, data));
        // A signal interrupts the iterations, not the cleaning up.
        match self.wait_for_quietly(job, Self::tick) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.lifecycle_failed(&error, Exit::TeardownTimeout),
            None => self.fail(Exit::Panic, "teardown() ended unexpectedly", &[]),
        }
    }

    // --- lifecycle functions ---------------------------------------------------------------------

    fn lifecycle<R: Send + 'static>(
        &self,
        body: impl FnOnce(&Lifecycle) -> Result<R, LifecycleError> + Send + 'static,
    ) -> Job<R> {
        let program = self.prepared.loaded.program.clone();
        let (settings, log) = (self.settings.clone(), self.prepared.log.clone());
        let recorder = self.lifecycle_recorder.clone();
        Job::spawn(program, settings, log, recorder, body)
    }

    /// Waits for a lifecycle function; a signal or an abort interrupts it.
    fn wait_for<R>(
        &mut self,
        job: Job<R>,
        mut show: impl FnMut(&mut Self),
    ) -> Option<Result<R, LifecycleError>> {
        let mut interrupted = false;
        while !job.thread.is_finished() {
            std::thread::sleep(LOOK_UP);
            show(self);
            if self.is_stopping() && !interrupted {
                interrupted = true;
                job.interrupter.interrupt();
            }
        }
        self.collect(job)
    }

    fn wait_for_quietly<R>(
        &mut self,
        job: Job<R>,
        mut show: impl FnMut(&mut Self),
    ) -> Option<Result<R, LifecycleError>> {
        while !job.thread.is_finished() {
            std::thread::sleep(LOOK_UP);
            show(self);
        }
        self.collect(job)
    }

    fn collect<R>(&mut self, job: Job<R>) -> Option<Result<R, LifecycleError>> {
        let (result, delta) = job.thread.join().ok()?;
        if let Some(delta) = delta {
            self.merge(&delta);
        }
        Some(result)
    }

    fn lifecycle_failed(&mut self, error: &LifecycleError, timeout: Exit) {
        match error {
            LifecycleError::Timeout { .. } => {
                let hint =
                    [Field::new("hint", "raise the timeout with the setupTimeout or teardownTimeout option")];
                self.fail(timeout, &error.to_string(), &hint);
            }
            LifecycleError::Script(ScriptError::Aborted) if self.is_stopping() => {
                self.note_stop();
            }
            LifecycleError::SetupData(_)
            | LifecycleError::Script(ScriptError::Rejected(_) | ScriptError::Unusable(_)) => {
                self.fail(Exit::Other, &error.to_string(), &[]);
            }
            _ => self.fail(
                Exit::ScriptException,
                &error.to_string(),
                &[Field::new("hint", "script exception")],
            ),
        }
    }

    // --- events ----------------------------------------------------------------------------------

    fn take(&mut self, event: ThreadEvent) {
        match event {
            ThreadEvent::Delta(delta) => self.merge(&delta),
            ThreadEvent::Lag(worst) => self.generator.lag(worst),
            ThreadEvent::Done => self.done += 1,
            ThreadEvent::InitFailed(text) => self.spec.log.error(&text),
            ThreadEvent::VuReady | ThreadEvent::Initialised => {}
        }
    }

    fn merge(&mut self, delta: &Delta) {
        if let Err(error) = self.aggregate.merge(delta) {
            self.spec.log.error(&format!("samples were lost: {error}"));
        }
        for notice in self.aggregate.take_notices() {
            self.spec.log.warn(&describe(&notice));
        }
    }

    fn merge_own(&mut self) {
        let delta = self.recorder.take_delta();
        self.merge(&delta);
    }

    /// What happens many times a second while the test runs.
    fn tick(&mut self) {
        let now = Instant::now();
        if now >= self.next_gauges {
            self.next_gauges = now + Duration::from_secs(1);
            self.gauges();
            self.merge_own();
        }
        if now >= self.next_judgement {
            self.next_judgement += JUDGE_EVERY;
            let verdict =
                self.prepared.thresholds.evaluate(&self.aggregate, now - self.begun, Judge::Running);
            if verdict.abort && self.exit.is_none() {
                let crossed = verdict.crossed.join(", ");
                let text = format!(
                    "thresholds on metrics '{crossed}' were crossed; at least one has abortOnFail enabled, stopping test \
                     prematurely"
                );
                self.fail(Exit::ThresholdsCrossed, &text, &[]);
                self.controls.abort();
            }
        }
        if self.is_stopping() {
            self.note_stop();
        }
        let elapsed = now - self.begun;
        let at =
            self.phase_start.map_or(Time::ZERO, |start| Time::from(now.saturating_duration_since(start)));
        let snapshot = progress::running(&self.prepared.plan, &self.engine, elapsed, at, self.max_vus());
        self.display.show(snapshot, Instant::now());
    }

    /// `vus` and `vus_max`, from one place for all threads.
    fn gauges(&mut self) {
        let at = self.phase_start.map_or(Time::ZERO, |start| Time::from(start.elapsed()));
        let progress = self.engine.progress(at);
        let (root, now) = (self.recorder.root(), throng_js::worker::unix_now());
        self.recorder.add(builtin::VUS, root, progress.active_vus as f64, now);
        self.recorder.add(builtin::VUS_MAX, root, progress.initialised_vus as f64, now);
    }

    fn is_stopping(&self) -> bool {
        self.stop.0.load(Ordering::Acquire) != 0 || self.control.aborted().is_some()
    }

    fn check_signal(&mut self) -> bool {
        let stopping = self.is_stopping();
        if stopping {
            self.note_stop();
        }
        stopping
    }

    /// Logs, once, why the run is being stopped, and sets the exit code.
    fn note_stop(&mut self) {
        if std::mem::replace(&mut self.aborting, true) {
            return;
        }
        let signal = match self.stop.0.load(Ordering::Acquire) {
            BY_INTERRUPT => Some(Signal::Interrupt),
            BY_TERMINATE => Some(Signal::Terminate),
            _ => None,
        };
        if let Some(signal) = signal {
            self.fail(Exit::Signal, &signal.message(), &[]);
        } else if let Some(message) = self.control.aborted() {
            self.fail(Exit::ScriptAborted, &message, &[]);
        }
    }

    fn fail(&mut self, exit: Exit, message: &str, fields: &[Field]) {
        self.spec.log.log(Level::Error, message, fields);
        self.exit.get_or_insert(exit);
    }
}

fn describe(notice: &Notice) -> String {
    match notice {
        Notice::SeriesFolded { limit, keys } => format!(
            "there are more than {limit} combinations of tags; from now on {} read 'other' (set the `name` tag, or use \
             http.url, where addresses hold identifiers)",
            keys.join(", ")
        ),
        Notice::ErrorsFolded { limit } => {
            format!("there are more than {limit} different error texts; further ones read 'other'")
        }
    }
}

/// A lifecycle function on a thread of its own.
struct Job<R> {
    interrupter: Interrupter,
    thread: JoinHandle<(Result<R, LifecycleError>, Option<Delta>)>,
}

impl<R: Send + 'static> Job<R> {
    fn spawn(
        program: Arc<throng_js::program::Program>,
        settings: Arc<Settings>,
        log: Arc<dyn Log>,
        recorder: RecorderConfig,
        body: impl FnOnce(&Lifecycle) -> Result<R, LifecycleError> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let lifecycle = match Lifecycle::new(program, settings, log, recorder) {
                Ok(lifecycle) => lifecycle,
                Err(error) => return (Err(error), None),
            };
            let _ = sender.send(lifecycle.interrupter());
            let result = body(&lifecycle);
            let delta = lifecycle.thread().recorder.borrow_mut().take_delta();
            (result, Some(delta))
        });
        // Without an event loop there is nothing to interrupt; the thread ends at once with the reason.
        let interrupter = receiver.recv().unwrap_or_else(|_| Interrupter::none());
        Self { interrupter, thread }
    }
}

/// Runs `handleSummary`; what it records is of no account any more.
pub(super) fn handle_summary(
    prepared: &Prepared,
    data: String,
) -> Option<Result<Option<SummaryFiles>, LifecycleError>> {
    let timeout = prepared.plan.options.handle_summary_timeout;
    let settings = Arc::new(Settings {
        plan: Some(prepared.plan.clone()),
        engine: None,
        memory_limit: prepared.memory_limit,
        control: Arc::new(Control::default()),
    });
    let job = Job::spawn(
        prepared.loaded.program.clone(),
        settings,
        prepared.log.clone(),
        RecorderConfig::default(),
        move |lifecycle| lifecycle.handle_summary(timeout, data),
    );
    job.thread.join().ok().map(|(result, _)| result)
}
