//! Checks and groups: counts per scenario, group and name, and the tree of groups, in first-seen order.
//!
//! k6 lists both in the order in which they first occurred. Many threads and workers have no common order,
//! so each first occurrence carries a stamp and the smallest stamp wins: merging in any order gives the same
//! list.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

use crate::interner::OTHER;
use crate::time::UnixNanos;

/// Separates the names in a group's path, which starts with it: `::outer::inner`. The root's path is empty.
pub(crate) const SEPARATOR: &str = "::";
/// Distinct checks, and distinct groups, of one recorder; the rest counts as `other`.
pub(crate) const CHECK_LIMIT: usize = 10_000;

/// When something was first seen: by time, then by order of occurrence within a recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    pub(crate) at: UnixNanos,
    pub(crate) sequence: u64,
}

/// Where a check belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CheckKey {
    /// The `scenario` tag, empty outside of scenarios.
    pub(crate) scenario: Arc<str>,
    /// The path of the group.
    pub(crate) group: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// How often a check passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckCounts {
    /// Times it passed.
    pub passes: u64,
    /// Times it failed.
    pub fails: u64,
}

impl CheckCounts {
    fn merge(&mut self, other: Self) {
        self.passes += other.passes;
        self.fails += other.fails;
    }
}

/// The checks and groups of a delta, or of the whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Checks {
    pub(crate) checks: BTreeMap<CheckKey, (Stamp, CheckCounts)>,
    pub(crate) groups: BTreeMap<Arc<str>, Stamp>,
}

impl Checks {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (key, (stamp, counts)) in &other.checks {
            match self.checks.get_mut(key) {
                Some((mine, total)) => {
                    *mine = (*mine).min(*stamp);
                    total.merge(*counts);
                }
                None => {
                    self.checks.insert(key.clone(), (*stamp, *counts));
                }
            }
        }
        for (path, stamp) in &other.groups {
            self.note_group(path, *stamp);
        }
    }

    pub(crate) fn note_group(&mut self, path: &Arc<str>, stamp: Stamp) {
        match self.groups.get_mut(path) {
            Some(mine) => *mine = (*mine).min(stamp),
            None => {
                self.groups.insert(Arc::clone(path), stamp);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.groups.is_empty()
    }

    /// The checks that `wanted` selects, those of one name together, in first-seen order.
    pub(crate) fn by_name(&self, wanted: impl Fn(&CheckKey) -> bool) -> Vec<CheckStats> {
        let mut merged: BTreeMap<&Arc<str>, (Stamp, CheckCounts)> = BTreeMap::new();
        for (key, (stamp, counts)) in self.checks.iter().filter(|(key, _)| wanted(key)) {
            let (first, total) = merged.entry(&key.name).or_insert((*stamp, CheckCounts::default()));
            *first = (*first).min(*stamp);
            total.merge(*counts);
        }
        let mut list: Vec<_> = merged.into_iter().collect();
        list.sort_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| a.0.cmp(b.0)));
        list.into_iter().map(|(name, (_, counts))| CheckStats { name: Arc::clone(name), counts }).collect()
    }

    /// The tree of all groups with their checks.
    pub(crate) fn tree(&self) -> GroupNode {
        let mut groups: BTreeMap<Arc<str>, Stamp> = BTreeMap::new();
        let noted = self.groups.iter().map(|(path, stamp)| (path, *stamp));
        let implied = self.checks.iter().map(|(key, (stamp, _))| (&key.group, *stamp));
        for (path, stamp) in noted.chain(implied) {
            let path = tree_path(path);
            // A parent is there, and is no later than its children, whether or not it was noted by itself.
            let ends = path.match_indices(SEPARATOR).map(|(at, _)| at).skip(1).chain([path.len()]);
            for end in ends {
                let first = groups.entry(path[..end].into()).or_insert(stamp);
                *first = (*first).min(stamp);
            }
        }
        let mut ordered: Vec<_> = groups.into_iter().collect();
        // By depth within equal stamps: parents are inserted before their children.
        ordered.sort_by(|a, b| {
            a.1.cmp(&b.1).then_with(|| a.0.len().cmp(&b.0.len())).then_with(|| a.0.cmp(&b.0))
        });
        let mut root = GroupNode::new("", "");
        // k6 has no place in the tree for a check whose name would read as a path: the list by name has it.
        let of =
            |path: &str| self.by_name(|key| tree_path(&key.group) == path && !key.name.contains(SEPARATOR));
        root.checks = of("");
        for (path, _) in ordered.iter().filter(|(path, _)| !path.is_empty()) {
            root.insert(path, of(path));
        }
        root
    }
}

