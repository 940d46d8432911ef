//! Iterations that are counted are dealt out in ranges while the test runs: to begin with to all, then to who wants more, from
//! what is free or from who has most that is not started. Iterations of a virtual user's own go where its place goes.
//!
//! Workers are told that a scenario is over once every iteration is settled: until then those of one that is lost may come
//! to the others.

use std::collections::BTreeMap;
use std::time::Duration;

use throng_engine::{Indices, ScenarioIndex};
use throng_plan::Slots;

use super::{Action, Happening, Machine, Moment, Phase};
use crate::controller::ledger::{Book, CountedWork, Ledger, Verdict};
use crate::controller::member::{Member, Standing};
use crate::ids::WorkerId;
use crate::protocol::{
    Batch, Count, GrantMessage, RecallMessage, Task, WantMessage, Wants, encode, read_tallies,
};

/// How many iterations each virtual user has to begin with, and all of them together, at most: enough that quick ones last
/// until more have come.
const FIRST: (u64, u64) = (64, 4_096);
/// How long a worker has to give back before others, or itself, are asked again.
const PATIENCE: Duration = Duration::from_millis(150);

/// The ledger, and what is known of who needs more.
#[derive(Debug, Default)]
pub(super) struct Leases {
    pub(super) works: Vec<CountedWork>,
    pub(super) ledger: Ledger,
    /// Who wants more, as last told.
    wants: BTreeMap<(ScenarioIndex, WorkerId), WantMessage>,
    /// Who was asked to give back, and when.
    recalled: BTreeMap<(ScenarioIndex, WorkerId), Moment>,
    /// For whom somebody was asked, and when.
    sought: BTreeMap<(ScenarioIndex, WorkerId), Moment>,
}

impl Machine {
    /// The host program says which iterations are counted.
    pub(super) fn count(&mut self, works: Vec<CountedWork>) {
        self.leases.works = works;
    }

    /// The test begins: everyone gets what belongs to its virtual users, or some of what is shared.
    pub(super) fn open_ledger(&mut self, actions: &mut Vec<Action>) {
        self.leases.ledger = Ledger::new(&self.leases.works);
        let workers: Vec<(usize, WorkerId)> =
            self.seats.iter().enumerate().filter_map(|(seat, worker)| Some((seat, (*worker)?))).collect();
        let mut grants: BTreeMap<WorkerId, Vec<GrantMessage>> = BTreeMap::new();
        for book in self.leases.ledger.books.iter_mut().filter(|book| !book.work.is_each) {
            let CountedWork { vus, iterations, .. } = book.work;
            let some = vus.saturating_mul(FIRST.0).min(FIRST.1).max(vus.saturating_mul(2));
            // In the order in which one process would start them; the rest goes to who wants it.
            let some = some.min(iterations.div_ceil(2)).max(vus).min(iterations);
            for &(seat, worker) in &workers {
                let slots = Slots::dealt(self.map.version, seat as u32, self.map.owners.clone());
                let own = slots.in_proportion_to(vus);
                let indices = own.iter().take_while(|index| *index < some).map(|index| index..index + 1);
                grant(book, worker, &indices.collect(), &mut grants);
            }
        }
        self.tell_grants(grants, actions);
        self.deal_out_places(actions);
    }

    /// How many virtual users of a scenario a seat has by the map.
    fn users(&self, book: usize, seat: usize) -> u64 {
        let work = self.leases.ledger.books[book].work;
        Slots::dealt(self.map.version, seat as u32, self.map.owners.clone()).scale(work.vus)
    }

    /// Books what a batch tells; false if what it measured does not count.
    pub(super) fn book(
        &mut self,
        now: Moment,
        index: usize,
        batch: &Batch,
        actions: &mut Vec<Action>,
    ) -> bool {
        if batch.counts.is_empty() {
            return true;
        }
        let worker = self.members[index].id;
        let tallies = read_tallies(&batch.counts);
        match self.leases.ledger.tell(worker, batch.epoch, &tallies) {
            Verdict::Counts => {
                for (scenario, _) in tallies.iter().filter(|(_, tally)| !tally.returned.is_empty()) {
                    self.leases.recalled.remove(&(*scenario, worker));
                }
                true
            }
            Verdict::Void => {
                let iterations = tallies.values().map(|tally| tally.settled.count()).sum();
                actions.push(Action::Tell(Happening::Discarded { worker, iterations }));
                false
            }
            Verdict::Nonsense => {
                let why = "it told of iterations that it never had, which cannot happen";
                self.lose(now, index, why.to_owned(), actions);
                false
            }
        }
    }

