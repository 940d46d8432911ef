//! Making records in order, and dealing those that are missing.

use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::backoff::Given;
use super::progress::{Progress, Stage};
use super::sender::Job;
use crate::inventory::Inventory;
use crate::plan::{Goal, Plan};
use crate::store::Store;

/// A batch is sent once it has so many bytes, whatever its number of records: below every server's limit for one message,
/// and bounded memory however large the records are.
pub(super) const BATCH_BYTES: u64 = 8 << 20;

/// Makes records until the goal is met, or until somebody does not want more of them.
pub(super) fn produce<S: Store>(
    store: &S,
    plan: &Plan,
    inventory: &Inventory,
    progress: &Progress,
    deal: &mpsc::Sender<Job<S::Row>>,
    (stopped, failed): (watch::Receiver<bool>, watch::Receiver<bool>),
) -> Result<(), Given> {
    let mut holes = inventory.missing.iter().cloned().peekable();
    let (mut bytes, mut batch, mut batch_bytes) = (0u64, Job::with_capacity(plan.batch.get()), 0);
    let mut began: Option<Instant> = None;
    progress.enter(if inventory.end > 0 { Stage::Recounting } else { Stage::Filling });
    for sequence in 0u64.. {
        let is_met = match plan.goal {
            Goal::Bytes(size) => bytes >= size.0,
            Goal::Records(records) => sequence >= records,
            Goal::Time(time) => began.is_some_and(|began| began.elapsed() >= time),
        };
        if is_met {
            break;
        }
        if *failed.borrow() || *stopped.borrow() {
            return Err(Given::Stopped);
        }
        let record = store.encode(plan.template.record(sequence));
        store.fits(&record)?;
        bytes += record.bytes;
        while holes.next_if(|hole| hole.end <= sequence).is_some() {}
        if sequence < inventory.end && !holes.peek().is_some_and(|hole| hole.contains(&sequence)) {
            progress.there(record.bytes);
            continue;
        }
        began.get_or_insert_with(|| {
            progress.enter(Stage::Filling);
            Instant::now()
        });
        batch_bytes += record.bytes;
        batch.push(record);
        if batch.len() >= plan.batch.get() || batch_bytes >= BATCH_BYTES {
            let full = std::mem::replace(&mut batch, Job::with_capacity(plan.batch.get()));
            batch_bytes = 0;
            // Nobody takes batches any more once a sender has failed.
            if deal.blocking_send(full).is_err() {
                return Err(Given::Stopped);
            }
        }
    }
    if !batch.is_empty() && deal.blocking_send(batch).is_err() {
        return Err(Given::Stopped);
    }
    Ok(())
}
