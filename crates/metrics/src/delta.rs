//! What happened since the last report: the unit that travels from a recorder to the aggregate.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::checks::Checks;
use crate::registry::MetricDef;
use crate::sink::Sink;
use crate::tags::TagSet;

/// The folded samples of one tag set since the last delta.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The tags the samples share.
    pub tags: Arc<TagSet>,
    /// Per metric, as an index into [`Delta::metrics`], what was added.
    pub sinks: Vec<(u32, Sink)>,
}

/// Something to be said once in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// There were more series than the cap; from now on these tags read `other`.
    SeriesFolded {
        /// The cap.
        limit: u64,
        /// The keys whose values fold.
        keys: Vec<Arc<str>>,
    },
    /// There were more distinct error texts than the cap; further ones read `other`.
    ErrorsFolded {
        /// The cap.
        limit: u64,
    },
}

/// Everything a recorder took in since its last delta.
///
/// Deltas merge with each other, and into an [`Aggregate`](crate::Aggregate), in any order with the same
/// result. Metrics are carried by name and definition, so a delta can go to another process.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub(crate) metrics: Vec<MetricDef>,
    pub(crate) series: Vec<Series>,
    pub(crate) checks: Checks,
    pub(crate) notices: Vec<Notice>,
    pub(crate) raw_dropped: u64,
}

impl Delta {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.checks.is_empty() && self.notices.is_empty() && self.raw_dropped == 0
    }

    /// A delta that says only that so many raw samples found no room.
    pub fn of_dropped_samples(count: u64) -> Self {
        Self { raw_dropped: count, ..Self::default() }
    }

    /// The metrics that [`Series::sinks`] refer to.
    pub fn metrics(&self) -> &[MetricDef] {
        &self.metrics
    }

    /// What was added, per tag set, in no particular order.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Raw samples that found no room on their way to an output.
    pub fn raw_dropped(&self) -> u64 {
        self.raw_dropped
    }

    /// What is to be said.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Adds another delta: a worker folds what it cannot send yet, so that its buffer stays bounded.
    pub fn merge(&mut self, other: &Self) {
        let places = self.series.iter().enumerate();
        let mut by_tags = places.map(|(index, series)| (Arc::clone(&series.tags), index)).collect();
        self.merge_by(&mut by_tags, other);
    }

    fn merge_by(&mut self, by_tags: &mut HashMap<Arc<TagSet>, usize>, other: &Self) {
        let translate: Vec<u32> = other.metrics.iter().map(|metric| self.metric_index(metric)).collect();
        for theirs in &other.series {
            let index = *by_tags.entry(Arc::clone(&theirs.tags)).or_insert_with(|| {
                self.series.push(Series { tags: Arc::clone(&theirs.tags), sinks: Vec::new() });
                self.series.len() - 1
            });
            let sinks = &mut self.series[index].sinks;
            for (metric, sink) in &theirs.sinks {
                let metric = translate[*metric as usize];
                match sinks.iter_mut().find(|(mine, _)| *mine == metric) {
                    Some((_, mine)) => mine.merge(sink),
                    None => sinks.push((metric, sink.clone())),
                }
            }
        }
        self.checks.merge(&other.checks);
        self.notices.extend(other.notices.iter().cloned());
        self.notices.sort();
        self.notices.dedup();
        self.raw_dropped += other.raw_dropped;
    }

    fn metric_index(&mut self, metric: &MetricDef) -> u32 {
        let known = self.metrics.iter().position(|mine| mine == metric);
        known.unwrap_or_else(|| {
            self.metrics.push(metric.clone());
            self.metrics.len() - 1
        }) as u32
    }
}

/// Many deltas as one: [`Delta::merge`] without looking through all series for each of them.
#[derive(Clone, Debug, Default)]
pub struct DeltaSum {
    whole: Delta,
    by_tags: HashMap<Arc<TagSet>, usize>,
}

impl DeltaSum {
    /// Adds a delta.
    pub fn add(&mut self, delta: &Delta) {
        self.whole.merge_by(&mut self.by_tags, delta);
    }

    /// All of them.
    pub fn delta(&self) -> &Delta {
        &self.whole
    }
}
