//! Who gets which records next: the arithmetic of a fill in shares, without a database, a process or a clock.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::{Made, Share};
use crate::inventory::Inventory;
use crate::plan::Goal;

/// How much heavier than the heaviest share so far one that is under way may be before it is overtaken by the goal.
const ALLOWANCE: f64 = 1.05;

/// Deals shares until the goal is met.
///
/// A size is met by the same record as in a fill of one process: near the goal the dealer waits until all that was dealt is
/// counted, and makes the rest of the sum itself.
#[derive(Debug)]
pub(super) struct Dealer {
    goal: Goal,
    inventory: Inventory,
    /// Records in a share.
    length: u64,
    /// The first record that nobody was given.
    next: u64,
    /// The record behind the last one, once it is known.
    end: Option<u64>,
    /// Bytes of all that is done.
    bytes: u64,
    /// Bytes of a record in the heaviest share.
    heaviest: f64,
    next_id: u64,
    open: BTreeMap<u64, Share>,
    /// Shares of those who were lost.
    returned: Vec<Share>,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Give somebody this.
    Deal(Share),
    /// Wait for an answer.
    Wait,
    /// All is there.
    Met,
}

impl Dealer {
    /// `length` records in a share, each of about `mean` bytes.
    pub(super) fn new(goal: Goal, inventory: Inventory, length: u64, mean: f64) -> Self {
        Self {
            goal,
            inventory,
            length: length.max(1),
            next: 0,
            end: match goal {
                Goal::Records(records) => Some(records),
                Goal::Bytes(_) | Goal::Time(_) => None,
            },
            bytes: 0,
            heaviest: mean.max(1.0),
            next_id: 0,
            open: BTreeMap::new(),
            returned: Vec::new(),
        }
    }

    /// What comes next, when records have been inserted for `elapsed` and `size_of` one is what it says.
    pub(super) fn next(&mut self, elapsed: Duration, size_of: impl Fn(u64) -> u64) -> Next {
        if let Some(share) = self.returned.pop() {
            self.open.insert(share.id, share.clone());
            return Next::Deal(share);
        }
        let end = match (self.end, self.goal) {
            (Some(end), _) => end,
            (None, Goal::Bytes(size)) => {
                let under_way: u64 =
                    self.open.values().map(|share| share.records.end - share.records.start).sum();
                let guess = (under_way + self.length) as f64 * self.heaviest * ALLOWANCE;
                if guess <= size.0.saturating_sub(self.bytes) as f64 {
                    return self.deal(self.next + self.length);
                }
                if !self.open.is_empty() {
                    return Next::Wait;
                }
                let (mut end, mut bytes) = (self.next, self.bytes);
                while bytes < size.0 {
                    bytes += size_of(end);
                    end += 1;
                }
                end
            }
            (None, Goal::Time(time)) if elapsed >= time => self.next,
            (None, Goal::Time(_)) => return self.deal(self.next + self.length),
            // Its end was known from the beginning.
            (None, Goal::Records(records)) => records,
        };
        self.end = Some(end);
        match (self.next < end, self.open.is_empty()) {
            (true, _) => self.deal(end.min(self.next + self.length)),
            (false, true) => Next::Met,
            (false, false) => Next::Wait,
        }
    }

    fn deal(&mut self, end: u64) -> Next {
        let records = self.next..end;
        let share = Share { id: self.next_id, missing: self.missing(&records), records, is_doubtful: false };
        self.next_id += 1;
        self.next = end;
        self.open.insert(share.id, share.clone());
        Next::Deal(share)
    }

    /// What of a range is not there. Ranges come in order, so holes behind it are left for the next ones.
    fn missing(&self, records: &Range<u64>) -> Vec<Range<u64>> {
        let within = |hole: &Range<u64>| hole.start.max(records.start)..hole.end.min(records.end);
        let first = self.inventory.missing.partition_point(|hole| hole.end <= records.start);
        let holes = self.inventory.missing[first..].iter().take_while(|hole| hole.start < records.end);
        let mut missing: Vec<_> = holes.map(within).collect();
        let behind = self.inventory.end.max(records.start)..records.end;
        if !behind.is_empty() {
            missing.push(behind);
        }
        missing
    }

    /// Takes in that a share is done; false for one that nobody waits for.
    pub(super) fn made(&mut self, made: &Made) -> bool {
        let Some(share) = self.open.remove(&made.id) else { return false };
        let bytes = made.there.bytes + made.inserted.bytes;
        self.bytes += bytes;
        let records = share.records.end - share.records.start;
        self.heaviest = self.heaviest.max(bytes as f64 / records.max(1) as f64);
        true
    }

    /// Takes a share back from somebody who is lost.
    pub(super) fn take_back(&mut self, id: u64) {
        if let Some(share) = self.open.remove(&id) {
            self.returned.push(Share { is_doubtful: true, ..share });
        }
    }
}
