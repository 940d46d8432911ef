//! Tag sets as small integers, with a bound on how many there can be.
//!
//! A script that puts a unique id into every URL makes a new tag set per request. Without a bound that eats
//! the generator's memory in minutes; dropping the samples would be a lie. So past the cap, values fold:
//!
//! 1. The *wide* keys (those with most of the distinct values, such as `url` and `name`) read `other`; the rest,
//!    such as `status` and `method`, stay.
//! 2. When even that makes too many sets, all but the tags named by a threshold's selector and the scenario
//!    is dropped.
//!
//! Tags that a selector names by key *and* value are never folded: the sub-metrics of thresholds stay exact.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};

use crate::selector::Selector;
use crate::tags::{Pair, TagSet};

/// What folded values read.
pub(crate) const OTHER: &str = "other";
/// A key is wide when its distinct values fill at least this part of the cap.
const WIDE_SHARE: usize = 16;

/// The bounds of one interner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Distinct tag sets.
    pub(crate) sets: usize,
    /// Distinct values of the `error` tag.
    pub(crate) errors: usize,
}

#[derive(Debug)]
pub(crate) struct Interner {
    limits: Limits,
    hasher: DefaultHashBuilder,
    sets: Vec<Arc<TagSet>>,
    by_content: HashTable<u32>,
    /// (base, pairs) seen before, so that a repeated derivation is one lookup.
    derived: HashTable<Derived>,
    /// One shared copy of each key and value that occurs in `sets`.
    strings: HashSet<Arc<str>>,
    /// Tags named by selectors, which never fold.
    named: HashSet<Pair>,
    /// Distinct values of each key in `sets`.
    values: HashMap<Arc<str>, HashSet<Arc<str>>>,
    /// The keys to fold, decided when the cap is first met.
    wide: Option<HashSet<Arc<str>>>,
    /// Sets added beyond the cap because their wide keys were folded.
    narrowed: usize,
    errors_folded: bool,
    other: Arc<str>,
}

#[derive(Debug)]
struct Derived {
    hash: u64,
    base: u32,
    pairs: Box<[(Box<str>, Box<str>)]>,
    result: u32,
}

/// What became of a derivation.
pub(crate) struct Interned {
    pub(crate) index: u32,
    /// The full set, where the interned one is folded.
    pub(crate) full: Option<TagSet>,
}

