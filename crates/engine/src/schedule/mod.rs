//! Pure schedules: when virtual users of a ramp come and go, and when iterations of a rate are due.
//!
//! All times are relative to the start of the scenario and follow from closed formulas over the whole
//! test, so that any worker can compute its own part without hearing of the others.

mod constant_rate;
mod ramp;
mod ramping_rate;

pub use constant_rate::ConstantRate;
pub use ramp::{Ramp, Span};
pub use ramping_rate::RampingRate;

use crate::time::Time;

/// When the iterations of an arrival rate are due.
#[derive(Debug, Clone)]
pub enum Starts {
    /// Evenly spaced.
    Constant(ConstantRate),
    /// As the integral of a changing rate grows.
    Ramping(RampingRate),
}

impl Starts {
    /// When start `index` of the whole test (from 0) is due, counted from the start of the scenario;
    /// `None` once the schedule is over. Indices have to be asked for in ascending order.
    pub fn at(&mut self, index: u64) -> Option<Time> {
        match self {
            Self::Constant(rate) => rate.at(index),
            Self::Ramping(rate) => rate.at(index),
        }
    }
}

impl Starts {
    /// The first start (of the whole test) that is due at `since_start` or later; if none is, one beyond the last.
    pub(crate) fn first_from(&self, since_start: Time) -> u64 {
        let is_due = |index| self.clone().at(index).is_none_or(|due| due >= since_start);
        let mut high = 1;
        while !is_due(high) {
            high *= 2;
        }
        // Due at `high`, not yet below `low`.
        let mut low = 0;
        while low < high {
            let middle = low + (high - low) / 2;
            if is_due(middle) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

/// `a · b / c` without overflow on the way, rounded down.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    match a.checked_mul(b) {
        Some(product) => product / c,
        None => u64::try_from(u128::from(a) * u128::from(b) / u128::from(c)).unwrap_or(u64::MAX),
    }
}
