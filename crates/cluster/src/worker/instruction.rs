//! What a worker is told to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use throng_engine::{Indices, ScenarioIndex};
use throng_plan::Slots;

use crate::bundle::Bundle;
use crate::ids::{RunId, WorkerId};
use crate::steering::Steering;

/// Why a worker is on its own for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disconnect {
    /// The controller does not want this worker, or the worker does not trust the controller.
    #[error("cannot join {controller}: {reason}")]
    Refused {
        /// The controller's address.
        controller: String,
        /// What one said to the other.
        reason: String,
    },
    /// The worker came when the run was over already.
    #[error("came too late to {controller}: the run is over")]
    Over {
        /// The controller's address.
        controller: String,
    },
    /// The controller could not be reached, or not any more.
    #[error("cannot reach the controller at {controller}: {reason}")]
    Unreachable {
        /// The controller's address.
        controller: String,
        /// What failed last.
        reason: String,
    },
}

/// What a worker is told to do, each once and in this order.
#[derive(Debug, Clone)]
pub enum Instruction {
    /// Load the test and initialise virtual users; answer with [`Report::VusReady`](crate::Report::VusReady) and
    /// [`Report::Initialised`](crate::Report::Initialised) or [`Report::InitFailed`](crate::Report::InitFailed).
    Prepare {
        /// The run.
        run: RunId,
        /// The number of this worker in the run.
        worker: WorkerId,
        /// How many workers the run begins with: the divisor of limits that hold for the whole test (`rps`).
        workers: u32,
        /// The part of the test that is this worker's.
        slots: Slots,
        /// The test; its checksums were verified.
        bundle: Arc<Bundle>,
    },
    /// Run iterations, from this moment on; as long as the [`Lease`](crate::Lease) is valid.
    Start {
        /// The moment, on this machine's clock.
        at: Instant,
        /// When the run phase began, `setup` included, on this machine's clock.
        began: Instant,
        /// What `setup` returned, as JSON.
        setup_data: Option<Arc<str>>,
        /// By how many nanoseconds this machine's wall clock is ahead of the controller's; zero where that is less than what
        /// can be told.
        ahead: i64,
    },
    /// Another part of the test is this worker's, while it runs or before it does; answer with [`WorkerClient::dealt`] as soon
    /// as it is certain that nothing starts by the earlier map from that moment on.
    ///
    /// [`WorkerClient::dealt`]: crate::WorkerClient::dealt
    Deal {
        /// The part, with the version of the map.
        slots: Slots,
        /// From when on, since the start. All workers have the same number.
        since_start: Duration,
        /// How many workers own a part then: the divisor of limits that hold for the whole test.
        workers: u32,
        /// What of the part was another worker's until then that may still run what it had begun: see [`Still`](Self::Still).
        coming: Slots,
    },
    /// Whoever gave something for the map of this version, or one before it, runs nothing of it any more.
    Still(u64),
    /// What changes in the iterations that are counted and this worker's: first what it had may be void, then there are
    /// more, then some are to be given back.
    Count {
        /// How often this worker was given up.
        epoch: u32,
        /// What it had before is others': it is to be forgotten, also what runs.
        void: bool,
        /// More to run.
        grants: Vec<(ScenarioIndex, Indices)>,
        /// So many that are not started are to be returned.
        recalls: Vec<(ScenarioIndex, u64)>,
        /// All iterations of these are over, wherever they ran.
        closed: Vec<ScenarioIndex>,
    },
    /// The controller has died. Iterations go on until this moment at most, while the worker tries to reach the one that
    /// goes on with the run.
    Orphaned {
        /// The moment; the [`Lease`](crate::Lease) ends then.
        until: Instant,
    },
    /// There is no connection to the controller for a reason that looks like a mistake; it is tried again. The same reason is
    /// told once.
    Doubtful {
        /// The controller's address.
        controller: String,
        /// Why there is none.
        reason: String,
    },
    /// Set externally controlled scenarios so, now or once they run.
    Steer(Steering),
    /// End iterations early, then report the last delta and [`Report::Done`](crate::Report::Done).
    Abort {
        /// Why.
        reason: String,
    },
    /// The run is over: the process may exit.
    End,
    /// There is no controller any more; nothing follows. Iterations have to be ended.
    Disconnected(Disconnect),
}
