//! The whole run so far, folded from the deltas of all recorders.
//!
//! Holds a total per metric, a total per sub-metric that a threshold names, and for the full summary one per
//! scenario and group: not the series themselves, so that memory stays bounded however long the run and
//! however many tag sets it makes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use crate::builtin;
use crate::checks::{CheckKey, CheckStats, Checks, GroupNode, Stamp};
use crate::delta::{Delta, Notice};
use crate::registry::{MetricId, Registry, RegistryError};
use crate::selector::Submetric;
use crate::sink::{Sink, SourceId};
use crate::tags::TagSet;
use crate::threshold::{Moments, Standing, Window, Windowed};

/// Tag sets whose matching selectors are remembered.
const MATCH_CACHE: usize = 50_000;
/// Scenarios and groups that are told apart; samples of further groups count for their scenario only.
const SECTION_LIMIT: usize = 2_000;

/// How finely the aggregate splits the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// Totals and sub-metrics.
    Totals,
    /// Also each scenario and group, for the full summary.
    Sections,
}

/// A scenario, or a group within one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SectionKey {
    /// The `scenario` tag; empty outside of scenarios.
    pub(crate) scenario: Arc<str>,
    /// The path of the group; `None` for the scenario as a whole.
    pub(crate) group: Option<Arc<str>>,
}

type Metrics = BTreeMap<MetricId, Sink>;

/// Everything the controller knows about the metrics of a run.
#[derive(Debug)]
pub struct Aggregate {
    registry: Arc<Registry>,
    submetrics: Vec<Submetric>,
    breakdown: Breakdown,
    totals: Metrics,
    /// Per sub-metric, once it has samples.
    parts: Vec<Option<Sink>>,
    sections: BTreeMap<SectionKey, Metrics>,
    matches: HashMap<Arc<TagSet>, Arc<Vec<u32>>>,
    checks: Checks,
    said: HashSet<Notice>,
    notices: Vec<Notice>,
    raw_dropped: u64,
    windows: Vec<Tracked>,
    moments: Moments,
    now: Duration,
}

/// What a window has taken in.
#[derive(Debug)]
struct Tracked {
    of: Windowed,
    sink: Option<Sink>,
    held: bool,
}

/// A window as a threshold judges it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) sink: Option<&'a Sink>,
    /// Whether the condition held at least once while it was open.
    pub(crate) held: bool,
    pub(crate) standing: Standing,
    pub(crate) seconds: f64,
}

impl Aggregate {
    /// An aggregate without samples that tracks these sub-metrics
    /// (see [`Thresholds::submetrics`](crate::Thresholds::submetrics)).
    pub fn new(registry: Arc<Registry>, submetrics: Vec<Submetric>, breakdown: Breakdown) -> Self {
        let parts = submetrics.iter().map(|_| None).collect();
        Self {
            registry,
            submetrics,
            breakdown,
            totals: Metrics::new(),
            parts,
            sections: BTreeMap::new(),
            matches: HashMap::new(),
            checks: Checks::default(),
            said: HashSet::new(),
            notices: Vec::new(),
            raw_dropped: 0,
            windows: Vec::new(),
            moments: Moments::default(),
            now: Duration::ZERO,
        }
    }

    /// Also keeps what these windows need; see [`Thresholds::windowed`](crate::Thresholds::windowed).
    #[must_use]
    pub fn track(mut self, windows: Vec<Windowed>) -> Self {
        self.windows = windows.into_iter().map(|of| Tracked { of, sink: None, held: false }).collect();
        self
    }

    /// What is merged from here on was measured about so long after the start of the run phase.
    pub fn at(&mut self, now: Duration) {
        self.now = now;
    }

