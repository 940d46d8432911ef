//! The page of a k6 run: the conductor's side of it.
//!
//! Once a second the conductor tells how things stand; between, deltas are folded into rows. All of this is the control
//! thread's work, and the page has a thread of its own.

mod export;
mod rows;
mod view;

pub(super) use view::thresholds;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use throng_engine::Progress;
use throng_history::Store;
use throng_metrics::threshold::Evaluation;
use throng_metrics::{Aggregate, Delta, Distribution};
use throng_server::{
    Ask, Can, Config, Entrance, History, Keeps, Kind, Lag, LogLevel, LogLine, Mark, MarkKind, Page, RunState,
    Scaling, Settings, Update, Users, Watched, Worker,
};

use super::prepare::Prepared;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::{Field, Level};
use crate::spec::RunSpec;

use rows::Table;

const SECOND: Duration = Duration::from_secs(1);
/// Threads tell what they measured about once a full second since the start; the page is told a little later, so that it
/// is always one report of each.
const AFTER: Duration = Duration::from_millis(300);

/// The page, and what is kept for it alone.
pub(super) struct Board {
    page: Page,
    /// Whether the run is to be kept.
    keeps: bool,
    asks: Receiver<Ask>,
    rows: Table,
    lag: Distribution,
    settings: Settings,
    marks: Vec<Mark>,
    watched: Vec<Watched>,
    /// Up to when what was told covers, once the run has begun.
    told: Option<Instant>,
    next: Instant,
    started_at: Option<u64>,
}

/// The run at one moment.
pub(super) struct View<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) aggregate: &'a Aggregate,
    /// How long the test took so far.
    pub(super) elapsed: Duration,
    pub(super) verdicts: &'a Evaluation,
    pub(super) progress: &'a Progress,
    pub(super) workers: Vec<Worker>,
    pub(super) state: RunState,
    pub(super) can: Vec<Can>,
    pub(super) saturated: Option<String>,
    pub(super) scaling: Vec<Scaling>,
}

impl Board {
    /// The page that `spec` asks for, if it does.
    pub(super) fn start(spec: &RunSpec, prepared: &Prepared) -> Result<Option<Self>, Failure> {
        let history = history(spec, prepared)?;
        let (sender, asks) = mpsc::channel();
        let inbox = move |ask| {
            // After the end nobody listens, and the reply that is dropped says so.
            let _ = sender.send(ask);
        };
        let keeps = history.is_some();
        let mut page = None;
        if let Some(wanted) = &spec.page {
            let config = Config { foreign: false, history: history.clone(), ..wanted.config.clone() };
            match Page::start(config, Arc::new(inbox)) {
                Ok(started) => page = Some(started),
                Err(error) if wanted.demanded => return Err(Failure::other(error.to_string())),
                Err(error) => {
                    spec.log
                        .warn(&format!("{error}; the run goes on without (--ui=ADDRESS chooses another)"));
                }
            }
        }
        let page = match (page, history) {
            (Some(page), _) => page,
            (None, None) if spec.dashboard.export.is_none() => return Ok(None),
            (None, history) => Page::unseen(history).map_err(|error| Failure::other(error.to_string()))?,
        };
        if spec.dashboard.opens && !page.url().is_empty() {
            export::open(spec, page.url());
        }
        for logger in [&spec.log, &spec.console] {
            let sink = page.log_sink();
            logger.tap(move |level, message, fields| sink(line(level, message, fields)));
        }
        let is_open =
            spec.page.as_ref().is_some_and(|wanted| matches!(wanted.config.entrance, Entrance::Open));
        if is_open && !page.url().is_empty() && !page.address().ip().is_loopback() {
            spec.log.warn(&format!(
                "whoever reaches {} can watch and stop this run: --web-login asks for a password or a token",
                page.address()
            ));
        }
        let settings = Settings {
            kind: Kind::K6,
            file: spec.script.name().to_owned(),
            planned: view::planned(&prepared.plan),
            ..Settings::default()
        };
        Ok(Some(Self {
            page,
            keeps,
            asks,
            rows: Table::default(),
            lag: Distribution::default(),
            settings,
            marks: Vec::new(),
            watched: Vec::new(),
            told: None,
            next: Instant::now(),
            started_at: None,
        }))
    }

    /// Where a browser finds it; none if it only keeps the run.
    pub(super) fn url(&self) -> Option<&str> {
        Some(self.page.url()).filter(|url| !url.is_empty())
    }

    /// The run is over, with that code: sees to it that it is kept.
    pub(super) fn conclude(&self, spec: &RunSpec, exit: Exit) {
        if let Some(path) = &spec.dashboard.export {
            export::write(spec, path, self.page.report());
        }
        if !self.keeps {
            return;
        }
        if let Err(error) = self.page.conclude(Some(i32::from(exit.code()))) {
            spec.log.error(&format!("the run was not kept in the history: {error}"));
        }
    }

    /// The run phase begins.
    pub(super) fn begin(&mut self, at: Instant) {
        self.started_at = Some(unix_now().saturating_sub(at.elapsed().as_millis() as u64));
        self.told = Some(at);
        self.next = at + SECOND + AFTER;
    }

    /// When the run phase began, in ms since the Unix epoch; now, if it has not.
    pub(super) fn started_at(&self) -> u64 {
        self.started_at.unwrap_or_else(unix_now)
    }

