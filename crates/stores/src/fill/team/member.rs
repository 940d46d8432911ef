//! A member of a fill: makes the records of the shares that it is given.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use tokio::sync::{Mutex, mpsc, watch};

use super::{Answer, Made, Order, Orders, Share, mark};
use crate::error::FillError;
use crate::fill::backoff::{Given, patiently};
use crate::fill::producer::BATCH_BYTES;
use crate::fill::progress::{Notice, Progress};
use crate::fill::sender::{Known, send};
use crate::plan::Plan;
use crate::store::{Encoded, Store};

/// Where answers go.
type Say = Arc<dyn Fn(Answer) + Send + Sync>;

/// Makes what is asked for until there are no more orders, or an order to stop. What fails is also answered, as the leader
/// decides for all; only [`FillError::Start`] is not.
pub fn serve(
    plan: &Plan,
    orders: Orders,
    say: impl Fn(Answer) + Send + Sync + 'static,
) -> Result<(), FillError> {
    let runtime = crate::fill::runtime()?;
    let say: Say = Arc::new(say);
    let (told, notices) = channel();
    let progress = Arc::new(Progress::new(told));
    let teller = {
        let say = say.clone();
        std::thread::Builder::new()
            .name("notices".into())
            .spawn(move || tell(&notices, &say))
            .map_err(|error| FillError::Start(error.to_string()))?
    };
    say(Answer::Ready(mark(plan)));
    let done = runtime.block_on(with_store!(plan, store => work(store, plan, &progress, orders, &say)));
    // Connections that hang are not waited for.
    runtime.shutdown_background();
    let done = match done {
        Err(Given::Failed(error)) => {
            say(Answer::Failed { kind: error.trouble(), message: error.to_string() });
            Err(error)
        }
        Ok(()) | Err(Given::Stopped) => Ok(()),
    };
    drop(progress);
    let _ = teller.join();
    done
}

fn tell(notices: &Receiver<Notice>, say: &Say) {
    for notice in notices {
        match notice {
            Notice::Lost { message, .. } => say(Answer::Away(message)),
            Notice::Back => say(Answer::Back),
            // The leader's own.
            Notice::Resumes { .. }
            | Notice::Indexes { .. }
            | Notice::MemberLost { .. }
            | Notice::MemberDiffers { .. } => {}
        }
    }
}

pub(super) async fn work<S: Store>(
    store: S,
    plan: &Plan,
    progress: &Arc<Progress>,
    Orders(mut orders): Orders,
    say: &Say,
) -> Result<(), Given> {
    let (stop, stopped) = watch::channel(false);
    // The leader may still be dropping the table: nothing is done before it gives the first share.
    let first = loop {
        match orders.recv().await {
            Some(Order::Make(share)) => break share,
            Some(Order::Stay) => {}
            Some(Order::Differs) => return Err(FillError::Differs.into()),
            Some(Order::Stop) | None => return Ok(()),
        }
    };
    patiently(("connect", plan.patience, &**progress, stopped.clone()), || store.prepare()).await?;
    let (deal, shares) = mpsc::unbounded_channel();
    let _ = deal.send(first);
    let shares = Arc::new(Mutex::new(shares));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..plan.parallel.get() {
        let (store, plan, progress) = (store.clone(), plan.clone(), progress.clone());
        let (shares, stopped, say) = (shares.clone(), stopped.clone(), say.clone());
        tasks.spawn(async move {
            loop {
                let share = shares.lock().await.recv().await;
                let Some(share) = share else { return Ok(()) };
                if *stopped.borrow() {
                    return Err(Given::Stopped);
                }
                let made = make(&store, &plan, &progress, share, stopped.clone()).await?;
                say(Answer::Made(made));
            }
        });
    }
    let mut deal = Some(deal);
    let mut first = Ok(());
    loop {
        tokio::select! {
            order = orders.recv(), if deal.is_some() => match (order, &deal) {
                (Some(Order::Make(share)), Some(deal)) => { let _ = deal.send(share); }
                (Some(Order::Stay), _) => {}
                _ => {
                    stop.send_replace(true);
                    deal = None;
                }
            },
            done = tasks.join_next() => {
                let Some(done) = done else { return first };
                let done = done.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Ok(()),
                });
                if let Err(Given::Failed(_)) = done && first.is_ok() {
                    first = done;
                    stop.send_replace(true);
                    deal = None;
                }
            }
        }
    }
}

/// Brings one share into the database.
async fn make<S: Store>(
    store: &S,
    plan: &Plan,
    progress: &Progress,
    share: Share,
    mut stopped: watch::Receiver<bool>,
) -> Result<Made, Given> {
    let known = if share.is_doubtful { Known::Doubtful } else { Known::Unsent };
    let mut made = Made { id: share.id, ..Made::default() };
    let mut next = share.records.start;
    while next < share.records.end {
        let rows = rows(store, plan, &share.missing, &mut next, share.records.end, &mut made)?;
        if !rows.is_empty() {
            made.recovered += send(store, rows, progress, plan.patience, &mut stopped, known).await?;
        }
    }
    Ok(made)
}

/// As many of the missing records from `next` on as fit into one batch; those that are there are only counted.
fn rows<S: Store>(
    store: &S,
    plan: &Plan,
    missing: &[Range<u64>],
    next: &mut u64,
    end: u64,
    made: &mut Made,
) -> Result<Vec<Encoded<S::Row>>, FillError> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while *next < end && rows.len() < plan.batch.get() && bytes < BATCH_BYTES {
        let record = store.encode(plan.template.record(*next));
        store.fits(&record)?;
        if missing.iter().any(|hole| hole.contains(next)) {
            made.inserted.add(record.bytes);
            bytes += record.bytes;
            rows.push(record);
        } else {
            made.there.add(record.bytes);
        }
        *next += 1;
    }
    Ok(rows)
}
