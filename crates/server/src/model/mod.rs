//! The state of a run as the page sees it: takes updates, gives a snapshot and what changed since.
//!
//! Pure: the time comes with the updates, and what is to be sent is returned. Memory is bounded: the timelines by
//! [`timeline`], log lines and marks by a number, rows and failures by the hosts, which fold what is too many.

mod marks;
mod number;
mod parts;
mod rows;
mod timeline;
mod update;
mod watched;
mod wire;

use std::collections::{HashMap, VecDeque};

pub use parts::{
    Can, Check, Class, Exception, Failure, Form, HistoryKind, Kind, Lag, LogLevel, LogLine, Mark, MarkKind,
    Metric, RunState, Scaling, ScalingStep, Scenario, ScenarioState, Threshold, Users, Watched, Worker,
};
pub use rows::Row;
pub use update::{Late, Measured, Second, Settings, Update};
pub use wire::Event;

use rows::{Entry, Rows};
use timeline::{Crowd, MOST_OF_REQUESTS, MOST_POINTS, Point, Timeline};
use wire::{Snapshot, Tick};

/// Log lines that are kept.
const MOST_LINES: usize = 500;
/// Rows whose charts a report has.
const MOST_REPORTED: usize = 300;
/// Marks that are kept.
const MOST_MARKS: usize = 1_000;
/// An update that comes sooner after another one belongs to the same second.
const SHORT: f64 = 0.5;

/// See the module's description.
#[derive(Debug)]
pub struct Model {
    /// The last update, but for its rows and failures.
    now: Update,
    totals: Entry,
    rows: Rows,
    failures: Vec<Failure>,
    failure_index: HashMap<String, usize>,
    timeline: Timeline,
    watched: watched::Board,
    /// When the last point was added.
    measured_at: Option<u64>,
    /// Whether the grid became coarser since the pages were last told.
    coarser: bool,
    marks: VecDeque<Mark>,
    lines: VecDeque<LogLine>,
    /// Whether there are past runs.
    history: HistoryKind,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            now: Update::default(),
            totals: Entry::default(),
            rows: Rows::default(),
            failures: Vec::new(),
            failure_index: HashMap::new(),
            timeline: Timeline::new(0),
            watched: watched::Board::default(),
            measured_at: None,
            coarser: false,
            marks: VecDeque::new(),
            lines: VecDeque::new(),
            history: HistoryKind::None,
        }
    }
}

impl Model {
    /// The model of a run that has, or has not, past ones beside it.
    pub fn beside(history: HistoryKind) -> Self {
        Self { history, ..Self::default() }
    }

    /// Takes an update; what the open pages are to be told, in order.
    pub fn apply(&mut self, update: Update) -> Vec<Event> {
        let began = update.started_at != self.now.started_at && update.started_at.is_some();
        let anew = update.run != self.now.run || began;
        if anew {
            *self = Self {
                timeline: Timeline::new(update.started_at.unwrap_or(update.now)),
                lines: std::mem::take(&mut self.lines),
                history: self.history,
                // Those that are there already did not just join.
                now: Update { workers: std::mem::take(&mut self.now.workers), ..Update::default() },
                ..Self::default()
            };
        }
        let forgets = update.epoch != self.now.epoch && !anew;
        if forgets {
            self.totals = Entry::default();
            self.rows = Rows::default();
            self.failures.clear();
            self.failure_index.clear();
        }
        let changes = self.take(update);
        if anew || forgets || changes.coarser {
            let snapshot = Event::Snapshot(self.snapshot(self.now.now));
            return if forgets { vec![Event::Reset, snapshot] } else { vec![snapshot] };
        }
        if changes.is_nothing() {
            return Vec::new();
        }
        vec![Event::Tick(Tick::new(self, &changes).text())]
    }