    /// A worker will soon have nothing to start.
    pub(super) fn wants(&mut self, index: usize, wants: Wants) {
        let worker = self.members[index].id;
        for want in wants.wants {
            self.leases.wants.insert((ScenarioIndex::new(want.scenario as usize), worker), want);
        }
    }

    /// A worker was given up: others get what it had.
    pub(super) fn take_leases(&mut self, index: usize) {
        self.leases.ledger.lose(self.members[index].id);
    }

    /// What somebody has to know who comes late or again: what is over, and whether it was given up.
    pub(super) fn tell_leases(&mut self, index: usize, void: bool, actions: &mut Vec<Action>) {
        let closed = self.leases.ledger.books.iter().filter(|book| book.is_closed);
        let closed: Vec<u32> = closed.map(|book| book.work.scenario.index() as u32).collect();
        if !self.leases.ledger.books.is_empty() && (void || !closed.is_empty()) {
            let epoch = self.leases.ledger.epoch(self.members[index].id);
            let count = Count { epoch, void, closed, ..Count::default() };
            self.command(index, Task::Count(count), actions);
        }
    }

    /// Deals out what is free to those who want it, and says what is over.
    pub(super) fn deal_out(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.leases.ledger.books.is_empty() || !matches!(self.phase, Phase::Running(_)) || self.aborted {
            return;
        }
        let gone: Vec<WorkerId> =
            self.members.iter().filter(|m| m.standing == Standing::Left).map(|m| m.id).collect();
        for worker in gone {
            self.leases.ledger.release(worker);
        }
        self.deal_out_places(actions);
        self.deal_out_shared(now, actions);
        self.close_books(actions);
    }

    /// Whether a worker can be given iterations.
    fn can_take(member: &Member) -> bool {
        member.may_start() && member.initialised && member.leaving.is_none() && member.has_lease()
    }

    /// Free iterations of virtual users' own go to the owners of their places.
    fn deal_out_places(&mut self, actions: &mut Vec<Action>) {
        let mut grants = BTreeMap::new();
        let owners = &self.map.owners;
        for book in
            self.leases.ledger.books.iter_mut().filter(|book| book.work.is_each && !book.free.is_empty())
        {
            let each = book.work.iterations.max(1);
            let mut dealt: BTreeMap<WorkerId, Indices> = BTreeMap::new();
            for range in book.free.ranges() {
                let mut start = range.start;
                while start < range.end {
                    let place = start / each;
                    let end = range.end.min((place + 1) * each);
                    let seat = owners[(place % owners.len() as u64) as usize] as usize;
                    if let Some(worker) = self.seats.get(seat).copied().flatten()
                        && Self::can_take(&self.members[worker.index() as usize])
                    {
                        dealt.entry(worker).or_default().insert(start..end);
                    }
                    start = end;
                }
            }
            for (worker, indices) in dealt {
                grant(book, worker, &indices, &mut grants);
            }
        }
        self.tell_grants(grants, actions);
    }

    /// Free shared iterations go to those who want some, and who has many is asked to give some back.
    fn deal_out_shared(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let takers = self.members.iter().filter(|member| Self::can_take(member)).count().max(1) as u64;
        let mut grants = BTreeMap::new();
        let mut wants: Vec<_> = std::mem::take(&mut self.leases.wants).into_iter().collect();
        // Who has least is first.
        wants.sort_by_key(|((scenario, worker), want)| (*scenario, want.left, *worker));
        for ((scenario, worker), want) in wants {
            let books = &mut self.leases.ledger.books;
            let Some(position) = books.iter().position(|book| book.work.scenario == scenario) else {
                continue;
            };
            let book = &mut books[position];
            if book.is_closed
                || book.work.is_each && !want.rest
                || !Self::can_take(&self.members[worker.index() as usize])
            {
                continue;
            }
            if want.rest {
                let rest = std::mem::take(&mut book.free);
                grant(book, worker, &rest, &mut grants);
                continue;
            }
            if book.free.is_empty() {
                self.recall(now, position, worker, want.left, actions);
                // It is served as soon as something comes back.
                self.leases.wants.insert((scenario, worker), want);
                continue;
            }
            let fair = book.free.count().div_ceil(takers);
            let indices = book.free.take(want.wanted.min(fair).max(1));
            grant(book, worker, &indices, &mut grants);
        }
        self.tell_grants(grants, actions);
    }

