//! Slots move to other workers while the test runs, so that the whole test goes on being run when workers come and go.
//!
//! Never may two workers own a slot at one time. What a lost worker held is free, as its lease has ended. Others, and those
//! that want to leave, are first told to give: from a moment that is a little ahead they
//! own less. Only when all of them have promised to, or are lost, is everyone told the new map, which holds from that same
//! moment on, or from now if the promises took longer. The moment is ahead also if nobody has to promise: who takes over
//! makes virtual users until then, and all begin at one moment. A worker that comes back gets no lease before it has promised to
//! follow the map of today.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Action, Happening, Machine, Moment, Phase};
use crate::controller::deal::deal;
use crate::controller::member::{Member, Standing};
use crate::ids::WorkerId;
use crate::protocol::{Deal, Task};

/// How far ahead a change is set: more than it takes to be told and promised in a usable network.
const AHEAD: Duration = Duration::from_millis(300);

/// The map of slots, and a change of it that is under way.
#[derive(Debug)]
pub(super) struct Map {
    /// Counts all maps that were ever told.
    pub(super) version: u64,
    /// Who owns each slot of one period, by seat.
    pub(super) owners: Vec<u32>,
    /// From when on it holds. Until then those who gave for it may still own what they gave.
    pub(super) from: Moment,
    /// Workers came or went since the last change began.
    pub(super) stale: bool,
    pub(super) change: Option<Change>,
    pub(super) lingering: Option<Lingering>,
}

/// Who may still run what it had begun of what it gave.
#[derive(Debug)]
pub(super) struct Lingering {
    /// The newest map for which somebody gave something.
    pub(super) version: u64,
    /// By which map they have to have come to rest.
    pub(super) awaited: BTreeMap<WorkerId, u64>,
}

/// A change for which promises are awaited.
#[derive(Debug)]
pub(super) struct Change {
    /// What those who give were told: nobody owns what is to move.
    pub(super) version: u64,
    pub(super) interim: Vec<u32>,
    pub(super) from: Moment,
    /// Who has not promised yet.
    pub(super) awaited: BTreeSet<WorkerId>,
    /// Who gives.
    pub(super) givers: BTreeSet<WorkerId>,
    /// How it will be.
    pub(super) owners: Vec<u32>,
}

impl Map {
    /// Equal parts for so many seats: the stripes of k6's execution segments.
    pub(super) fn equal(seats: u32) -> Self {
        Self {
            version: 0,
            owners: (0..seats).collect(),
            from: Moment::default(),
            stale: false,
            change: None,
            lingering: None,
        }
    }

    /// The part of the test that a seat owns.
    pub(super) fn share(&self, seat: usize) -> f64 {
        let owned = self.owners.iter().filter(|owner| **owner as usize == seat).count();
        owned as f64 / self.owners.len() as f64
    }
}

impl Machine {
    /// The number among owners that no worker has. It follows those of the first workers, as maps that deal work in
    /// proportion to virtual users have a place for each number.
    fn nobody(&self) -> u32 {
        self.settings.expected.max(1)
    }

    /// Changes the map if workers came or went since it was made, one change at a time.
    pub(super) fn redistribute(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if !self.settings.redistribute || !matches!(self.phase, Phase::Running(_)) || self.aborted {
            return;
        }
        self.complete_change(now, actions);
        self.tell_still(actions);
        // Once the first worker has run all of its part the test is about to end; nobody takes over anything then.
        let ending = self.members.iter().any(|m| m.done && m.standing != Standing::Left);
        if ending || self.map.change.is_some() || !std::mem::take(&mut self.map.stale) {
            return;
        }
        let can_own = |m: &&Member| m.may_start() && m.initialised && m.leaving.is_none();
        let seats: Vec<u32> = self.members.iter().filter(can_own).map(|m| m.seat as u32).collect();
        let owners = deal(&self.map.owners, &seats);
        let before = self.map.owners.iter().cycle();
        let nobody = self.nobody();
        let moved = |(new, old): (&u32, &u32)| if new == old { *new } else { nobody };
        let interim: Vec<u32> = owners.iter().zip(before.clone()).map(moved).collect();
        if !interim.contains(&nobody) {
            return;
        }
        let gives = |m: &&Member| {
            let seat = m.seat as u32;
            m.may_start() && owners.iter().zip(before.clone()).any(|(new, old)| *old == seat && new != old)
        };
        let givers: Vec<usize> = self.members.iter().filter(gives).map(|m| m.id.index() as usize).collect();
        self.map.version += 1;
        let (version, from) = (self.map.version, now + AHEAD);
        let task =
            Task::Deal(Deal { version, owners: interim.clone(), from: from.as_nanos(), moved: Vec::new() });
        for index in &givers {
            self.command(*index, task.clone(), actions);
        }
        let awaited: BTreeSet<WorkerId> = givers.into_iter().map(|index| self.members[index].id).collect();
        self.map.change = Some(Change { version, interim, from, givers: awaited.clone(), awaited, owners });
        self.complete_change(now, actions);
    }