    /// Takes what was measured.
    pub(super) fn add(&mut self, delta: &Delta) {
        self.rows.add(delta, unix_now());
    }

    /// Takes what was measured between two moments that have been told already.
    pub(super) fn add_late(&mut self, delta: &Delta, from: Instant, until: Instant) {
        let now = unix_now();
        let wall = |at: Instant| now.saturating_sub(at.elapsed().as_millis() as u64);
        self.rows.add_late(delta, now, wall(from), wall(until));
    }

    /// Takes how late an event loop was at worst within a second.
    pub(super) fn lag(&mut self, worst: Duration) {
        self.lag.extend(&[worst.as_secs_f64() * 1_000.0]);
    }

    /// A moment that the charts are to show.
    pub(super) fn mark(&mut self, kind: MarkKind, text: &str) {
        self.marks.push(Mark { at: unix_now(), kind, text: text.to_owned() });
    }

    /// A moment that is past.
    pub(super) fn mark_at(&mut self, at: Instant, kind: MarkKind, text: &str) {
        let at = unix_now().saturating_sub(at.elapsed().as_millis() as u64);
        self.marks.push(Mark { at, kind, text: text.to_owned() });
    }

    /// What was read of what is watched.
    pub(super) fn watched(&mut self, readings: Vec<Watched>) {
        for reading in readings {
            let is_same =
                |known: &&mut Watched| (&known.chart, &known.label) == (&reading.chart, &reading.label);
            match self.watched.iter_mut().find(is_same) {
                Some(known) => known.value = known.value.max(reading.value),
                None => self.watched.push(reading),
            }
        }
    }

    /// Whether it is time to tell how things stand.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    /// Tells how things stand.
    pub(super) fn show(&mut self, now: Instant, view: View<'_>) {
        let ended = view.state == RunState::Stopped;
        let until = match self.told {
            // What was measured since the last full second is of the time until now.
            Some(_) if ended => now,
            Some(told) => told.max(now.checked_sub(AFTER).unwrap_or(now)),
            None => now,
        };
        let covers = self.told.map(|told| until.saturating_duration_since(told).as_secs_f64());
        self.told = self.told.map(|_| until);
        self.next = (self.next + SECOND).max(now + SECOND / 2);
        let wall = unix_now();
        let (totals, requests) = self.rows.take();
        let Progress { active_vus, initialised_vus, .. } = *view.progress;
        let max = view.prepared.max_vus();
        self.page.push(Update {
            now: wall,
            settings: self.settings.clone(),
            state: view.state,
            started_at: self.started_at,
            ended_at: ended.then_some(wall),
            covers,
            can: view.can,
            users: Users {
                now: active_vus,
                target: view::controlled(view.progress).unwrap_or(initialised_vus),
                max,
                ..Users::default()
            },
            workers: view.workers,
            totals,
            requests,
            failures: self.rows.take_failures(),
            late: self.rows.take_late(),
            checks: view::checks(&view.aggregate.tree()),
            thresholds: view::thresholds(&view.prepared.thresholds, view.verdicts),
            scenarios: view::scenarios(&view.prepared.plan, view.progress, self.told.is_some()),
            metrics: view::metrics(view.aggregate, view.elapsed.as_secs_f64()),
            lag: self.lag_so_far(),
            saturated: view.saturated,
            marks: std::mem::take(&mut self.marks),
            watched: std::mem::take(&mut self.watched),
            scaling: view.scaling,
            ..Update::default()
        });
    }

    /// How late event loops were so far, in ms.
    pub(super) fn lag_so_far(&self) -> Option<Lag> {
        let short = |ms: f64| (ms * 1_000.0).round() / 1_000.0;
        let at = self.lag.percentiles(&[50.0, 99.0]);
        let lag = Lag { p50: short(at[0]), p99: short(at[1]), max: short(self.lag.max()) };
        (self.lag.count() > 0).then_some(lag)
    }

    /// What was asked for since the last look.
    pub(super) fn asks(&self) -> Vec<Ask> {
        self.asks.try_iter().collect()
    }
}

/// Opens the history that `spec` asks for, so that one that cannot be used is known before the test and not after it.
fn history(spec: &RunSpec, prepared: &Prepared) -> Result<Option<History>, Failure> {
    let Some(wanted) = &spec.history else { return Ok(None) };
    let store =
        Store::open(&wanted.folder).map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))?;
    let name = wanted.name.clone().unwrap_or_else(|| {
        let file = std::path::Path::new(spec.script.name());
        file.file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned())
    });
    let keeps = Keeps { name, checksum: prepared.checksum.clone(), at_most: wanted.at_most };
    Ok(Some(History { store: Arc::new(store), keeps: Some(keeps) }))
}

fn line(level: Level, message: &str, fields: &[Field]) -> LogLine {
    let mut text = message.to_owned();
    let mut worker = None;
    for field in fields {
        match &*field.key {
            "worker" => worker = Some(field.value.to_string()),
            "source" | "hint" => {}
            key => {
                let _ = write!(text, " {key}={}", field.value);
            }
        }
    }
    let level = match level {
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warning => LogLevel::Warning,
        Level::Error => LogLevel::Error,
    };
    LogLine { at: unix_now(), level, text, worker }
}

/// Wall time in ms.
fn unix_now() -> u64 {
    throng_js::worker::unix_now().0 / 1_000_000
}
