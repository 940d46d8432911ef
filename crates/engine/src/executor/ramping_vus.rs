//! ramping-vus: the number of looping virtual users follows stages.
//!
//! A virtual user that the ramp has left may finish its iteration within `gracefulRampDown` (never beyond
//! the scenario's own hard end); it stays reserved for that long, and if the ramp wants its place again
//! within that time it simply goes on.

use std::time::Duration;

use crate::ids::VuId;
use crate::placement::Reservation;
use crate::schedule::{Ramp, Span};
use crate::time::Time;
use crate::work::Work;

/// The reservations of this worker's first `peak` virtual users.
pub(crate) fn reservations(work: &Work, ramp: Ramp<'_>, peak: u64, ramp_down: Duration) -> Vec<Reservation> {
    let absolute = |time: Time| work.start + time.since(Time::ZERO);
    let mut result: Vec<Reservation> = Vec::new();
    for place in 0..peak {
        let Some(index) = work.vu_slots.global(place) else { break };
        let first = result.len();
        for span in ramp.spans(index) {
            let span = Span { on: absolute(span.on), off: span.off.map(absolute) };
            let to = span.off.map_or(work.hard_end, |off| hard_stop(work, off, ramp_down));
            match result[first..].last_mut() {
                Some(last) if span.on <= last.to => {
                    last.to = last.to.max(to);
                    last.spans.push(span);
                }
                _ => {
                    result.push(Reservation {
                        place,
                        global: index,
                        vu: VuId::new(0),
                        from: span.on,
                        to,
                        spans: vec![span],
                    });
                }
            }
        }
    }
    result
}

/// When a virtual user that the ramp leaves at `off` is interrupted.
pub(crate) fn hard_stop(work: &Work, off: Time, ramp_down: Duration) -> Time {
    (off + ramp_down).min(work.hard_end)
}
