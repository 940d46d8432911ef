//! Whether a request is a failure: what the status says, and what the locustfile says.

use pyo3::prelude::*;

/// What the locustfile has said about a response in its `with` block.
#[derive(Default)]
pub(crate) enum Verdict {
    /// Nothing: the status decides.
    #[default]
    Open,
    /// `response.success()`
    Success,
    /// `response.failure(...)`, as an exception.
    Failure(Py<PyAny>),
}

/// Whether `FastHttpUser` takes a status for a success; observed on Locust 2.47.
pub(crate) fn fast_success(status: u16) -> bool {
    matches!(status, 200..=208 | 226 | 301 | 302 | 303 | 304 | 307 | 308)
}

/// Whether `requests` takes a status for a success: everything below 400, but not the absence of one.
pub(crate) fn plain_success(status: u16) -> bool {
    (1..400).contains(&status) || status >= 600
}
