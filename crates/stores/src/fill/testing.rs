//! A database in memory that loses connections when a test wants it to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::error::{StoreError, Trouble};
use crate::index::Index;
use crate::store::{Encoded, ServerSize, Store};
use crate::template::Record;

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It never arrived.
    LostBefore,
    /// It was done, and the answer was lost.
    LostAfter,
    /// The first half of it was done, and the answer was lost.
    LostBetween,
}

#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) records: Arc<Mutex<BTreeMap<u64, Record>>>,
    /// The fates of the operations to come; done, when there are no more of them.
    pub(crate) fates: Arc<Mutex<Vec<Fate>>>,
    pub(crate) longest: Option<u64>,
    /// After so many records the disk is full.
    pub(crate) room: Option<usize>,
    /// A value of the field `u` is refused as a duplicate.
    pub(crate) taken: Option<String>,
}

impl Memory {
    pub(crate) fn holding(present: &[u64]) -> Self {
        let store = Self::default();
        let record = |&sequence: &u64| (sequence, Record { sequence, fields: Vec::new() });
        store.records.lock().unwrap().extend(present.iter().map(record));
        store
    }

    fn fate(&self) -> Fate {
        self.fates.lock().unwrap().pop().unwrap_or(Fate::Done)
    }

    fn asked<T>(&self, answer: impl FnOnce(&BTreeMap<u64, Record>) -> T) -> Result<T, StoreError> {
        match self.fate() {
            Fate::Done => Ok(answer(&self.records.lock().unwrap())),
            _ => Err(lost()),
        }
    }
}

fn lost() -> StoreError {
    StoreError::new(Trouble::Unreachable, "lost")
}

impl Store for Memory {
    type Row = Record;

    fn encode(&self, record: Record) -> Encoded<Record> {
        let bytes = record.fields.iter().map(|(_, value)| value.logical_bytes()).sum();
        Encoded { sequence: record.sequence, bytes, row: record }
    }

    fn longest(&self) -> u64 {
        self.longest.unwrap_or(u64::MAX)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.asked(|_| ())
    }

    async fn remove(&self) -> Result<(), StoreError> {
        self.records.lock().unwrap().clear();
        Ok(())
    }

    async fn insert(&self, rows: &[Encoded<Record>]) -> Result<(), StoreError> {
        // Others get their turn, as with a server.
        tokio::task::yield_now().await;
        let fate = self.fate();
        let arriving = match fate {
            Fate::LostBefore => 0,
            Fate::LostBetween => rows.len() / 2,
            Fate::Done | Fate::LostAfter => rows.len(),
        };
        let mut records = self.records.lock().unwrap();
        let mut refused = None;
        for row in &rows[..arriving] {
            if self.room.is_some_and(|room| records.len() >= room) {
                return Err(StoreError::new(Trouble::Full, "no space left"));
            }
            let is_taken =
                |taken| row.row.fields.iter().any(|(name, value)| &**name == "u" && value.text() == taken);
            if records.contains_key(&row.sequence) || self.taken.is_some() && is_taken(self.taken.clone()) {
                refused = Some(StoreError::new(Trouble::Duplicate, "duplicate"));
            } else {
                records.insert(row.sequence, row.row.clone());
            }
        }
        match (fate, refused) {
            (Fate::Done, None) => Ok(()),
            (Fate::Done, Some(refused)) => Err(refused),
            _ => Err(lost()),
        }
    }

    async fn count(&self, range: Range<u64>) -> Result<u64, StoreError> {
        self.asked(|records| records.range(range).count() as u64)
    }

    async fn list(&self, range: Range<u64>) -> Result<Vec<u64>, StoreError> {
        self.asked(|records| records.range(range).map(|(sequence, _)| *sequence).collect())
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        self.asked(|records| records.keys().next_back().copied())
    }

    async fn holds(&self, record: &Record) -> Result<bool, StoreError> {
        self.asked(|records| records.get(&record.sequence) == Some(record))
    }

    async fn create_index(&self, _: &Index) -> Result<(), StoreError> {
        Ok(())
    }

    async fn finish(&self) -> Result<Option<ServerSize>, StoreError> {
        self.asked(|records| Some(ServerSize { records: records.len() as u64, bytes: 0, figure: "none" }))
    }
}