    fn take(&mut self, update: Update) -> Changes {
        let (index, covers) =
            self.place(&update).map_or((None, 0.0), |(index, covers)| (Some(index), covers));
        let mut changes = Changes { point: index, ..Changes::default() };
        changes.totals = self.totals.apply(Some(&update.totals), covers);
        (changes.rows, changes.points) = self.rows.apply(&update.requests, covers, index);
        changes.failures = self.take_failures(&update.failures);
        if let Some(index) = index {
            let crowd = Crowd { now: update.users.now as f32, target: update.users.target as f32 };
            self.timeline.add(index, Point::new(covers, update.totals.second.as_ref()), crowd);
            self.measured_at = Some(update.now);
        }
        // After the end of the load what is watched goes on, where the grid does.
        let step = index.or_else(|| self.step_after(&update));
        if let Some(step) = step {
            changes.watched = self.watched.add(step, &update.watched);
        }
        for late in &update.late {
            self.amend(late, &mut changes);
        }
        // Of many workers each may have been late with the same second.
        changes.amended.sort_unstable();
        changes.amended.dedup();
        changes.amended_rows.sort_unstable();
        changes.amended_rows.dedup();
        if update.state == RunState::Stopped && self.now.state != RunState::Stopped {
            self.totals.rest();
            changes.totals = true;
            changes.rows = self.rows.rest();
        }
        let new = marks::between(&self.now, &update);
        changes.marks = new.len();
        self.marks.extend(new);
        self.marks.drain(..self.marks.len().saturating_sub(MOST_MARKS));
        changes.note(&self.now, &update);
        self.now = Update {
            requests: Vec::new(),
            failures: Vec::new(),
            marks: Vec::new(),
            watched: Vec::new(),
            late: Vec::new(),
            ..update
        };
        if self.rows.points() > MOST_OF_REQUESTS {
            self.coarsen();
        }
        changes.coarser = std::mem::take(&mut self.coarser);
        changes
    }

    /// The step that the update's numbers belong to and the seconds that they cover; none while nothing runs.
    fn place(&mut self, update: &Update) -> Option<(usize, f64)> {
        let started = update.started_at?;
        if update.ended_at.is_some() && update.totals.second.is_none() {
            return None;
        }
        let since = self.measured_at.unwrap_or(started);
        let covers = update.covers.unwrap_or(update.now.saturating_sub(since) as f64 / 1_000.0);
        if covers <= 0.0 {
            // The clock was set back: what was measured counts, for about nothing of time.
            return Some((self.timeline.last().unwrap_or(0), 0.001));
        }
        let mut index = self.timeline.index(update.now);
        while index >= MOST_POINTS {
            self.coarsen();
            index = self.timeline.index(update.now);
        }
        let last = self.timeline.last();
        Some((if covers < SHORT { last.unwrap_or(index) } else { index.max(last.unwrap_or(0)) }, covers))
    }

    /// The step of what was read although nothing was measured.
    fn step_after(&self, update: &Update) -> Option<usize> {
        update.started_at?;
        (!update.watched.is_empty())
            .then(|| self.timeline.index(update.now))
            .filter(|step| *step < MOST_POINTS)
    }

    fn coarsen(&mut self) {
        self.timeline.coarsen();
        self.rows.coarsen();
        self.watched.coarsen();
        self.coarser = true;
    }

    /// Adds what came late to the seconds that it is of, in equal parts: from when in them each request was is not known.
    fn amend(&mut self, late: &Late, changes: &mut Changes) {
        let Some(last) = self.timeline.last() else { return };
        let step = u64::from(self.timeline.step) * 1_000;
        // A step is named by when it ends.
        let from = self.timeline.index(late.from + step).min(last);
        let until = self.timeline.index(late.until).clamp(from, last);
        let parts = until - from + 1;
        let covers = late.until.saturating_sub(late.from) as f32 / 1_000.0 / parts as f32;
        for (part, index) in (from..=until).enumerate() {
            if let Some(second) = &late.totals.second {
                if let Some(gave) = self.timeline.amend(index, Point::part(second, part, parts)) {
                    changes.amended.push(gave);
                    changes.amended_rows.extend(self.rows.give_back(gave, self.timeline.step as f32));
                }
                changes.amended.push(index);
            }
            for row in &late.requests {
                let Some(second) = &row.second else { continue };
                let id = self.rows.amend(row, index, Point::part(second, part, parts), covers);
                changes.amended_rows.push((id, index));
            }
        }
    }

