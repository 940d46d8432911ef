//! Sets of tags: the dimensions of a series.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One key and its value.
pub(crate) type Pair = (Arc<str>, Arc<str>);

/// An immutable set of tags, sorted by key, each key once.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagSet {
    pairs: Box<[Pair]>,
}

/// A tag set of one [`Recorder`](crate::Recorder); meaningless in another one.
///
/// Stays valid as long as the recorder. Where the number of distinct tag sets has reached its cap, an id may
/// stand for a set whose wide tags read `other`; `raw` then finds the full set for the raw outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TagSetId {
    pub(crate) index: u32,
    pub(crate) raw: u32,
}

impl TagSetId {
    pub(crate) fn interned(index: u32) -> Self {
        Self { index, raw: 0 }
    }

    /// Whether it stands for a set whose wide tags read `other`. Such an id must not be kept for later samples:
    /// the full set behind it is remembered for a while only.
    pub fn is_folded(self) -> bool {
        self.raw != 0
    }
}

impl TagSet {
    /// A set from pairs in any order; of equal keys the last one counts.
    pub fn new<K: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut pairs: Vec<Pair> = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, kept| later.0 == kept.0);
        Self { pairs: pairs.into() }
    }

    /// From pairs that are sorted by key and unique already.
    pub(crate) fn from_sorted(pairs: Vec<Pair>) -> Self {
        debug_assert!(pairs.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, unique keys");
        Self { pairs: pairs.into() }
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_shared(key).map(|value| &**value)
    }

    pub(crate) fn get_shared(&self, key: &str) -> Option<&Arc<str>> {
        self.pairs.binary_search_by(|pair| (*pair.0).cmp(key)).ok().map(|index| &self.pairs[index].1)
    }

    /// The tags, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }

    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The number of tags.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }
}

impl Hash for TagSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (key, value) in &self.pairs {
            state.write(key.as_bytes());
            state.write_u8(0xff);
            state.write(value.as_bytes());
            state.write_u8(0xff);
        }
    }
}

impl fmt::Debug for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let tags = TagSet::new([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(tags.get("b"), Some("3"));
        assert_eq!(tags.get("c"), None);
    }
}
