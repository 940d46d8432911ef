//! A numbered lane for what has to arrive once and in order, over connections that come and go.
//!
//! The sender numbers its items from 1 and keeps each until the other side says that it has it; after a reconnect it sends
//! again what the other side does not have. The receiver takes each number once.

use std::collections::VecDeque;

/// The sending end.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    sent: u64,
    kept: VecDeque<(u64, T)>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { sent: 0, kept: VecDeque::new() }
    }
}

impl<T> Outbox<T> {
    /// One whose last item had the number `sent`, and whose last items are kept.
    pub(crate) fn restored(sent: u64, kept: Vec<T>) -> Self {
        let first = (sent + 1).saturating_sub(kept.len() as u64);
        Self { sent, kept: (first..).zip(kept).collect() }
    }

    /// Keeps an item and gives it the next number.
    pub(crate) fn push(&mut self, item: T) -> u64 {
        self.sent += 1;
        self.kept.push_back((self.sent, item));
        self.sent
    }

    /// The other side has everything up to `number`.
    pub(crate) fn acknowledge(&mut self, number: u64) {
        while self.kept.front().is_some_and(|(kept, _)| *kept <= number) {
            self.kept.pop_front();
        }
    }

    /// What the other side is not known to have, in order.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (u64, &T)> {
        self.kept.iter().map(|(number, item)| (*number, item))
    }

    /// How many items that is.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether the other side has everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The number of the last item.
    pub(crate) fn last(&self) -> u64 {
        self.sent
    }
}

/// What to do with an arriving item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next one: take it.
    Next,
    /// Seen before: say so again, and drop it.
    Again,
    /// Something is missing before it; no sender of ours does that.
    Gap,
}

/// The receiving end.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    received: u64,
}

impl Inbox {
    /// One that has everything up to `received`.
    pub(crate) fn restored(received: u64) -> Self {
        Self { received }
    }

    /// What is missing before this number will never come; how many items that is.
    pub(crate) fn skip_to(&mut self, first: u64) -> u64 {
        let missing = first.saturating_sub(self.received + 1);
        self.received += missing;
        missing
    }

    /// Judges an arriving number, and counts it if it is the next one.
    pub(crate) fn arrive(&mut self, number: u64) -> Arrival {
        if number == self.received + 1 {
            self.received = number;
            Arrival::Next
        } else if number <= self.received {
            Arrival::Again
        } else {
            Arrival::Gap
        }
    }

    /// The number up to which everything is here.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{Again, Gap, Next};
    use super::*;

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut outbox = Outbox::default();
        for item in ["a", "b", "c"] {
            outbox.push(item);
        }
        outbox.acknowledge(1);
        outbox.acknowledge(0);
        assert_eq!(outbox.kept().collect::<Vec<_>>(), [(2, &"b"), (3, &"c")]);
        outbox.acknowledge(9);
        assert!(outbox.is_empty());
        assert_eq!(outbox.push("d"), 4);
    }

    #[test]
    fn each_number_is_taken_once_and_in_order() {
        let mut inbox = Inbox::default();
        let arrivals: Vec<Arrival> = [1, 2, 1, 2, 4, 3, 3].map(|number| inbox.arrive(number)).into();
        assert_eq!(arrivals, [Next, Next, Again, Again, Gap, Next, Again]);
        assert_eq!(inbox.received(), 3);
    }
}
