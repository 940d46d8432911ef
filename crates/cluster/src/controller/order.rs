//! What the host program has its workers do.

use std::sync::Arc;
use std::time::Duration;

use super::CountedWork;
use crate::bundle::Bundle;
use crate::steering::Steering;

/// What the host program has its workers do. Orders come in this order; each reaches every worker once, whatever happens
/// to connections, or the worker is reported lost.
#[derive(Debug, Clone)]
pub enum Order {
    /// These scenarios have iterations that are counted; they are dealt out while the test runs. Before
    /// [`Prepare`](Self::Prepare), if at all.
    Count(Vec<CountedWork>),
    /// Deal the slots and have all workers load the test and initialise their virtual users. Possible once
    /// [`Happening::AllJoined`](crate::Happening::AllJoined) was told.
    Prepare(Arc<Bundle>),
    /// Start everywhere at one moment, told as [`Happening::Starting`](crate::Happening::Starting). Possible once
    /// [`Happening::Ready`](crate::Happening::Ready) was told.
    Start {
        /// What `setup` returned, as JSON.
        setup_data: Option<Arc<str>>,
        /// How long the run phase has lasted by now, `setup` included.
        elapsed: Duration,
    },
    /// End iterations early; workers still report what they measured, and that they are done. Possible at any time.
    Abort {
        /// Why, for the workers' own logs.
        reason: String,
    },
    /// How externally controlled scenarios are set from now on; also those of workers that join later. Possible at any time.
    Steer(Steering),
    /// The run is over: workers may go. Answered by [`Happening::Ended`](crate::Happening::Ended).
    End,
}
