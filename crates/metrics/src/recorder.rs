//! The hot path: one recorder per thread takes in samples without locks and, once known, allocations.
//!
//! A tag set is an index into a vector of slots; a slot holds an accumulator per metric that occurred with
//! these tags. All metrics of an HTTP request share one block, found with that one index. Trends collect
//! plain values and fold them into buckets when a buffer fills, which keeps the cost of a sample near that of
//! a store to memory.

mod accumulator;
mod http;

use std::sync::Arc;

use crate::builtin;
use crate::checks::CheckTable;
use crate::delta::{Delta, Notice, Series};
use crate::distribution::EXACT_LIMIT;
use crate::interner::{Interned, Interner, Limits};
use crate::kind::Kind;
use crate::raw::{Metadata, RawSink, RawWriter};
use crate::registry::{MetricId, Registry};
use crate::selector::Selector;
use crate::sink::SourceId;
use crate::system_tags::SystemTags;
use crate::tags::{TagSet, TagSetId};
use crate::time::UnixNanos;
use accumulator::Accumulator;
use http::HttpBlock;

pub use http::HttpSample;

/// Full tag sets that raw samples can still find after their interned form was folded.
const FULL_SETS: usize = 65_536;

/// What a recorder needs to know about the run.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// Who this is: distinct per recorder of the whole run. Needed by the gauges that are summed.
    pub source: SourceId,
    /// Tags of every sample (`tags` option, `--tag`).
    pub run_tags: Vec<(String, String)>,
    /// The tags the engine sets; see [`Recorder::system_tags`].
    pub system_tags: SystemTags,
    /// Selectors of thresholds: their samples stay exact when series fold.
    pub selectors: Vec<Selector>,
    /// Distinct tag sets before wide tags fold into `other`; bounds the series of each metric.
    pub series_limit: usize,
    /// Distinct values of the `error` tag before further ones fold into `other`.
    pub error_limit: usize,
    /// Where raw samples go, when an output asks for them.
    pub raw: Option<RawSink>,
}

impl Default for RecorderConfig {
    fn default() -> Self {
        Self {
            source: 0,
            run_tags: Vec::new(),
            system_tags: SystemTags::default(),
            selectors: Vec::new(),
            series_limit: 10_000,
            error_limit: 1_000,
            raw: None,
        }
    }
}

/// Takes in the samples of one thread. Neither `Sync` nor meant to move between threads while in use.
#[derive(Debug)]
pub struct Recorder {
    registry: Arc<Registry>,
    source: SourceId,
    system_tags: SystemTags,
    limits: Limits,
    interner: Interner,
    slots: Vec<Slot>,
    /// Slots with samples since the last delta.
    touched: Vec<u32>,
    /// Kind of each metric by id, and the number of trend values so far.
    metrics: Vec<Known>,
    http_requests: u64,
    checks: CheckTable,
    last: UnixNanos,
    raw: Option<Raw>,
    said_series: bool,
    said_errors: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    kind: Kind,
    values: u64,
}

/// The accumulators of one tag set.
#[derive(Debug, Default)]
struct Slot {
    touched: bool,
    http: Option<Box<HttpBlock>>,
    metrics: Vec<MetricId>,
    accumulators: Vec<Accumulator>,
    check: Option<u32>,
}

/// The raw path, with the full form of recently folded tag sets.
#[derive(Debug)]
struct Raw {
    writer: RawWriter,
    full: Vec<Arc<TagSet>>,
    next: u32,
}

impl Recorder {
    /// A recorder without samples.
    pub fn new(registry: Arc<Registry>, config: RecorderConfig) -> Self {
        let limits = Limits { sets: config.series_limit.max(1), errors: config.error_limit };
        let interner = Interner::new(TagSet::new(config.run_tags), limits, &config.selectors);
        Self {
            registry,
            source: config.source,
            system_tags: config.system_tags,
            limits,
            interner,
            slots: vec![Slot::default()],
            touched: Vec::new(),
            metrics: Vec::new(),
            http_requests: 0,
            checks: CheckTable::default(),
            last: UnixNanos::default(),
            raw: config.raw.map(|sink| Raw { writer: RawWriter::new(sink), full: Vec::new(), next: 0 }),
            said_series: false,
            said_errors: false,
        }
    }

    /// The run tags, on which all other sets are based.
    pub fn root(&self) -> TagSetId {
        TagSetId::interned(0)
    }

    /// The system tags that are wanted. The recorder cannot tell a system tag from a user's, so whoever calls
    /// [`Recorder::with_tags`] leaves out those that are not in this set.
    pub fn system_tags(&self) -> SystemTags {
        self.system_tags
    }

