//! Sets of iteration indices, kept as ranges: what is handed out, run and given back is mostly contiguous.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of indices. Neighbouring ranges are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indices {
    /// The exclusive end of each range by its start. Ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
    count: u64,
}

impl Indices {
    /// All of a range.
    pub fn of(range: Range<u64>) -> Self {
        let mut indices = Self::default();
        indices.insert(range);
        indices
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges.iter().map(|(start, end)| *start..*end)
    }

    /// Whether this one is in it.
    pub fn contains(&self, index: u64) -> bool {
        self.ranges.range(..=index).next_back().is_some_and(|(_, end)| index < *end)
    }

    /// Whether all of `other` are in it.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.ranges().all(|range| {
            self.ranges.range(..=range.start).next_back().is_some_and(|(_, end)| range.end <= *end)
        })
    }

    /// Adds a range; what is in it already stays.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        // Whatever it overlaps or touches becomes one with it.
        while let Some((&s, &e)) = self.ranges.range(..=end).next_back().filter(|(_, e)| **e >= start) {
            self.ranges.remove(&s);
            self.count -= e - s;
            (start, end) = (start.min(s), end.max(e));
        }
        self.ranges.insert(start, end);
        self.count += end - start;
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Self) {
        other.ranges().for_each(|range| self.insert(range));
    }

    /// Takes a range out, as far as it is in it.
    pub fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        while let Some((&s, &e)) =
            self.ranges.range(..range.end).next_back().filter(|(_, e)| **e > range.start)
        {
            self.ranges.remove(&s);
            self.count -= e - s;
            for (start, end) in [(s, range.start.min(e)), (range.end.max(s), e)] {
                if start < end {
                    self.ranges.insert(start, end);
                    self.count += end - start;
                }
            }
        }
    }

    /// Takes all of `other` out.
    pub fn remove_all(&mut self, other: &Self) {
        other.ranges().for_each(|range| self.remove(range));
    }

    /// Takes the lowest `count` out; fewer if there are fewer.
    #[must_use]
    pub fn take(&mut self, count: u64) -> Self {
        let mut taken = Self::default();
        while taken.count < count
            && let Some((start, end)) = self.ranges.pop_first()
        {
            let cut = end.min(start.saturating_add(count - taken.count));
            self.count -= end - start;
            taken.insert(start..cut);
            self.insert(cut..end);
        }
        taken
    }
}

impl FromIterator<Range<u64>> for Indices {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        let mut indices = Self::default();
        ranges.into_iter().for_each(|range| indices.insert(range));
        indices
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_become_one_and_holes_stay() {
        let mut indices: Indices = [0..3, 5..8, 3..4].into_iter().collect();
        assert_eq!(indices.ranges().collect::<Vec<_>>(), [0..4, 5..8]);
        assert_eq!(indices.count(), 7);
        assert!(indices.contains_all(&Indices::of(1..4)) && !indices.contains_all(&Indices::of(3..6)));
        let taken = indices.take(5);
        assert_eq!(taken.ranges().collect::<Vec<_>>(), [0..4, 5..6]);
        assert_eq!(indices, Indices::of(6..8));
        assert_eq!((indices.take(9).count(), indices.is_empty()), (2, true));
    }

    proptest! {
        #[test]
        fn it_is_a_set(changes in proptest::collection::vec((any::<bool>(), 0..60_u64, 0..12_u64), 0..40)) {
            let (mut indices, mut set) = (Indices::default(), BTreeSet::new());
            for (adds, start, length) in changes {
                let range = start..start + length;
                if adds {
                    indices.insert(range.clone());
                    set.extend(range);
                } else {
                    indices.remove(range.clone());
                    set.retain(|index| !range.contains(index));
                }
                prop_assert_eq!(indices.ranges().flatten().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(indices.count(), set.len() as u64);
                prop_assert!((0..80).all(|index| indices.contains(index) == set.contains(&index)));
                let ranges: Vec<_> = indices.ranges().collect();
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
