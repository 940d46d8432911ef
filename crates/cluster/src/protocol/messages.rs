//! The messages as they are encoded.

use bytes::Bytes;
use prost::{Message, Oneof};

use super::counting::{Count, TallyMessage, Wants};
use crate::steering::Steering;

/// A piece of a message: large ones travel in parts, so that no frame is large.
#[derive(Clone, PartialEq, Message)]
pub struct Frame {
    /// The next bytes of the encoded message.
    #[prost(bytes = "bytes", tag = "1")]
    pub part: Bytes,
    /// Whether more parts of the same message follow.
    #[prost(bool, tag = "2")]
    pub more: bool,
}

/// What a worker says.
#[derive(Clone, PartialEq, Message)]
pub struct ToController {
    /// Which of them; nothing if a newer worker says something unknown.
    #[prost(oneof = "FromWorker", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub message: Option<FromWorker>,
}

/// What a worker says.
#[derive(Clone, PartialEq, Oneof)]
pub enum FromWorker {
    /// First.
    #[prost(message, tag = "1")]
    Hello(Hello),
    /// In answer to the challenge.
    #[prost(message, tag = "2")]
    Join(Join),
    /// Twice a second.
    #[prost(message, tag = "3")]
    Heartbeat(Heartbeat),
    /// What has to arrive exactly once.
    #[prost(message, tag = "4")]
    Batch(Batch),
    /// Of which the newest is enough.
    #[prost(message, tag = "5")]
    Status(Status),
    /// While it is so.
    #[prost(message, tag = "6")]
    Wants(Wants),
    /// In answer to the challenge, if that does not show the worker's token; the connection ends. Else the controller's
    /// people would not learn that somebody wanted to join.
    #[prost(bool, tag = "7")]
    Distrust(bool),
}

/// What the controller says.
#[derive(Clone, PartialEq, Message)]
pub struct ToWorker {
    /// Which of them.
    #[prost(oneof = "FromController", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub message: Option<FromController>,
}

/// What the controller says.
#[derive(Clone, PartialEq, Oneof)]
pub enum FromController {
    /// In answer to `Hello`.
    #[prost(message, tag = "1")]
    Challenge(Challenge),
    /// In answer to `Join`.
    #[prost(message, tag = "2")]
    Welcome(Welcome),
    /// In answer to `Hello` or `Join`; the connection ends.
    #[prost(message, tag = "3")]
    Refused(Refused),
    /// In answer to a heartbeat: renews the lease.
    #[prost(message, tag = "4")]
    Pulse(Pulse),
    /// In answer to a batch.
    #[prost(message, tag = "5")]
    Taken(Taken),
    /// Comes before the `Prepare` that it belongs to, and is the same for all workers.
    #[prost(message, tag = "6")]
    Bundle(BundleMessage),
    /// What has to arrive exactly once.
    #[prost(message, tag = "7")]
    Command(Command),
}

/// A worker's greeting.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// Of the protocol.
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// 16 random bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub nonce: Vec<u8>,
}

/// The controller's answer to a greeting.
#[derive(Clone, PartialEq, Message)]
pub struct Challenge {
    /// 16 random bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub nonce: Vec<u8>,
    /// That the controller knows the token; empty if it asks for none.
    #[prost(bytes = "vec", tag = "2")]
    pub proof: Vec<u8>,
}

/// A worker wants to take part, or to go on taking part.
#[derive(Clone, PartialEq, Message)]
pub struct Join {
    /// That the worker knows the token; empty if it has none.
    #[prost(bytes = "vec", tag = "1")]
    pub proof: Vec<u8>,
    /// Of the worker's process.
    #[prost(fixed64, tag = "2")]
    pub instance: u64,
    /// For people.
    #[prost(string, tag = "3")]
    pub name: String,
    /// With which it will generate load.
    #[prost(uint32, tag = "4")]
    pub threads: u32,
    /// The run it already takes part in.
    #[prost(fixed64, optional, tag = "5")]
    pub run: Option<u64>,
    /// The last command it has.
    #[prost(uint64, tag = "6")]
    pub received: u64,
    /// Whether it can follow a new map of slots while the test runs.
    #[prost(bool, tag = "7")]
    pub takes_deals: bool,
    /// The first batch that it still has; 0 if that is not said.
    #[prost(uint64, tag = "8")]
    pub kept_from: u64,
}

