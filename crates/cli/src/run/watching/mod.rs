//! What is watched beside the load, as the conductor takes it in.
//!
//! The watcher reads on a thread of its own (`throng_watch`). Here its samples become samples like all others: a recorder
//! of their own makes deltas of them, which the aggregate merges, so that summary, outputs and thresholds see them on no
//! second path. Its events go to the log and the charts.

pub(crate) mod companion;
mod lines;
mod scaling;
mod series;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use throng_metrics::{
    Delta, Distribution, MetricDef, MetricId, Recorder, RecorderConfig, Registry, Sink, UnixNanos,
};
use throng_server::{MarkKind, Watched};
use throng_watch::scale::{Fact, Tracker};
use throng_watch::{Event, EventKind, Sample, Told, Watcher};

use crate::spec::Watch;

use lines::Lines;
use series::Shown;

/// A recorder's part is named by the time of what is in it, so that windows of thresholds are right.
pub(super) struct Reading {
    /// When.
    pub(super) at: Instant,
    /// What was measured.
    pub(super) delta: Delta,
}

/// What came since it was asked last.
#[derive(Default)]
pub(super) struct News {
    pub(super) readings: Vec<Reading>,
    pub(super) events: Vec<Event>,
}

/// See the module's description.
pub(super) struct Watching {
    told: Receiver<Told>,
    recorder: Recorder,
    metrics: HashMap<&'static str, MetricId>,
    shown: Shown,
    lines: Lines,
    /// Response times since the lines were made last.
    latency: Distribution,
    tracker: Tracker,
    /// What was seen before the run phase began, when its seconds had no number.
    early: Vec<(Instant, Fact)>,
    /// The next second of the load that is told to the tracker.
    next_second: u64,
    of_second: Distribution,
    /// Its thread ends with this.
    _watcher: Watcher,
}

impl Watching {
    /// Begins to watch; the load is counted in `unit`.
    pub(super) fn start(
        watch: &Watch,
        registry: &Arc<Registry>,
        recorder: RecorderConfig,
        unit: &str,
    ) -> Result<Self, String> {
        let metrics = throng_watch::metric::ALL
            .iter()
            // They are declared; see `prepare`.
            .filter_map(|metric| Some((metric.name, registry.get(metric.name)?)))
            .collect();
        let (watcher, told) = Watcher::start(watch.settings.clone())
            .map_err(|error| format!("cannot start watching: {error}"))?;
        Ok(Self {
            told,
            recorder: Recorder::new(registry.clone(), recorder),
            metrics,
            shown: Shown::default(),
            lines: Lines::default(),
            latency: Distribution::default(),
            tracker: Tracker::of(unit),
            early: Vec::new(),
            next_second: 1,
            of_second: Distribution::default(),
            _watcher: watcher,
        })
    }

    /// What came since. What was read before the run phase begins is none of the run's: only its events are told.
    pub(super) fn news(&mut self, begun: Option<Instant>) -> News {
        let mut news = News::default();
        if let Some(begun) = begun {
            for (at, fact) in std::mem::take(&mut self.early) {
                self.tracker.take(since(begun, at), fact);
            }
        }
        while let Ok(told) = self.told.try_recv() {
            match told {
                Told::Samples(at, samples) => {
                    self.lines.take(&samples);
                    if begun.is_none_or(|begun| at < begun) {
                        continue;
                    }
                    self.shown.take(at, &samples);
                    self.record(at, &samples);
                    news.readings.push(Reading { at, delta: self.recorder.take_delta() });
                }
                Told::Event(event) => news.events.push(event),
                Told::Fact(at, fact) => match begun {
                    Some(begun) => self.tracker.take(since(begun, at), fact),
                    None => self.early.push((at, fact)),
                },
            }
        }
        news
    }

    fn record(&mut self, at: Instant, samples: &[Sample]) {
        let root = self.recorder.root();
        let now = throng_js::worker::unix_now();
        let time = UnixNanos(now.0.saturating_sub(at.elapsed().as_nanos() as u64));
        for sample in samples {
            let Some(metric) = self.metrics.get(sample.metric.name) else { continue };
            let tags: Vec<(&str, &str)> =
                sample.tags.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let tags = self.recorder.with_tags(root, &tags);
            self.recorder.add(*metric, tags, sample.value, time);
        }
    }

    /// Takes what the crew measured, for the response times beside what is watched.
    pub(super) fn measured(&mut self, delta: &Delta) {
        let is_duration = |metric: &MetricDef| &*metric.name == "http_req_duration";
        let Some(index) = delta.metrics().iter().position(is_duration) else { return };
        for series in delta.series() {
            for (metric, sink) in &series.sinks {
                if let (true, Sink::Trend(times)) = (*metric as usize == index, sink) {
                    self.latency.merge(times);
                    self.of_second.merge(times);
                }
            }
        }
    }

    /// Tells the tracker of each full second since the start: the load, and how it was answered.
    pub(super) fn seconds(&mut self, elapsed: Duration, load: impl Fn(Duration) -> f64) {
        // What threads measured in a second comes a little after its end.
        if elapsed < Duration::from_secs(self.next_second) + AFTER {
            return;
        }
        let second = elapsed.saturating_sub(AFTER).as_secs();
        let times = std::mem::take(&mut self.of_second);
        let latency = (times.count() > 0).then(|| times.percentile(95.0));
        self.tracker.second(second as f64, load(Duration::from_secs(second)), latency);
        self.next_second = second + 1;
    }

    /// The same of a second of a load that is another process's.
    fn second_of_others(&mut self, elapsed: Duration, load: f64, latency: Option<f64>) {
        self.latency.extend(latency.as_slice());
        self.tracker.second(elapsed.as_secs_f64(), load, latency);
    }

    /// The load is over.
    pub(super) fn end(&mut self, elapsed: Duration) {
        self.tracker.end(elapsed.as_secs_f64());
    }

    /// How autoscalers followed the load.
    pub(super) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// What the charts are to show of the time since they were told last.
    pub(super) fn series(&mut self) -> Vec<Watched> {
        self.shown.series()
    }

    /// Lines for the terminal.
    pub(super) fn lines(&mut self, now: Instant) -> &[String] {
        self.lines.show(now, &mut self.latency)
    }
}

/// Seconds from the start to then.
fn since(begun: Instant, at: Instant) -> f64 {
    match at.checked_duration_since(begun) {
        Some(after) => after.as_secs_f64(),
        None => -begun.duration_since(at).as_secs_f64(),
    }
}

/// How the charts mark an event.
pub(super) fn mark(kind: EventKind) -> MarkKind {
    match kind {
        EventKind::Scale => MarkKind::Replicas,
        EventKind::Pod | EventKind::Database | EventKind::Log => MarkKind::Trouble,
        EventKind::Watch => MarkKind::Watch,
    }
}

pub(super) use scaling::{for_page, for_summary};

/// How long after a second what was measured in it is there.
const AFTER: Duration = Duration::from_millis(300);
/// How often lines are made anew.
const LINES_EVERY: Duration = Duration::from_secs(1);
