//! Databases: filling them with records for a test, up to a size, and going on after an interruption; and asking them how
//! they fare while one runs.
//!
//! A [`plan::Plan`] says what is to be there in the end; [`Fill`] brings it about on threads of its own and tells how far
//! it is. [`vitals`] reads connections, locks, caches and the like. Nothing is printed here: the command line shows [`Snapshot`]s and [`Notice`]s.

#![forbid(unsafe_code)]

pub mod cleanup;
pub mod error;
mod fill;
mod generate;
pub mod index;
mod inventory;
pub mod plan;
mod preview;
pub mod resp;
pub mod secret;
pub mod size;
mod store;
pub mod template;
pub mod tls;
pub mod value;
pub mod vitals;

pub use fill::{Ended, Fill, Notice, Report, Snapshot, Stage, Stopper, team};
pub use preview::{Preview, preview};
pub use store::ServerSize;
