//! The numbers of an update, from the statistics in Rust.
//!
//! What a second brought is the difference of two copies of the fine distributions, so that nothing is recorded twice while
//! requests are made. Only entries in which something happened cost anything.

use throng_locust::Entry;
use throng_metrics::Distribution;
use throng_server::{Lag, Measured, RunState, Second, Update};

/// What an entry had counted when it was last looked at.
#[derive(Default)]
struct Seen {
    requests: u64,
    failures: u64,
    time: f64,
    times: Distribution,
}

/// See the module's description.
#[derive(Default)]
pub(super) struct Feed {
    total: Seen,
    entries: Vec<Seen>,
    generation: (u64, u64),
    /// When the present test began, in ms since the Unix epoch.
    started_at: Option<u64>,
    ended_at: Option<u64>,
    /// How late loops were, at worst within each second, in ms.
    lag: Distribution,
}

/// An entry with its method and name.
pub(crate) struct Named<'a> {
    /// Of the request.
    pub(crate) method: &'a str,
    /// Of the request.
    pub(crate) name: &'a str,
    /// What is counted.
    pub(crate) entry: &'a mut Entry,
}

impl Feed {
    /// A test began, or its statistics were reset, since the update before: `generation` counts both.
    pub(super) fn turn(&mut self, update: &mut Update, generation: (u64, u64), start: f64, runs: bool) {
        if generation != self.generation {
            self.entries.clear();
            self.total = Seen::default();
        }
        if generation.0 != self.generation.0 {
            (self.started_at, self.ended_at) = (None, None);
            self.lag = Distribution::default();
        }
        if self.started_at.is_none() && update.state != RunState::Ready {
            // A test sets its statistics to nothing when it begins, which may be seen before that it begins; resetting them
            // later moves their start.
            self.started_at = Some((start * 1_000.0) as u64);
        }
        self.generation = generation;
        if runs {
            self.ended_at = None;
        } else if self.started_at.is_some() {
            self.ended_at = self.ended_at.or(Some(update.now));
        }
        (update.run, update.epoch) = generation;
        (update.started_at, update.ended_at) = (self.started_at, self.ended_at);
        update.lag = self.lag_so_far();
    }

    /// Takes how late a loop was at worst within a second, in ms.
    pub(super) fn lag(&mut self, worst: f64) {
        self.lag.extend(&[worst]);
    }

    fn lag_so_far(&self) -> Option<Lag> {
        let short = |ms: f64| (ms * 1_000.0).round() / 1_000.0;
        let at = self.lag.percentiles(&[50.0, 99.0]);
        let lag = Lag { p50: short(at[0]), p99: short(at[1]), max: short(self.lag.max()) };
        (self.lag.count() > 0).then_some(lag)
    }

    pub(super) fn total(&mut self, entry: &mut Entry) -> Measured {
        let mut measured = numbers("", "", entry);
        measured.second = self.total.differ(entry);
        measured
    }

    /// The numbers of the entry at that place, if it counted something since.
    pub(super) fn entry(&mut self, place: usize, named: Named<'_>) -> Option<Measured> {
        if place >= self.entries.len() {
            self.entries.resize_with(place + 1, Seen::default);
        }
        let second = self.entries[place].differ(named.entry)?;
        Some(Measured { second: Some(second), ..numbers(named.method, named.name, named.entry) })
    }
}

impl Seen {
    /// What came since the last look; none if nothing did.
    fn differ(&mut self, entry: &mut Entry) -> Option<Second> {
        if entry.requests == self.requests && entry.failures == self.failures {
            return None;
        }
        let times = entry.distribution().clone();
        let new = times.percentiles_since(&self.times, &[50.0, 95.0, 99.0]);
        let at = |place: usize| new.as_ref().map(|values| values[place]);
        let second = Second {
            count: entry.requests.saturating_sub(self.requests),
            fails: entry.failures.saturating_sub(self.failures),
            time: entry.total_time - self.time,
            p50: at(0),
            p95: at(1),
            p99: at(2),
        };
        *self = Self { requests: entry.requests, failures: entry.failures, time: entry.total_time, times };
        Some(second)
    }
}

fn numbers(method: &str, name: &str, entry: &mut Entry) -> Measured {
    let timed = entry.timed() > 0;
    let at = timed.then(|| entry.distribution().percentiles(&[50.0, 90.0, 95.0, 99.0]));
    let at = |place: usize| at.as_ref().map(|values| values[place]);
    Measured {
        method: method.to_owned(),
        name: name.to_owned(),
        count: entry.requests,
        fails: entry.failures,
        avg: timed.then(|| entry.average()),
        min: entry.min_time,
        max: timed.then_some(entry.max_time),
        median: at(0),
        p90: at(1),
        p95: at(2),
        p99: at(3),
        size: (entry.requests > 0).then(|| entry.total_length as f64 / entry.requests as f64),
        second: None,
    }
}
