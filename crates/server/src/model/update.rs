//! What a host program tells once a second.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::{
    Can, Check, Exception, Failure, Form, Kind, Lag, Mark, Metric, RunState, Scaling, Scenario, Threshold,
    Users, Watched, Worker,
};

/// The run as it stands, and what was measured since the update before.
///
/// Lists that can be long (`requests`, `failures`) may name only what changed; the others are whole each time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Update {
    /// When, in ms since the Unix epoch.
    pub now: u64,
    /// Counts tests: another number begins everything anew.
    pub run: u64,
    /// Counts resets of the statistics: another number forgets what was counted, not the charts.
    pub epoch: u64,
    /// What does not change within a run, or hardly.
    #[serde(flatten)]
    pub settings: Settings,
    /// What the run is doing.
    pub state: RunState,
    /// When it began, in ms since the Unix epoch.
    pub started_at: Option<u64>,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Seconds that the `second`s cover, if not those from the update before until `now`.
    pub covers: Option<f64>,
    /// Which commands it takes now.
    pub can: Vec<Can>,
    /// Its virtual users.
    pub users: Users,
    /// Its workers.
    pub workers: Vec<Worker>,
    /// All requests together.
    pub totals: Measured,
    /// Requests by method and name.
    pub requests: Vec<Measured>,
    /// Failed requests by kind.
    pub failures: Vec<Failure>,
    /// What tasks raised.
    pub exceptions: Vec<Exception>,
    /// The checks of a script.
    pub checks: Vec<Check>,
    /// The thresholds of a script.
    pub thresholds: Vec<Threshold>,
    /// The scenarios of a script.
    pub scenarios: Vec<Scenario>,
    /// The metrics of a script.
    pub metrics: Vec<Metric>,
    /// Shares of user classes and tasks.
    pub task_ratio: Option<Value>,
    /// How late the generator's loops were.
    pub lag: Option<Lag>,
    /// Why the generator was the bottleneck, if it was.
    pub saturated: Option<String>,
    /// What happened since the update before.
    pub marks: Vec<Mark>,
    /// What was read since then of what is watched beside the load.
    pub watched: Vec<Watched>,
    /// How autoscalers followed the load so far.
    pub scaling: Vec<Scaling>,
    /// What was measured before that and is known only now; the totals and rows have it already.
    pub late: Vec<Late>,
    /// Paths of this server for which the host program has routes of its own. They win where Locust has no such path: `/metrics`
    /// and the probes, never `/api/` and the page.
    pub routes: Vec<String>,
}

/// What was measured in seconds that have been told already.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Late {
    /// Since when, in ms since the Unix epoch.
    pub from: u64,
    /// Until when.
    pub until: u64,
    /// Of all requests; only its `second` counts.
    pub totals: Measured,
    /// By method and name.
    pub requests: Vec<Measured>,
}

/// What does not change within a run, or hardly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What kind of test it is.
    pub kind: Kind,
    /// The script.
    pub file: String,
    /// What is loaded.
    pub host: Option<String>,
    /// For how long, in seconds.
    pub planned: Option<f64>,
    /// What the start form begins with.
    pub form: Form,
    /// Tabs, tables and files that the test adds to the page.
    pub extended: Option<Value>,
}

/// The numbers of one request name, or of all; times in ms.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub name: String,
    /// Requests so far.
    pub count: u64,
    /// Failed ones among them.
    pub fails: u64,
    /// The mean time.
    pub avg: Option<f64>,
    /// The shortest.
    pub min: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
    /// Half are faster.
    pub median: Option<f64>,
    /// A tenth is slower.
    pub p90: Option<f64>,
    /// A twentieth is slower.
    pub p95: Option<f64>,
    /// A hundredth is slower.
    pub p99: Option<f64>,
    /// The mean size of a response in bytes.
    pub size: Option<f64>,
    /// What came since the update before; none if nothing did.
    pub second: Option<Second>,
}

/// What was measured between two updates; times in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Second {
    /// Requests.
    pub count: u64,
    /// Failed ones among them.
    pub fails: u64,
    /// The sum of the times.
    pub time: f64,
    /// Half were faster.
    pub p50: Option<f64>,
    /// A twentieth was slower.
    pub p95: Option<f64>,
    /// A hundredth was slower.
    pub p99: Option<f64>,
}
