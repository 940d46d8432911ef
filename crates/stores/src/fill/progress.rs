//! How far a fill is, for whoever wants to show it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::team::Made;
use crate::store::Encoded;

/// What a fill is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reaching the server.
    Connecting,
    /// Finding out which records are there.
    Looking,
    /// Counting the bytes of those that are.
    Recounting,
    /// Inserting.
    Filling,
    /// Creating indexes.
    Indexing,
    /// Asking the server for its figure.
    Measuring,
}

/// Something to tell once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Records of an earlier, interrupted or shorter, fill are there.
    Resumes {
        /// How many.
        records: u64,
    },
    /// The server cannot be reached and is tried again.
    Lost {
        /// What happened.
        message: String,
        /// For how long it is tried.
        patience: Duration,
    },
    /// The server can be reached again.
    Back,
    /// A process that made records is gone; the others do what it had been given.
    MemberLost {
        /// Its number.
        member: usize,
        /// How it ended.
        reason: String,
        /// How many are left.
        left: usize,
    },
    /// A process that would make other records is not let in.
    MemberDiffers {
        /// Its number.
        member: usize,
    },
    /// An index is being created.
    Indexes {
        /// Its name.
        name: String,
    },
}

/// How far a fill is at one moment. Bytes are logical bytes: see [`crate::value::Value::logical_bytes`]; for documents of
/// MongoDB the length of their BSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is doing.
    pub stage: Stage,
    /// Whether the server cannot be reached at the moment.
    pub is_lost: bool,
    /// Records of this fill that were there before, counted towards the goal or not.
    pub present_records: u64,
    /// Records that were there before and count: no more than the goal asks for.
    pub there_records: u64,
    /// Their bytes.
    pub there_bytes: u64,
    /// Records that this fill inserted, acknowledged by the server.
    pub inserted_records: u64,
    /// Their bytes.
    pub inserted_bytes: u64,
    /// Records that were found to be there after the answer to their insert was lost; counted among the inserted.
    pub recovered_records: u64,
    /// How often the connection was lost.
    pub losses: u64,
    /// Time since the fill began.
    pub elapsed: Duration,
    /// Time since the first insert.
    pub inserting: Duration,
}

impl Snapshot {
    /// Records there now.
    pub fn records(&self) -> u64 {
        self.there_records + self.inserted_records
    }

    /// Bytes there now.
    pub fn bytes(&self) -> u64 {
        self.there_bytes + self.inserted_bytes
    }
}

#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    state: Mutex<State>,
    is_lost: AtomicBool,
    present: AtomicU64,
    there: Counter,
    inserted: Counter,
    recovered: AtomicU64,
    losses: AtomicU64,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    filling_since: Option<Instant>,
    filling_until: Option<Instant>,
    told: Sender<Notice>,
}

#[derive(Debug, Default)]
struct Counter {
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    fn add(&self, records: u64, bytes: u64) {
        // Bytes first: whoever sees a record has its bytes.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Release);
    }

    fn read(&self) -> (u64, u64) {
        let records = self.records.load(Ordering::Acquire);
        (records, self.bytes.load(Ordering::Relaxed))
    }
}

impl Progress {
    pub(super) fn new(told: Sender<Notice>) -> Self {
        Self {
            began: Instant::now(),
            state: Mutex::new(State {
                stage: Stage::Connecting,
                filling_since: None,
                filling_until: None,
                told,
            }),
            is_lost: AtomicBool::new(false),
            present: AtomicU64::new(0),
            there: Counter::default(),
            inserted: Counter::default(),
            recovered: AtomicU64::new(0),
            losses: AtomicU64::new(0),
        }
    }

    pub(super) fn enter(&self, stage: Stage) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if stage == Stage::Filling {
            state.filling_since.get_or_insert_with(Instant::now);
        } else if state.filling_since.is_some() {
            state.filling_until.get_or_insert_with(Instant::now);
        }
        state.stage = stage;
    }

    pub(super) fn tell(&self, notice: Notice) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Who does not listen is not told.
        let _ = state.told.send(notice);
    }

    /// The connection is lost; told once until it is back.
    pub(super) fn lost(&self, notice: impl FnOnce() -> Notice) {
        if !self.is_lost.swap(true, Ordering::Relaxed) {
            self.losses.fetch_add(1, Ordering::Relaxed);
            self.tell(notice());
        }
    }

    pub(super) fn back(&self) {
        if self.is_lost.load(Ordering::Relaxed) && self.is_lost.swap(false, Ordering::Relaxed) {
            self.tell(Notice::Back);
        }
    }

    pub(super) fn present(&self, records: u64) {
        self.present.store(records, Ordering::Relaxed);
    }

    pub(super) fn there(&self, bytes: u64) {
        self.there.add(1, bytes);
    }

    /// A member of a team has done a share.
    pub(super) fn made(&self, made: &Made) {
        self.there.add(made.there.records, made.there.bytes);
        self.inserted.add(made.inserted.records, made.inserted.bytes);
        self.recovered.fetch_add(made.recovered, Ordering::Relaxed);
    }

    pub(super) fn inserted<R>(&self, rows: &[Encoded<R>]) {
        self.inserted.add(rows.len() as u64, rows.iter().map(|row| row.bytes).sum());
    }

    pub(super) fn found<R>(&self, rows: &[Encoded<R>]) {
        self.inserted(rows);
        self.recovered.fetch_add(rows.len() as u64, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let until = state.filling_until.unwrap_or_else(Instant::now);
        let (there_records, there_bytes) = self.there.read();
        let (inserted_records, inserted_bytes) = self.inserted.read();
        Snapshot {
            stage: state.stage,
            is_lost: self.is_lost.load(Ordering::Relaxed),
            present_records: self.present.load(Ordering::Relaxed),
            there_records,
            there_bytes,
            inserted_records,
            inserted_bytes,
            recovered_records: self.recovered.load(Ordering::Relaxed),
            losses: self.losses.load(Ordering::Relaxed),
            elapsed: self.began.elapsed(),
            inserting: state
                .filling_since
                .map_or(Duration::ZERO, |since| until.saturating_duration_since(since)),
        }
    }
}
