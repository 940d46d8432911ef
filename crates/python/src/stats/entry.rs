//! The statistics of one name and method as Locust's object.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyTuple};
use throng_locust::{Bins, Entry, PerSecond, RunTimes};

use super::history::History;
use super::store::Stats;
use super::{SharedEntry, now, own_rounding};
use crate::gil::GilBound;

/// Counts with the copies that current percentiles need.
#[derive(Clone)]
pub(super) struct Counted {
    pub(super) entry: SharedEntry,
    /// All requests of the run, whose times every rate refers to.
    pub(super) run: SharedEntry,
    pub(super) history: Option<Rc<RefCell<History>>>,
}

impl Counted {
    pub(super) fn new(run: Option<&SharedEntry>, keep_history: bool) -> Self {
        let entry = Rc::new(RefCell::new(Entry::new(now())));
        let run = Rc::clone(run.unwrap_or(&entry));
        Self { entry, run, history: keep_history.then(Rc::default) }
    }

    pub(super) fn log(&self, at: f64, ms: Option<f64>, rounded: Option<i64>, length: i64) {
        let mut entry = self.entry.borrow_mut();
        if let Some(history) = &self.history
            && let Some(last) = entry.last_request
            && at as i64 > last as i64
        {
            // The first request of a second finds the counts as the second before left them.
            history.borrow_mut().keep(at as i64 - 1, &entry);
        }
        entry.log(at, ms, rounded, length);
    }

    pub(super) fn reset(&self) {
        *self.entry.borrow_mut() = Entry::new(now());
        if let Some(history) = &self.history {
            history.borrow_mut().clear();
        }
    }

    pub(super) fn run_times(&self) -> RunTimes {
        let run = self.run.borrow();
        RunTimes { start: run.start_time, last_request: run.last_request }
    }
}

/// Requests of one name and method, or all together.
#[pyclass(frozen, subclass, dict, weakref, module = "locust._core")]
pub(crate) struct StatsEntry {
    #[pyo3(get)]
    name: String,
    #[pyo3(get)]
    method: Option<String>,
    counted: GilBound<Counted>,
}

impl StatsEntry {
    fn read<R>(&self, py: Python<'_>, f: impl FnOnce(&Entry) -> R) -> R {
        f(&self.counted.get(py).entry.borrow())
    }

    fn change<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Entry) -> R) -> R {
        f(&mut self.counted.get(py).entry.borrow_mut())
    }
}

fn counts_of(dict: &Bound<'_, PyDict>) -> PyResult<Vec<(i64, u64)>> {
    dict.iter().map(|(key, count)| Ok((key.extract::<f64>()? as i64, count.extract()?))).collect()
}

fn per_second_of(dict: &Bound<'_, PyDict>) -> PyResult<PerSecond> {
    let mut counts = PerSecond::default();
    counts_of(dict)?.into_iter().for_each(|(second, count)| counts.add(second, count));
    Ok(counts)
}

