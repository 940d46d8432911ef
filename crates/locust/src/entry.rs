//! The statistics of one name and method, or of all requests together.

use throng_metrics::{Distribution, WireError};

use crate::bins::{Bins, bucket};
use crate::per_second::PerSecond;

/// Response times gathered before they go into the fine distribution: its exact sum is dear one by one.
const GATHERED: usize = 256;
/// Response times of one report whose fine distribution is made up from the rounded ones.
const MADE_UP_AT_MOST: u64 = 1 << 20;

/// Counts and response times, in milliseconds.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Requests without a response time, which are in no time statistics.
    pub without_time: u64,
    /// Failed requests.
    pub failures: u64,
    /// The sum of the response times.
    pub total_time: f64,
    /// The shortest response time; `None` before the first.
    pub min_time: Option<f64>,
    /// The longest response time.
    pub max_time: f64,
    /// The sum of the lengths of the bodies, in bytes.
    pub total_length: i64,
    /// Rounded response times.
    pub bins: Bins,
    /// Requests by second.
    pub per_second: PerSecond,
    /// Failures by second.
    pub failures_per_second: PerSecond,
    /// When counting began, in seconds since the Unix epoch.
    pub start_time: f64,
    /// When the last request was counted, in seconds since the Unix epoch; `None` before the first.
    pub last_request: Option<f64>,
    fine: Distribution,
    gathered: Vec<f64>,
}

impl Entry {
    /// Nothing counted since `now`, in seconds since the Unix epoch.
    pub fn new(now: f64) -> Self {
        Self {
            requests: 0,
            without_time: 0,
            failures: 0,
            total_time: 0.0,
            min_time: None,
            max_time: 0.0,
            total_length: 0,
            bins: Bins::default(),
            per_second: PerSecond::default(),
            failures_per_second: PerSecond::default(),
            start_time: now,
            last_request: None,
            fine: Distribution::default(),
            gathered: Vec::new(),
        }
    }

    /// Counts a request that took `ms`, which `rounded` stands for in the bins (by Locust's rounding if `None`).
    pub fn log(&mut self, now: f64, ms: Option<f64>, rounded: Option<i64>, length: i64) {
        self.requests += 1;
        self.per_second.add(now as i64, 1);
        self.last_request = Some(now);
        self.total_length += length;
        let Some(ms) = ms else {
            self.without_time += 1;
            return;
        };
        self.total_time += ms;
        self.min_time = Some(self.min_time.map_or(ms, |min| min.min(ms)));
        self.max_time = self.max_time.max(ms);
        self.bins.add(rounded.unwrap_or_else(|| bucket(ms)), 1);
        self.gathered.push(ms);
        if self.gathered.len() >= GATHERED {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.fine.extend(&self.gathered);
        self.gathered.clear();
    }

    /// Counts a request, counted before, as failed.
    pub fn log_failure(&mut self, now: f64) {
        self.failures += 1;
        self.failures_per_second.add(now as i64, 1);
    }

    /// Requests that have a response time.
    pub fn timed(&self) -> u64 {
        self.requests.saturating_sub(self.without_time)
    }

    /// The share of failed requests; all of them if there are only failures.
    pub fn fail_ratio(&self) -> f64 {
        match (self.requests, self.failures) {
            (0, 0) => 0.0,
            (0, _) => 1.0,
            (requests, failures) => failures as f64 / requests as f64,
        }
    }

    /// The mean response time.
    pub fn average(&self) -> f64 {
        match self.timed() {
            0 => 0.0,
            timed => self.total_time / timed as f64,
        }
    }

    /// The rounded median, but never outside of the exact extremes.
    pub fn median(&self) -> f64 {
        let median = self.percentile(0.5) as f64;
        match self.min_time {
            None => 0.0,
            Some(min) => median.min(self.max_time).max(min),
        }
    }

    /// A percentile by Locust's rounded response times.
    pub fn percentile(&self, share: f64) -> i64 {
        self.bins.percentile(self.timed(), share)
    }

    /// A percentile by our own buckets, within 0.05 %; `share` is between 0 and 1.
    pub fn fine_percentile(&mut self, share: f64) -> f64 {
        self.settle();
        if self.fine.count() == 0 { 0.0 } else { self.fine.percentile(share * 100.0) }
    }

    /// The fine distribution of all response times.
    pub fn distribution(&mut self) -> &Distribution {
        self.settle();
        &self.fine
    }

    /// The fine distribution as bytes, for [`Self::unpack_fine`].
    pub fn pack_fine(&mut self) -> Vec<u8> {
        self.distribution().encode()
    }

    /// Takes over the fine distribution of another node's entry. Without one it is made up from the rounded times, as
    /// that is all that Locust's own workers report.
    pub fn unpack_fine(&mut self, bytes: Option<&[u8]>) -> Result<(), WireError> {
        self.gathered.clear();
        self.fine = Distribution::default();
        match bytes {
            Some(bytes) => self.fine = Distribution::decode(bytes)?,
            // A report of more than that in three seconds is not one that was measured.
            None if self.bins.iter().fold(0, |sum: u64, (_, n)| sum.saturating_add(n)) > MADE_UP_AT_MOST => {}
            None => {
                for (value, count) in self.bins.iter() {
                    add_repeated(&mut self.fine, value as f64, count);
                }
            }
        }
        Ok(())
    }

    /// Requests per second over ten whole seconds that ended two before the last request of the run.
    pub fn current_rate(&self, run: &RunTimes) -> f64 {
        run.recent(&self.per_second)
    }

    /// Failures per second over the same time.
    pub fn current_failure_rate(&self, run: &RunTimes) -> f64 {
        run.recent(&self.failures_per_second)
    }

    /// Adds another entry's counts.
    pub fn merge(&mut self, other: &Self) {
        self.last_request = match (self.last_request, other.last_request) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        self.start_time = self.start_time.min(other.start_time);
        self.requests += other.requests;
        self.without_time += other.without_time;
        self.failures += other.failures;
        self.total_time += other.total_time;
        self.total_length += other.total_length;
        self.max_time = self.max_time.max(other.max_time);
        self.min_time = match (self.min_time, other.min_time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.bins.merge(&other.bins);
        self.per_second.merge(&other.per_second);
        self.failures_per_second.merge(&other.failures_per_second);
        self.settle();
        self.fine.merge(&other.fine);
        self.fine.extend(&other.gathered);
    }
}

fn add_repeated(distribution: &mut Distribution, value: f64, mut count: u64) {
    while count > 0 {
        let some = count.min(GATHERED as u64);
        distribution.extend(&[value; GATHERED][..some as usize]);
        count -= some;
    }
}

/// The first and the last moment of a run, which all rates refer to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunTimes {
    /// When counting began, in seconds since the Unix epoch.
    pub start: f64,
    /// When the last request of all was counted.
    pub last_request: Option<f64>,
}

impl RunTimes {
    fn recent(&self, counts: &PerSecond) -> f64 {
        let Some(last) = self.last_request else { return 0.0 };
        let from = (last as i64 - 12).max(self.start as i64);
        counts.mean(from, last as i64 - 2)
    }