    /// Tells everyone the new map once nobody uses what has moved.
    fn complete_change(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let Some(change) = &mut self.map.change else { return };
        let members = &self.members;
        change.awaited.retain(|worker| members[worker.index() as usize].may_start());
        if !change.awaited.is_empty() {
            return;
        }
        let from = change.from.max(now).max(self.map.from);
        self.map.version += 1;
        self.map.from = from;
        let (owners, givers) = (std::mem::take(&mut change.owners), std::mem::take(&mut change.givers));
        let interim = change.version;
        self.map.change = None;
        let moved = self.linger(&owners, givers, interim);
        self.map.owners = owners;
        let owners = self.map.owners.clone();
        let deal = Deal { version: self.map.version, owners, from: from.as_nanos(), moved };
        self.command_all(&Task::Deal(deal), actions);
        let owners: BTreeSet<&u32> = self.map.owners.iter().collect();
        let is_there =
            |owner: &&u32| self.members.iter().any(|m| m.seat == **owner as usize && m.is_present());
        // Where one of them was lost meanwhile its part is nobody's: the next change, which follows, is told.
        if let Phase::Running(start) = self.phase
            && owners.iter().all(is_there)
        {
            let workers = owners.len();
            actions.push(Action::Tell(Happening::Dealt { at: from.since(start), workers }));
        }
    }

    /// Notes whose iterations may still run; returns which slots they are of. One that is lost has lost its lease as well.
    fn linger(&mut self, owners: &[u32], givers: BTreeSet<WorkerId>, interim: u64) -> Vec<u32> {
        let present = |worker: &WorkerId| self.members[worker.index() as usize].may_start();
        let givers: Vec<WorkerId> = givers.into_iter().filter(present).collect();
        let seats: BTreeSet<u32> =
            givers.iter().map(|worker| self.members[worker.index() as usize].seat as u32).collect();
        let before = self.map.owners.iter().cycle();
        let moved = (0..).zip(owners.iter().zip(before));
        let moved: Vec<u32> =
            moved.filter(|(_, (new, old))| new != old && seats.contains(old)).map(|(slot, _)| slot).collect();
        if givers.is_empty() {
            return moved;
        }
        let lingering =
            self.map.lingering.get_or_insert_with(|| Lingering { version: 0, awaited: BTreeMap::new() });
        lingering.version = self.map.version;
        // Short iterations of one may have ended before another has promised.
        let runs = |worker: &WorkerId| self.members[worker.index() as usize].rested < interim;
        lingering.awaited.extend(givers.into_iter().filter(runs).map(|worker| (worker, interim)));
        moved
    }

    /// A worker runs nothing any more of what it gave by this map.
    pub(super) fn rests(&mut self, index: usize, version: u64) {
        let member = &mut self.members[index];
        member.rested = member.rested.max(version);
        let worker = member.id;
        if let Some(lingering) = &mut self.map.lingering {
            lingering.awaited.retain(|awaited, needed| *awaited != worker || *needed > version);
        }
    }

    /// Tells everyone once nobody runs anything of what it gave.
    fn tell_still(&mut self, actions: &mut Vec<Action>) {
        let Some(lingering) = &mut self.map.lingering else { return };
        let members = &self.members;
        lingering.awaited.retain(|worker, _| members[worker.index() as usize].may_start());
        if lingering.awaited.is_empty() {
            let task = Task::Still(lingering.version);
            self.map.lingering = None;
            self.command_all(&task, actions);
        }
    }

    /// A worker promised to follow a map.
    pub(super) fn promised(&mut self, index: usize, version: u64) {
        let member = &mut self.members[index];
        member.promised = member.promised.max(version);
        if let Some(change) = &mut self.map.change
            && version >= change.version
        {
            change.awaited.remove(&member.id);
        }
    }

    /// A worker that was given up is back: what it believes to own may be another's by now.
    pub(super) fn suspend(&mut self, now: Moment, index: usize) {
        if !self.settings.redistribute || !matches!(self.phase, Phase::Running(_)) {
            return;
        }
        // While a change is under way, what is to move is nobody's, also not this one's.
        let (version, owners) = match &self.map.change {
            Some(change) => (change.version, change.interim.clone()),
            None => (self.map.version, self.map.owners.clone()),
        };
        let deal = Deal { version, owners, from: now.as_nanos(), moved: Vec::new() };
        let member = &mut self.members[index];
        member.commands.push(Task::Deal(deal));
        // The promise to an earlier telling of the same map says nothing about its standing now.
        member.promised = 0;
        member.suspended_for = version;
    }
}
