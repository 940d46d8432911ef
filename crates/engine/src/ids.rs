//! Small identifiers, so that a shard cannot be taken for a scenario.

use std::fmt;

/// A virtual user of this worker, numbered from 1 (`__VU`, `exec.vu.idInInstance`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VuId(u32);

impl VuId {
    /// The `number`-th virtual user; numbers start at 1.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number, from 1.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for VuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of a scenario in the plan, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScenarioIndex(u16);

impl ScenarioIndex {
    /// The scenario at this position of the plan.
    pub const fn new(position: usize) -> Self {
        Self(position as u16)
    }

    /// Its position in the plan.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One of the worker's threads, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardIndex(u16);

impl ShardIndex {
    /// The shard with this number.
    pub const fn new(number: usize) -> Self {
        Self(number as u16)
    }

    /// Its number.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
