//! The numbers of a run, read from the snapshot that its page had at the end.

use serde::{Deserialize, Serialize};

/// The numbers of a request name, or of all requests; times in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Failed ones among them.
    pub fails: u64,
    /// Half are faster.
    pub median: Option<f64>,
    /// A twentieth is slower.
    pub p95: Option<f64>,
    /// A hundredth is slower.
    pub p99: Option<f64>,
}

/// What a run measured, as far as runs are compared by it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// `k6` or `locust`.
    pub kind: String,
    /// The script.
    pub file: String,
    /// When it began, in ms since the Unix epoch.
    pub started_at: Option<i64>,
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// All requests together.
    pub totals: Request,
    /// By method and name.
    pub requests: Vec<Request>,
    /// Of each threshold whether it holds.
    pub(crate) thresholds: Vec<Threshold>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Threshold {
    pub(crate) ok: Option<bool>,
}

impl Measured {
    /// The numbers of a snapshot, as `GET /api/v1/snapshot` has it.
    pub fn of_snapshot(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Requests a second of `count` in the whole run.
    pub fn rate(&self, count: u64) -> Option<f64> {
        (self.elapsed > 0.0).then(|| count as f64 / self.elapsed)
    }

    /// Whether a threshold does not hold.
    pub(crate) fn missed_a_threshold(&self) -> bool {
        self.thresholds.iter().any(|threshold| threshold.ok == Some(false))
    }
}
