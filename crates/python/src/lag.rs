//! The lateness of this process's own loop: whether the generator itself was the bottleneck.

use std::cell::Cell;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::driver::Driver;

/// How often the lateness is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Lateness since it was last asked for.
#[derive(Default)]
pub(crate) struct Lag {
    watched: Cell<bool>,
    ticks: Cell<u32>,
    sum: Cell<Duration>,
    max: Cell<Duration>,
    /// Since [`worst_lag`] was last asked; none if the loop was not looked at since.
    worst: Cell<Option<Duration>>,
}

impl Lag {
    fn note(&self, late: Duration) {
        self.ticks.set(self.ticks.get() + 1);
        self.sum.set(self.sum.get() + late);
        self.max.set(self.max.get().max(late));
        self.worst.set(self.worst.get().max(Some(late)));
    }

    fn take(&self) -> (f64, f64) {
        let (ticks, sum, max) = (self.ticks.take(), self.sum.take(), self.max.take());
        let mean = if ticks > 0 { sum / ticks } else { Duration::ZERO };
        (mean.as_secs_f64() * 1e3, max.as_secs_f64() * 1e3)
    }
}

/// Begins to watch the lateness of this thread's loop.
#[pyfunction]
pub(crate) fn watch_lag(py: Python<'_>) -> PyResult<()> {
    let driver = Driver::get(py)?;
    if driver.lag.watched.replace(true) {
        return Ok(());
    }
    let handle = driver.handle.clone();
    driver.handle.spawn(async move {
        loop {
            let due = Instant::now() + PERIOD;
            handle.sleep_until(due).await;
            driver.lag.note(due.elapsed());
        }
    });
    Ok(())
}

/// The mean and the largest lateness in milliseconds since the last call; zero while nobody watches.
#[pyfunction]
pub(crate) fn lag(py: Python<'_>) -> PyResult<(f64, f64)> {
    Ok(Driver::get(py)?.lag.take())
}

/// The largest lateness in milliseconds since the last call; none if the loop was not looked at since.
#[pyfunction]
pub(crate) fn worst_lag(py: Python<'_>) -> PyResult<Option<f64>> {
    Ok(Driver::get(py)?.lag.worst.take().map(|worst| worst.as_secs_f64() * 1e3))
}
