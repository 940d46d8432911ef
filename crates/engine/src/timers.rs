//! A shard's agenda: what is due next, and in which order what is due at the same moment happens.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ids::ScenarioIndex;
use crate::time::Time;

/// What is due. The order of the variants is the order within one moment: what frees a virtual user and
/// what is still due comes before an end, and ends come before beginnings, so that a scenario finds the
/// virtual users that another gives back at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A new map of slots holds from now on, also for what else is due at this moment.
    Deal,
    /// A virtual user has waited out `minIterationDuration`; `rest` tells it from earlier ones.
    RestOver { local: u32, rest: u64 },
    /// Virtual users of a ramp come or go.
    Step(ScenarioIndex),
    /// A planned start.
    Arrival(ScenarioIndex),
    /// Nothing is left that could start.
    Exhausted(ScenarioIndex),
    /// No iteration starts from now on.
    RegularEnd(ScenarioIndex),
    /// A virtual user that the ramp has left is interrupted, unless it is wanted again.
    HardStop { scenario: ScenarioIndex, stint: u32, generation: u32 },
    /// What still runs is interrupted.
    HardEnd(ScenarioIndex),
    /// The scenario starts.
    Begin(ScenarioIndex),
}

/// What is due, earliest first. Entries are not removed when they lose their point; who handles one checks.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Time, Due)>>);

impl Timers {
    /// Notes that `due` is due at `at`; what is due never is forgotten.
    pub(crate) fn push(&mut self, at: Time, due: Due) {
        if !at.is_never() {
            self.0.push(Reverse((at, due)));
        }
    }

    /// Takes the first entry that is due by `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, Due)> {
        self.0.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.0.pop().map(|Reverse(entry)| entry)
    }

    /// When the next entry is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }
}