impl Interner {
    /// An interner whose set number 0 is `root`.
    pub(crate) fn new<'a>(
        root: TagSet,
        limits: Limits,
        selectors: impl IntoIterator<Item = &'a Selector>,
    ) -> Self {
        let named = selectors
            .into_iter()
            .flat_map(Selector::iter)
            .map(|(key, value)| (Arc::from(key), Arc::from(value)))
            .collect();
        let mut interner = Self {
            limits,
            hasher: DefaultHashBuilder::default(),
            sets: Vec::new(),
            by_content: HashTable::new(),
            derived: HashTable::new(),
            strings: HashSet::new(),
            named,
            values: HashMap::new(),
            wide: None,
            narrowed: 0,
            errors_folded: false,
            other: OTHER.into(),
        };
        interner.insert(root);
        interner
    }

    pub(crate) fn get(&self, index: u32) -> &Arc<TagSet> {
        &self.sets[index as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    /// The keys that read `other` since the cap was met.
    pub(crate) fn folded_keys(&self) -> Option<Vec<Arc<str>>> {
        let mut keys: Vec<_> = self.wide.as_ref()?.iter().cloned().collect();
        keys.sort();
        Some(keys)
    }

    pub(crate) fn errors_folded(&self) -> bool {
        self.errors_folded
    }

    /// Forgets cached derivations when they have filled their bound, so that those in use come back.
    pub(crate) fn trim(&mut self) {
        if self.derived.len() >= self.derived_limit() {
            self.derived.clear();
        }
    }

    fn derived_limit(&self) -> usize {
        self.limits.sets.saturating_mul(2).max(1_024)
    }

    /// The set `base` with `pairs` laid over it.
    pub(crate) fn derive(&mut self, base: u32, pairs: &[(&str, &str)]) -> Interned {
        if pairs.is_empty() {
            return Interned { index: base, full: None };
        }
        let hash = self.hasher.hash_one((base, pairs));
        let known = self.derived.find(hash, |entry| {
            entry.hash == hash
                && entry.base == base
                && entry.pairs.len() == pairs.len()
                && entry
                    .pairs
                    .iter()
                    .zip(pairs)
                    .all(|(mine, theirs)| *mine.0 == *theirs.0 && *mine.1 == *theirs.1)
        });
        if let Some(entry) = known {
            return Interned { index: entry.result, full: None };
        }
        let base_set = Arc::clone(self.get(base));
        let set = self.overlay(&base_set, pairs);
        let interned = self.intern(set);
        // A folded set is not cached: each is likely to be the only one of its kind.
        if interned.full.is_none() && self.derived.len() < self.derived_limit() {
            let pairs = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let entry = Derived { hash, base, pairs, result: interned.index };
            self.derived.insert_unique(hash, entry, |entry| entry.hash);
        }
        interned
    }

    /// Finds or adds a set, folding it if there is no room.
    pub(crate) fn intern(&mut self, set: TagSet) -> Interned {
        if let Some(index) = self.find(&set) {
            return Interned { index, full: None };
        }
        let (set, original) = self.fold_error(set);
        if original.is_some()
            && let Some(index) = self.find(&set)
        {
            return Interned { index, full: original };
        }
        if self.wide.is_none() && self.sets.len() < self.limits.sets {
            return Interned { index: self.insert(set), full: original };
        }
        let narrow = self.narrow(&set);
        if let Some(index) = self.find(&narrow) {
            return Interned { index, full: Some(original.unwrap_or(set)) };
        }
        if self.narrowed < self.limits.sets {
            self.narrowed += 1;
            let full = (narrow != set).then_some(set).or(original);
            return Interned { index: self.insert(narrow), full };
        }
        let core = self.core(&set);
        let index = self.find(&core).unwrap_or_else(|| self.insert(core));
        Interned { index, full: Some(original.unwrap_or(set)) }
    }

    fn find(&self, set: &TagSet) -> Option<u32> {
        let hash = self.hasher.hash_one(set);
        self.by_content.find(hash, |index| *self.sets[*index as usize] == *set).copied()
    }

    fn insert(&mut self, set: TagSet) -> u32 {
        for (key, value) in set.pairs() {
            self.strings.insert(Arc::clone(key));
            self.strings.insert(Arc::clone(value));
            self.values.entry(Arc::clone(key)).or_default().insert(Arc::clone(value));
        }
        let hash = self.hasher.hash_one(&set);
        let index = self.sets.len() as u32;
        self.sets.push(Arc::new(set));
        let Self { by_content, sets, hasher, .. } = self;
        by_content.insert_unique(hash, index, |index| hasher.hash_one(&*sets[*index as usize]));
        index
    }

    fn overlay(&self, base: &TagSet, pairs: &[(&str, &str)]) -> TagSet {
        let share = |text: &str| self.strings.get(text).map_or_else(|| Arc::from(text), Arc::clone);
        let mut merged: Vec<Pair> = base.pairs().to_vec();
        for (key, value) in pairs {
            match merged.binary_search_by(|pair| (*pair.0).cmp(key)) {
                Ok(at) => merged[at].1 = share(value),
                Err(at) => merged.insert(at, (share(key), share(value))),
            }
        }
        TagSet::from_sorted(merged)
    }

    /// The set with its `error` text folded when there are too many of them, and then the original.
    fn fold_error(&mut self, set: TagSet) -> (TagSet, Option<TagSet>) {
        let Some(error) = set.get_shared("error") else { return (set, None) };
        let known = self.values.get("error");
        let fits = known.is_none_or(|known| known.len() < self.limits.errors || known.contains(error));
        if fits || &**error == OTHER || self.is_named("error", error) {
            return (set, None);
        }
        self.errors_folded = true;
        (self.map_values(&set, |key| key == "error"), Some(set))
    }

    fn is_named(&self, key: &str, value: &str) -> bool {
        self.named.iter().any(|(named_key, named_value)| &**named_key == key && &**named_value == value)
    }

    fn map_values(&self, set: &TagSet, folds: impl Fn(&str) -> bool) -> TagSet {
        let fold = |(key, value): &Pair| {
            let folded = folds(key) && !self.is_named(key, value);
            (Arc::clone(key), Arc::clone(if folded { &self.other } else { value }))
        };
        TagSet::from_sorted(set.pairs().iter().map(fold).collect())
    }

    /// The set with its wide keys folded.
    fn narrow(&mut self, set: &TagSet) -> TagSet {
        let wide = self.wide.take().unwrap_or_else(|| self.wide_keys());
        let narrow = self.map_values(set, |key| wide.contains(key));
        self.wide = Some(wide);
        narrow
    }

    fn wide_keys(&self) -> HashSet<Arc<str>> {
        let widest = self.values.values().map(HashSet::len).max().unwrap_or(0);
        let at_least = (self.limits.sets / WIDE_SHARE).clamp(1, widest.max(1));
        let is_wide = |(_, values): &(&Arc<str>, &HashSet<Arc<str>>)| values.len() >= at_least;
        self.values.iter().filter(is_wide).map(|(key, _)| Arc::clone(key)).collect()
    }

    /// What must stay whatever happens: tags named by selectors, and a scenario that was seen before.
    fn core(&self, set: &TagSet) -> TagSet {
        let stays = |(key, value): &&Pair| {
            self.is_named(key, value)
                || &**key == "scenario" && self.values.get(key).is_some_and(|known| known.contains(value))
        };
        TagSet::from_sorted(set.pairs().iter().filter(stays).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interner(sets: usize, selectors: &[Selector]) -> Interner {
        Interner::new(TagSet::default(), Limits { sets, errors: 3 }, selectors)
    }

    #[test]
    fn the_same_pairs_on_the_same_base_are_the_same_set() {
        let mut interner = interner(100, &[]);
        let first = interner.derive(0, &[("a", "1"), ("b", "2")]).index;
        assert_eq!(interner.derive(0, &[("a", "1"), ("b", "2")]).index, first);
        assert_eq!(interner.derive(0, &[("b", "2"), ("a", "1")]).index, first);
        let over = interner.derive(first, &[("a", "3")]).index;
        assert_eq!(interner.get(over).iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
    }

    #[test]
    fn unique_urls_fold_and_everything_else_stays() {
        let mut interner = interner(100, &[Selector::new([("url", "/7000")])]);
        for request in 0..20_000 {
            let url = format!("/{request}");
            let status = if request % 2 == 0 { "200" } else { "500" };
            let set = interner.derive(0, &[("url", &url), ("status", status)]);
            let tags = interner.get(set.index);
            assert_eq!(tags.get("status"), Some(status));
            if request >= 99 && request != 7_000 {
                assert_eq!(tags.get("url"), Some("other"));
                assert_eq!(set.full.unwrap().get("url"), Some(&*url));
            } else {
                assert_eq!(tags.get("url"), Some(&*url));
            }
            interner.trim();
        }
        assert!(interner.len() < 110);
        assert_eq!(interner.folded_keys().unwrap(), ["url".into()]);
    }

    #[test]
    fn when_folding_wide_keys_is_not_enough_only_what_thresholds_name_stays() {
        let mut interner = interner(50, &[Selector::new([("name", "n7")])]);
        for round in 0..5_000 {
            let key = format!("key{round}");
            let name = format!("n{}", round % 10);
            let set = interner.derive(0, &[(&key, "x"), ("name", &name)]);
            assert_eq!(interner.get(set.index).get("name") == Some("n7"), round % 10 == 7);
        }
        assert!(interner.len() < 110, "{}", interner.len());
    }

    #[test]
    fn error_texts_beyond_the_cap_read_other() {
        let mut interner = interner(100, &[]);
        for n in 0..10 {
            let error = format!("dial: no route to port {n}");
            let set = interner.derive(0, &[("error", &error)]);
            let expected = if n < 3 { &*error } else { "other" };
            assert_eq!(interner.get(set.index).get("error"), Some(expected));
        }
        assert!(interner.errors_folded());
        let again = interner.derive(0, &[("error", "dial: no route to port 1")]);
        assert_eq!(interner.get(again.index).get("error"), Some("dial: no route to port 1"));
    }
}