    /// Asks who has most that is not started to give half of what it has more. A worker that wants says so again and again.
    fn recall(&mut self, now: Moment, book: usize, wanting: WorkerId, left: u64, actions: &mut Vec<Action>) {
        let scenario = self.leases.ledger.books[book].work.scenario;
        let is_recent = |asked: Option<&Moment>| asked.is_some_and(|asked| now.since(*asked) < PATIENCE);
        if is_recent(self.leases.sought.get(&(scenario, wanting))) {
            return;
        }
        let unstarted = |member: &Member| {
            let running = self.users(book, member.seat);
            self.leases.ledger.books[book].held_by(member.id).saturating_sub(running)
        };
        let has_answered = |member: &&Member| !is_recent(self.leases.recalled.get(&(scenario, member.id)));
        let others =
            self.members.iter().filter(|m| m.id != wanting && Self::can_take(m)).filter(has_answered);
        let Some((unstarted, index)) = others.map(|m| (unstarted(m), m.id.index() as usize)).max() else {
            return;
        };
        let count = unstarted.saturating_sub(left).div_ceil(2);
        if count == 0 {
            return;
        }
        self.leases.recalled.insert((scenario, self.members[index].id), now);
        self.leases.sought.insert((scenario, wanting), now);
        let epoch = self.leases.ledger.epoch(self.members[index].id);
        let recalls = vec![RecallMessage { scenario: scenario.index() as u32, count }];
        self.command(index, Task::Count(Count { epoch, recalls, ..Count::default() }), actions);
    }

    fn tell_grants(&mut self, grants: BTreeMap<WorkerId, Vec<GrantMessage>>, actions: &mut Vec<Action>) {
        for (worker, grants) in grants {
            let epoch = self.leases.ledger.epoch(worker);
            let count = Count { epoch, grants, ..Count::default() };
            self.command(worker.index() as usize, Task::Count(count), actions);
        }
    }

    /// Says of which scenarios all iterations are over; of all, once a worker has run the whole test.
    fn close_books(&mut self, actions: &mut Vec<Action>) {
        let is_ending = self.members.iter().any(|m| m.done && m.standing != Standing::Left);
        let mut closed = Vec::new();
        for book in &mut self.leases.ledger.books {
            if !book.is_closed && (is_ending || book.open() == 0) {
                book.is_closed = true;
                closed.push(book.work.scenario.index() as u32);
            }
        }
        if closed.is_empty() {
            return;
        }
        for index in 0..self.members.len() {
            if self.members[index].standing != Standing::Left {
                let epoch = self.leases.ledger.epoch(self.members[index].id);
                let count = Count { epoch, closed: closed.clone(), ..Count::default() };
                self.command(index, Task::Count(count), actions);
            }
        }
    }

    /// What nobody is known to have run, once all is over.
    pub(super) fn tell_unsettled(&self, actions: &mut Vec<Action>) {
        for book in self.leases.ledger.books.iter().filter(|book| book.open() > 0) {
            let (scenario, count) = (book.work.scenario, book.open());
            actions.push(Action::Tell(Happening::Unsettled { scenario, count, total: book.work.total() }));
        }
    }
}

/// Gives indices to a worker, and puts that with what it is to be told.
fn grant(
    book: &mut Book,
    worker: WorkerId,
    indices: &Indices,
    grants: &mut BTreeMap<WorkerId, Vec<GrantMessage>>,
) {
    if !indices.is_empty() {
        book.grant(worker, indices);
        let message = GrantMessage { scenario: book.work.scenario.index() as u32, indices: encode(indices) };
        grants.entry(worker).or_default().push(message);
    }
}
