//! What a journal holds, as it is encoded. The messages are prost's, as on the wire, so that a later version can add to
//! them.

use bytes::Bytes;
use prost::{Message, Oneof};

use super::difference::Difference;
use crate::protocol::{Command, ProgressMessage};

/// Everything that one event changed: written at once, so it is there as a whole or not at all.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    /// When, on the clock of the run.
    #[prost(uint64, tag = "1")]
    pub(super) at: u64,
    /// Only in the first record of a file.
    #[prost(message, optional, tag = "2")]
    pub(super) identity: Option<IdentityMessage>,
    /// The whole state of the machine; only in the first record of a file.
    #[prost(message, optional, tag = "3")]
    pub(super) state: Option<StateMessage>,
    /// What `setup` returned; once.
    #[prost(string, optional, tag = "4")]
    pub(super) setup_data: Option<String>,
    /// The batch that was taken.
    #[prost(message, optional, tag = "5")]
    pub(super) batch: Option<BatchMessage>,
    /// What was measured, by a worker or in the controller itself.
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) delta: Option<Bytes>,
    /// What the host program was told and has to hear again.
    #[prost(message, repeated, tag = "7")]
    pub(super) told: Vec<ToldMessage>,
    /// How far workers are.
    #[prost(message, repeated, tag = "8")]
    pub(super) progress: Vec<WorkerProgress>,
    /// The host program's own notes: names and values in turn.
    #[prost(string, repeated, tag = "9")]
    pub(super) notes: Vec<String>,
    /// What the event changed in the state of the machine.
    #[prost(message, optional, tag = "10")]
    pub(super) change: Option<Difference>,
}

/// Which run it is.
#[derive(Clone, PartialEq, Message)]
pub(super) struct IdentityMessage {
    #[prost(fixed64, tag = "1")]
    pub(super) run: u64,
    /// SHA-256 of the test.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) test: Vec<u8>,
    /// What the wall clock showed at the origin of the run's clock, in nanoseconds since 1970.
    #[prost(uint64, tag = "3")]
    pub(super) unix_at_origin: u64,
    /// The longest time, in nanoseconds, for which workers were allowed to go on without a controller.
    #[prost(uint64, tag = "4")]
    pub(super) grace: u64,
    #[prost(uint32, tag = "5")]
    pub(super) expected: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(uint64, tag = "2")]
    pub(super) number: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WorkerProgress {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(message, optional, tag = "2")]
    pub(super) progress: Option<ProgressMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ToldMessage {
    #[prost(oneof = "Told", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9")]
    pub(super) told: Option<Told>,
}

/// Facts about workers.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Told {
    #[prost(message, tag = "1")]
    Joined(JoinedMessage),
    #[prost(message, tag = "2")]
    Lost(LossMessage),
    #[prost(uint32, tag = "3")]
    Returned(u32),
    #[prost(message, tag = "4")]
    Left(LeftMessage),
    #[prost(uint32, tag = "5")]
    Done(u32),
    #[prost(message, tag = "6")]
    Missing(MissingMessage),
    #[prost(message, tag = "7")]
    Discarded(DiscardedMessage),
    /// For so many nanoseconds.
    #[prost(uint64, tag = "8")]
    HeldUp(u64),
    #[prost(message, tag = "9")]
    Dealt(DealtMessage),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct JoinedMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) address: String,
    #[prost(uint32, tag = "4")]
    pub(super) threads: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LossMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(double, tag = "3")]
    pub(super) share: f64,
    #[prost(uint64, optional, tag = "4")]
    pub(super) at: Option<u64>,
    #[prost(uint64, tag = "5")]
    pub(super) silent: u64,
    #[prost(string, tag = "6")]
    pub(super) why: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DealtMessage {
    /// In nanoseconds since the start.
    #[prost(uint64, tag = "1")]
    pub(super) at: u64,
    #[prost(uint32, tag = "2")]
    pub(super) workers: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LeftMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(double, tag = "2")]
    pub(super) share: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MissingMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(uint64, tag = "2")]
    pub(super) reports: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DiscardedMessage {
    #[prost(uint32, tag = "1")]
    pub(super) worker: u32,
    #[prost(uint64, tag = "2")]
    pub(super) iterations: u64,
}

/// The state of a controller's machine.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct StateMessage {
    /// The position of the phase in its enum.
    #[prost(uint32, tag = "1")]
    pub(in crate::controller) phase: u32,
    /// Since when, or from when on, it lasts; where the phase says so.
    #[prost(uint64, tag = "2")]
    pub(in crate::controller) phase_at: u64,
    /// In the order of their numbers.
    #[prost(message, repeated, tag = "3")]
    pub(in crate::controller) members: Vec<MemberMessage>,
    /// By seat: the worker's number and one more, or 0.
    #[prost(uint32, repeated, tag = "4")]
    pub(in crate::controller) seats: Vec<u32>,
    #[prost(message, optional, tag = "5")]
    pub(in crate::controller) map: Option<MapMessage>,
    /// When the run phase began, once the start was ordered.
    #[prost(uint64, optional, tag = "6")]
    pub(in crate::controller) began: Option<u64>,
    #[prost(bool, tag = "7")]
    pub(in crate::controller) aborted: bool,
    /// When iterations began, once that is settled.
    #[prost(uint64, optional, tag = "13")]
    pub(in crate::controller) started: Option<u64>,
    #[prost(string, optional, tag = "8")]
    pub(in crate::controller) failed: Option<String>,
    #[prost(message, optional, tag = "9")]
    pub(in crate::controller) script_aborted: Option<SaidMessage>,
    #[prost(message, optional, tag = "10")]
    pub(in crate::controller) script_failed: Option<SaidMessage>,
    #[prost(message, optional, tag = "11")]
    pub(in crate::controller) init_failed: Option<SaidMessage>,
    /// The iterations that are counted, by scenario.
    #[prost(message, repeated, tag = "14")]
    pub(in crate::controller) books: Vec<BookMessage>,
    /// Who was given up, and how often.
    #[prost(message, repeated, tag = "15")]
    pub(in crate::controller) epochs: Vec<EpochMessage>,
    /// Whether the books are opened; before the start they only say what there is.
    #[prost(bool, tag = "16")]
    pub(in crate::controller) has_ledger: bool,
}

