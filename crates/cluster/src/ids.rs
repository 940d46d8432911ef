//! Who is who: the run, the workers in it and the processes behind them.

use std::fmt;

/// A worker of a run: counted from 0 in the order of joining, never given twice within a run.
///
/// It is unique among all that ever took part, so it can make other numbers unique (a recorder's source).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub(crate) u32);

impl WorkerId {
    /// The worker of this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number, from 0.
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of a test: random, so that nothing of one run is ever taken for part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(crate) u64);

/// A worker process: random at its start. The same process that connects again is the same worker; a process that was
/// started anew is another, even on the same machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub(crate) u64);

impl RunId {
    /// The one with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// A random one.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }
}

impl InstanceId {
    /// The one with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// A random one.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