    /// The places of the failures that changed.
    fn take_failures(&mut self, failures: &[Failure]) -> Vec<usize> {
        let mut changed = Vec::new();
        for failure in failures {
            let key = format!("{}\0{}\0{}", failure.method, failure.name, failure.error);
            let place = *self.failure_index.entry(key).or_insert(self.failures.len());
            match self.failures.get_mut(place) {
                Some(known) if known == failure => continue,
                Some(known) => known.clone_from(failure),
                None => self.failures.push(failure.clone()),
            }
            changed.push(place);
        }
        changed
    }

    /// Takes a line of the log.
    pub fn log(&mut self, line: LogLine) -> Event {
        let event = Event::Log(wire::text(&line));
        self.lines.push_back(line);
        self.lines.drain(..self.lines.len().saturating_sub(MOST_LINES));
        event
    }

    /// All of it, as JSON; `now` is in ms since the Unix epoch.
    pub fn snapshot(&self, now: u64) -> String {
        wire::text(&Snapshot::new(self, now, Vec::new()))
    }

    /// As [`Self::snapshot`], with the charts' points of the first rows: what a report has to be able to show.
    pub fn whole(&self, now: u64) -> String {
        let of = |id| {
            let mut timeline = self.rows.timeline(id)?;
            timeline["id"] = id.into();
            Some(timeline)
        };
        wire::text(&Snapshot::new(self, now, (0..MOST_REPORTED).map_while(of).collect()))
    }

    /// The charts' points of one row, as JSON.
    pub fn request_timeline(&self, id: usize) -> Option<String> {
        let mut timeline = self.rows.timeline(id)?;
        timeline["step"] = self.timeline.step.into();
        Some(timeline.to_string())
    }

    /// The last update, without rows, failures and marks.
    pub fn now(&self) -> &Update {
        &self.now
    }

    /// All requests together.
    pub fn totals(&self) -> &Row {
        &self.totals.row
    }

    /// The rows by method and name.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.rows.iter()
    }

    /// The failures by kind.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Seconds since the start, up to the end.
    pub fn elapsed(&self, now: u64) -> f64 {
        let until = self.now.ended_at.unwrap_or(now);
        self.now.started_at.map_or(0.0, |start| until.saturating_sub(start) as f64 / 1_000.0)
    }
}

/// What an update changed.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each part of a tick that is left out if it is unchanged"
)]
struct Changes {
    point: Option<usize>,
    totals: bool,
    rows: Vec<usize>,
    points: Vec<usize>,
    /// Steps of the past that changed, of all requests, and of rows.
    amended: Vec<usize>,
    amended_rows: Vec<(usize, usize)>,
    failures: Vec<usize>,
    marks: usize,
    coarser: bool,
    head: bool,
    settings: bool,
    workers: bool,
    exceptions: bool,
    checks: bool,
    thresholds: bool,
    scenarios: bool,
    metrics: bool,
    task_ratio: bool,
    lag: bool,
    saturated: bool,
    watched: Vec<usize>,
    scaling: bool,
}

impl Changes {
    fn note(&mut self, before: &Update, after: &Update) {
        self.head = (before.state, before.started_at, before.ended_at)
            != (after.state, after.started_at, after.ended_at)
            || before.can != after.can
            || before.users != after.users;
        self.settings = before.settings != after.settings;
        self.workers = before.workers != after.workers;
        self.exceptions = before.exceptions != after.exceptions;
        self.checks = before.checks != after.checks;
        self.thresholds = before.thresholds != after.thresholds;
        self.scenarios = before.scenarios != after.scenarios;
        self.metrics = before.metrics != after.metrics;
        self.task_ratio = before.task_ratio != after.task_ratio;
        self.lag = before.lag != after.lag;
        self.saturated = before.saturated != after.saturated;
        self.scaling = before.scaling != after.scaling;
    }

    fn is_nothing(&self) -> bool {
        self.point.is_none()
            && !(self.totals
                || self.head
                || self.settings
                || self.workers
                || self.exceptions
                || self.checks
                || self.thresholds
                || self.scenarios
                || self.metrics
                || self.task_ratio
                || self.lag
                || self.saturated
                || self.scaling)
            && self.watched.is_empty()
            && self.rows.is_empty()
            && self.amended.is_empty()
            && self.failures.is_empty()
            && self.marks == 0
    }
}

#[cfg(test)]
mod tests;
