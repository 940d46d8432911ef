//! What the controller orders, carried out once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use throng_engine::ScenarioIndex;
use throng_plan::Slots;

use super::{Action, Link, Machine};
use crate::bundle::Bundle;
use crate::lane::Arrival;
use crate::moment::Moment;
use crate::protocol::{Command, Count, Milestone, Task, decode};
use crate::worker::Instruction;

impl Machine {
    pub(super) fn commanded(&mut self, now: Moment, command: Command, actions: &mut Vec<Action>) {
        match self.commands.arrive(command.number) {
            Arrival::Next => {}
            Arrival::Again => return,
            Arrival::Gap => return self.refuse("a command of it was lost, which cannot happen", actions),
        }
        match command.task {
            Some(Task::Prepare(prepare)) => {
                let Some((run, worker)) = self.run else { return };
                let Some(bundle) = self.bundle.take() else {
                    return self.refuse("it sent no test to prepare", actions);
                };
                self.seat = prepare.seat;
                match Bundle::try_from(bundle) {
                    Ok(bundle) => actions.push(Action::Instruct(Instruction::Prepare {
                        run,
                        worker,
                        workers: prepare.workers,
                        slots: Slots::dealt(prepare.version, prepare.seat, prepare.owners),
                        bundle: Arc::new(bundle),
                    })),
                    Err(error) => {
                        self.pending.milestone(Milestone::InitFailed(error.to_string()));
                        self.send_batch(actions);
                    }
                }
            }
            Some(Task::Start(start)) => {
                self.running = true;
                self.start = Moment::from_nanos(start.at);
                let local = |nanos| self.clock.to_local(Moment::from_nanos(nanos));
                let (at, began) = (local(start.at), local(start.began));
                let ahead = self.ahead(at, start.unix);
                let setup_data = start.setup_data.map(Arc::from);
                actions.push(Action::Start { at, began, setup_data, ahead });
            }
            Some(Task::Deal(_)) if !self.settings.takes_deals => {
                self.refuse("it deals slots to a worker that cannot take them", actions);
            }
            Some(Task::Deal(deal)) => {
                let workers = deal.owners.iter().collect::<BTreeSet<_>>().len() as u32;
                let mut coming = vec![u32::MAX; deal.owners.len()];
                for slot in deal.moved {
                    if let (Some(owner), Some(coming)) =
                        (deal.owners.get(slot as usize), coming.get_mut(slot as usize))
                    {
                        *coming = *owner;
                    }
                }
                let coming = Slots::from_owners(deal.version, self.seat, coming);
                let slots = Slots::dealt(deal.version, self.seat, deal.owners);
                let from = Moment::from_nanos(deal.from);
                let since_start = from.since(self.start);
                actions.push(Action::Deal {
                    slots,
                    from: self.clock.to_local(from),
                    since_start,
                    workers,
                    coming,
                });
            }
            Some(Task::Still(version)) => actions.push(Action::Instruct(Instruction::Still(version))),
            Some(Task::Count(count)) => actions.push(Action::Instruct(counted(count))),
            Some(Task::Steer(steer)) => actions.push(Action::Instruct(Instruction::Steer(steer.into()))),
            Some(Task::Abort(reason)) => actions.push(Action::Instruct(Instruction::Abort { reason })),
            Some(Task::End(_)) => {
                // Says that the command has arrived; the controller waits for it.
                self.heartbeat(now, actions);
                self.link = Link::Over;
                actions.push(Action::Close);
                actions.push(Action::Instruct(Instruction::End));
            }
            None => self.refuse("it sent an unknown command: use the same throng on all machines", actions),
        }
    }

    /// By how much the wall clock is ahead of the controller's, which shows `unix` at `at`.
    fn ahead(&self, at: Moment, unix: u64) -> i64 {
        let own = (self.settings.unix_at_origin + at.since_origin()).as_nanos() as u64;
        let ahead = own.wrapping_sub(unix) as i64;
        let error = self.clock.error().unwrap_or(Duration::MAX);
        if u128::from(ahead.unsigned_abs()) > error.as_nanos() { ahead } else { 0 }
    }
}

/// The host program's view of a change of its iterations.
fn counted(count: Count) -> Instruction {
    let scenario = |position: u32| ScenarioIndex::new(position as usize);
    let Count { epoch, void, grants, recalls, closed } = count;
    Instruction::Count {
        epoch,
        void,
        grants: grants.iter().map(|grant| (scenario(grant.scenario), decode(&grant.indices))).collect(),
        recalls: recalls.iter().map(|recall| (scenario(recall.scenario), recall.count)).collect(),
        closed: closed.into_iter().map(scenario).collect(),
    }
}
