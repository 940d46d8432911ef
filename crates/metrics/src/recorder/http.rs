//! All metrics of HTTP requests with the same tags, in one block.

use super::accumulator::BUFFER;
use crate::builtin::{self, HTTP_TRENDS};
use crate::distribution::Distribution;
use crate::exact_sum::ExactSum;
use crate::registry::MetricId;
use crate::sink::{Rate, Sink};

/// The measures of one HTTP request, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HttpSample {
    /// Sending + waiting + receiving.
    pub duration: f64,
    /// Waiting for a connection slot.
    pub blocked: f64,
    /// TCP connect.
    pub connecting: f64,
    /// TLS handshake.
    pub tls_handshaking: f64,
    /// Writing the request.
    pub sending: f64,
    /// Waiting for the first byte.
    pub waiting: f64,
    /// Reading the response.
    pub receiving: f64,
    /// Whether the response was not expected. `None`: it was not judged (`responseCallback: null`), and there
    /// is no `http_req_failed` sample.
    pub failed: Option<bool>,
}

impl HttpSample {
    pub(super) fn trends(&self) -> [f64; 7] {
        [
            self.duration,
            self.blocked,
            self.connecting,
            self.tls_handshaking,
            self.sending,
            self.waiting,
            self.receiving,
        ]
    }
}

#[derive(Debug, Default)]
pub(super) struct HttpBlock {
    requests: u64,
    failed: Rate,
    rows: Vec<[f64; 7]>,
    folded: Option<Box<[Distribution; 7]>>,
}

impl HttpBlock {
    #[inline]
    pub(super) fn add(&mut self, sample: &HttpSample, exact: bool) {
        self.requests += 1;
        if let Some(failed) = sample.failed {
            self.failed.total += 1;
            self.failed.passes += u64::from(failed);
        }
        self.rows.push(sample.trends());
        if self.rows.len() >= BUFFER && !exact {
            self.fold();
        }
    }

    #[cold]
    fn fold(&mut self) {
        let folded = self.folded.get_or_insert_default();
        let mut column = [0.0; BUFFER];
        for rows in self.rows.chunks(BUFFER) {
            for (index, distribution) in folded.iter_mut().enumerate() {
                for (value, row) in column.iter_mut().zip(rows) {
                    *value = row[index];
                }
                distribution.extend_bucketed(&column[..rows.len()]);
            }
        }
        self.rows.clear();
    }

    /// Yields what was added since the last call, metric by metric.
    pub(super) fn take(&mut self, exact: bool, mut emit: impl FnMut(MetricId, Sink)) {
        if self.requests == 0 {
            return;
        }
        let mut requests = ExactSum::default();
        requests.add(std::mem::take(&mut self.requests) as f64);
        emit(builtin::HTTP_REQS, Sink::Counter(requests));
        if self.failed.total > 0 {
            emit(builtin::HTTP_REQ_FAILED, Sink::Rate(std::mem::take(&mut self.failed)));
        }
        if self.folded.is_some() {
            self.fold();
        }
        let mut folded = self.folded.take();
        for (index, metric) in HTTP_TRENDS.into_iter().enumerate() {
            let values = self.rows.iter().map(|row| row[index]);
            let distribution = match &mut folded {
                Some(folded) => std::mem::take(&mut folded[index]),
                None if exact => Distribution::exact(values),
                None => Distribution::loose(values.collect()),
            };
            emit(metric, Sink::Trend(distribution));
        }
        self.rows.clear();
        self.rows.shrink_to(BUFFER);
    }
}
