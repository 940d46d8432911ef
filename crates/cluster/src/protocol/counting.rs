//! Iterations that are counted, on the wire: ranges of indices as starts and lengths in turn.

use std::collections::BTreeMap;

use prost::Message;
use throng_engine::{Counts, Indices, ScenarioIndex, Tally};

/// See [`throng_engine::Tally`].
#[derive(Clone, PartialEq, Message)]
pub struct TallyMessage {
    /// The position of the scenario in the plan.
    #[prost(uint32, tag = "1")]
    pub scenario: u32,
    /// Starts and lengths in turn.
    #[prost(uint64, repeated, tag = "2")]
    pub settled: Vec<u64>,
    /// The same.
    #[prost(uint64, repeated, tag = "3")]
    pub returned: Vec<u64>,
}

/// What changes for a worker in the iterations that it has.
#[derive(Clone, PartialEq, Message)]
pub struct Count {
    /// How often the worker was given up.
    #[prost(uint32, tag = "1")]
    pub epoch: u32,
    /// What it had before is not its own any more.
    #[prost(bool, tag = "2")]
    pub void: bool,
    /// More for it.
    #[prost(message, repeated, tag = "3")]
    pub grants: Vec<GrantMessage>,
    /// It should give some back.
    #[prost(message, repeated, tag = "4")]
    pub recalls: Vec<RecallMessage>,
    /// Scenarios of which all iterations are over.
    #[prost(uint32, repeated, tag = "5")]
    pub closed: Vec<u32>,
}

/// Iterations for a worker.
#[derive(Clone, PartialEq, Message)]
pub struct GrantMessage {
    /// The position of the scenario in the plan.
    #[prost(uint32, tag = "1")]
    pub scenario: u32,
    /// Starts and lengths in turn.
    #[prost(uint64, repeated, tag = "2")]
    pub indices: Vec<u64>,
}

/// A worker should give back so many that it has not started.
#[derive(Clone, PartialEq, Message)]
pub struct RecallMessage {
    /// The position of the scenario in the plan.
    #[prost(uint32, tag = "1")]
    pub scenario: u32,
    /// At most so many.
    #[prost(uint64, tag = "2")]
    pub count: u64,
}

/// A worker will soon have nothing to start. Said again as long as that is so.
#[derive(Clone, PartialEq, Message)]
pub struct Wants {
    /// In which scenarios.
    #[prost(message, repeated, tag = "1")]
    pub wants: Vec<WantMessage>,
}

/// What a worker wants of one scenario.
#[derive(Clone, PartialEq, Message)]
pub struct WantMessage {
    /// The position of the scenario in the plan.
    #[prost(uint32, tag = "1")]
    pub scenario: u32,
    /// How many it has not started.
    #[prost(uint64, tag = "2")]
    pub left: u64,
    /// How many more it would start within a second.
    #[prost(uint64, tag = "3")]
    pub wanted: u64,
    /// The scenario's time is over: it would drop whatever nobody has.
    #[prost(bool, tag = "4")]
    pub rest: bool,
}

/// Starts and lengths in turn.
pub(crate) fn encode(indices: &Indices) -> Vec<u64> {
    indices.ranges().flat_map(|range| [range.start, range.end - range.start]).collect()
}

/// The same back; what makes no sense is nothing.
pub(crate) fn decode(numbers: &[u64]) -> Indices {
    let range = |pair: &[u64]| match *pair {
        [start, length] => start..start.saturating_add(length),
        _ => 0..0,
    };
    numbers.chunks(2).map(range).collect()
}

/// What a worker tells, as messages.
pub(crate) fn tallies(counts: &Counts) -> Vec<TallyMessage> {
    let message = |(scenario, tally): (&ScenarioIndex, &Tally)| TallyMessage {
        scenario: scenario.index() as u32,
        settled: encode(&tally.settled),
        returned: encode(&tally.returned),
    };
    counts.scenarios.iter().map(message).collect()
}

/// The same back.
pub(crate) fn read_tallies(messages: &[TallyMessage]) -> BTreeMap<ScenarioIndex, Tally> {
    let tally = |message: &TallyMessage| {
        let tally = Tally { settled: decode(&message.settled), returned: decode(&message.returned) };
        (ScenarioIndex::new(message.scenario as usize), tally)
    };
    messages.iter().map(tally).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_come_back_as_they_were() {
        let indices: Indices = [3..9, 20..21].into_iter().collect();
        assert_eq!(encode(&indices), [3, 6, 20, 1]);
        assert_eq!(decode(&encode(&indices)), indices);
        assert_eq!(decode(&[5]), Indices::default());
        assert_eq!(decode(&[u64::MAX, 7]).count(), 0);
    }
}
