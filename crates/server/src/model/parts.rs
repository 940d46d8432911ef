//! The parts of a snapshot as the page reads them: names and units are the contract with `ui/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of test runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A k6 script.
    #[default]
    K6,
    /// A locustfile.
    Locust,
}

/// Whether there are past runs beside this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryKind {
    /// There are none.
    #[default]
    None,
    /// There may be some, and this one will be one of them.
    Beside,
    /// There is nothing else: no run, only past ones.
    Only,
}

/// What the run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Nothing runs yet.
    #[default]
    Ready,
    /// Users are being started.
    Spawning,
    /// All users that are wanted run.
    Running,
    /// No iterations start until it is resumed.
    Paused,
    /// It is ending.
    Stopping,
    /// It is over.
    Stopped,
    /// All workers are gone.
    Missing,
}

/// A command that the run takes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Can {
    /// Start a test.
    Start,
    /// End it.
    Stop,
    /// Change users and spawn rate.
    Edit,
    /// Start the statistics over.
    Reset,
    /// Change the number of virtual users.
    Scale,
    /// Pause and resume.
    Pause,
}

/// Virtual users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Users {
    /// Those that run.
    pub now: u64,
    /// Those that there should be.
    pub target: u64,
    /// The most there can be.
    pub max: u64,
    /// Those that run, by user class.
    pub by_class: BTreeMap<String, u64>,
}

/// A process that runs users for this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// What tells it from others.
    pub id: String,
    /// What it is doing.
    pub state: String,
    /// Users that it runs.
    pub users: u64,
    /// Percent of the processors that it may use.
    pub cpu: Option<f64>,
    /// Bytes.
    pub memory: Option<u64>,
    /// How late its event loop is, in ms.
    pub lag: Option<f64>,
}

/// A kind of failed request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub name: String,
    /// What went wrong.
    pub error: String,
    /// How often.
    pub count: u64,
    /// When first, in ms since the Unix epoch.
    pub first: Option<u64>,
    /// When last.
    pub last: Option<u64>,
}

/// What a task or an iteration raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Its text.
    pub message: String,
    /// Where it came from.
    pub traceback: String,
    /// How often.
    pub count: u64,
    /// Where.
    pub nodes: Vec<String>,
}

/// A `check()` of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The path of its group, empty at the root.
    pub group: String,
    /// How often it passed.
    pub passes: u64,
    /// How often it did not.
    pub fails: u64,
}

/// A threshold and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric, with its selector.
    pub metric: String,
    /// As the script has it.
    pub source: String,
    /// The value that is judged; none before the first sample.
    pub value: Option<f64>,
    /// The verdict; none before the first.
    pub ok: Option<bool>,
    /// Whether the test ends when it is crossed.
    pub abort: bool,
}

/// How far a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScenarioState {
    /// It has not begun.
    Waiting,
    /// Its iterations run.
    Running,
    /// It did what it was to do.
    Finished,
    /// It ended with work left undone.
    Interrupted,
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its executor.
    pub executor: String,
    /// From 0 to 1.
    pub progress: Option<f64>,
    /// Virtual users that are busy.
    pub vus: u64,
    /// The most it may use.
    pub max_vus: u64,
    /// Iterations that ended.
    pub iterations: u64,
    /// How far it is.
    pub state: ScenarioState,
    /// A line that describes it.
    pub text: String,
}

/// A metric of a k6 run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge`, `rate` or `trend`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `time`, `data` or `default`.
    pub contains: String,
    /// What is known of it, such as `count` and `rate`, `p(95)`.
    pub values: Map<String, Value>,
}

/// How late the generator's event loops were, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The worst.
    pub max: f64,
}

/// Why a moment of the run is worth a line in the charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// A worker came or went.
    Worker,
    /// Users were added or taken away by hand.
    Scale,
    /// A stage or scenario began or ended.
    Stage,
    /// All users were started.
    Spawned,
    /// The run was ended early.
    Abort,
    /// A threshold was crossed, or holds again.
    Threshold,
    /// An autoscaler decided, or pods came or went.
    Replicas,
    /// Something befell a pod, a database, or what a log tells of.
    Trouble,
    /// Something outside cannot be watched, or can be again.
    Watch,
    /// Anything else.
    Note,
}

/// A moment of the run that the charts show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// In ms since the Unix epoch.
    pub at: u64,
    /// What happened.
    pub kind: MarkKind,
    /// In words.
    pub text: String,
}

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Of interest to those who look for a cause.
    Debug,
    /// As expected.
    Info,
    /// Not as expected.
    Warning,
    /// Something failed.
    Error,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// In ms since the Unix epoch.
    pub at: u64,
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
    /// The worker that said it; none is this process.
    pub worker: Option<String>,
}

/// What a start form begins with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// Users at the peak.
    pub users: Option<u64>,
    /// Users started a second.
    pub spawn_rate: Option<f64>,
    /// What is loaded.
    pub host: Option<String>,
    /// For how long, such as `1m`.
    pub run_time: Option<String>,
    /// User classes, or for k6 none.
    pub classes: Vec<Class>,
    /// What the test adds to the command line.
    pub arguments: Vec<Value>,
    /// Whether classes may be chosen.
    pub class_picker: bool,
    /// Shape classes that may be chosen, if the test has any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<String>,
}

/// A user class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its share against others.
    pub weight: f64,
    /// How many users are of it whatever its weight; 0 for a share.
    #[serde(default)]
    pub fixed_count: u64,
    /// Its own host.
    #[serde(default)]
    pub host: Option<String>,
    /// The names of its tasks, each as often as it weighs.
    pub tasks: Vec<String>,
    /// The names of those that it can have.
    #[serde(default)]
    pub all_tasks: Vec<String>,
}

/// A reading of what is watched beside the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The chart that shows it.
    pub chart: String,
    /// Its line there.
    pub label: String,
    /// `time` (ms), `data` (bytes) or `default`.
    pub contains: String,
    /// What was read.
    pub value: f64,
}

/// How an autoscaler followed the load, as it is told in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// In one line.
    pub title: String,
    /// Its steps.
    pub steps: Vec<ScalingStep>,
    /// What took longest, and what to do about it.
    pub slow: Option<String>,
}

/// A step of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingStep {
    /// What happened.
    pub what: String,
    /// When, in ms since the Unix epoch; none if it did not.
    pub at: Option<u64>,
    /// Seconds since the step before.
    pub took: Option<f64>,
    /// More about it.
    pub detail: String,
}
