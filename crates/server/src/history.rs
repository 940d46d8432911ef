//! Past runs: where they are, and that this one becomes one of them when it is over.
//!
//! Writing is for a thread that may wait: pages go on being told meanwhile.

use std::sync::Arc;

use throng_history::{NewRun, RunId, Store};

use crate::model::{HistoryKind, Model, RunState};

/// Where past runs are.
#[derive(Clone, Debug)]
pub struct History {
    /// The runs.
    pub store: Arc<Store>,
    /// As what this run is to be kept; none where nothing runs.
    pub keeps: Option<Keeps>,
}

/// How a run is kept.
#[derive(Clone, Debug)]
pub struct Keeps {
    /// What people call it.
    pub name: String,
    /// Of the script.
    pub checksum: String,
    /// How many runs stay, beside baselines; all if none is given.
    pub at_most: Option<u32>,
}

/// What the routes know of past runs.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    pub(crate) store: Arc<Store>,
    keeps: bool,
}

impl Beside {
    pub(crate) fn new(history: &History) -> Self {
        Self { store: history.store.clone(), keeps: history.keeps.is_some() }
    }

    pub(crate) fn kind(&self) -> HistoryKind {
        if self.keeps { HistoryKind::Beside } else { HistoryKind::Only }
    }
}

/// Keeps runs as they end.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Arc<Store>,
    keeps: Keeps,
    kept: Option<Kept>,
    /// What went wrong since it was last asked.
    error: Option<String>,
}

/// The run that was kept last.
#[derive(Debug)]
struct Kept {
    seen: Seen,
    id: Option<RunId>,
}

/// What tells whether it is the same run, and whether more is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    run: u64,
    started_at: Option<u64>,
    ended_at: Option<u64>,
    count: u64,
    fails: u64,
}

impl Keeper {
    /// Nothing, where nothing runs.
    pub(crate) fn new(history: History) -> Option<Self> {
        Some(Self { store: history.store, keeps: history.keeps?, kept: None, error: None })
    }

    /// The snapshot to keep, if the run is over and that was not kept yet.
    pub(crate) fn wants(&mut self, model: &Model) -> Option<String> {
        let now = model.now();
        if now.state != RunState::Stopped || now.started_at.is_none() {
            return None;
        }
        let totals = model.totals();
        let seen = Seen {
            run: now.run,
            started_at: now.started_at,
            ended_at: now.ended_at,
            count: totals.count,
            fails: totals.fails,
        };
        match &mut self.kept {
            Some(kept) if kept.seen == seen => return None,
            // Statistics that were reset after the end are not what is to be kept.
            Some(kept) if same_run(kept.seen, seen) && seen.count < kept.seen.count => return None,
            Some(kept) if same_run(kept.seen, seen) => kept.seen = seen,
            other => *other = Some(Kept { seen, id: None }),
        }
        Some(model.whole(now.ended_at.unwrap_or(now.now)))
    }

    /// Writes it.
    pub(crate) async fn keep(&mut self, snapshot: String) {
        let Some(kept) = &mut self.kept else { return };
        let (store, known) = (self.store.clone(), kept.id);
        let new = NewRun { name: self.keeps.name.clone(), checksum: self.keeps.checksum.clone() };
        let at_most = self.keeps.at_most;
        let written = tokio::task::spawn_blocking(move || match known {
            Some(id) => store.replace(id, &new, &snapshot).map(|()| id),
            None => store.add(&new, &snapshot, at_most),
        });
        match written.await {
            Ok(Ok(id)) => kept.id = Some(id),
            Ok(Err(error)) => self.error = Some(error.to_string()),
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    /// Notes the exit code; what went wrong until now.
    pub(crate) async fn conclude(&mut self, exit_code: Option<i32>) -> Result<(), String> {
        if let (Some(Kept { id: Some(id), .. }), Some(code)) = (&self.kept, exit_code) {
            let (store, id) = (self.store.clone(), *id);
            match tokio::task::spawn_blocking(move || store.conclude(id, code)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.error = Some(error.to_string()),
                Err(error) => self.error = Some(error.to_string()),
            }
        }
        self.error.take().map_or(Ok(()), Err)
    }
}

fn same_run(one: Seen, other: Seen) -> bool {
    (one.run, one.started_at) == (other.run, other.started_at)
}
