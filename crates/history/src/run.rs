//! What is known of a past run without opening it.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The number of a run in its history; none is given twice.
pub type RunId = i64;

/// How a run went, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It went to its end, and nothing that was demanded was missed.
    Passed,
    /// A threshold was crossed; in a locustfile's test, something failed.
    Failed,
    /// Somebody or something ended it early.
    Stopped,
    /// It could not do its work.
    Broken,
}

impl Verdict {
    /// What an exit code says; 1 is Locust's for a test with failures, the others are k6's.
    pub fn of_exit(code: i32) -> Self {
        match code {
            0 => Self::Passed,
            1 | 99 | 110 => Self::Failed,
            103 | 105 | 108 => Self::Stopped,
            _ => Self::Broken,
        }
    }

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
        }
    }

    /// The other way round.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::Stopped, Self::Broken].into_iter().find(|one| one.as_str() == text)
    }
}

/// A run that is to be kept; all else is taken from its snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRun {
    /// What people call it.
    pub name: String,
    /// Of the script ([`checksum`]); empty if it is not known.
    pub checksum: String,
}

/// A run as the list has it; times of requests in ms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What people call it.
    pub name: String,
    /// `k6` or `locust`.
    pub kind: String,
    /// The script, as it was named.
    pub file: String,
    /// Of the script's content.
    pub checksum: String,
    /// When it began, in ms since the Unix epoch.
    pub started_at: i64,
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// The exit code of its process; none if there is not one for each test, or not yet.
    pub exit_code: Option<i32>,
    /// How it went, where that is known.
    pub verdict: Option<Verdict>,
    /// Requests.
    pub requests: i64,
    /// Failed ones among them.
    pub failures: i64,
    /// Requests a second, over the whole run.
    pub rps: Option<f64>,
    /// Half are faster.
    pub median: Option<f64>,
    /// A twentieth is slower.
    pub p95: Option<f64>,
    /// A hundredth is slower.
    pub p99: Option<f64>,
    /// Whether later runs of the script are judged against this one.
    pub baseline: bool,
}

/// What tells whether two scripts are the same: SHA-256, the first half, in hexadecimal digits.
pub fn checksum(content: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(content).iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
