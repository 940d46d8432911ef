//! Copies of an entry's counts, one a second, from which percentiles of the last seconds are told.

use std::collections::VecDeque;

use throng_locust::{Bins, Entry};

/// Copies kept.
const KEPT: usize = 20;

/// The time that "current" percentiles are about, in seconds.
const WINDOW: i64 = 10;

/// One copy.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) second: i64,
    pub(super) bins: Bins,
    pub(super) requests: u64,
}

/// The copies, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    copies: VecDeque<Copy>,
}

impl History {
    /// Keeps the counts as they were at the end of that second.
    pub(super) fn keep(&mut self, second: i64, entry: &Entry) {
        self.copies.retain(|copy| copy.second != second);
        self.copies.push_back(Copy { second, bins: entry.bins.clone(), requests: entry.timed() });
        while self.copies.len() > KEPT {
            self.copies.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.copies.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Copy> {
        self.copies.iter()
    }

    /// The percentile of what was counted since about ten seconds ago; `None` if nothing was kept then.
    pub(super) fn percentile(&self, entry: &Entry, now: i64, share: f64) -> Option<i64> {
        // Ten seconds ago, else eleven, nine, twelve, eight...
        let mut ages = (0..WINDOW - 1).flat_map(|off| [WINDOW + off, WINDOW - off]);
        let then = ages.find_map(|age| self.copies.iter().find(|copy| copy.second == now - age))?;
        let requests = entry.timed().saturating_sub(then.requests);
        let mut old = then.bins.iter().rev().peekable();
        let since = entry.bins.iter().rev().filter_map(|(value, count)| {
            while old.next_if(|(earlier, _)| *earlier > value).is_some() {}
            let before = old.next_if(|(earlier, _)| *earlier == value).map_or(0, |(_, n)| n);
            (count > before).then(|| (value, count - before))
        });
        Some(throng_locust::percentile(since, requests, share))
    }
}
