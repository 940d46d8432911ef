//! Statistics in Rust, seen from Python as Locust's objects.
//!
//! A request is counted here without a Python object being made; `RequestStats`, `StatsEntry` and `StatsError` are
//! views that are made when somebody looks, once for each entry, so that locustfiles can compare and keep them.

mod entry;
mod error;
mod history;
mod latest;
mod store;

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use throng_locust::Entry;

pub(crate) use entry::StatsEntry;
pub(crate) use error::StatsError;
pub(crate) use latest::Latest;
pub(crate) use store::Stats;

use crate::gil::GilBound;

/// An entry that the store and its views share.
type SharedEntry = Rc<RefCell<Entry>>;

/// Seconds since the Unix epoch, as Python's `time.time()`.
fn now() -> f64 {
    throng_reactor::unix_now() as f64 / 1e9
}

/// A locustfile's own rounding of response times.
static ROUNDING: GilBound<RefCell<Option<Py<PyAny>>>> = GilBound::new(RefCell::new(None));

/// Rounds response times with `call` from now on, or as Locust does for None.
#[pyfunction]
#[pyo3(signature = (call = None))]
pub(crate) fn set_bucketing(py: Python<'_>, call: Option<Py<PyAny>>) {
    drop(ROUNDING.get(py).replace(call));
}

/// What a locustfile's own rounding makes of a response time; `None` if it has none.
fn own_rounding(py: Python<'_>, ms: Option<f64>) -> PyResult<Option<i64>> {
    let call = ROUNDING.get(py).borrow().as_ref().map(|call| call.clone_ref(py));
    match (call, ms) {
        (Some(call), Some(ms)) => Ok(Some(call.bind(py).call1((ms,))?.extract::<f64>()? as i64)),
        _ => Ok(None),
    }
}

/// The value that a response time in milliseconds is counted under.
#[pyfunction]
pub(crate) fn bucket_response_time(ms: f64) -> i64 {
    throng_locust::bucket(ms)
}

/// The rounded response time that a share `p` of the requests did not exceed.
#[pyfunction]
pub(crate) fn percentile(response_times: &Bound<'_, PyDict>, num_requests: u64, p: f64) -> PyResult<i64> {
    let mut counts: Vec<(i64, u64)> = Vec::with_capacity(response_times.len());
    for (value, count) in response_times {
        counts.push((value.extract::<f64>()? as i64, count.extract()?));
    }
    counts.sort_unstable_by_key(|(value, _)| std::cmp::Reverse(*value));
    Ok(throng_locust::percentile(counts.into_iter(), num_requests, p))
}

/// Rounds half away from zero on the decimal digits.
#[pyfunction]
#[pyo3(signature = (value, digits = 0))]
pub(crate) fn proper_round(value: f64, digits: usize) -> f64 {
    throng_locust::proper_round(value, digits)
}