    /// `count` per second of the whole run.
    pub fn rate(&self, count: u64) -> f64 {
        let seconds = self.last_request.map_or(0.0, |last| last - self.start);
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_time_counts_but_not_in_the_times() {
        let mut entry = Entry::new(100.0);
        entry.log(100.0, None, None, 0);
        entry.log(100.5, Some(30.0), None, 7);
        entry.log(101.0, Some(10.0), None, 3);
        entry.log_failure(101.0);
        assert_eq!((entry.requests, entry.timed(), entry.failures), (3, 2, 1));
        assert_eq!((entry.average(), entry.min_time, entry.max_time), (20.0, Some(10.0), 30.0));
        assert_eq!((entry.median(), entry.total_length), (30.0, 10));
        assert!((entry.fail_ratio() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_median_stays_within_the_exact_extremes() {
        let mut entry = Entry::new(0.0);
        entry.log(0.0, Some(1234.0), None, 0);
        assert_eq!((entry.percentile(0.5), entry.median()), (1200, 1234.0));
        assert_eq!(entry.percentile(1.0), 1200);
        assert_eq!(entry.fine_percentile(0.5), 1234.0);
    }

    #[test]
    fn current_rates_look_at_ten_seconds_that_ended_two_ago() {
        let mut entry = Entry::new(100.0);
        for second in 100..120 {
            for _ in 0..4 {
                entry.log(f64::from(second), Some(1.0), None, 0);
            }
        }
        let run = RunTimes { start: 100.0, last_request: Some(119.5) };
        assert_eq!(entry.current_rate(&run), 4.0);
        assert_eq!(run.rate(entry.requests), 80.0 / 19.5);
        let young = RunTimes { start: 100.0, last_request: Some(101.5) };
        assert_eq!(entry.current_rate(&young), 0.0);
    }

    #[test]
    fn a_packed_entry_has_the_same_fine_percentiles_and_a_foreign_one_rounded_ones() {
        let mut entry = Entry::new(0.0);
        for i in 0..3000 {
            entry.log(0.0, Some(1000.0 + f64::from(i) / 7.0), None, 0);
        }
        let (packed, mut ours, mut foreign) = (entry.pack_fine(), entry.clone(), entry.clone());
        ours.unpack_fine(Some(&packed)).unwrap();
        foreign.unpack_fine(None).unwrap();
        assert_eq!(ours.distribution(), entry.distribution());
        assert_eq!(foreign.distribution().count(), 3000);
        assert!((foreign.fine_percentile(0.9) - 1400.0).abs() < 1.0);
        assert!(ours.unpack_fine(Some(&packed[..packed.len() - 1])).is_err());
    }

    #[test]
    fn merging_is_the_same_as_counting_together() {
        let (mut a, mut b, mut both) = (Entry::new(0.0), Entry::new(0.0), Entry::new(0.0));
        for i in 0..1500 {
            let ms = f64::from(i * 7 % 997);
            let half = if i % 3 == 0 { &mut a } else { &mut b };
            half.log(f64::from(i / 100), Some(ms), None, 1);
            both.log(f64::from(i / 100), Some(ms), None, 1);
        }
        a.merge(&b);
        assert_eq!((a.requests, a.total_time, a.min_time), (both.requests, both.total_time, both.min_time));
        assert_eq!((&a.bins, a.per_second.counts()), (&both.bins, both.per_second.counts()));
        assert_eq!(a.distribution().count(), 1500);
        for share in [0.5, 0.95, 1.0] {
            let (mine, theirs) = (a.fine_percentile(share), both.fine_percentile(share));
            assert!((mine - theirs).abs() <= theirs * 0.001, "{share}: {mine} {theirs}");
        }
    }
}
