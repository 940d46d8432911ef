//! The executors, one file each: when their places are needed, and what makes an iteration the next one.
//!
//! Two families share a machinery: in [`looping`] a virtual user that ends an iteration starts the next by
//! itself; in [`arrivals`] it goes back to the idle ones and waits for a planned start.

pub(crate) mod arrivals;
pub(crate) mod constant_vus;
pub(crate) mod externally_controlled;
pub(crate) mod looping;
pub(crate) mod per_vu_iterations;
pub(crate) mod ramping_vus;
pub(crate) mod shared_iterations;

use crate::placement::Reservation;
use crate::schedule::Ramp;
use crate::work::{Kind, Work};

/// The places that a scenario reserves on this worker; who takes them is not decided yet.
pub(crate) fn reservations(work: &Work) -> Vec<Reservation> {
    match &work.kind {
        Kind::ConstantVus { vus }
        | Kind::SharedIterations { vus, .. }
        | Kind::PerVuIterations { vus, .. } => constant_vus::reservations(work, *vus),
        Kind::RampingVus { start_vus, stages, peak, graceful_ramp_down } => {
            let ramp = Ramp { start_vus: *start_vus, stages };
            ramping_vus::reservations(work, ramp, *peak, *graceful_ramp_down)
        }
        Kind::Arrivals { pre_allocated_vus, .. } => constant_vus::reservations(work, *pre_allocated_vus),
        Kind::ExternallyControlled { max_vus, .. } => constant_vus::reservations(work, *max_vus),
    }
}
