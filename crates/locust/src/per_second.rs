//! Requests per second of wall time, for current rates and charts.

use std::collections::BTreeMap;

/// Counts by whole second since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerSecond {
    past: BTreeMap<i64, u64>,
    /// The second that is being counted: almost every count goes here.
    current: i64,
    count: u64,
}

impl PerSecond {
    /// Counts something that happened in that second.
    pub fn add(&mut self, second: i64, count: u64) {
        if second != self.current {
            self.settle();
            self.current = second;
        }
        self.count += count;
    }

    fn settle(&mut self) {
        if self.count > 0 {
            *self.past.entry(self.current).or_default() += self.count;
            self.count = 0;
        }
    }

    /// The count of a second.
    pub fn get(&self, second: i64) -> u64 {
        let now = if second == self.current { self.count } else { 0 };
        now + self.past.get(&second).copied().unwrap_or(0)
    }

    /// Seconds with a count, in order.
    pub fn counts(&self) -> BTreeMap<i64, u64> {
        let mut all = self.clone();
        all.settle();
        all.past
    }

    /// The mean count of the seconds in `from..to`; 0 if there are none.
    pub fn mean(&self, from: i64, to: i64) -> f64 {
        if to <= from {
            return 0.0;
        }
        let sum: u64 = (from..to).map(|second| self.get(second)).sum();
        sum as f64 / (to - from) as f64
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.settle();
        for (second, count) in other.counts() {
            *self.past.entry(second).or_default() += count;
        }
    }

    /// Forgets all counts.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_counted_in_any_order() {
        let mut counts = PerSecond::default();
        for second in [5, 5, 6, 5, 7] {
            counts.add(second, 1);
        }
        assert_eq!(counts.counts().into_iter().collect::<Vec<_>>(), [(5, 3), (6, 1), (7, 1)]);
        assert_eq!((counts.get(5), counts.get(7), counts.get(9)), (3, 1, 0));
        assert_eq!(counts.mean(5, 9), 1.25);
        assert_eq!(counts.mean(9, 9), 0.0);
    }

    #[test]
    fn merging_adds_second_by_second() {
        let (mut a, mut b) = (PerSecond::default(), PerSecond::default());
        a.add(1, 2);
        b.add(1, 3);
        b.add(2, 1);
        a.merge(&b);
        assert_eq!(a.counts().into_iter().collect::<Vec<_>>(), [(1, 5), (2, 1)]);
    }
}
