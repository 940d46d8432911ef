//! Leading a fill: dealing shares to members, and counting what they answer for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::dealer::{Dealer, Next};
use super::{Answer, Event, Events, Order, mark};
use crate::error::FillError;
use crate::fill::backoff::Given;
use crate::fill::producer::BATCH_BYTES;
use crate::fill::progress::{Notice, Progress, Stage};
use crate::inventory::Inventory;
use crate::plan::Plan;
use crate::store::Store;

/// Records that are made to learn how large they are.
const MEASURED: u64 = 32;

/// Somebody who makes records.
#[derive(Debug)]
struct Member {
    orders: mpsc::UnboundedSender<Order>,
    /// It has said that it makes the same records.
    is_ready: bool,
    /// The numbers of its shares.
    shares: BTreeSet<u64>,
}

/// Deals until the goal is met; whoever joins gets some.
pub(in crate::fill) async fn lead<S: Store>(
    store: &S,
    plan: &Plan,
    inventory: Inventory,
    progress: &Progress,
    events: &mut Events,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Given> {
    let size_of = |sequence| store.encode(plan.template.record(sequence)).bytes;
    let mean = (0..MEASURED).map(size_of).sum::<u64>() as f64 / MEASURED as f64;
    let length = (plan.batch.get() as u64).min((BATCH_BYTES as f64 / mean.max(1.0)) as u64);
    progress.enter(if inventory.end > 0 { Stage::Recounting } else { Stage::Filling });
    let mut dealer = Dealer::new(plan.goal, inventory, length, mean);
    let mut members: BTreeMap<usize, Member> = BTreeMap::new();
    let mut began: Option<Instant> = None;
    let mut ended: Option<Given> = None;
    loop {
        let mut is_met = false;
        // Who has least comes first; one share more than it can send waits at each.
        while ended.is_none() {
            let free = members.values_mut().filter(|member| member.is_ready);
            let Some(member) = free.min_by_key(|member| member.shares.len()) else { break };
            if member.shares.len() > plan.parallel.get() {
                break;
            }
            match dealer.next(began.map_or(Duration::ZERO, |began| began.elapsed()), size_of) {
                Next::Deal(share) => {
                    if !share.missing.is_empty() {
                        began.get_or_insert_with(|| {
                            progress.enter(Stage::Filling);
                            Instant::now()
                        });
                    }
                    member.shares.insert(share.id);
                    // One that cannot be told is about to be reported as gone, with this share.
                    let _ = member.orders.send(Order::Make(share));
                }
                Next::Wait => break,
                Next::Met => {
                    is_met = true;
                    break;
                }
            }
        }
        if is_met {
            stop(&members);
            return Ok(());
        }
        // Others could still join, and would find nothing to do.
        if members.is_empty()
            && let Some(ended) = ended.take()
        {
            return Err(ended);
        }
        events.useful.store(members.values().filter(|member| member.is_ready).count(), Ordering::Release);
        let event = tokio::select! {
            event = events.told.recv() => event,
            _ = stopped.wait_for(|stopped| *stopped), if ended.is_none() => {
                stop(&members);
                ended = Some(Given::Stopped);
                continue;
            }
        };
        match event {
            Some(Event::Joined(member, orders)) => {
                if ended.is_some() {
                    let _ = orders.send(Order::Stop);
                }
                members.insert(member, Member { orders, is_ready: false, shares: BTreeSet::new() });
            }
            Some(Event::Said(member, Answer::Ready(theirs))) if theirs != mark(plan) => {
                // Only this one is of no use; as it was given nothing, nothing is lost with it.
                let Some(other) = members.remove(&member) else { continue };
                let _ = other.orders.send(Order::Differs);
                progress.tell(Notice::MemberDiffers { member });
            }
            Some(Event::Said(member, answer)) => {
                let Some(speaker) = members.get_mut(&member) else { continue };
                if let Err(error) = hear(speaker, answer, member, plan, &mut dealer, progress) {
                    // What failed says why; that others were stopped then is no news.
                    if !matches!(ended, Some(Given::Failed(_))) {
                        stop(&members);
                        ended = Some(error.into());
                    }
                }
            }
            Some(Event::Gone(member, reason)) => {
                let Some(gone) = members.remove(&member) else { continue };
                for share in &gone.shares {
                    dealer.take_back(*share);
                }
                if ended.is_none() {
                    progress.tell(Notice::MemberLost { member, reason, left: members.len() });
                }
            }
            // Nobody is left, and nobody can come.
            None => return Err(ended.unwrap_or(Given::Failed(FillError::Alone))),
        }
    }
}

fn hear(
    speaker: &mut Member,
    answer: Answer,
    member: usize,
    plan: &Plan,
    dealer: &mut Dealer,
    progress: &Progress,
) -> Result<(), FillError> {
    match answer {
        Answer::Ready(_) => speaker.is_ready = true,
        Answer::Alive => {}
        Answer::Made(made) => {
            speaker.shares.remove(&made.id);
            if dealer.made(&made) {
                progress.made(&made);
            }
        }
        Answer::Away(message) => progress.lost(|| Notice::Lost { message, patience: plan.patience }),
        Answer::Back => progress.back(),
        Answer::Failed { kind, message } => return Err(FillError::Member { member, kind, message }),
    }
    Ok(())
}

fn stop(members: &BTreeMap<usize, Member>) {
    for member in members.values() {
        // Who is gone needs no order.
        let _ = member.orders.send(Order::Stop);
    }
}
