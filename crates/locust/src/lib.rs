//! Locust's rules, without Python: what a request counts as, how numbers are rounded, what makes two errors the same,
//! how URLs and forms are encoded, which cookies are sent, and what a message between nodes looks like.
//!
//! `throng-python` is the layer that shows this to locustfiles; here nothing knows an interpreter, so that the rules
//! are tested with the vectors that were observed on Locust 2.47 (`cargo test -p throng-locust`).

#![forbid(unsafe_code)]

mod bins;
pub mod cookie;
mod encode;
mod entry;
mod error_key;
mod message;
mod per_second;
mod round;

pub use bins::{Bins, bucket, percentile};
pub use encode::{form_urlencode, needs_requoting, requote, without_dots};
pub use entry::{Entry, RunTimes};
pub use error_key::{error_key, hide_addresses};
pub use message::{Message, MessageError};
pub use per_second::PerSecond;
/// What a message carries.
pub use rmpv::Value;
pub use round::proper_round;
pub use throng_metrics::WireError;
