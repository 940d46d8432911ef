//! The databases behind one interface.
//!
//! A store knows how to encode a record, to insert many at once, and to say which of a fill's records are there. What
//! follows from a lost connection or a duplicate key is decided once, in [`crate::fill`].

pub(crate) mod columns;
pub(crate) mod mongodb;
pub(crate) mod mysql;
pub(crate) mod postgres;

use std::ops::Range;

use crate::error::{FillError, StoreError};
use crate::index::Index;
use crate::template::Record;

/// A record as its store sends it.
#[derive(Debug, Clone)]
pub(crate) struct Encoded<R> {
    pub(crate) sequence: u64,
    /// What it counts for.
    pub(crate) bytes: u64,
    pub(crate) row: R,
}

/// A database with one collection or table. Clones share connections.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    /// A record in the form in which it is sent.
    type Row: Clone + Send + Sync + 'static;

    /// Encodes a record.
    fn encode(&self, record: Record) -> Encoded<Self::Row>;

    /// The longest record that the server takes; [`Store::prepare`] finds it out.
    fn longest(&self) -> u64;

    /// Refuses a record that is longer, before it is sent.
    fn fits(&self, record: &Encoded<Self::Row>) -> Result<(), FillError> {
        let (sequence, bytes, limit) = (record.sequence, record.bytes, self.longest());
        if bytes > limit { Err(FillError::TooLarge { sequence, bytes, limit }) } else { Ok(()) }
    }

    /// Connects, and makes the collection or table if it is not there.
    fn prepare(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the collection or table, if it is there.
    fn remove(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Inserts records. After [`crate::error::Trouble::Unreachable`] and [`crate::error::Trouble::Duplicate`] any of
    /// them may be there; after success all are.
    fn insert(&self, rows: &[Encoded<Self::Row>]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How many of the fill's records with these numbers are there.
    fn count(&self, range: Range<u64>) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Which of them are there, in order.
    fn list(&self, range: Range<u64>) -> impl Future<Output = Result<Vec<u64>, StoreError>> + Send;

    /// The highest number that is there.
    fn last(&self) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;

    /// Whether this very record is there.
    fn holds(&self, record: &Record) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Creates an index, unless it is there.
    fn create_index(&self, index: &Index) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Leaves everything as an application expects it (a sequence for keys behind the last one, for example), and says
    /// how large the collection or table is for the server.
    fn finish(&self) -> impl Future<Output = Result<Option<ServerSize>, StoreError>> + Send;
}

/// What a server says about a collection or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSize {
    /// Records, ours and others.
    pub records: u64,
    /// Bytes, as it counts them.
    pub bytes: u64,
    /// What it calls that figure.
    pub figure: &'static str,
}
