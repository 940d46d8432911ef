//! What a worker reports.

use std::time::Duration;

use throng_engine::{Counts, Progress, ScenarioIndex};
use throng_metrics::Delta;

use crate::log::LogRecord;

/// What a worker reports. Everything but [`VusReady`](Self::VusReady), [`Progress`](Self::Progress),
/// [`Lag`](Self::Lag) and [`Usage`](Self::Usage), of which the newest or worst is enough, reaches the controller exactly
/// once, also across connections; what cannot be sent yet is folded, so it needs bounded memory.
#[derive(Debug)]
pub enum Report {
    /// How many virtual users are initialised by now, in total.
    VusReady(u64),
    /// All are.
    Initialised,
    /// The test could not be loaded or a virtual user not be initialised; nothing but logs follows.
    InitFailed(String),
    /// What was measured since the last delta.
    Delta(Delta),
    /// The same, with what became of iterations that are counted: both count or neither does.
    Counted(Delta, Counts),
    /// There will soon be nothing to start in these scenarios, or their time is over; to be said again while that is so.
    Wants(Vec<Want>),
    /// How far this worker's part of the run is.
    Progress(Progress),
    /// By how much an event loop was late, at worst, since the last such report.
    Lag(Duration),
    /// What the process uses.
    Usage {
        /// The share of the threads' processors that was used since the last such report, from 0 to 1.
        cpu: f64,
        /// Resident memory in bytes, where that is known.
        memory: Option<u64>,
    },
    /// A record of the log.
    Log(LogRecord),
    /// The script called `test.abort` with this message.
    ScriptAborted(String),
    /// The script called `test.fail`.
    ScriptFailed,
    /// The operator wants this worker gone (SIGTERM). It goes on until it is told that nothing is its own any more
    /// ([`Instruction::Deal`](crate::Instruction::Deal)), or for as long as it likes; [`Done`](Self::Done) follows.
    Leaving,
    /// All iterations are over, and the last delta was reported before.
    Done,
}

/// What a worker will want of one scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Which one.
    pub scenario: ScenarioIndex,
    /// How many it has not started.
    pub left: u64,
    /// How many more it would start within a second.
    pub wanted: u64,
    /// The scenario's time is over: it would drop whatever nobody has.
    pub rest: bool,
}