/// One scenario's iterations. Indices are starts and lengths in turn.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct BookMessage {
    #[prost(uint32, tag = "1")]
    pub(in crate::controller) scenario: u32,
    #[prost(uint64, tag = "2")]
    pub(in crate::controller) vus: u64,
    #[prost(uint64, tag = "3")]
    pub(in crate::controller) iterations: u64,
    #[prost(bool, tag = "4")]
    pub(in crate::controller) is_each: bool,
    #[prost(uint64, repeated, tag = "5")]
    pub(in crate::controller) free: Vec<u64>,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::controller) held: Vec<HeldMessage>,
    #[prost(bool, tag = "7")]
    pub(in crate::controller) is_closed: bool,
}

/// What a worker has.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct HeldMessage {
    #[prost(uint32, tag = "1")]
    pub(in crate::controller) worker: u32,
    #[prost(uint64, repeated, tag = "2")]
    pub(in crate::controller) indices: Vec<u64>,
}

/// How often a worker was given up, or by which map it comes to rest.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct EpochMessage {
    #[prost(uint32, tag = "1")]
    pub(in crate::controller) worker: u32,
    #[prost(uint64, tag = "2")]
    pub(in crate::controller) number: u64,
}

/// What a worker said, of which the first time counts.
#[derive(Clone, PartialEq, Eq, Message)]
pub(in crate::controller) struct SaidMessage {
    #[prost(uint32, tag = "1")]
    pub(in crate::controller) worker: u32,
    #[prost(string, tag = "2")]
    pub(in crate::controller) text: String,
}

/// A worker.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct MemberMessage {
    #[prost(fixed64, tag = "1")]
    pub(in crate::controller) instance: u64,
    #[prost(string, tag = "2")]
    pub(in crate::controller) name: String,
    #[prost(string, tag = "3")]
    pub(in crate::controller) address: String,
    #[prost(uint32, tag = "4")]
    pub(in crate::controller) threads: u32,
    #[prost(uint32, tag = "5")]
    pub(in crate::controller) seat: u32,
    /// The position of its standing in the enum.
    #[prost(uint32, tag = "6")]
    pub(in crate::controller) standing: u32,
    /// The number of the last command.
    #[prost(uint64, tag = "7")]
    pub(in crate::controller) commanded: u64,
    /// The last ones, which are not acknowledged; without the setup data.
    #[prost(message, repeated, tag = "8")]
    pub(in crate::controller) kept: Vec<Command>,
    /// The last batch that was taken.
    #[prost(uint64, tag = "9")]
    pub(in crate::controller) taken: u64,
    #[prost(bool, tag = "10")]
    pub(in crate::controller) prepared: bool,
    #[prost(bool, tag = "11")]
    pub(in crate::controller) initialised: bool,
    #[prost(double, optional, tag = "12")]
    pub(in crate::controller) leaving: Option<f64>,
    #[prost(bool, tag = "13")]
    pub(in crate::controller) done: bool,
    #[prost(uint64, tag = "14")]
    pub(in crate::controller) promised: u64,
    #[prost(uint64, tag = "15")]
    pub(in crate::controller) suspended_for: u64,
}

/// A map of slots with the change that is under way.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct MapMessage {
    #[prost(uint64, tag = "1")]
    pub(in crate::controller) version: u64,
    #[prost(uint32, repeated, tag = "2")]
    pub(in crate::controller) owners: Vec<u32>,
    #[prost(uint64, tag = "3")]
    pub(in crate::controller) from: u64,
    #[prost(bool, tag = "4")]
    pub(in crate::controller) stale: bool,
    #[prost(message, optional, tag = "5")]
    pub(in crate::controller) change: Option<ChangeMessage>,
    /// The newest map for which somebody gave something, where that is not at rest.
    #[prost(uint64, optional, tag = "6")]
    pub(in crate::controller) lingering: Option<u64>,
    /// By which map they come to rest.
    #[prost(message, repeated, tag = "7")]
    pub(in crate::controller) restless: Vec<EpochMessage>,
}

/// A change for which promises are awaited.
#[derive(Clone, PartialEq, Message)]
pub(in crate::controller) struct ChangeMessage {
    #[prost(uint64, tag = "1")]
    pub(in crate::controller) version: u64,
    #[prost(uint32, repeated, tag = "2")]
    pub(in crate::controller) interim: Vec<u32>,
    #[prost(uint64, tag = "3")]
    pub(in crate::controller) from: u64,
    #[prost(uint32, repeated, tag = "4")]
    pub(in crate::controller) awaited: Vec<u32>,
    #[prost(uint32, repeated, tag = "5")]
    pub(in crate::controller) owners: Vec<u32>,
    #[prost(uint32, repeated, tag = "6")]
    pub(in crate::controller) givers: Vec<u32>,
}
