//! The second path: each sample as it was, for `--out json|csv` and its like, only when asked for.
//!
//! A thread's samples go in batches into a bounded queue that a writer thread drains. When the writer
//! cannot keep up, batches are dropped, counted and reported with the next delta: the load must not wait
//! for a disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::registry::MetricId;
use crate::tags::TagSet;
use crate::time::UnixNanos;

/// Metadata of a sample (`vu`, `iter`, and what scripts add): written out, but never a dimension.
pub type Metadata = TagSet;

/// One sample as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSample {
    /// Which metric.
    pub metric: MetricId,
    /// All tags, also those that the series cap folds elsewhere.
    pub tags: Arc<TagSet>,
    /// The value, in the unit of the metric.
    pub value: f64,
    /// When it was taken.
    pub time: UnixNanos,
    /// `vu`, `iter` and the script's own metadata.
    pub metadata: Option<Arc<Metadata>>,
}

/// Where batches of raw samples come out, for a writer thread.
pub type RawReceiver = Receiver<Vec<RawSample>>;

const BATCH: usize = 512;

/// The sending end of a raw channel; clone one per recorder.
#[derive(Clone, Debug)]
pub struct RawSink {
    sender: SyncSender<Vec<RawSample>>,
}

impl RawSink {
    /// Passes on samples that another process recorded; how many of them found no room.
    pub fn pass(&self, batch: Vec<RawSample>) -> usize {
        match self.sender.try_send(batch) {
            Ok(()) => 0,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => batch.len(),
        }
    }
}

/// A channel that holds about `capacity` samples.
pub fn raw_channel(capacity: usize) -> (RawSink, RawReceiver) {
    let (sender, receiver) = sync_channel(capacity.div_ceil(BATCH).max(1));
    (RawSink { sender }, receiver)
}

/// The batch a recorder fills, and the count of what found no room.
#[derive(Debug)]
pub(crate) struct RawWriter {
    sink: RawSink,
    batch: Vec<RawSample>,
    pub(crate) metadata: Option<Arc<Metadata>>,
    dropped: u64,
}

impl RawWriter {
    pub(crate) fn new(sink: RawSink) -> Self {
        Self { sink, batch: Vec::with_capacity(BATCH), metadata: None, dropped: 0 }
    }

    pub(crate) fn push(&mut self, metric: MetricId, tags: &Arc<TagSet>, value: f64, time: UnixNanos) {
        let metadata = self.metadata.clone();
        self.batch.push(RawSample { metric, tags: Arc::clone(tags), value, time, metadata });
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) =
            self.sink.sender.try_send(batch)
        {
            self.dropped += batch.len() as u64;
        }
    }

    /// Samples dropped since the last call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}
