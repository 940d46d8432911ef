//! The progress display: from a snapshot of the run to lines of text, nothing else.
//!
//! The control thread fills a [`Snapshot`] and calls [`render`]; [`crate::terminal::Terminal`] draws the
//! frame every 100 ms, or its text is printed once a second where there is no terminal. The layout is
//! k6's, observed on 1.1, because people and scripts read it; `tests` holds what it printed.

mod bar;
mod columns;
mod display;
mod elapsed;
mod layout;
mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use bar::Bar;
pub use display::Display;
pub use layout::{Frame, Style, render};
pub use snapshot::{Phase, ScenarioProgress, Snapshot, Status, Work};