/// The worker takes part.
#[derive(Clone, PartialEq, Message)]
pub struct Welcome {
    /// In this run.
    #[prost(fixed64, tag = "1")]
    pub run: u64,
    /// Under this number.
    #[prost(uint32, tag = "2")]
    pub worker: u32,
    /// The last batch that the controller has.
    #[prost(uint64, tag = "3")]
    pub taken: u64,
    /// How long, in nanoseconds, the worker may go on after the controller has died.
    #[prost(uint64, tag = "4")]
    pub grace: u64,
}

/// The worker does not take part.
#[derive(Clone, PartialEq, Message)]
pub struct Refused {
    /// Why, for people.
    #[prost(string, tag = "1")]
    pub reason: String,
    /// Whether it may be otherwise in a moment: a seat can become free.
    #[prost(bool, tag = "2")]
    pub for_now: bool,
    /// Whether it came too late: the run is over. To an older worker it is a refusal like any other.
    #[prost(bool, tag = "3")]
    pub over: bool,
}

/// A sign of life.
#[derive(Clone, PartialEq, Message)]
pub struct Heartbeat {
    /// When it was sent, on the worker's clock.
    #[prost(uint64, tag = "1")]
    pub sent: u64,
    /// The last command the worker has.
    #[prost(uint64, tag = "2")]
    pub received: u64,
}

/// The answer to a sign of life.
#[derive(Clone, PartialEq, Message)]
pub struct Pulse {
    /// The heartbeat's own moment.
    #[prost(uint64, tag = "1")]
    pub sent: u64,
    /// When it was answered, on the controller's clock.
    #[prost(uint64, tag = "2")]
    pub at: u64,
    /// Whether the lease is renewed, counted from when the heartbeat was sent.
    #[prost(bool, tag = "3")]
    pub leased: bool,
}

/// Batches are counted in.
#[derive(Clone, PartialEq, Message)]
pub struct Taken {
    /// The last one that was.
    #[prost(uint64, tag = "1")]
    pub batch: u64,
}

/// Everything that waited to be reported. Logs are from before the delta, and that is from before the milestones.
#[derive(Clone, PartialEq, Message)]
pub struct Batch {
    /// From 1.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Records of the log.
    #[prost(message, repeated, tag = "2")]
    pub logs: Vec<LogMessage>,
    /// How many more there were.
    #[prost(uint64, tag = "3")]
    pub logs_dropped: u64,
    /// In the encoding of `throng_metrics::Delta`.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub delta: Option<Bytes>,
    /// How far the worker has come.
    #[prost(message, repeated, tag = "5")]
    pub milestones: Vec<MilestoneMessage>,
    /// Raw samples, which this crate does not read. They come before the delta.
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub samples: Vec<Bytes>,
    /// What became of iterations that are counted; the delta says what they measured.
    #[prost(message, repeated, tag = "7")]
    pub counts: Vec<TallyMessage>,
    /// How often the worker had been given up when they were told.
    #[prost(uint32, tag = "8")]
    pub epoch: u32,
    /// When the delta was measured, in milliseconds since the start: from and until. Nothing where that is not known.
    #[prost(uint64, repeated, tag = "9")]
    pub measured: Vec<u64>,
}

/// A log record.
#[derive(Clone, PartialEq, Message)]
pub struct LogMessage {
    /// From 0, debug, to 3, error.
    #[prost(uint32, tag = "1")]
    pub level: u32,
    /// The text.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Keys and values in turn.
    #[prost(string, repeated, tag = "3")]
    pub fields: Vec<String>,
}

/// See [`Milestone`].
#[derive(Clone, PartialEq, Message)]
pub struct MilestoneMessage {
    /// Which of them.
    #[prost(oneof = "Milestone", tags = "1, 2, 3, 4, 5, 6, 7, 8")]
    pub milestone: Option<Milestone>,
}