/// Where in the tree a `group` tag belongs, which scripts may set to anything: what stands before the first separator
/// does not count (observed on k6 1.1).
fn tree_path(group: &str) -> &str {
    group.find(SEPARATOR).map_or("", |at| &group[at..])
}

/// A check with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStats {
    /// The name given to `check()`.
    pub name: Arc<str>,
    /// How often it passed and failed.
    pub counts: CheckCounts,
}

/// A group with its checks and the groups within it, all in first-seen order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNode {
    /// The name given to `group()`; empty for the root.
    pub name: Arc<str>,
    /// `::outer::inner`; empty for the root.
    pub path: Arc<str>,
    /// The groups within.
    pub groups: Vec<GroupNode>,
    /// The checks made directly in this group.
    pub checks: Vec<CheckStats>,
}

impl GroupNode {
    fn new(name: &str, path: &str) -> Self {
        Self { name: name.into(), path: path.into(), groups: Vec::new(), checks: Vec::new() }
    }

    /// The id k6 gives a group: the MD5 digest of its path in hexadecimal.
    pub fn id(&self) -> String {
        path_id(&self.path)
    }

    /// The id k6 gives a check: the MD5 digest of the group's path, `::` and the check's name.
    pub fn check_id(&self, name: &str) -> String {
        path_id(&self.check_path(name))
    }

    /// The path of a check in this group.
    pub fn check_path(&self, name: &str) -> String {
        format!("{}{SEPARATOR}{name}", self.path)
    }

    fn insert(&mut self, path: &str, checks: Vec<CheckStats>) {
        let mut node = self;
        let mut end = 0;
        for name in path.split(SEPARATOR).skip(1) {
            end += SEPARATOR.len() + name.len();
            let at = node.groups.iter().position(|group| &*group.name == name).unwrap_or_else(|| {
                node.groups.push(Self::new(name, &path[..end]));
                node.groups.len() - 1
            });
            node = &mut node.groups[at];
        }
        node.checks = checks;
    }
}

fn path_id(path: &str) -> String {
    format!("{:x}", md5::compute(path))
}

/// The checks and groups of one recorder, cheap to count in.
#[derive(Debug, Default)]
pub(crate) struct CheckTable {
    hasher: DefaultHashBuilder,
    entries: Vec<Entry>,
    by_key: HashTable<u32>,
    touched: Vec<u32>,
    groups: BTreeMap<Arc<str>, Stamp>,
    new_groups: Vec<Arc<str>>,
    sequence: u64,
}

#[derive(Debug)]
struct Entry {
    key: CheckKey,
    first: Stamp,
    counts: CheckCounts,
}

impl CheckTable {
    /// Counts a check. `hint` is what the last call for the same tags returned, if any.
    pub(crate) fn count(
        &mut self,
        hint: Option<u32>,
        (scenario, group, name): (&str, &str, &str),
        pass: bool,
        at: UnixNanos,
    ) -> u32 {
        let same = |entry: &Entry| {
            *entry.key.name == *name && *entry.key.group == *group && *entry.key.scenario == *scenario
        };
        let index = match hint {
            Some(index) if same(&self.entries[index as usize]) => index,
            _ => {
                let hash = self.hasher.hash_one((scenario, group, name));
                let known = self.by_key.find(hash, |index| same(&self.entries[*index as usize])).copied();
                known.unwrap_or_else(|| self.insert(hash, (scenario, group, name), at))
            }
        };
        let counts = &mut self.entries[index as usize].counts;
        if *counts == CheckCounts::default() {
            self.touched.push(index);
        }
        if pass {
            counts.passes += 1;
        } else {
            counts.fails += 1;
        }
        index
    }

    fn insert(&mut self, hash: u64, (scenario, group, name): (&str, &str, &str), at: UnixNanos) -> u32 {
        if self.entries.len() >= CHECK_LIMIT && (group, name) != ("", OTHER) {
            let folded = (scenario, "", OTHER);
            let hash = self.hasher.hash_one(folded);
            let same = |index: &u32| {
                let key = &self.entries[*index as usize].key;
                *key.name == *OTHER && key.group.is_empty() && *key.scenario == *scenario
            };
            let known = self.by_key.find(hash, same).copied();
            return known.unwrap_or_else(|| self.insert(hash, folded, at));
        }
        let index = self.entries.len() as u32;
        let key = CheckKey { scenario: scenario.into(), group: group.into(), name: name.into() };
        self.note_group(group, at);
        let first = self.stamp(at);
        self.entries.push(Entry { key, first, counts: CheckCounts::default() });
        let Self { by_key, entries, hasher, .. } = self;
        by_key.insert_unique(hash, index, |index| {
            let key = &entries[*index as usize].key;
            hasher.hash_one((&*key.scenario, &*key.group, &*key.name))
        });
        index
    }

