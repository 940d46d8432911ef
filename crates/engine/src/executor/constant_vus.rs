//! constant-vus: every virtual user loops from the start of the scenario to its end.

use crate::ids::VuId;
use crate::placement::Reservation;
use crate::schedule::Span;
use crate::work::Work;

/// `vus` places from the start of the scenario to its hard end.
pub(crate) fn reservations(work: &Work, vus: u64) -> Vec<Reservation> {
    let place = |place| Reservation {
        place,
        global: work.vu_slots.global(place).unwrap_or(place),
        vu: VuId::new(0),
        from: work.start,
        to: work.hard_end,
        spans: vec![Span { on: work.start, off: None }],
    };
    (0..vus).map(place).collect()
}