/// How far a worker has come.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum Milestone {
    /// All virtual users are initialised.
    #[prost(bool, tag = "1")]
    Initialised(bool),
    /// They cannot be, for this reason.
    #[prost(string, tag = "2")]
    InitFailed(String),
    /// The script asked for the end of the run, with this message.
    #[prost(string, tag = "3")]
    ScriptAborted(String),
    /// The script asked for the run to fail.
    #[prost(bool, tag = "4")]
    ScriptFailed(bool),
    /// The worker is about to go.
    #[prost(bool, tag = "5")]
    Leaving(bool),
    /// All iterations are over and everything was reported.
    #[prost(bool, tag = "6")]
    Done(bool),
    /// The map of this version is followed from the moment it holds.
    #[prost(uint64, tag = "7")]
    Dealt(u64),
    /// Nothing runs any more of what the map of this version gave to others.
    #[prost(uint64, tag = "8")]
    Still(u64),
}

/// Of which the newest is enough.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// Virtual users that are initialised.
    #[prost(uint64, optional, tag = "1")]
    pub vus_ready: Option<u64>,
    /// How far the run is.
    #[prost(message, optional, tag = "2")]
    pub progress: Option<ProgressMessage>,
    /// The worst lag of an event loop, in nanoseconds.
    #[prost(uint64, optional, tag = "3")]
    pub lag: Option<u64>,
    /// The share of the processors that was used.
    #[prost(double, optional, tag = "4")]
    pub cpu: Option<f64>,
    /// Resident memory, in bytes.
    #[prost(uint64, optional, tag = "5")]
    pub memory: Option<u64>,
}

/// `throng_engine::Progress`.
#[derive(Clone, PartialEq, Message)]
pub struct ProgressMessage {
    /// `active_vus`, `initialised_vus`, `complete`, `interrupted`, `dropped`.
    #[prost(uint64, repeated, tag = "1")]
    pub counts: Vec<u64>,
    /// In the order of the plan.
    #[prost(message, repeated, tag = "2")]
    pub scenarios: Vec<ScenarioMessage>,
}

/// `throng_engine::ScenarioProgress`.
#[derive(Clone, PartialEq, Message)]
pub struct ScenarioMessage {
    /// The position of its state in the enum.
    #[prost(uint32, tag = "1")]
    pub state: u32,
    /// Nanoseconds.
    #[prost(uint64, tag = "2")]
    pub elapsed: u64,
    /// Nanoseconds.
    #[prost(uint64, tag = "3")]
    pub waiting: u64,
    /// Nanoseconds.
    #[prost(uint64, optional, tag = "4")]
    pub duration: Option<u64>,
    /// From 0 to 1.
    #[prost(double, tag = "5")]
    pub fraction: f64,
    /// `active_vus`, `complete`, `interrupted`, `dropped`.
    #[prost(uint64, repeated, tag = "6")]
    pub counts: Vec<u64>,
    /// The position of its detail in the enum.
    #[prost(uint32, tag = "7")]
    pub executor: u32,
    /// The whole numbers of the detail, in order.
    #[prost(uint64, repeated, tag = "8")]
    pub numbers: Vec<u64>,
    /// Of an arrival rate.
    #[prost(double, tag = "9")]
    pub rate: f64,
}

/// See [`crate::Bundle`].
#[derive(Clone, PartialEq, Message)]
pub struct BundleMessage {
    /// The script.
    #[prost(string, tag = "1")]
    pub entry: String,
    /// All files.
    #[prost(message, repeated, tag = "2")]
    pub files: Vec<FileMessage>,
    /// Names and values in turn.
    #[prost(string, repeated, tag = "3")]
    pub environment: Vec<String>,
    /// JSON.
    #[prost(string, tag = "4")]
    pub options: String,
    /// Names and values in turn.
    #[prost(string, repeated, tag = "5")]
    pub facts: Vec<String>,
}

/// See [`crate::BundleFile`].
#[derive(Clone, PartialEq, Message)]
pub struct FileMessage {
    /// Logical.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Content.
    #[prost(bytes = "bytes", tag = "2")]
    pub bytes: Bytes,
    /// SHA-256.
    #[prost(bytes = "vec", tag = "3")]
    pub sha256: Vec<u8>,
}

