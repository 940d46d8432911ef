//! Which of a fill's records are there.
//!
//! Batches travel side by side, so an interrupted fill can leave holes near its end. They are found by halving: a range
//! that is complete is counted once, however long it is.

use std::ops::Range;

use crate::error::StoreError;
use crate::store::Store;

/// Ranges up to this length are listed instead of halved again.
const LISTED: u64 = 4096;

/// What is there: everything before `end`, but for `missing`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Inventory {
    /// One more than the highest number there.
    pub(crate) end: u64,
    /// What is not there before it, in order.
    pub(crate) missing: Vec<Range<u64>>,
}

impl Inventory {
    /// Asks the store.
    pub(crate) async fn take<S: Store>(store: &S) -> Result<Self, StoreError> {
        let Some(last) = store.last().await? else { return Ok(Self::default()) };
        let end = last + 1;
        let mut missing: Vec<Range<u64>> = Vec::new();
        // Ranges to look at, the first one on top, so that holes are found in order.
        let mut open = vec![(0..end, store.count(0..end).await?)];
        while let Some((range, there)) = open.pop() {
            let length = range.end - range.start;
            if there >= length {
                continue;
            }
            if there == 0 {
                add(&mut missing, range);
            } else if length <= LISTED {
                let mut next = range.start;
                for sequence in store.list(range.clone()).await? {
                    if sequence > next {
                        add(&mut missing, next..sequence);
                    }
                    next = sequence + 1;
                }
                if next < range.end {
                    add(&mut missing, next..range.end);
                }
            } else {
                let middle = range.start + length / 2;
                let first = store.count(range.start..middle).await?;
                open.push((middle..range.end, there.saturating_sub(first)));
                open.push((range.start..middle, first));
            }
        }
        Ok(Self { end, missing })
    }

    /// How many records are there.
    pub(crate) fn present(&self) -> u64 {
        self.end - self.missing.iter().map(|range| range.end - range.start).sum::<u64>()
    }

    /// Up to `most` numbers that are there, spread over all of them.
    pub(crate) fn samples(&self, most: u64) -> Vec<u64> {
        let mut samples = Vec::new();
        if self.end == 0 {
            return samples;
        }
        for index in 0..most {
            let at = (u128::from(self.end - 1) * u128::from(index) / u128::from(most.max(2) - 1)) as u64;
            // The next one that is there.
            let mut at = at;
            for hole in &self.missing {
                if hole.contains(&at) {
                    at = hole.end;
                }
            }
            if at < self.end && samples.last() != Some(&at) {
                samples.push(at);
            }
        }
        samples
    }
}

fn add(missing: &mut Vec<Range<u64>>, range: Range<u64>) {
    match missing.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => missing.push(range),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fill::testing::Memory;

    fn inventory(present: &[u64]) -> Inventory {
        let store = Memory::holding(present);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Inventory::take(&store)).unwrap()
    }

    #[test]
    fn nothing_there_is_an_empty_inventory() {
        assert_eq!(inventory(&[]), Inventory::default());
    }

    #[test]
    fn holes_are_found_at_both_ends_and_across_halves() {
        let present: Vec<u64> = (3..20_000).filter(|n| !(9_990..10_010).contains(n)).collect();
        let inventory = inventory(&present);
        assert_eq!(inventory.end, 20_000);
        assert_eq!(inventory.missing, [0..3, 9_990..10_010]);
        assert_eq!(inventory.present(), present.len() as u64);
    }

    proptest! {
        #[test]
        fn what_is_missing_is_what_is_not_there(mut present in prop::collection::vec(0u64..30_000, 0..200)) {
            present.sort_unstable();
            present.dedup();
            let inventory = inventory(&present);
            let missing: Vec<u64> = inventory.missing.iter().cloned().flatten().collect();
            let expected: Vec<u64> = (0..inventory.end).filter(|n| present.binary_search(n).is_err()).collect();
            prop_assert_eq!(missing, expected);
            for sample in inventory.samples(16) {
                prop_assert!(present.binary_search(&sample).is_ok());
            }
        }
    }
}
