//! The response times since the last look, for whoever stands beside a test.

use std::cell::RefCell;

use pyo3::prelude::*;
use throng_metrics::Distribution;

use super::Stats;
use crate::gil::GilBound;

#[derive(Default)]
struct Seen {
    generation: (u64, u64),
    times: Distribution,
}

/// Looks at the response times of all requests, each time at those since the time before.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct Latest(GilBound<RefCell<Seen>>);

#[pymethods]
impl Latest {
    #[new]
    fn new() -> Self {
        Self(GilBound::new(RefCell::default()))
    }

    /// The 95th percentile of the times since the last look, in ms; `None` where there are none.
    fn p95(&self, py: Python<'_>, stats: &Bound<'_, Stats>) -> Option<f64> {
        let mut seen = self.0.get(py).borrow_mut();
        stats.get().with_entries(py, |generation, total, _| {
            if generation != seen.generation {
                *seen = Seen { generation, times: Distribution::default() };
            }
            let times = total.distribution().clone();
            let latest = times.percentiles_since(&seen.times, &[95.0]);
            seen.times = times;
            latest.and_then(|values| values.first().copied())
        })
    }
}
