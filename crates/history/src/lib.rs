//! Past runs on disk, and what is better or worse between two of them.
//!
//! A [`Store`] is a folder with one SQLite database: of each run the numbers that a list shows, and the snapshot that the
//! page had at its end, compressed. [`compare`] judges one run against another by a documented rule; it is pure, and
//! takes its numbers from snapshots, whether they come from a store or from a file ([`file`]).

#![forbid(unsafe_code)]

pub mod compare;
mod error;
pub mod file;
mod measured;
mod run;
mod schema;
mod side;
mod store;

pub use error::HistoryError;
pub use measured::{Measured, Request};
pub use run::{NewRun, Run, RunId, Verdict, checksum};
pub use side::{Side, SideBySide};
pub use store::Store;
