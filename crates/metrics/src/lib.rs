//! From samples to a judged result: tags, series, exactly mergeable deltas, thresholds, summary model.
//!
//! Every thread that makes load owns one [`Recorder`] and writes to it without locks. Once a second it
//! drains the recorder into a [`Delta`]; deltas travel to the control thread (over a channel, or over the
//! wire in a cluster), which folds them into one [`Aggregate`]. Merging is exact and independent of order,
//! so that one run on many workers is judged once, as if it had been one process.
//!
//! Invariant: this crate does no I/O, reads no clock and knows no runtime; time comes in with the samples.

#![forbid(unsafe_code)]

mod aggregate;
mod bucket;
pub mod builtin;
mod checks;
pub mod collation;
mod delta;
mod distribution;
mod exact_sum;
mod interner;
mod kind;
mod raw;
mod recorder;
mod registry;
mod selector;
mod sink;
mod summary;
mod system_tags;
mod tags;
pub mod threshold;
mod time;
mod wire;

pub use aggregate::{Aggregate, Breakdown};
pub use checks::{CheckCounts, CheckStats, GroupNode};
pub use delta::{Delta, DeltaSum, Notice, Series};
pub use distribution::{Distribution, EXACT_LIMIT};
pub use exact_sum::ExactSum;
pub use kind::{Contains, Kind};
pub use raw::{Metadata, RawReceiver, RawSample, RawSink, raw_channel};
pub use recorder::{HttpSample, Recorder, RecorderConfig};
pub use registry::{MetricDef, MetricId, Registry, RegistryError};
pub use selector::{Selector, SelectorError, Submetric};
pub use sink::{Gauge, Rate, Sink, SourceId};
pub use summary::{Section, Summary, SummaryInput, SummaryMetric, SummaryThreshold};
pub use system_tags::{SystemTag, SystemTags, UnknownSystemTag};
pub use tags::{TagSet, TagSetId};
pub use threshold::{ThresholdError, Thresholds};
pub use time::UnixNanos;
pub use wire::{SamplesError, WireError, decode_samples, encode_samples};
