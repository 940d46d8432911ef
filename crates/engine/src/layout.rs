//! What is this worker's, and from when on: a chain of layouts, one for each map of slots that it was dealt.
//!
//! A run without changes has one. A newer map makes another that holds from a moment a little ahead; it is appended to the
//! chain without a lock, and every shard finds it there before it does anything that is due then. So all shards change at
//! the same moment of the schedule, however late one of them is: what was due before belongs to the old map, what is due
//! from then on to the new one. As all workers are told the same moment, no planned start is anybody's twice.

use std::sync::{Arc, OnceLock};

use throng_plan::Slots;

use crate::placement::Placement;
use crate::time::Time;
use crate::work::Work;

/// The scenarios scaled to one map of slots, and the virtual users that run them.
#[derive(Debug)]
pub(crate) struct Layout {
    /// From when on it holds.
    pub(crate) at: Time,
    pub(crate) works: Vec<Work>,
    pub(crate) placement: Placement,
    /// The map's version.
    pub(crate) version: u64,
    /// What of it was another worker's until then that may still run what it had begun.
    pub(crate) coming: Slots,
    next: OnceLock<Arc<Layout>>,
}

impl Layout {
    pub(crate) fn new(
        at: Time,
        works: Vec<Work>,
        placement: Placement,
        version: u64,
        coming: Slots,
    ) -> Arc<Self> {
        Arc::new(Self { at, works, placement, version, coming, next: OnceLock::new() })
    }

    /// The one after it, if the map has changed since.
    pub(crate) fn next(&self) -> Option<&Arc<Self>> {
        self.next.get()
    }

    /// The last one of the chain.
    pub(crate) fn newest(self: &Arc<Self>) -> &Arc<Self> {
        let mut newest = self;
        while let Some(next) = newest.next() {
            newest = next;
        }
        newest
    }

    /// The one that holds at `now`.
    pub(crate) fn at(self: &Arc<Self>, now: Time) -> &Arc<Self> {
        let mut layout = self;
        while let Some(next) = layout.next().filter(|next| next.at <= now) {
            layout = next;
        }
        layout
    }

    /// Appends to the newest one; false if another was faster.
    pub(crate) fn append(&self, next: Arc<Self>) -> bool {
        self.next.set(next).is_ok()
    }
}

/// Where the numbers of iterations go on after a change of the map.
///
/// Nobody knows how far a lost worker came, so the numbers of its slots cannot simply be continued. They go on at a number
/// that is larger than all before it: one for each 100 ns since the start, which no test counts up to faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The first iteration of this worker that is counted so.
    pub(crate) first: u64,
    /// What is added to the number in the map; a multiple of the map's period, so that slots stay with their owners.
    pub(crate) base: u64,
}

impl Numbers {
    pub(crate) fn from(first: u64, agreed: Time, slots: &Slots) -> Self {
        let period = slots.period().max(1);
        Self { first, base: (agreed.as_nanos() / 100).div_ceil(period) * period }
    }
}
