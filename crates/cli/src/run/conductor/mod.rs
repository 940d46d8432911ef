//! The conductor of a run: setup, the crew's iterations, teardown, and what is judged and shown meanwhile.
//!
//! The crew (see [`crate::run::crew`]) sends deltas; the conductor merges them into one [`Aggregate`], judges thresholds
//! on the whole, draws progress, and sees to every way a run can end early. A local run takes the path of a distributed
//! one, with the threads of this process as its crew.

mod beside;
mod events;
mod going_on;
mod job;
mod lifecycle;
mod outside;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use throng_cluster::Steering;
use throng_engine::{Progress, Time};
use throng_metrics::threshold::Phase as Judge;
use throng_metrics::{Aggregate, Breakdown, Recorder, builtin};
use throng_outputs::summary::{GeneratorReport, ScalingReport};
use throng_plan::Turn;
use throng_server::MarkKind;

use super::crew::{Crew, CrewEvent, CrewGone, Stopper};
use super::generator::Generator;
use super::page::Board;
use super::prepare::Prepared;
use super::progress;
use super::rest::{Facts, Rest, Step};
use super::stage::Stage;
use super::watching::{self, Watching};
use crate::exit::Exit;
use crate::logging::{Field, Level};
use crate::progress::{Display, Phase, Snapshot};
use crate::signals::{self, Signal};
use crate::spec::{RunSpec, SummaryMode};

pub(super) use job::handle_summary;
pub(super) use outside::answer_after_the_end;

use going_on::note;
use outside::Errand;

/// How often thresholds are judged while the test runs, as in k6.
const JUDGE_EVERY: Duration = Duration::from_secs(2);
/// How often the control thread looks up from its channel.
const LOOK_UP: Duration = Duration::from_millis(20);
/// A start that takes longer waits for workers. So long is waited for them if it is not to be.
const LONG: Duration = Duration::from_secs(5);
/// A delta covers about a second: it counts for the window of a threshold that its middle is in.
const HALF_A_DELTA: Duration = Duration::from_millis(500);

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
    /// How autoscalers followed the load, where they were watched.
    pub(super) scaling: Vec<ScalingReport>,
    /// The progress display, for its last frame.
    pub(super) display: Display,
    /// What of the run stays open to the outside.
    pub(super) outside: Outside,
    /// To be told of the end.
    pub(super) crew: Option<Box<dyn Crew>>,
}

/// What outlives a run: its page, and its REST API with the last numbers.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) board: Option<Board>,
    pub(super) rest: Option<Rest>,
    pub(super) facts: Option<Facts>,
    /// What `handleSummary` was given.
    pub(super) summary: Option<String>,
}

/// Why the run is being stopped, as the signal handler and thresholds say it.
#[derive(Default)]
struct Stop(AtomicU8);

const BY_INTERRUPT: u8 = 1;
const BY_TERMINATE: u8 = 2;
const BY_PAGE: u8 = 3;
const BY_REST: u8 = 4;

/// The conductor's own recorder, and that of the lifecycle functions; the crew's sources begin at [`CREW_SOURCES`].
const OWN_SOURCE: u64 = 0;
const LIFECYCLE_SOURCE: u64 = 1;
/// The first number for a recorder of the crew.
pub(super) const CREW_SOURCES: u64 = 2;

