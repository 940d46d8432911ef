//! Who runs the iterations: the conductor's one view of them.
//!
//! The conductor (setup, thresholds, progress, teardown, summary, exit code) does not know whether its crew is the
//! threads of this process or the workers of a controller. Both tell it the same things in the same order.

mod account;
mod children;
mod local;
mod remote;
mod together;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use throng_cluster::Steering;
use throng_engine::{Counts, Progress, Time};
use throng_metrics::Delta;
use throng_server::Worker;

use crate::exit::Exit;

pub(super) use children::Children;
pub(super) use local::Local;
pub(super) use remote::{Moves, Remote, RemoteConfig};

/// What a crew tells.
#[derive(Debug)]
pub(super) enum CrewEvent {
    /// So many more planned virtual users are initialised.
    VusReady(u64),
    /// All of them are: the run phase may begin.
    Ready,
    /// The script could not be initialised somewhere.
    InitFailed(String),
    /// Samples of about a second.
    Delta(Delta),
    /// All that was measured before this process went on with the run.
    Earlier(Delta),
    /// Samples that could not be told in time: from when until when they are, since the start of the scenarios.
    Late(Delta, (Duration, Duration)),
    /// The same, and what became of iterations that a controller dealt out to this worker.
    Counted(Delta, Counts),
    /// How late an event loop was within a second, at worst.
    Lag(Duration),
    /// A script of another process called `exec.test.abort()`, with this message.
    ScriptAborted(String),
    /// A script of another process called `exec.test.fail()`.
    ScriptFailed,
    /// The crew cannot go on, and ends by itself.
    Failed(String),
    /// Nothing is left to run; all samples have been told before.
    Done,
}

/// What a crew has to say about itself in the end.
#[derive(Debug, Default)]
pub(super) struct CrewReport {
    /// How many workers took part; 0 for the threads of this process.
    pub(super) workers: usize,
    /// A sentence for each that did not stay to the end.
    pub(super) losses: Vec<String>,
    /// Raw samples of workers that found no room on their way to an output.
    pub(super) raw_dropped: u64,
}

/// A run that another process began, and that this one goes on with.
#[derive(Debug)]
pub(super) struct Earlier {
    /// When the run phase began; nothing if its start had not been ordered.
    pub(super) began: Option<Instant>,
    /// When iterations began; nothing if that is not settled yet.
    pub(super) starting: Option<Instant>,
    /// What `setup` returned.
    pub(super) setup_data: Option<Arc<str>>,
    /// What was noted.
    pub(super) notes: BTreeMap<String, String>,
}

/// The crew is gone although it was not done.
#[derive(Debug)]
pub(super) struct CrewGone;

/// Ends a run at once, from any thread.
pub(super) type Stopper = Arc<dyn Fn() + Send + Sync>;

/// Who runs the iterations.
pub(super) trait Crew {
    /// What happened next; nothing if that takes longer than `patience`.
    fn next(&mut self, patience: Duration) -> Result<Option<CrewEvent>, CrewGone>;
    /// How all of it is doing; `now` counts from the start of the scenarios.
    fn progress(&self, now: Time) -> Progress;
    /// Has the scenarios started everywhere at one moment. The run phase, `setup` included, began at `began`.
    fn start(&mut self, began: Instant, setup_data: Option<Arc<str>>);
    /// That moment; nothing while workers have to come first.
    fn started(&self) -> Option<Instant>;
    /// Sets externally controlled scenarios, which have started.
    fn steer(&mut self, steering: Steering);
    /// How to interrupt all iterations. What stops a crew that has not started has no effect.
    fn stopper(&self) -> Stopper;
    /// The share of the processors it has used since it was made, from 0 to 1; where there are several machines, the
    /// busiest one's.
    fn processor_share(&self) -> Option<f64>;
    /// The workers, where there are any.
    fn workers(&self) -> Vec<Worker> {
        Vec::new()
    }
    /// What is known of the run where another process began it; once.
    fn take_earlier(&mut self) -> Option<Earlier> {
        None
    }
    /// Writes down a note for a process that goes on with the run; a name has one value.
    fn note(&self, _name: &'static str, _value: &str) {}
    /// Writes down what was measured outside the crew, for the same.
    fn measured(&self, _delta: &Delta) {}
    /// All is said and done, with this exit code.
    fn ended(&self, _exit: Exit) {}
    /// The run is over: nothing more is asked of the crew.
    fn dismiss(&mut self) -> CrewReport;
}
