//! What a worker has to report and cannot send yet, folded so that it stays bounded.
//!
//! Deltas merge into one; milestones are few. Only logs grow: beyond [`MAX_LOGS`] the further ones are counted instead.

use bytes::Bytes;
use throng_engine::Counts;
use throng_metrics::Delta;

use crate::log::LogRecord;
use crate::protocol::{Batch, Milestone, tallies};

/// The most log records that wait.
const MAX_LOGS: usize = 2_000;
/// The most text of log records that waits, in bytes.
const MAX_LOG_BYTES: usize = 4 << 20;
/// What one delta covers, in ms.
const SECOND: u64 = 1_000;

/// Everything that goes into the next batch.
#[derive(Debug, Default)]
pub(super) struct Pending {
    logs: Vec<LogRecord>,
    log_bytes: usize,
    logs_dropped: u64,
    samples: Vec<Bytes>,
    delta: Option<Delta>,
    /// From when until when the delta is, in ms since the start.
    measured: Option<(u64, u64)>,
    milestones: Vec<Milestone>,
    counts: Counts,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
            && self.logs_dropped == 0
            && self.samples.is_empty()
            && self.delta.is_none()
            && self.milestones.is_empty()
            && self.counts.is_empty()
    }

    pub(super) fn log(&mut self, record: LogRecord) {
        let fields = record.fields.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        let bytes = record.message.len() + fields;
        if self.logs.len() >= MAX_LOGS || self.log_bytes + bytes > MAX_LOG_BYTES {
            self.logs_dropped += 1;
        } else {
            self.log_bytes += bytes;
            self.logs.push(record);
        }
    }

    /// Raw samples are bounded where they are reported: their source counts what it has to drop.
    pub(super) fn samples(&mut self, bytes: Bytes) {
        self.samples.push(bytes);
    }

    /// What was measured in about the last second before `at`, in ms since the start, if there is one.
    pub(super) fn delta(&mut self, delta: Delta, at: Option<u64>) {
        if let (Some(at), false) = (at, delta.is_empty()) {
            let from = self.measured.map_or(at.saturating_sub(SECOND), |(from, _)| from);
            self.measured = Some((from, at));
        }
        match &mut self.delta {
            _ if delta.is_empty() => {}
            Some(waiting) => waiting.merge(&delta),
            None => self.delta = Some(delta),
        }
    }

    /// Whether what waits was counted before the worker was given up, and these after it: they do not belong into one
    /// batch, as one may count and the other not.
    pub(super) fn is_of_another_epoch(&self, counts: &Counts) -> bool {
        !self.counts.is_empty() && self.counts.epoch != counts.epoch
    }

    pub(super) fn counts(&mut self, counts: Counts) {
        if self.counts.is_empty() {
            self.counts = counts;
        } else {
            self.counts.merge(&counts);
        }
    }

    pub(super) fn milestone(&mut self, milestone: Milestone) {
        self.milestones.push(milestone);
    }

    /// Everything that waits, as one batch.
    pub(super) fn take(&mut self, number: u64) -> Batch {
        let Self { logs, log_bytes: _, logs_dropped, samples, delta, measured, milestones, counts } =
            std::mem::take(self);
        Batch {
            number,
            logs: logs.into_iter().map(Into::into).collect(),
            logs_dropped,
            samples,
            delta: delta.map(|delta| delta.encode().into()),
            measured: measured.map_or_else(Vec::new, |(from, until)| vec![from, until]),
            milestones: milestones.into_iter().map(Into::into).collect(),
            counts: tallies(&counts),
            epoch: counts.epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use throng_metrics::{Recorder, RecorderConfig, Registry, UnixNanos, builtin};

    use super::*;
    use crate::log::LogLevel;

    fn record(message: String) -> LogRecord {
        LogRecord { level: LogLevel::Info, message, fields: Vec::new() }
    }

    #[test]
    fn logs_are_bounded_in_number_and_size_and_the_rest_is_counted() {
        let mut pending = Pending::default();
        assert!(pending.is_empty());
        (0..MAX_LOGS + 3).for_each(|n| pending.log(record(n.to_string())));
        let batch = pending.take(1);
        assert_eq!((batch.logs.len(), batch.logs_dropped), (MAX_LOGS, 3));
        assert!(pending.is_empty());
        (0..5).for_each(|_| pending.log(record("x".repeat(1 << 20))));
        let batch = pending.take(2);
        assert_eq!((batch.logs.len(), batch.logs_dropped), (4, 1));
    }

    #[test]
    fn a_batch_says_from_when_until_when_its_delta_is() {
        let mut pending = Pending::default();
        for at in [3_000, 4_000, 5_100] {
            let mut recorder = Recorder::new(Arc::new(Registry::new()), RecorderConfig::default());
            recorder.add(builtin::ITERATIONS, recorder.root(), 1.0, UnixNanos(1));
            pending.delta(recorder.take_delta(), Some(at));
        }
        assert_eq!(pending.take(1).measured, [2_000, 5_100]);
        assert!(pending.take(2).measured.is_empty());
    }

    #[test]
    fn an_empty_delta_is_nothing_to_report() {
        let mut pending = Pending::default();
        pending.delta(Delta::default(), Some(3_000));
        assert!(pending.is_empty());
    }
}
