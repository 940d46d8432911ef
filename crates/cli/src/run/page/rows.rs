//! Requests by method and name, and failures by kind, folded from the deltas of the crew.
//!
//! The aggregate keeps totals only. This is kept beside it while there is a page, on the control thread alone: the threads
//! that make load record what they record anyway.

use std::collections::HashMap;

use throng_metrics::{Delta, Distribution, Sink, TagSet};
use throng_server::{Failure, Late, Measured, Second};

/// Kinds of failures that are kept apart; further ones are one.
const FAILURES_AT_MOST: usize = 10_000;

/// One method and name, or all.
#[derive(Debug, Default)]
struct Row {
    method: String,
    name: String,
    times: Distribution,
    fails: u64,
    /// What came since the last look.
    new: Distribution,
    new_fails: u64,
    /// Something was added that is not of the time since the last look.
    amended: bool,
}

impl Row {
    fn add(&mut self, times: &Distribution, fails: u64) {
        self.new.merge(times);
        self.new_fails += fails;
    }

    /// Takes what is counted in another row of the same name, but not of the time since the last look.
    fn amend(&mut self, late: &Self) {
        self.times.merge(&late.times);
        self.fails += late.fails;
        self.amended = true;
    }

    /// Its numbers, if something came since the last look.
    fn measured(&mut self) -> Option<Measured> {
        let anything = self.new.count() > 0 || self.new_fails > 0;
        if !anything && !std::mem::take(&mut self.amended) {
            return None;
        }
        self.amended = false;
        let new = std::mem::take(&mut self.new);
        let new_fails = std::mem::take(&mut self.new_fails);
        self.times.merge(&new);
        self.fails += new_fails;
        let now = new.percentiles(&[50.0, 95.0, 99.0]);
        let all = self.times.percentiles(&[50.0, 90.0, 95.0, 99.0]);
        Some(Measured {
            method: self.method.clone(),
            name: self.name.clone(),
            count: self.times.count(),
            fails: self.fails,
            avg: Some(self.times.avg()),
            min: Some(self.times.min()),
            max: Some(self.times.max()),
            median: Some(all[0]),
            p90: Some(all[1]),
            p95: Some(all[2]),
            p99: Some(all[3]),
            // k6's metrics do not say to which request the bytes belong.
            size: None,
            second: anything.then(|| Second {
                count: new.count(),
                fails: new_fails,
                time: new.sum(),
                p50: Some(now[0]),
                p95: Some(now[1]),
                p99: Some(now[2]),
            }),
        })
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Table {
    total: Row,
    last_total: Measured,
    rows: Vec<Row>,
    index: HashMap<String, usize>,
    failures: Vec<Failure>,
    failure_index: HashMap<String, usize>,
    changed_failures: Vec<usize>,
    late: Vec<Late>,
}

impl Table {
    /// Adds what a thread or worker measured; `now` is in ms since the Unix epoch.
    pub(super) fn add(&mut self, delta: &Delta, now: u64) {
        let place = |name: &str| delta.metrics().iter().position(|metric| &*metric.name == name);
        let (http, grpc) = (place("http_req_duration"), place("grpc_req_duration"));
        let failed = place("http_req_failed");
        if http.is_none() && grpc.is_none() {
            return;
        }
        for series in delta.series() {
            let sink = |wanted: Option<usize>| {
                let (_, sink) = series.sinks.iter().find(|(metric, _)| Some(*metric as usize) == wanted)?;
                Some(sink)
            };
            if let Some(Sink::Trend(times)) = sink(http) {
                let fails = match sink(failed) {
                    Some(Sink::Rate(rate)) => rate.passes,
                    _ => 0,
                };
                self.add_to_row(series.tags.get("method").unwrap_or_default(), &series.tags, times, fails);
                if fails > 0 {
                    self.add_failure(&series.tags, fails, now);
                }
            }
            if let Some(Sink::Trend(times)) = sink(grpc) {
                self.add_to_row("gRPC", &series.tags, times, 0);
            }
        }
    }

    /// Adds what was measured from `from` until `until`: it is of the seconds that these are of, not of the present one.
    pub(super) fn add_late(&mut self, delta: &Delta, now: u64, from: u64, until: u64) {
        let mut apart = Self::default();
        apart.add(delta, now);
        let (totals, requests) = apart.take();
        if requests.is_empty() {
            return;
        }
        for row in &apart.rows {
            let place = self.place(&row.method, &row.name);
            self.rows[place].amend(row);
        }
        self.total.amend(&apart.total);
        for failure in &apart.failures {
            let Failure { method, name, error, count, .. } = failure;
            self.count_failure(method, name, error.clone(), *count, now);
        }
        self.late.push(Late { from, until, totals, requests });
    }

    /// What was measured before the last look and told since.
    pub(super) fn take_late(&mut self) -> Vec<Late> {
        std::mem::take(&mut self.late)
    }

    fn place(&mut self, method: &str, name: &str) -> usize {
        let rows = &mut self.rows;
        *self.index.entry(format!("{method}\0{name}")).or_insert_with(|| {
            rows.push(Row { method: method.to_owned(), name: name.to_owned(), ..Row::default() });
            rows.len() - 1
        })
    }

    fn add_to_row(&mut self, method: &str, tags: &TagSet, times: &Distribution, fails: u64) {
        let name = name_of(tags);
        let place = self.place(method, name);
        self.rows[place].add(times, fails);
        self.total.add(times, fails);
    }

    fn add_failure(&mut self, tags: &TagSet, count: u64, now: u64) {
        let method = tags.get("method").unwrap_or_default();
        self.count_failure(method, name_of(tags), what_failed(tags), count, now);
    }

    fn count_failure(&mut self, mut method: &str, mut name: &str, mut error: String, count: u64, now: u64) {
        let key = format!("{method}\0{name}\0{error}");
        let is_known = self.failure_index.contains_key(&key);
        let key = if is_known || self.failures.len() < FAILURES_AT_MOST {
            key
        } else {
            (method, name) = ("", "");
            error = format!("other failures: more than {FAILURES_AT_MOST} different ones");
            String::new()
        };
        let place = *self.failure_index.entry(key).or_insert(self.failures.len());
        if place == self.failures.len() {
            let (method, name) = (method.to_owned(), name.to_owned());
            self.failures.push(Failure { method, name, error, count: 0, first: Some(now), last: None });
        }
        let failure = &mut self.failures[place];
        failure.count += count;
        failure.last = Some(now);
        self.changed_failures.push(place);
    }

    /// All requests together, and the rows in which something happened since the last look.
    pub(super) fn take(&mut self) -> (Measured, Vec<Measured>) {
        match self.total.measured() {
            Some(total) => self.last_total = total,
            None => self.last_total.second = None,
        }
        (self.last_total.clone(), self.rows.iter_mut().filter_map(Row::measured).collect())
    }

    /// The failures that occurred since the last look.
    pub(super) fn take_failures(&mut self) -> Vec<Failure> {
        let mut places = std::mem::take(&mut self.changed_failures);
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| self.failures[place].clone()).collect()
    }
}

/// What groups requests: the `name` tag, which is the URL unless the script says otherwise.
fn name_of(tags: &TagSet) -> &str {
    ["name", "url", "method"].into_iter().find_map(|key| tags.get(key)).unwrap_or("(no name)")
}

fn what_failed(tags: &TagSet) -> String {
    let tag = |key| tags.get(key).filter(|text| !text.is_empty() && *text != "0");
    match (tag("error"), tag("status"), tag("error_code")) {
        (Some(error), _, _) => error.to_owned(),
        (None, Some(status), _) => format!("unexpected status {status}"),
        (None, None, Some(code)) => format!("error code {code}"),
        (None, None, None) => "not as expected".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use throng_metrics::{HttpSample, Recorder, RecorderConfig, Registry, UnixNanos};

    use super::*;

    fn delta(requests: &[(&str, &str, f64, bool)]) -> Delta {
        let mut recorder = Recorder::new(Arc::new(Registry::new()), RecorderConfig::default());
        for (name, status, duration, failed) in requests {
            let root = recorder.root();
            let tags = recorder.with_tags(root, &[("method", "GET"), ("name", name), ("status", status)]);
            let sample = HttpSample { duration: *duration, failed: Some(*failed), ..HttpSample::default() };
            recorder.add_http(tags, &sample, UnixNanos(1));
        }
        recorder.take_delta()
    }

    #[test]
    fn series_of_one_name_are_one_row_whatever_their_other_tags() {
        let mut rows = Table::default();
        rows.add(
            &delta(&[("/a", "200", 1.0, false), ("/a", "500", 3.0, true), ("/b", "200", 5.0, false)]),
            7,
        );
        let (total, changed) = rows.take();
        assert_eq!((total.count, total.fails, total.second.unwrap().count), (3, 1, 3));
        let a = changed.iter().find(|row| row.name == "/a").unwrap();
        assert_eq!((a.count, a.fails, a.avg, a.max), (2, 1, Some(2.0), Some(3.0)));
        let failures = rows.take_failures();
        assert_eq!(
            (failures.len(), &*failures[0].error, failures[0].first),
            (1, "unexpected status 500", Some(7))
        );
        rows.add(&delta(&[("/a", "200", 9.0, false)]), 8);
        let (total, changed) = rows.take();
        assert_eq!((total.count, changed.len()), (4, 1));
        assert_eq!(changed[0].second.unwrap().p95, Some(9.0));
        assert_eq!((rows.take().0.second, rows.take_failures()), (None, vec![]));
    }
    #[test]
    fn what_comes_late_counts_but_is_not_of_the_present() {
        let mut rows = Table::default();
        rows.add(&delta(&[("/a", "200", 1.0, false)]), 10_000);
        rows.add_late(&delta(&[("/a", "500", 7.0, true), ("/b", "200", 3.0, false)]), 10_000, 4_000, 6_000);
        let (total, changed) = rows.take();
        assert_eq!((total.count, total.fails, total.max), (3, 1, Some(7.0)));
        assert_eq!(total.second.unwrap().count, 1);
        let seconds: Vec<_> =
            changed.iter().map(|row| (&*row.name, row.count, row.second.is_some())).collect();
        assert_eq!(seconds, [("/a", 2, true), ("/b", 1, false)]);
        assert_eq!(rows.take_failures().len(), 1);
        let late = rows.take_late();
        assert_eq!((late.len(), late[0].from, late[0].until, late[0].requests.len()), (1, 4_000, 6_000, 2));
        assert_eq!(late[0].totals.second.unwrap().count, 2);
        assert!(rows.take_late().is_empty() && rows.take().1.is_empty());
        rows.add_late(&Delta::default(), 11_000, 4_000, 6_000);
        assert!(rows.take_late().is_empty());
    }
}
