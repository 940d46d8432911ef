//! The engine under a virtual clock: one file per executor, and what holds for all of them.

mod arrival_rates;
mod constant_vus;
mod deals;
mod dealt;
mod ends;
mod externally_controlled;
mod invariants;
mod per_vu_iterations;
mod placement;
mod progress;
mod ramping_vus;
mod segments;
mod shared_iterations;
mod sim;
