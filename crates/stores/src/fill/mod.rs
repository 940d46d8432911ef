//! The fill itself: make records, send those that are not there, until the goal is met.
//!
//! One thread makes records in order and packs those that are missing into batches; some tasks send the batches side by
//! side. Because records come in order, the record that reaches a size is always the same one, whatever was there before
//! and however often the fill was interrupted.
//!
//! - Invariant: a record counts only once the server has acknowledged it, or has shown that it is there.
//! - Invariant: a batch that may have arrived is never sent again before the store was asked what is there.

/// Does something with the store of a plan's kind.
macro_rules! with_store {
    ($plan:expr, $store:ident => $done:expr) => {
        async {
            let failed = |error| crate::error::FillError::store("connect", error);
            match $plan.kind {
                crate::plan::Kind::MongoDb => {
                    let $store = crate::store::mongodb::MongoDb::new($plan).await.map_err(failed)?;
                    $done.await
                }
                crate::plan::Kind::MySql => {
                    let $store = crate::store::mysql::MySql::new($plan).map_err(failed)?;
                    $done.await
                }
                crate::plan::Kind::Postgres => {
                    let $store = crate::store::postgres::Postgres::new($plan).map_err(failed)?;
                    $done.await
                }
            }
        }
    };
}

mod backoff;
mod outcome;
mod producer;
mod progress;
mod sender;
pub mod team;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

pub use outcome::{Ended, Report};
pub use progress::{Notice, Snapshot, Stage};

use self::backoff::{Given, patiently};
use self::progress::Progress;
use self::team::Events;
use crate::error::FillError;
use crate::inventory::Inventory;
use crate::plan::{Begin, Plan};
use crate::store::{ServerSize, Store};

/// How many records are compared with what they should be before a fill goes on.
const SAMPLES: u64 = 16;

/// A fill under way.
#[derive(Debug)]
pub struct Fill {
    progress: Arc<Progress>,
    notices: Receiver<Notice>,
    stop: Stopper,
    thread: JoinHandle<Report>,
}

/// Asks a fill to stop.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// No more batches are begun; those under way are waited for.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Fill {
    /// Starts it, with threads of its own.
    pub fn start(plan: Plan) -> Result<Self, FillError> {
        Self::with(plan, None)
    }

    /// Leads it: records are made by members, who are told of by `events`.
    pub fn lead(plan: Plan, events: Events) -> Result<Self, FillError> {
        Self::with(plan, Some(events))
    }

    fn with(plan: Plan, events: Option<Events>) -> Result<Self, FillError> {
        let runtime = runtime()?;
        let (told, notices) = channel();
        let progress = Arc::new(Progress::new(told));
        let (stop, stopped) = watch::channel(false);
        let shared = progress.clone();
        let run = move || {
            let ended =
                runtime.block_on(with_store!(&plan, store => drive(store, &plan, &shared, events, stopped)));
            // Connections that hang are not waited for.
            runtime.shutdown_background();
            Report::new(ended, &shared)
        };
        let thread = std::thread::Builder::new()
            .name("fill".into())
            .spawn(run)
            .map_err(|error| FillError::Start(error.to_string()))?;
        Ok(Self { progress, notices, stop: Stopper(stop), thread })
    }

    /// How far it is.
    pub fn snapshot(&self) -> Snapshot {
        self.progress.snapshot()
    }

    /// What there is to tell since the last call.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.try_iter().collect()
    }

    /// The means to stop it.
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    pub fn wait(self) -> Report {
        match self.thread.join() {
            Ok(report) => report,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The threads that talk to databases.
fn runtime() -> Result<Runtime, FillError> {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_name("fill").enable_all().build();
    runtime.map_err(|error| FillError::Start(error.to_string()))
}

/// The whole of a fill; what the server says about its size in the end.
async fn drive<S: Store>(
    store: S,
    plan: &Plan,
    progress: &Arc<Progress>,
    events: Option<Events>,
    stopped: watch::Receiver<bool>,
) -> Result<Option<ServerSize>, Given> {
    let ask = |what: &'static str| (what, plan.patience, &**progress, stopped.clone());
    progress.enter(Stage::Connecting);
    if plan.begin == Begin::Drop {
        patiently(ask("drop what is there"), || store.remove()).await?;
    }
    patiently(ask("connect"), || store.prepare()).await?;

    progress.enter(Stage::Looking);
    let inventory = patiently(ask("look at what is there"), || Inventory::take(&store)).await?;
    is_ours(&store, plan, &inventory, ask("look at what is there")).await?;
    progress.present(inventory.present());
    if inventory.end > 0 {
        progress.tell(Notice::Resumes { records: inventory.present() });
    }

    match events {
        Some(mut events) => {
            team::lead(&store, plan, inventory, progress, &mut events, stopped.clone()).await?;
        }
        None => alone(&store, plan, inventory, progress, &stopped).await?,
    }

    for index in &plan.indexes {
        progress.enter(Stage::Indexing);
        progress.tell(Notice::Indexes { name: index.name() });
        let what = ("create an index", plan.patience, &**progress, stopped.clone());
        patiently(what, || store.create_index(index)).await?;
    }
    progress.enter(Stage::Measuring);
    patiently(ask("ask for the size"), || store.finish()).await
}

/// Makes and sends all of it in this process.
async fn alone<S: Store>(
    store: &S,
    plan: &Plan,
    inventory: Inventory,
    progress: &Arc<Progress>,
    stopped: &watch::Receiver<bool>,
) -> Result<(), Given> {
    let (deal, jobs) = mpsc::channel(plan.parallel.get());
    let jobs = Arc::new(tokio::sync::Mutex::new(jobs));
    let (fail, failed) = watch::channel(false);
    let producer = {
        let (store, plan, progress) = (store.clone(), plan.clone(), progress.clone());
        let (stopped, failed) = (stopped.clone(), failed.clone());
        std::thread::Builder::new()
            .name("records".into())
            .spawn(move || producer::produce(&store, &plan, &inventory, &progress, &deal, (stopped, failed)))
            .map_err(|error| FillError::Start(error.to_string()))?
    };
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..plan.parallel.get() {
        let (store, progress, jobs) = (store.clone(), progress.clone(), jobs.clone());
        let (stopped, fail, patience) = (stopped.clone(), fail.clone(), plan.patience);
        senders.spawn(async move {
            let done = sender::send_all(&store, &jobs, &progress, patience, stopped).await;
            if done.is_err() {
                fail.send_replace(true);
            }
            done
        });
    }
    let mut first = Ok(());
    while let Some(done) = senders.join_next().await {
        let done = done.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Ok(()),
        });
        // What failed first says why; that others were stopped then is no news.
        if first.is_ok() || matches!((&first, &done), (Err(Given::Stopped), Err(Given::Failed(_)))) {
            first = done;
        }
    }
    drop(jobs);
    let produced = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    first?;
    produced
}

/// Whether the records with our keys are those that we make; one of the samples is enough, as an application may have
/// changed others since.
async fn is_ours<S: Store>(
    store: &S,
    plan: &Plan,
    inventory: &Inventory,
    ask: backoff::Ask<'_>,
) -> Result<(), Given> {
    let samples = inventory.samples(SAMPLES);
    for &sequence in &samples {
        let record = plan.template.record(sequence);
        if patiently(ask.clone(), || store.holds(&record)).await? {
            return Ok(());
        }
    }
    if samples.is_empty() {
        return Ok(());
    }
    Err(FillError::Foreign { collection: plan.collection.clone() }.into())
}
