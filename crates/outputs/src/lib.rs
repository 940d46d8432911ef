//! What a run leaves behind: the text summaries, the exports, and files of raw samples. One output, one file.
//!
//! Everything here is made from a [`throng_metrics::Summary`] or from batches of raw samples; nothing here is
//! on a virtual user's thread.

#![forbid(unsafe_code)]

pub mod export;
pub mod handle_summary;
mod number;
pub mod raw;
pub mod summary;
mod trend_stat;
mod values;

pub use trend_stat::{TrendStat, TrendStatError};