/// A numbered command.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    /// From 1.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// What to do.
    #[prost(oneof = "Task", tags = "2, 3, 4, 5, 6, 7, 8, 9")]
    pub task: Option<Task>,
}

/// What to do.
#[derive(Clone, PartialEq, Oneof)]
pub enum Task {
    /// Load the bundle that came before.
    #[prost(message, tag = "2")]
    Prepare(Prepare),
    /// Run iterations.
    #[prost(message, tag = "3")]
    Start(Start),
    /// End them early, for this reason.
    #[prost(string, tag = "4")]
    Abort(String),
    /// Go.
    #[prost(bool, tag = "5")]
    End(bool),
    /// Follow a new map of slots.
    #[prost(message, tag = "6")]
    Deal(Deal),
    /// Other iterations are to be run, of those that are counted.
    #[prost(message, tag = "7")]
    Count(Count),
    /// Whoever gave something for the map of this version runs nothing of it any more.
    #[prost(uint64, tag = "8")]
    Still(u64),
    /// Set externally controlled scenarios so.
    #[prost(message, tag = "9")]
    Steer(Steer),
}

/// See [`crate::Steering`]; numbers are of the whole test.
#[derive(Clone, PartialEq, Message)]
pub struct Steer {
    /// Whether they start no iterations.
    #[prost(bool, tag = "1")]
    pub paused: bool,
    /// How many virtual users loop.
    #[prost(uint64, optional, tag = "2")]
    pub vus: Option<u64>,
    /// How many there are at most.
    #[prost(uint64, optional, tag = "3")]
    pub max_vus: Option<u64>,
}

impl From<Steering> for Steer {
    fn from(Steering { paused, vus }: Steering) -> Self {
        Self { paused, vus: vus.map(|(vus, _)| vus), max_vus: vus.map(|(_, max_vus)| max_vus) }
    }
}

impl From<Steer> for Steering {
    fn from(Steer { paused, vus, max_vus }: Steer) -> Self {
        Self { paused, vus: vus.zip(max_vus) }
    }
}

/// Load the bundle that came before.
#[derive(Clone, PartialEq, Message)]
pub struct Prepare {
    /// With how many workers the run begins.
    #[prost(uint32, tag = "1")]
    pub workers: u32,
    /// The worker's own number among the owners.
    #[prost(uint32, tag = "2")]
    pub seat: u32,
    /// The version of the map.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// Who owns each slot of one period.
    #[prost(uint32, repeated, tag = "4")]
    pub owners: Vec<u32>,
}

/// A new map of slots.
#[derive(Clone, PartialEq, Message)]
pub struct Deal {
    /// Of the map.
    #[prost(uint64, tag = "1")]
    pub version: u64,
    /// Who owns each slot of one period.
    #[prost(uint32, repeated, tag = "2")]
    pub owners: Vec<u32>,
    /// From this moment on the controller's clock.
    #[prost(uint64, tag = "3")]
    pub from: u64,
    /// Slots of a period that others had until then who may still run what they had begun.
    #[prost(uint32, repeated, tag = "4")]
    pub moved: Vec<u32>,
}

/// Run iterations.
#[derive(Clone, PartialEq, Message)]
pub struct Start {
    /// From this moment on the controller's clock.
    #[prost(uint64, tag = "1")]
    pub at: u64,
    /// What `setup` returned.
    #[prost(string, optional, tag = "2")]
    pub setup_data: Option<String>,
    /// When the run phase began, on the controller's clock.
    #[prost(uint64, tag = "3")]
    pub began: u64,
    /// What the controller's wall clock shows at `at`, in nanoseconds since 1970.
    #[prost(uint64, tag = "4")]
    pub unix: u64,
}

impl From<FromWorker> for ToController {
    fn from(message: FromWorker) -> Self {
        Self { message: Some(message) }
    }
}

impl From<FromController> for ToWorker {
    fn from(message: FromController) -> Self {
        Self { message: Some(message) }
    }
}

impl From<Milestone> for MilestoneMessage {
    fn from(milestone: Milestone) -> Self {
        Self { milestone: Some(milestone) }
    }
}
