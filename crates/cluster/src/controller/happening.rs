//! What the host program is told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use throng_engine::{Progress, ScenarioIndex};
use throng_metrics::Delta;

use crate::ids::WorkerId;
use crate::log::LogRecord;

/// A worker that went without having been asked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Which one.
    pub worker: WorkerId,
    /// Its name.
    pub name: String,
    /// Its share of the test, from 0 to 1.
    pub share: f64,
    /// When it was given up, since the start of the run; `None` before the start.
    pub at: Option<Duration>,
    /// How long it had not been heard by then: what it measured in this time is missing unless it comes back.
    pub silent: Duration,
    /// Why it was given up, as a sentence fragment.
    pub why: String,
}

/// What the host program is told, in the order in which it happened.
#[derive(Debug)]
pub enum Happening {
    /// A worker has joined.
    Joined {
        /// Its number in the run.
        worker: WorkerId,
        /// Its name: its host's unless it was given another, and with a number if an earlier worker has that.
        name: String,
        /// Where it comes from.
        address: SocketAddr,
        /// How many threads it will generate load with.
        threads: u32,
    },
    /// As many workers are there as were expected: [`Order::Prepare`](crate::Order::Prepare) is due.
    AllJoined,
    /// How many virtual users of a worker are initialised by now.
    VusReady {
        /// Whose.
        worker: WorkerId,
        /// How many in total.
        count: u64,
    },
    /// A worker could not load the test or initialise virtual users.
    InitFailed {
        /// Which one.
        worker: WorkerId,
        /// The error as it would be shown in a local run.
        text: String,
    },
    /// All virtual users of all workers are initialised: [`Order::Start`](crate::Order::Start) is due.
    Ready,
    /// The workers were told to start.
    Starting {
        /// The moment at which they do.
        at: Instant,
    },
    /// What a worker measured since its last delta. Told exactly once for each.
    Delta {
        /// Who.
        worker: WorkerId,
        /// What.
        delta: Delta,
        /// From when until when, since the start, if that is known: what could not be sent in time is of several seconds.
        measured: Option<(Duration, Duration)>,
    },
    /// How far a worker's part of the run is.
    Progress {
        /// Whose.
        worker: WorkerId,
        /// How far.
        progress: Progress,
    },
    /// By how much an event loop of a worker was late, at worst, in the last second or so.
    Lag {
        /// Whose.
        worker: WorkerId,
        /// By how much.
        worst: Duration,
    },
    /// What a worker's machine did since its last such report.
    Usage {
        /// Whose.
        worker: WorkerId,
        /// The share of its threads' processors that it used, from 0 to 1.
        cpu: f64,
        /// Resident memory in bytes, where that is known.
        memory: Option<u64>,
    },
    /// A record of a worker's log.
    Log {
        /// Whose.
        worker: WorkerId,
        /// The record.
        record: LogRecord,
    },
    /// Raw samples, as [`WorkerClient::report_samples`](crate::WorkerClient::report_samples) took them.
    Samples {
        /// Whose.
        worker: WorkerId,
        /// In the host program's own encoding.
        bytes: Bytes,
    },
    /// Records of a worker's log were dropped, as there were more than could be sent.
    LogsDropped {
        /// Whose.
        worker: WorkerId,
        /// How many.
        count: u64,
    },
    /// A script called `test.abort`; the host program orders [`Order::Abort`](crate::Order::Abort).
    ScriptAborted {
        /// Where.
        worker: WorkerId,
        /// What it said.
        message: String,
    },
    /// A script called `test.fail`: the run goes on and fails in the end.
    ScriptFailed {
        /// Where.
        worker: WorkerId,
    },
    /// All iterations of a worker are over, and everything it measured was told.
    Done {
        /// Which one.
        worker: WorkerId,
    },
    /// Every worker that is left is done: teardown is due.
    AllDone,
    /// A worker was lost.
    Lost(Loss),
    /// What a worker measured in so many iterations does not count: it had been given up, and others have run them again.
    Discarded {
        /// Which one.
        worker: WorkerId,
        /// How many.
        iterations: u64,
    },
    /// All is over, and of so many iterations that are counted nobody told anything. Comes before
    /// [`AllDone`](Self::AllDone).
    Unsettled {
        /// Of which scenario.
        scenario: ScenarioIndex,
        /// How many.
        count: u64,
        /// Of how many.
        total: u64,
    },
    /// Slots have moved: to those who go on, from whom was lost or has left, or to one that has come.
    Dealt {
        /// From when on, since the start of the run.
        at: Duration,
        /// How many workers own a part of the test then.
        workers: usize,
    },
    /// A worker that was given up is there again. What the others have taken over stays theirs until slots move again.
    Returned {
        /// Which one.
        worker: WorkerId,
    },
    /// A worker is there again after this controller went on with the run of another one.
    Reattached {
        /// Which one.
        worker: WorkerId,
    },
    /// Reports that a worker knows to be taken are not known to this controller: its machine failed before they were on its
    /// disk.
    ReportsMissing {
        /// Whose.
        worker: WorkerId,
        /// How many, each of about a second.
        reports: u64,
    },
    /// This controller itself did nothing for so long, while the test ran: its process was stopped, or its disk was slow. Workers
    /// start nothing after two seconds without an answer.
    HeldUp {
        /// For how long.
        absent: Duration,
    },
    /// The state of the run could not be written down, for this reason: no other controller can go on with it.
    NotKept(String),
    /// A worker went as it was asked to by its operator: it ended its iterations and reported everything.
    Left {
        /// Which one.
        worker: WorkerId,
        /// The share of the test that it had before it said that it leaves.
        share: f64,
    },
    /// Someone who wanted to join was turned away.
    Refused {
        /// Where it came from.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The run cannot go on; workers have been told to abort. The host program ends the run.
    Failed(String),
    /// All workers have gone after [`Order::End`](crate::Order::End), or did not within two seconds.
    Ended,
}
