//! The whole run so far, folded from the deltas of all recorders.
//!
//! Holds a total per metric, a total per sub-metric that a threshold names, and for the full summary one per
//! scenario and group: not the series themselves, so that memory stays bounded however long the run and
//! however many tag sets it makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::builtin;
use crate::checks::{CheckKey, CheckStats, Checks, GroupNode, Stamp};
use crate::delta::{Delta, Notice};
use crate::registry::{MetricId, Registry, RegistryError};
use crate::selector::Submetric;
use crate::sink::{Sink, SourceId};
use crate::tags::TagSet;

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

fn merge_into(metrics: &mut Metrics, metric: MetricId, sink: &Sink) {
    metrics.entry(metric).or_insert_with(|| Sink::empty(sink.kind())).merge(sink);
}
