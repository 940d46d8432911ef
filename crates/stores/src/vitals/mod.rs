//! How a database fares while a test runs: connections, locks, slow queries, caches, replication, size.
//!
//! A [`Probe`] is one connection that only reads. What a server counts since it started comes as it is; differences are
//! the business of whoever asks twice. What a server does not have, or its user may not see, is absent, and
//! [`Vitals::missing`] says so with what to do.

mod mongodb;
mod mysql;
mod postgres;
mod redis;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::error::{StoreError, Trouble};
use crate::secret::Address;

/// The schemes of addresses that can be watched.
pub const SCHEMES: [&str; 7] =
    ["mysql", "mariadb", "postgres", "postgresql", "mongodb", "mongodb+srv", "redis"];

/// What a server says at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// Clients that are connected, the probe among them.
    pub connections: Option<f64>,
    /// The most that may be.
    pub connections_max: Option<f64>,
    /// Connections refused because there were too many, so far.
    pub refused: Option<f64>,
    /// Queries (or commands, or transactions) so far.
    pub queries: Option<f64>,
    /// Waits for locks so far.
    pub lock_waits: Option<f64>,
    /// Those who wait for a lock now.
    pub waiting: Option<f64>,
    /// Deadlocks so far; in MongoDB, write conflicts.
    pub deadlocks: Option<f64>,
    /// Slow queries so far.
    pub slow_queries: Option<f64>,
    /// Reads that the cache answered, so far.
    pub cache_hits: Option<f64>,
    /// Reads that it did not.
    pub cache_misses: Option<f64>,
    /// How far the furthest replica, or this one, is behind, in seconds.
    pub lag: Option<f64>,
    /// Bytes; only where it was asked for.
    pub size: Option<f64>,
    /// What is absent although the server has it, and what to do: a sentence each.
    pub missing: Vec<String>,
}

/// Whether the size is wanted too, which costs some servers a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// It is.
    Wanted,
    /// It is not.
    Left,
}

/// A connection to a database that only reads.
#[derive(Debug)]
pub struct Probe {
    server: Server,
}

#[derive(Debug)]
enum Server {
    MySql(Box<mysql::MySql>),
    Postgres(Box<postgres::Postgres>),
    MongoDb(Box<mongodb::MongoDb>),
    Redis(Box<redis::Redis>),
}

impl Probe {
    /// Connects. A query is slow after `slow`, where the server has no limit of its own.
    pub async fn connect(address: &Address, slow: Duration) -> Result<Self, StoreError> {
        let server = match address.scheme() {
            "mysql" | "mariadb" => Server::MySql(Box::new(mysql::MySql::connect(address).await?)),
            "postgres" | "postgresql" => {
                Server::Postgres(Box::new(postgres::Postgres::connect(address, slow).await?))
            }
            "mongodb" | "mongodb+srv" => {
                Server::MongoDb(Box::new(mongodb::MongoDb::connect(address, slow).await?))
            }
            "redis" => Server::Redis(Box::new(redis::Redis::connect(address).await?)),
            other => {
                let message = format!("databases of the kind {other:?} cannot be watched");
                return Err(StoreError::new(Trouble::Refused, message));
            }
        };
        Ok(Self { server })
    }

    /// Asks.
    pub async fn read(&mut self, size: Size) -> Result<Vitals, StoreError> {
        match &mut self.server {
            Server::MySql(server) => server.read(size).await,
            Server::Postgres(server) => server.read(size).await,
            Server::MongoDb(server) => server.read(size).await,
            Server::Redis(server) => server.read(size).await,
        }
    }
}

/// Counts what can only be seen while it lasts (a lock that is waited for, a query that is slow), each once.
///
/// What begins and ends between two readings is not seen.
#[derive(Debug, Default)]
struct Seen {
    now: BTreeSet<(i64, u64)>,
    count: u64,
}

impl Seen {
    /// Takes those that last now: who (a session), and since when.
    fn take(&mut self, now: impl IntoIterator<Item = (i64, f64)>) -> f64 {
        let now: BTreeSet<(i64, u64)> = now.into_iter().map(|(who, since)| (who, since.to_bits())).collect();
        self.count += now.difference(&self.now).count() as u64;
        self.now = now;
        self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_over_several_readings_counts_once() {
        let mut seen = Seen::default();
        assert_eq!(seen.take([(1, 5.0), (2, 5.0)]), 2.0);
        assert_eq!(seen.take([(1, 5.0)]), 2.0);
        // The same session waits again.
        assert_eq!(seen.take([(1, 9.0)]), 3.0);
        assert_eq!(seen.take([]), 3.0);
    }
}