/// Runs the test with this crew.
pub(super) fn run(
    spec: &RunSpec,
    prepared: &Prepared,
    stage: &Stage,
    crew: Box<dyn Crew>,
    outside: Outside,
) -> Result<Ended, String> {
    let breakdown =
        if spec.summary.mode == SummaryMode::Full { Breakdown::Sections } else { Breakdown::Totals };
    let registry = prepared.loaded.program.registry.clone();
    let aggregate = Aggregate::new(registry.clone(), prepared.submetrics.clone(), breakdown)
        .track(prepared.thresholds.windowed());
    let watching = match &spec.watch {
        Some(watch) => {
            let unit = prepared.plan.load(Duration::ZERO).map_or("virtual users", |(_, unit)| unit);
            Some(Watching::start(watch, &registry, stage.recorder(OWN_SOURCE), unit)?)
        }
        None => None,
    };
    let stop = Arc::new(Stop::default());
    let stopper = crew.stopper();
    let (signalled, on_signal) = (stop.clone(), stopper.clone());
    let listener = signals::listen(spec.log.clone(), move |signal| {
        let reason = if signal == Signal::Interrupt { BY_INTERRUPT } else { BY_TERMINATE };
        signalled.0.store(reason, Ordering::Release);
        on_signal();
    });
    let listener = listener.map_err(|error| format!("cannot listen for signals: {error}"))?;
    let on_abort = stopper.clone();
    stage.control.on_abort(move || on_abort());
    let mut run = Run {
        spec,
        prepared,
        stage,
        crew,
        stopper,
        stop,
        aggregate,
        recorder: Recorder::new(registry, stage.recorder(OWN_SOURCE)),
        display: Display::new(spec.terminal.clone(), spec.quiet, Instant::now()),
        exit: None,
        begun: Instant::now(),
        phase_start: None,
        // Not at once: k6 has no such samples of a run that is over within a second.
        next_gauges: Instant::now() + Duration::from_secs(1),
        next_judgement: Instant::now() + JUDGE_EVERY,
        done: false,
        generator: Generator::start(),
        aborting: false,
        crew_failed: false,
        turns: if outside.board.is_some() { prepared.plan.turns().into() } else { VecDeque::new() },
        board: outside.board,
        watching,
        has_begun: false,
        duration: Duration::ZERO,
        rest: outside.rest,
        step: Step::InitVus,
        steering: Steering { paused: prepared.plan.options.paused, vus: None },
        setup_data: None,
        errands: Vec::new(),
    };
    match run.crew.take_earlier() {
        None => run.whole(),
        Some(earlier) => run.go_on(earlier),
    }
    drop(listener);
    // A run that ended before its phase began has none.
    let duration = if run.duration.is_zero() { run.begun.elapsed() } else { run.duration };
    let crew = run.crew.dismiss();
    run.step = if run.aborting { Step::Interrupted } else { Step::Ended };
    run.show_page();
    run.end_errands();
    // Only what stays open is asked once more.
    let facts = (spec.linger && run.rest.is_some()).then(|| run.facts());
    let summary = (spec.linger && run.board.is_some()).then(|| run.summary_so_far());
    let mut generator = run.generator.report(&run.aggregate, run.crew.processor_share());
    generator.workers = crew.workers;
    generator.losses = crew.losses;
    generator.raw_dropped += crew.raw_dropped;
    Ok(Ended {
        exit: run.exit.unwrap_or(Exit::Success),
        aggregate: run.aggregate,
        setup_data: run.setup_data,
        duration,
        generator,
        scaling: run
            .watching
            .as_ref()
            .map_or_else(Vec::new, |watching| watching::for_summary(watching.tracker())),
        display: run.display,
        outside: Outside { board: run.board, rest: run.rest, facts, summary },
        crew: Some(run.crew),
    })
}

#[expect(clippy::struct_excessive_bools, reason = "facts of a run, none of which excludes another")]
struct Run<'a> {
    spec: &'a RunSpec,
    prepared: &'a Prepared,
    stage: &'a Stage,
    crew: Box<dyn Crew>,
    stopper: Stopper,
    stop: Arc<Stop>,
    aggregate: Aggregate,
    recorder: Recorder,
    display: Display,
    exit: Option<Exit>,
    begun: Instant,
    phase_start: Option<Instant>,
    next_gauges: Instant,
    next_judgement: Instant,
    done: bool,
    generator: Generator,
    aborting: bool,
    crew_failed: bool,
    board: Option<Board>,
    /// What the charts are still to show of the plan.
    turns: VecDeque<Turn>,
    watching: Option<Watching>,
    /// Whether the run phase has begun.
    has_begun: bool,
    /// From the start of the run phase to the end of teardown.
    duration: Duration,
    rest: Option<Rest>,
    /// How far it is.
    step: Step,
    /// What was set from outside.
    steering: Steering,
    /// What `setup` returned, as JSON.
    setup_data: Option<Arc<str>>,
    errands: Vec<Errand>,
}