    fn stamp(&mut self, at: UnixNanos) -> Stamp {
        self.sequence += 1;
        Stamp { at, sequence: self.sequence }
    }

    /// Notes that a group is one of the tree's.
    pub(crate) fn note_group(&mut self, path: &str, at: UnixNanos) {
        if path.is_empty() || self.groups.contains_key(path) || self.groups.len() >= CHECK_LIMIT {
            return;
        }
        let path: Arc<str> = path.into();
        let stamp = self.stamp(at);
        self.groups.insert(Arc::clone(&path), stamp);
        self.new_groups.push(path);
    }

    /// What was counted since the last call.
    pub(crate) fn take(&mut self) -> Checks {
        let mut taken = Checks::default();
        for index in self.touched.drain(..) {
            let entry = &mut self.entries[index as usize];
            taken.checks.insert(entry.key.clone(), (entry.first, std::mem::take(&mut entry.counts)));
        }
        for path in self.new_groups.drain(..) {
            taken.groups.insert(Arc::clone(&path), self.groups[&path]);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_lists_in_first_seen_order_whatever_the_order_of_merging() {
        let mut first = CheckTable::default();
        first.note_group("::zebra", UnixNanos(1));
        first.count(None, ("s", "::zebra::inner", "z"), true, UnixNanos(3));
        first.count(None, ("s", "", "late"), true, UnixNanos(9));
        let mut second = CheckTable::default();
        second.note_group("::apple", UnixNanos(2));
        second.count(None, ("s", "", "early"), false, UnixNanos(2));
        second.count(None, ("t", "", "late"), false, UnixNanos(10));
        let (first, second) = (first.take(), second.take());
        let mut forward = first.clone();
        forward.merge(&second);
        let mut backward = second;
        backward.merge(&first);
        assert_eq!(forward, backward);
        let tree = forward.tree();
        let names: Vec<_> = tree.groups.iter().map(|group| &*group.name).collect();
        assert_eq!(names, ["zebra", "apple"]);
        assert_eq!(&*tree.groups[0].groups[0].path, "::zebra::inner");
        let checks: Vec<_> = tree.checks.iter().map(|check| (&*check.name, check.counts)).collect();
        let expected =
            [("early", CheckCounts { passes: 0, fails: 1 }), ("late", CheckCounts { passes: 1, fails: 1 })];
        assert_eq!(checks, expected);
    }

    #[test]
    fn any_text_as_a_group_has_its_place_in_the_tree() {
        let mut table = CheckTable::default();
        for (group, name) in
            [("made up", "a"), ("x::y", "b"), ("::a:::b", "c"), ("", "d::e"), ("::empty", "f::g")]
        {
            table.count(None, ("s", group, name), true, UnixNanos(1));
        }
        let taken = table.take();
        let tree = taken.tree();
        let checks =
            |node: &GroupNode| node.checks.iter().map(|check| check.name.to_string()).collect::<Vec<_>>();
        let shown: Vec<_> = tree
            .groups
            .iter()
            .map(|group| (group.path.to_string(), checks(group), group.groups.len()))
            .collect();
        let expected = [
            ("::y".to_owned(), vec!["b".to_owned()], 0),
            ("::a".to_owned(), vec![], 1),
            ("::empty".to_owned(), vec![], 0),
        ];
        assert_eq!((checks(&tree), shown), (vec!["a".to_owned()], expected.to_vec()));
        assert_eq!(&*tree.groups[1].groups[0].name, ":b");
        assert_eq!(taken.by_name(|_| true).len(), 5);
    }

    #[test]
    fn ids_are_digests_of_paths() {
        assert_eq!(GroupNode::new("", "").id(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn checks_beyond_the_cap_count_as_other() {
        let mut table = CheckTable::default();
        for n in 0..CHECK_LIMIT + 50 {
            table.count(None, ("s", "", &format!("check {n}")), true, UnixNanos(1));
        }
        let taken = table.take();
        assert_eq!(taken.checks.len(), CHECK_LIMIT + 1);
        let other = CheckKey { scenario: "s".into(), group: "".into(), name: OTHER.into() };
        assert_eq!(taken.checks[&other].1, CheckCounts { passes: 50, fails: 0 });
    }
}
