//! What became of the iterations that a controller dealt out, told together with what they measured.

use std::collections::BTreeMap;

use crate::ids::ScenarioIndex;
use crate::indices::Indices;

/// What became of some iterations since the last time this was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often the worker had been given up by then, as far as it knew.
    pub epoch: u32,
    /// By scenario; only those of which there is something to tell.
    pub scenarios: BTreeMap<ScenarioIndex, Tally>,
}

/// What became of some iterations of one scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// They have been run or attempted, or are counted as dropped: nobody runs them again.
    pub settled: Indices,
    /// They are to be run by somebody else.
    pub returned: Indices,
}

impl Counts {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty()
    }

    /// How many iterations are settled.
    pub fn settled(&self) -> u64 {
        self.scenarios.values().map(|tally| tally.settled.count()).sum()
    }

    /// That these are to be run by somebody else.
    pub fn give_back(&mut self, scenario: ScenarioIndex, indices: &Indices) {
        if !indices.is_empty() {
            self.scenarios.entry(scenario).or_default().returned.extend(indices);
        }
    }

    /// That these have been dealt with.
    pub fn settle(&mut self, scenario: ScenarioIndex, indices: &Indices) {
        if !indices.is_empty() {
            self.scenarios.entry(scenario).or_default().settled.extend(indices);
        }
    }

    /// Adds what `later` tells, which has to be of the same epoch.
    pub fn merge(&mut self, later: &Self) {
        for (scenario, tally) in &later.scenarios {
            self.settle(*scenario, &tally.settled);
            self.give_back(*scenario, &tally.returned);
        }
    }
}