    /// When the named moments are.
    pub fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }

    pub(crate) fn part(&self, place: usize) -> Part<'_> {
        let tracked = self.windows.get(place);
        let window = tracked.map(|tracked| tracked.of.window);
        Part {
            sink: tracked.and_then(|tracked| tracked.sink.as_ref()),
            held: tracked.is_some_and(|tracked| tracked.held),
            standing: window.map_or(Standing::Ahead, |window| window.standing(&self.moments, self.now)),
            seconds: window.map_or(0.0, |window| window.seconds(&self.moments, self.now)),
        }
    }

    /// Adds a delta. Fails, without adding anything, when the delta's source declares a metric differently.
    pub fn merge(&mut self, delta: &Delta) -> Result<(), RegistryError> {
        let metrics: Vec<MetricId> = delta
            .metrics
            .iter()
            .map(|metric| self.registry.register(&metric.name, metric.kind, metric.contains))
            .collect::<Result<_, _>>()?;
        for series in &delta.series {
            let matching = self.matching(&series.tags);
            for (metric, sink) in &series.sinks {
                let metric = metrics[*metric as usize];
                merge_into(&mut self.totals, metric, sink);
                for index in matching.iter().map(|index| *index as usize) {
                    if self.submetrics[index].metric == metric {
                        match &mut self.parts[index] {
                            Some(part) => part.merge(sink),
                            empty => *empty = Some(sink.clone()),
                        }
                    }
                }
            }
            for tracked in &mut self.windows {
                tracked.take(&series.tags, &series.sinks, &metrics, self.moments, self.now);
            }
            if self.breakdown == Breakdown::Sections {
                for metrics_of in self.sections_of(&series.tags) {
                    let section = self.sections.entry(metrics_of).or_default();
                    for (metric, sink) in &series.sinks {
                        merge_into(section, metrics[*metric as usize], sink);
                    }
                }
            }
        }
        self.checks.merge(&delta.checks);
        self.raw_dropped += delta.raw_dropped;
        for notice in &delta.notices {
            let kind = match notice {
                Notice::SeriesFolded { limit, .. } => {
                    Notice::SeriesFolded { limit: *limit, keys: Vec::new() }
                }
                Notice::ErrorsFolded { .. } => notice.clone(),
            };
            if self.said.insert(kind) {
                self.notices.push(notice.clone());
            }
        }
        Ok(())
    }

    /// The sub-metrics, of any metric, whose selectors match.
    fn matching(&mut self, tags: &Arc<TagSet>) -> Arc<Vec<u32>> {
        if let Some(known) = self.matches.get(tags) {
            return Arc::clone(known);
        }
        if self.matches.len() >= MATCH_CACHE {
            self.matches.clear();
        }
        let matching = self.submetrics.iter().zip(0..).filter(|(part, _)| part.selector.matches(tags));
        let matching = Arc::new(matching.map(|(_, index)| index).collect());
        self.matches.insert(Arc::clone(tags), Arc::clone(&matching));
        matching
    }

    /// The scenario and the group that samples with these tags count for.
    fn sections_of(&self, tags: &TagSet) -> impl Iterator<Item = SectionKey> + use<> {
        let scenario: Arc<str> = tags.get_shared("scenario").cloned().unwrap_or_default();
        let group = tags
            .get_shared("group")
            .filter(|group| !group.is_empty())
            .map(|group| SectionKey { scenario: Arc::clone(&scenario), group: Some(Arc::clone(group)) });
        let fits = |key: &SectionKey| self.sections.len() < SECTION_LIMIT || self.sections.contains_key(key);
        let group = group.filter(fits);
        [Some(SectionKey { scenario, group: None }), group].into_iter().flatten()
    }

    /// The metrics of this run by name.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The whole of a metric, if it has samples.
    pub fn total(&self, metric: MetricId) -> Option<&Sink> {
        self.totals.get(&metric)
    }

    /// The metrics that have samples, in the order of their registration.
    pub fn totals(&self) -> impl Iterator<Item = (MetricId, &Sink)> {
        self.totals.iter().map(|(metric, sink)| (*metric, sink))
    }

    /// The tracked sub-metrics with what they hold, if anything.
    pub fn submetrics(&self) -> impl ExactSizeIterator<Item = (&Submetric, Option<&Sink>)> {
        self.submetrics.iter().zip(self.parts.iter().map(Option::as_ref))
    }

    /// What a metric or tracked sub-metric holds, if it has samples.
    pub fn find(&self, submetric: &Submetric) -> Option<&Sink> {
        if submetric.selector.is_empty() {
            return self.total(submetric.metric);
        }
        let index = self
            .submetrics
            .iter()
            .position(|known| known.metric == submetric.metric && known.selector == submetric.selector)?;
        self.parts[index].as_ref()
    }

    /// The tree of groups and checks, in first-seen order.
    pub fn tree(&self) -> GroupNode {
        self.checks.tree()
    }

    pub(crate) fn checks_by_name(&self, wanted: impl Fn(&CheckKey) -> bool) -> Vec<CheckStats> {
        self.checks.by_name(wanted)
    }

    pub(crate) fn sections(&self) -> &BTreeMap<SectionKey, Metrics> {
        &self.sections
    }

    pub(crate) fn first_seen(&self, group: &str) -> Option<Stamp> {
        self.checks.groups.get(group).copied()
    }

    /// What is to be said and was not said before.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Raw samples that found no room on their way to an output.
    pub fn raw_dropped(&self) -> u64 {
        self.raw_dropped
    }

    /// A source is gone: it has no virtual users any more. Its extremes stay.
    pub fn source_left(&mut self, source: SourceId) {
        for metric in [builtin::VUS, builtin::VUS_MAX] {
            if let Some(Sink::Gauge(gauge)) = self.totals.get_mut(&metric)
                && let Some(part) = gauge.parts.get_mut(&source)
            {
                part.value = 0.0;
                part.min = part.min.min(0.0);
            }
        }
    }
}

impl Tracked {
    fn take(
        &mut self,
        tags: &TagSet,
        sinks: &[(u32, Sink)],
        metrics: &[MetricId],
        moments: Moments,
        now: Duration,
    ) {
        let Windowed { target, window, expression } = &self.of;
        let mut new =
            sinks.iter().filter(|(metric, _)| metrics[*metric as usize] == target.metric).peekable();
        if new.peek().is_none()
            || !target.selector.matches(tags)
            || window.standing(&moments, now) != Standing::Open
        {
            return;
        }
        for (_, sink) in new {
            match &mut self.sink {
                Some(known) => known.merge(sink),
                empty => *empty = Some(sink.clone()),
            }
        }
        if let (Window::Within { .. }, Some(sink)) = (window, &self.sink)
            && let Some(value) = expression.aggregation.of(sink, window.seconds(&moments, now))
        {
            self.held |= expression.holds(value);
        }
    }
}

fn merge_into(metrics: &mut Metrics, metric: MetricId, sink: &Sink) {
    metrics.entry(metric).or_insert_with(|| Sink::empty(sink.kind())).merge(sink);
}