impl Run<'_> {
    /// The whole run.
    fn whole(&mut self) {
        if !self.initialise() || !self.wait_for_resume() {
            return;
        }
        self.begun = Instant::now();
        self.has_begun = true;
        self.next_judgement = self.begun + JUDGE_EVERY;
        self.stage.control.start(self.begun);
        if let Some(board) = &mut self.board {
            board.begin(self.begun);
        }
        self.step = Step::Setup;
        let mut setup_failed = false;
        if self.prepared.has("setup") && !self.prepared.plan.options.no_setup {
            self.crew.note(note::SETUP, note::BEGUN);
            match self.setup() {
                Ok(result) => self.setup_data = result.map(Arc::from),
                Err(()) => setup_failed = true,
            }
        }
        if !setup_failed && !self.is_stopping() {
            self.step = Step::Running;
            self.iterate();
        }
        if !setup_failed && self.prepared.has("teardown") && !self.prepared.plan.options.no_teardown {
            self.step = Step::Teardown;
            self.crew.note(note::TEARDOWN, note::BEGUN);
            self.teardown();
            self.crew.note(note::TEARDOWN, note::DONE);
        }
        // One that is stopped before its first iteration ends here.
        if self.is_stopping() {
            self.note_stop();
        }
        if self.stage.control.failed() && self.exit.is_none() {
            self.fail(Exit::ScriptMarkedFailed, "test run was marked as failed", &[]);
        }
        self.duration = self.begun.elapsed();
        self.watch_after();
    }

    fn planned(&self) -> u64 {
        u64::from(self.prepared.engine.placement().planned_vus())
    }

    fn max_vus(&self) -> u64 {
        self.prepared.max_vus()
    }

    /// How long after the begin of the test the plan's time began: `setup` ran, and workers were told to start together.
    fn before_scenarios(&self) -> Duration {
        self.phase_start.map_or(Duration::ZERO, |start| start.saturating_duration_since(self.begun))
    }

    // --- phases ----------------------------------------------------------------------------------

    fn initialise(&mut self) -> bool {
        let (mut ready, mut all_ready) = (0, false);
        while !all_ready {
            match self.crew.next(LOOK_UP) {
                Ok(Some(CrewEvent::VusReady(more))) => ready += more,
                Ok(Some(CrewEvent::Ready)) => all_ready = true,
                Ok(Some(CrewEvent::InitFailed(text))) => {
                    self.fail(Exit::ScriptException, &text, &[]);
                    return false;
                }
                Ok(Some(other)) => self.take(other),
                Ok(None) => {}
                Err(CrewGone) => {
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
            self.look_at_watch();
            self.look_outside();
            let phase = Phase::Init { ready, total: self.planned() };
            let snapshot = self.snapshot_before(phase);
            self.display.show(snapshot, Instant::now());
        }
        true
    }

    /// Takes the crew's next word, if there is one soon; false if there will be none, which is said to have been `when`.
    fn hear(&mut self, when: &str) -> bool {
        match self.crew.next(LOOK_UP) {
            Ok(Some(event)) => self.take(event),
            Ok(None) => {}
            Err(CrewGone) => {
                self.fail(Exit::Panic, &format!("the generator threads ended {when}"), &[]);
                return false;
            }
        }
        true
    }

    /// A run that was started paused waits here; false if it is to end.
    fn wait_for_resume(&mut self) -> bool {
        self.step = Step::PausedBeforeRun;
        while self.steering.paused || self.errands.iter().any(Errand::is_setup) {
            if !self.hear("while the run was paused") {
                return false;
            }
            if self.check_signal() {
                return false;
            }
            self.look_outside();
            let snapshot = self.snapshot_before(Phase::Paused);
            self.display.show(snapshot, Instant::now());
        }
        true
    }

    /// Has the scenarios started and waits for that. It comes at once, unless workers have to come back first, or a lost one's
    /// place is to be taken. False if the run is to end before.
    fn start(&mut self) -> bool {
        self.crew.start(self.begun, self.setup_data.clone());
        let asked = Instant::now();
        let mut has_said = false;
        let mut stopped = None;
        loop {
            self.phase_start = self.crew.started();
            if self.phase_start.is_some() {
                return true;
            }
            if !self.hear("before the start") {
                return false;
            }
            if self.check_signal() && stopped.is_none() {
                (self.stopper)();
                stopped = Some(Instant::now());
            }
            // Those who were told to start just before still have to end.
            if self.done || stopped.is_some_and(|at: Instant| at.elapsed() >= LONG) {
                return false;
            }
            if stopped.is_none() && asked.elapsed() >= LONG && !std::mem::replace(&mut has_said, true) {
                self.spec.log.info("the start waits for the workers that are not there");
            }
            self.look_at_watch();
            self.look_outside();
            let planned = self.planned();
            let snapshot = self.snapshot_before(Phase::Init { ready: planned, total: planned });
            self.display.show(snapshot, Instant::now());
        }
    }

    fn iterate(&mut self) {
        if !self.start() {
            return;
        }
        if let Some(peak) = self.prepared.plan.peak() {
            let (setup, moments) = (self.before_scenarios(), self.aggregate.moments());
            (moments.peak, moments.descent) = (Some(setup + peak.reached), Some(setup + peak.left));
        }
        if self.steering != Steering::default() {
            self.crew.steer(self.steering);
        }
        // An abort that came before the start found nothing to abort.
        if self.is_stopping() {
            (self.stopper)();
        }
        while !self.done {
            if !self.hear("unexpectedly") {
                return;
            }
            self.tick();
        }
        self.look_at_watch();
        let elapsed = self.begun.elapsed();
        self.aggregate.moments().end = Some(elapsed);
        if let Some(watching) = &mut self.watching {
            watching.end(elapsed);
        }
    }

    /// What happens many times a second while the test runs.
    fn tick(&mut self) {
        self.look_at_watch();
        self.look_outside();
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
                (self.stopper)();
            }
        }
        if self.is_stopping() {
            self.note_stop();
        } else if !self.done {
            self.mark_turns(now);
        }
        let elapsed = now - self.begun;
        let progress = self.progress(now);
        let snapshot = progress::running(&self.prepared.plan, &progress, elapsed, self.max_vus());
        self.display.show(snapshot, Instant::now());
    }

    fn progress(&self, now: Instant) -> Progress {
        let since = |start| Time::from(now.saturating_duration_since(start));
        self.crew.progress(self.phase_start.map_or(Time::ZERO, since))
    }

    fn snapshot_before(&self, phase: Phase) -> Snapshot {
        progress::before(&self.prepared.plan, &self.crew.progress(Time::ZERO), phase, self.max_vus())
    }

    /// `vus` and `vus_max`, from one place for all threads.
    fn gauges(&mut self) {
        let progress = self.progress(Instant::now());
        let (root, now) = (self.recorder.root(), throng_js::worker::unix_now());
        self.recorder.add(builtin::VUS, root, progress.active_vus as f64, now);
        self.recorder.add(builtin::VUS_MAX, root, progress.initialised_vus as f64, now);
    }

    fn is_stopping(&self) -> bool {
        self.crew_failed || self.stop.0.load(Ordering::Acquire) != 0 || self.stage.control.aborted().is_some()
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
        } else if self.stop.0.load(Ordering::Acquire) == BY_PAGE {
            self.fail(Exit::StoppedByRest, "the run was stopped from its page", &[]);
        } else if self.stop.0.load(Ordering::Acquire) == BY_REST {
            self.fail(Exit::StoppedByRest, "the run was stopped through the REST API", &[]);
        } else if let Some(message) = self.stage.control.aborted() {
            self.fail(Exit::ScriptAborted, &message, &[]);
        }
    }

    fn fail(&mut self, exit: Exit, message: &str, fields: &[Field]) {
        self.spec.log.log(Level::Error, message, fields);
        if let Some(board) = &mut self.board {
            board.mark(MarkKind::Abort, message);
        }
        if self.exit.is_none() {
            self.exit = Some(exit);
            self.crew.note(note::EXIT, &exit.code().to_string());
        }
    }
}
