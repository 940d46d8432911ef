//! The folded state of one series: what a counter, gauge, rate or trend amounts to so far.
//!
//! The same type is what a delta carries for a second and what the aggregate holds for the whole run.

use std::collections::BTreeMap;

use crate::distribution::Distribution;
use crate::exact_sum::ExactSum;
use crate::kind::Kind;
use crate::time::UnixNanos;

/// Who reported a value: a worker and its thread. Only gauges that are summed care.
pub type SourceId = u64;

/// Folded samples of one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Sink {
    /// The sum of the values.
    Counter(ExactSum),
    /// The last value and the extremes.
    Gauge(Gauge),
    /// How many values were not zero.
    Rate(Rate),
    /// The distribution of the values.
    Trend(Distribution),
}

/// How many of the values were not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Values that were not zero.
    pub passes: u64,
    /// All values.
    pub total: u64,
}

impl Rate {
    /// The share of values that were not zero; zero when there is no value.
    pub fn rate(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.passes as f64 / self.total as f64 }
    }
}

/// The last value written, by its time, with the smallest and the largest.
///
/// An ordinary gauge has one part. `vus` and `vus_max` have one per source and read as the sum: workers
/// run the same stages at the same time on their shares, so the extremes of the shares coincide and their
/// sums are the extremes of the whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauge {
    pub(crate) parts: BTreeMap<SourceId, GaugePart>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GaugePart {
    pub(crate) at: UnixNanos,
    pub(crate) value: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Gauge {
    /// Writes a value; of two writes at the same time the later call counts.
    pub(crate) fn set(&mut self, source: SourceId, at: UnixNanos, value: f64) {
        let part = self.parts.entry(source).or_insert(GaugePart { at, value, min: value, max: value });
        part.min = part.min.min(value);
        part.max = part.max.max(value);
        if at >= part.at {
            part.at = at;
            part.value = value;
        }
    }

    fn merge(&mut self, other: &Self) {
        for (source, theirs) in &other.parts {
            let Some(part) = self.parts.get_mut(source) else {
                self.parts.insert(*source, *theirs);
                continue;
            };
            part.min = part.min.min(theirs.min);
            part.max = part.max.max(theirs.max);
            // Of two writes at the same time the larger value counts, whichever is merged first.
            let later = theirs.at.cmp(&part.at).then(theirs.value.total_cmp(&part.value)).is_gt();
            if later {
                part.at = theirs.at;
                part.value = theirs.value;
            }
        }
    }

    /// The last value (of the sum, for summed gauges); zero when there is none.
    pub fn value(&self) -> f64 {
        self.parts.values().map(|part| part.value).fold(0.0, |sum, value| sum + value)
    }

    /// The smallest value; zero when there is none.
    pub fn min(&self) -> f64 {
        self.parts.values().map(|part| part.min).fold(0.0, |sum, value| sum + value)
    }

    /// The largest value; zero when there is none.
    pub fn max(&self) -> f64 {
        self.parts.values().map(|part| part.max).fold(0.0, |sum, value| sum + value)
    }
}

impl Sink {
    /// The state of a metric of this kind without samples.
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter(ExactSum::default()),
            Kind::Gauge => Self::Gauge(Gauge::default()),
            Kind::Rate => Self::Rate(Rate::default()),
            Kind::Trend => Self::Trend(Distribution::default()),
        }
    }

    /// The kind of metric this is the state of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) => Kind::Gauge,
            Self::Rate(_) => Kind::Rate,
            Self::Trend(_) => Kind::Trend,
        }
    }

    /// Adds another state of the same kind; the order of merging does not matter.
    ///
    /// A state of another kind is ignored: the registry and the wire decoder keep kinds apart.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(sum), Self::Counter(other)) => sum.merge(other),
            (Self::Gauge(gauge), Self::Gauge(other)) => gauge.merge(other),
            (Self::Rate(rate), Self::Rate(other)) => {
                rate.passes += other.passes;
                rate.total += other.total;
            }
            (Self::Trend(distribution), Self::Trend(other)) => distribution.merge(other),
            (mine, other) => debug_assert_eq!(mine.kind(), other.kind(), "kinds are kept apart"),
        }
    }
}