    /// The set `base` with `pairs` laid over it; later pairs override. A repetition costs one hash lookup.
    pub fn with_tags(&mut self, base: TagSetId, pairs: &[(&str, &str)]) -> TagSetId {
        let full_base = self.raw.as_ref().and_then(|raw| raw.full_set(base));
        let interned = match full_base {
            // The base was folded: lay the pairs over its full form, so that raw samples keep every tag.
            Some(full) => {
                let over = full.iter().chain(pairs.iter().copied());
                self.interner.intern(TagSet::new(over))
            }
            None => self.interner.derive(base.index, pairs),
        };
        self.admit(interned)
    }

    /// The set `base` without the tags of these names. Rarely asked for (a script deletes a tag), so it is not cached.
    pub fn without_tags(&mut self, base: TagSetId, keys: &[&str]) -> TagSetId {
        let full = self.raw.as_ref().and_then(|raw| raw.full_set(base));
        let full = full.unwrap_or_else(|| Arc::clone(self.interner.get(base.index)));
        let interned = self.interner.intern(TagSet::new(full.iter().filter(|(key, _)| !keys.contains(key))));
        self.admit(interned)
    }

    /// Makes room for a set's accumulators and keeps its full form where it was folded.
    fn admit(&mut self, interned: Interned) -> TagSetId {
        while self.slots.len() < self.interner.len() {
            self.slots.push(Slot::default());
        }
        let raw = match (interned.full, &mut self.raw) {
            (Some(full), Some(raw)) => raw.remember(full),
            _ => 0,
        };
        TagSetId { index: interned.index, raw }
    }

    /// The tags of a set, with wide ones folded where the cap was met.
    pub fn tags(&self, id: TagSetId) -> &Arc<TagSet> {
        self.interner.get(id.index)
    }

    /// Adds a sample of a metric. NaN is ignored: it belongs to no distribution, and the script hosts refuse
    /// it with a message before.
    pub fn add(&mut self, metric: MetricId, tags: TagSetId, value: f64, at: UnixNanos) {
        if value.is_nan() {
            return;
        }
        self.last = self.last.max(at);
        let known = self.known(metric);
        known.values += 1;
        let Known { kind, values } = *known;
        let source = if builtin::is_summed(metric) { self.source } else { 0 };
        let slot = touch(&mut self.slots, &mut self.touched, tags);
        let position = slot.metrics.iter().position(|known| *known == metric).unwrap_or_else(|| {
            slot.metrics.push(metric);
            slot.accumulators.push(Accumulator::new(kind));
            slot.metrics.len() - 1
        });
        slot.accumulators[position].add(value, at, source, values <= EXACT_LIMIT);
        if let Some(raw) = &mut self.raw {
            raw.push(&self.interner, tags, metric, value, at);
        }
    }

    /// Adds the metrics of one HTTP request (`http_reqs`, seven trends and, if judged, `http_req_failed`).
    pub fn add_http(&mut self, tags: TagSetId, sample: &HttpSample, at: UnixNanos) {
        self.last = self.last.max(at);
        self.http_requests += 1;
        let slot = touch(&mut self.slots, &mut self.touched, tags);
        slot.http.get_or_insert_with(Box::default).add(sample, self.http_requests <= EXACT_LIMIT);
        if let Some(raw) = &mut self.raw {
            raw.push(&self.interner, tags, builtin::HTTP_REQS, 1.0, at);
            for (metric, value) in builtin::HTTP_TRENDS.into_iter().zip(sample.trends()) {
                raw.push(&self.interner, tags, metric, value, at);
            }
            if let Some(failed) = sample.failed {
                raw.push(&self.interner, tags, builtin::HTTP_REQ_FAILED, f64::from(u8::from(failed)), at);
            }
        }
    }

    /// Adds a sample of `checks`, and counts it in the tree of groups and checks: as k6, by its tags `group` and `check`.
    /// They are given once more beside `tags`, in which they may be folded. Without a name only the group is listed.
    pub fn add_check(
        &mut self,
        tags: TagSetId,
        (group, name): (&str, Option<&str>),
        value: f64,
        at: UnixNanos,
    ) {
        if value.is_nan() {
            return;
        }
        self.add(builtin::CHECKS, tags, value, at);
        let Some(name) = name else { return self.note_group(group) };
        let scenario = self.interner.get(tags.index).get("scenario").unwrap_or_default();
        let slot = &mut self.slots[tags.index as usize];
        slot.check = Some(self.checks.count(slot.check, (scenario, group, name), value != 0.0, at));
    }

