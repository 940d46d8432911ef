//! What one metric gathers under one tag set between two deltas.

use crate::distribution::Distribution;
use crate::exact_sum::ExactSum;
use crate::kind::Kind;
use crate::sink::{Gauge, Rate, Sink, SourceId};
use crate::time::UnixNanos;

/// Values a trend gathers before it folds them into buckets. Tag sets with fewer values a second never build
/// any: their values go on as they are.
pub(super) const BUFFER: usize = 256;

#[derive(Debug)]
pub(super) enum Accumulator {
    Counter { sum: ExactSum, any: bool },
    Gauge(Gauge),
    Rate(Rate),
    Trend { buffer: Vec<f64>, folded: Option<Box<Distribution>> },
}

impl Accumulator {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter { sum: ExactSum::default(), any: false },
            Kind::Gauge => Self::Gauge(Gauge::default()),
            Kind::Rate => Self::Rate(Rate::default()),
            Kind::Trend => Self::Trend { buffer: Vec::new(), folded: None },
        }
    }

    /// Adds a value. `exact`: values must be kept one by one, since the metric has few of them so far.
    pub(super) fn add(&mut self, value: f64, at: UnixNanos, source: SourceId, exact: bool) {
        match self {
            Self::Counter { sum, any } => {
                sum.add(value);
                *any = true;
            }
            Self::Gauge(gauge) => gauge.set(source, at, value),
            Self::Rate(rate) => {
                rate.total += 1;
                rate.passes += u64::from(value != 0.0);
            }
            Self::Trend { buffer, folded } => {
                // Adding zero turns -0 into 0: one zero, one order of values.
                buffer.push(value + 0.0);
                if buffer.len() >= BUFFER && !exact {
                    folded.get_or_insert_default().extend_bucketed(buffer);
                    buffer.clear();
                }
            }
        }
    }

    /// What was added since the last call, if anything.
    pub(super) fn take(&mut self, exact: bool) -> Option<Sink> {
        match self {
            Self::Counter { sum, any } => std::mem::take(any).then(|| Sink::Counter(std::mem::take(sum))),
            Self::Gauge(gauge) => (!gauge.parts.is_empty()).then(|| Sink::Gauge(std::mem::take(gauge))),
            Self::Rate(rate) => (rate.total > 0).then(|| Sink::Rate(std::mem::take(rate))),
            Self::Trend { buffer, folded } => {
                if buffer.is_empty() && folded.is_none() {
                    return None;
                }
                let distribution = match folded.take() {
                    None if exact => Distribution::exact(buffer.iter().copied()),
                    None => Distribution::loose(buffer.clone()),
                    Some(mut folded) => {
                        folded.extend_bucketed(buffer);
                        *folded
                    }
                };
                buffer.clear();
                buffer.shrink_to(BUFFER);
                Some(Sink::Trend(distribution))
            }
        }
    }
}