/// Counts by second, of which all others are 0.
fn by_second(py: Python<'_>, counts: BTreeMap<i64, u64>) -> PyResult<Bound<'_, PyAny>> {
    py.import("collections")?.getattr("defaultdict")?.call1((py.get_type::<PyInt>(), counts))
}

fn bins_dict(bins: &Bins) -> BTreeMap<i64, u64> {
    bins.iter().collect()
}

#[pymethods]
impl StatsEntry {
    #[new]
    #[pyo3(signature = (stats, name, method, use_response_times_cache = false, *rest))]
    fn new(
        py: Python<'_>,
        stats: Option<&Bound<'_, Stats>>,
        name: String,
        method: Option<String>,
        use_response_times_cache: bool,
        rest: &Bound<'_, PyTuple>,
    ) -> Self {
        // A subclass may take more.
        let _ = rest;
        let counted = stats.and_then(|stats| stats.get().pending(py)).unwrap_or_else(|| {
            let run = stats.map(|stats| stats.get().run(py));
            Counted::new(run.as_ref(), use_response_times_cache)
        });
        Self { name, method, counted: GilBound::new(counted) }
    }

    #[getter]
    fn num_requests(&self, py: Python<'_>) -> u64 {
        self.read(py, |entry| entry.requests)
    }

    #[setter]
    fn set_num_requests(&self, py: Python<'_>, value: u64) {
        self.change(py, |entry| entry.requests = value);
    }

    #[getter]
    fn num_none_requests(&self, py: Python<'_>) -> u64 {
        self.read(py, |entry| entry.without_time)
    }

    #[setter]
    fn set_num_none_requests(&self, py: Python<'_>, value: u64) {
        self.change(py, |entry| entry.without_time = value);
    }

    #[getter]
    fn num_failures(&self, py: Python<'_>) -> u64 {
        self.read(py, |entry| entry.failures)
    }

    #[setter]
    fn set_num_failures(&self, py: Python<'_>, value: u64) {
        self.change(py, |entry| entry.failures = value);
    }

    #[getter]
    fn total_response_time(&self, py: Python<'_>) -> f64 {
        self.read(py, |entry| entry.total_time)
    }

    #[setter]
    fn set_total_response_time(&self, py: Python<'_>, value: f64) {
        self.change(py, |entry| entry.total_time = value);
    }

    #[getter]
    fn min_response_time(&self, py: Python<'_>) -> Option<f64> {
        self.read(py, |entry| entry.min_time)
    }

    #[setter]
    fn set_min_response_time(&self, py: Python<'_>, value: Option<f64>) {
        self.change(py, |entry| entry.min_time = value);
    }

    #[getter]
    fn max_response_time(&self, py: Python<'_>) -> f64 {
        self.read(py, |entry| entry.max_time)
    }

    #[setter]
    fn set_max_response_time(&self, py: Python<'_>, value: f64) {
        self.change(py, |entry| entry.max_time = value);
    }

    #[getter]
    fn last_request_timestamp(&self, py: Python<'_>) -> Option<f64> {
        self.read(py, |entry| entry.last_request)
    }

    #[setter]
    fn set_last_request_timestamp(&self, py: Python<'_>, value: Option<f64>) {
        self.change(py, |entry| entry.last_request = value);
    }

    #[getter]
    fn start_time(&self, py: Python<'_>) -> f64 {
        self.read(py, |entry| entry.start_time)
    }

    #[setter]
    fn set_start_time(&self, py: Python<'_>, value: f64) {
        self.change(py, |entry| entry.start_time = value);
    }

    #[getter]
    fn total_content_length(&self, py: Python<'_>) -> i64 {
        self.read(py, |entry| entry.total_length)
    }

    #[setter]
    fn set_total_content_length(&self, py: Python<'_>, value: i64) {
        self.change(py, |entry| entry.total_length = value);
    }

    /// Counts by rounded response time, a copy.
    #[getter]
    fn response_times(&self, py: Python<'_>) -> BTreeMap<i64, u64> {
        self.read(py, |entry| bins_dict(&entry.bins))
    }

    #[setter]
    fn set_response_times(&self, value: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut bins = Bins::default();
        counts_of(value)?.into_iter().for_each(|(value, count)| bins.add(value, count));
        self.change(value.py(), |entry| entry.bins = bins);
        Ok(())
    }

    /// Requests by second, a copy.
    #[getter]
    fn num_reqs_per_sec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        by_second(py, self.read(py, |entry| entry.per_second.counts()))
    }

    #[setter]
    fn set_num_reqs_per_sec(&self, value: &Bound<'_, PyDict>) -> PyResult<()> {
        let counts = per_second_of(value)?;
        self.change(value.py(), |entry| entry.per_second = counts);
        Ok(())
    }

    /// Failures by second, a copy.
    #[getter]
    fn num_fail_per_sec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        by_second(py, self.read(py, |entry| entry.failures_per_second.counts()))
    }

    #[setter]
    fn set_num_fail_per_sec(&self, value: &Bound<'_, PyDict>) -> PyResult<()> {
        let counts = per_second_of(value)?;
        self.change(value.py(), |entry| entry.failures_per_second = counts);
        Ok(())
    }

    #[getter]
    fn use_response_times_cache(&self, py: Python<'_>) -> bool {
        self.counted.get(py).history.is_some()
    }

    /// The copies of the last seconds: second to (rounded response times, requests); None if none are kept.
    #[getter]
    fn response_times_cache<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(history) = &self.counted.get(py).history else { return Ok(None) };
        let copies: Vec<_> = history
            .borrow()
            .iter()
            .map(|copy| (copy.second, (bins_dict(&copy.bins), copy.requests)))
            .collect();
        py.import("collections")?.getattr("OrderedDict")?.call1((copies,)).map(Some)
    }

    #[getter]
    fn fail_ratio(&self, py: Python<'_>) -> f64 {
        self.read(py, Entry::fail_ratio)
    }

    #[getter]
    fn avg_response_time(&self, py: Python<'_>) -> f64 {
        self.read(py, Entry::average)
    }

    #[getter]
    fn median_response_time(&self, py: Python<'_>) -> f64 {
        self.read(py, Entry::median)
    }

    #[getter]
    fn avg_content_length(&self, py: Python<'_>) -> f64 {
        self.read(py, |entry| match entry.requests {
            0 => 0.0,
            requests => entry.total_length as f64 / requests as f64,
        })
    }

    #[getter]
    fn current_rps(&self, py: Python<'_>) -> f64 {
        let run = self.counted.get(py).run_times();
        self.read(py, |entry| entry.current_rate(&run))
    }

    #[getter]
    fn current_fail_per_sec(&self, py: Python<'_>) -> f64 {
        let run = self.counted.get(py).run_times();
        self.read(py, |entry| entry.current_failure_rate(&run))
    }

    #[getter]
    fn total_rps(&self, py: Python<'_>) -> f64 {
        let run = self.counted.get(py).run_times();
        self.read(py, |entry| run.rate(entry.requests))
    }

    #[getter]
    fn total_fail_per_sec(&self, py: Python<'_>) -> f64 {
        let run = self.counted.get(py).run_times();
        self.read(py, |entry| run.rate(entry.failures))
    }

    fn get_response_time_percentile(&self, py: Python<'_>, percent: f64) -> i64 {
        self.read(py, |entry| entry.percentile(percent))
    }

    /// The percentile of about the last ten seconds; None before there are so many.
    fn get_current_response_time_percentile(&self, py: Python<'_>, percent: f64) -> PyResult<Option<i64>> {
        let Some(history) = &self.counted.get(py).history else {
            let text = "tell a current percentile: the entry was made without use_response_times_cache=True";
            return Err(PyValueError::new_err(text));
        };
        Ok(self.read(py, |entry| history.borrow().percentile(entry, now() as i64, percent)))
    }

    /// A percentile by our own buckets, in milliseconds within 0.05 %.
    fn get_fine_percentile(&self, py: Python<'_>, percent: f64) -> f64 {
        self.change(py, |entry| entry.fine_percentile(percent))
    }

    /// The fine distribution as bytes.
    fn pack_fine<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.change(py, Entry::pack_fine))
    }

    /// Takes over another node's fine distribution, or makes one up from the rounded times for None.
    fn unpack_fine(&self, py: Python<'_>, packed: Option<&[u8]>) -> PyResult<()> {
        let taken = self.change(py, |entry| entry.unpack_fine(packed));
        taken.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Counts a request that took that many milliseconds, or None.
    fn log(&self, py: Python<'_>, response_time: Option<f64>, content_length: Option<f64>) -> PyResult<()> {
        let rounded = own_rounding(py, response_time)?;
        self.counted.get(py).log(now(), response_time, rounded, content_length.unwrap_or(0.0) as i64);
        Ok(())
    }

    /// Counts a request, counted before, as failed.
    #[pyo3(signature = (error = None))]
    fn log_error(&self, py: Python<'_>, error: Option<&Bound<'_, PyAny>>) {
        // What the error was is counted by `Stats.log_error`.
        let _ = error;
        self.change(py, |entry| entry.log_failure(now()));
    }

    fn reset(&self, py: Python<'_>) {
        self.counted.get(py).reset();
    }

    /// Adds another entry's counts.
    fn extend(&self, py: Python<'_>, other: &Bound<'_, Self>) {
        let other = other.get().counted.get(py).entry.borrow().clone();
        self.change(py, |entry| entry.merge(&other));
    }

    /// Keeps a copy of the counts as those of that second.
    fn _cache_response_times(&self, py: Python<'_>, second: i64) {
        if let Some(history) = &self.counted.get(py).history {
            self.read(py, |entry| history.borrow_mut().keep(second, entry));
        }
    }
}
