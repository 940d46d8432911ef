//! What a fill is to do, checked.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::index::Index;
use crate::secret::Address;
use crate::size::Size;
use crate::template::{KeyStyle, Template};

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// MongoDB and what speaks its protocol.
    MongoDb,
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl Kind {
    /// The kind that a URL's scheme stands for.
    pub fn of(address: &Address) -> Option<Self> {
        match address.scheme() {
            "mongodb" | "mongodb+srv" => Some(Self::MongoDb),
            "mysql" | "mariadb" => Some(Self::MySql),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }

    /// What tells records apart there, with this column where there are columns.
    pub fn key_style(self, column: &str) -> KeyStyle<'_> {
        match self {
            Self::MongoDb => KeyStyle::Document,
            Self::MySql | Self::Postgres => KeyStyle::Column(column),
        }
    }

    /// What its records are called.
    pub fn records(self) -> &'static str {
        match self {
            Self::MongoDb => "documents",
            Self::MySql | Self::Postgres => "rows",
        }
    }
}

/// When a fill has done its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The records have so many logical bytes together: the first record that reaches it is the last.
    Bytes(Size),
    /// There are so many records.
    Records(u64),
    /// So much time has passed.
    Time(Duration),
}

/// A fill.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which kind of database.
    pub kind: Kind,
    /// Where it is.
    pub address: Address,
    /// The database there.
    pub database: String,
    /// The collection or table.
    pub collection: String,
    /// What the records look like.
    pub template: Arc<Template>,
    /// When it is done.
    pub goal: Goal,
    /// Indexes that are there in the end.
    pub indexes: Vec<Index>,
    /// Whether the collection or table is dropped first.
    pub begin: Begin,
    /// Records to send at once.
    pub batch: NonZeroUsize,
    /// Batches under way at once.
    pub parallel: NonZeroUsize,
    /// How long a server that cannot be reached is tried again.
    pub patience: Duration,
}

/// What becomes of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It counts, as far as it is ours; the rest stays alone.
    Resume,
    /// It is dropped.
    Drop,
}