    /// Notes a group that has a sample of `group_duration` or `checks`: those make the tree list it.
    pub fn note_group(&mut self, path: &str) {
        self.checks.note_group(path, self.last);
    }

    /// Sets the metadata (`vu`, `iter`, the script's own) of the raw samples from here on. Costs nothing
    /// when no output asks for raw samples; see [`Recorder::wants_raw`].
    pub fn metadata(&mut self, metadata: Option<Arc<Metadata>>) {
        if let Some(raw) = &mut self.raw {
            raw.writer.metadata = metadata;
        }
    }

    /// Whether an output asks for raw samples, so that metadata is worth building.
    pub fn wants_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// Everything since the last call; cheap when nothing happened.
    pub fn take_delta(&mut self) -> Delta {
        let mut delta = Delta { checks: self.checks.take(), notices: self.notices(), ..Delta::default() };
        if let Some(raw) = &mut self.raw {
            raw.writer.flush();
            delta.raw_dropped = raw.writer.take_dropped();
        }
        let mut indices: Vec<Option<u32>> = vec![None; self.metrics.len().max(builtin::TABLE.len())];
        let mut index_of = |metric: MetricId, delta: &mut Delta| {
            *indices[metric.index()].get_or_insert_with(|| {
                delta.metrics.push(self.registry.def(metric));
                delta.metrics.len() as u32 - 1
            })
        };
        for index in self.touched.drain(..) {
            let slot = &mut self.slots[index as usize];
            slot.touched = false;
            let mut sinks = Vec::new();
            if let Some(block) = &mut slot.http {
                block.take(self.http_requests <= EXACT_LIMIT, |metric, sink| {
                    sinks.push((index_of(metric, &mut delta), sink));
                });
            }
            for (metric, accumulator) in slot.metrics.iter().zip(&mut slot.accumulators) {
                let exact = self.metrics[metric.index()].values <= EXACT_LIMIT;
                if let Some(sink) = accumulator.take(exact) {
                    sinks.push((index_of(*metric, &mut delta), sink));
                }
            }
            delta.series.push(Series { tags: Arc::clone(self.interner.get(index)), sinks });
        }
        self.interner.trim();
        delta
    }

    fn notices(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if !self.said_series
            && let Some(keys) = self.interner.folded_keys()
        {
            self.said_series = true;
            notices.push(Notice::SeriesFolded { limit: self.limits.sets as u64, keys });
        }
        if !self.said_errors && self.interner.errors_folded() {
            self.said_errors = true;
            notices.push(Notice::ErrorsFolded { limit: self.limits.errors as u64 });
        }
        notices
    }

    fn known(&mut self, metric: MetricId) -> &mut Known {
        if metric.index() >= self.metrics.len() {
            for index in self.metrics.len()..self.registry.len() {
                let kind = self.registry.def(MetricId::from_index(index as u32)).kind;
                self.metrics.push(Known { kind, values: 0 });
            }
        }
        &mut self.metrics[metric.index()]
    }
}

/// The slot of a tag set, marked as having samples.
fn touch<'a>(slots: &'a mut [Slot], touched: &mut Vec<u32>, tags: TagSetId) -> &'a mut Slot {
    let slot = &mut slots[tags.index as usize];
    if !slot.touched {
        slot.touched = true;
        touched.push(tags.index);
    }
    slot
}

impl Raw {
    /// Keeps the full form of a folded set for a while; returns the handle that [`TagSetId`] carries.
    fn remember(&mut self, full: TagSet) -> u32 {
        let at = self.next as usize % FULL_SETS;
        let full = Arc::new(full);
        match self.full.get_mut(at) {
            Some(old) => *old = full,
            None => self.full.push(full),
        }
        self.next = self.next.wrapping_add(1).max(1);
        // Handles count from one; zero means "not folded".
        self.next
    }

    fn full_set(&self, id: TagSetId) -> Option<Arc<TagSet>> {
        let age = self.next.wrapping_sub(id.raw);
        if id.raw == 0 || age as usize >= FULL_SETS {
            return None;
        }
        self.full.get((id.raw - 1) as usize % FULL_SETS).cloned()
    }

    fn push(&mut self, interner: &Interner, tags: TagSetId, metric: MetricId, value: f64, at: UnixNanos) {
        let full = self.full_set(tags);
        let tags = full.as_ref().unwrap_or_else(|| interner.get(tags.index));
        self.writer.push(metric, tags, value, at);
    }
}
