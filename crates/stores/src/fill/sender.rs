//! Sending batches, whatever happens on the way.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};

use super::backoff::{Backoff, Given, in_time};
use super::progress::Progress;
use crate::error::{FillError, StoreError, Trouble};
use crate::store::{Encoded, Store};

/// A batch of records.
pub(super) type Job<R> = Vec<Encoded<R>>;

/// Sends batches until there are no more.
pub(super) async fn send_all<S: Store>(
    store: &S,
    jobs: &Mutex<mpsc::Receiver<Job<S::Row>>>,
    progress: &Progress,
    patience: Duration,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Given> {
    loop {
        if *stopped.borrow() {
            return Err(Given::Stopped);
        }
        let job = jobs.lock().await.recv().await;
        let Some(job) = job else { return Ok(()) };
        send(store, job, progress, patience, &mut stopped, Known::Unsent).await?;
    }
}

/// What is known about a batch before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// None of it has been sent.
    Unsent,
    /// Somebody else may have sent some of it.
    Doubtful,
}

/// What is known about a batch.
enum State {
    /// None of what is left has been sent, or the server said that it did not take it.
    Unsent,
    /// Some of it may be there.
    Uncertain(StoreError),
}

/// Brings one batch into the database: in the end each of its records is there once. Says how many were found to have arrived
/// before.
pub(super) async fn send<S: Store>(
    store: &S,
    mut rows: Job<S::Row>,
    progress: &Progress,
    patience: Duration,
    stopped: &mut watch::Receiver<bool>,
    known: Known,
) -> Result<u64, Given> {
    let mut backoff = Backoff::new(patience);
    let mut recovered = 0;
    let mut state = match known {
        Known::Unsent => State::Unsent,
        Known::Doubtful => State::Uncertain(StoreError::new(Trouble::Unreachable, "its sender was lost")),
    };
    while !rows.is_empty() {
        let answer = match &state {
            State::Unsent => in_time(store.insert(&rows)).await.map(|()| {
                progress.inserted(&rows);
                rows.clear();
            }),
            State::Uncertain(_) => in_time(there(store, &rows)).await.and_then(|there| {
                without(&mut rows, &there, &mut state, progress).map(|found| recovered += found)
            }),
        };
        match answer {
            Ok(()) => {
                progress.back();
                // Patience is for one loss; the next one gets all of it again.
                backoff = Backoff::new(patience);
            }
            Err(error) if error.kind == Trouble::Unreachable => {
                backoff.wait("insert", error.clone(), progress, stopped).await?;
                if matches!(state, State::Unsent) {
                    state = State::Uncertain(error);
                }
            }
            Err(error) if error.kind == Trouble::Duplicate && matches!(state, State::Unsent) => {
                state = State::Uncertain(error);
            }
            Err(error) if error.kind == Trouble::Duplicate => {
                return Err(FillError::Unique { message: error.message }.into());
            }
            Err(error) => return Err(FillError::store("insert", error).into()),
        }
    }
    Ok(recovered)
}

/// Which of the rows are there.
async fn there<S: Store>(store: &S, rows: &[Encoded<S::Row>]) -> Result<HashSet<u64>, StoreError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(HashSet::new()) };
    Ok(store.list(first.sequence..last.sequence + 1).await?.into_iter().collect())
}

/// Takes those that are there out of the rows, and says how many. If the server saw a duplicate and none of ours is there, it was not for
/// our key.
fn without<R>(
    rows: &mut Job<R>,
    there: &HashSet<u64>,
    state: &mut State,
    progress: &Progress,
) -> Result<u64, StoreError> {
    let (found, absent): (Vec<_>, Vec<_>) =
        std::mem::take(rows).into_iter().partition(|row| there.contains(&row.sequence));
    *rows = absent;
    progress.found(&found);
    match state {
        State::Uncertain(error) if error.kind == Trouble::Duplicate && found.is_empty() => Err(error.clone()),
        _ => {
            *state = State::Unsent;
            Ok(found.len() as u64)
        }
    }
}
