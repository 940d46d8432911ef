//! Removing what a test left behind.
//!
//! A cleanup deletes the records that a condition names, so that it also finds those that an application made during the
//! test, and those of a test that was killed.

use std::time::Duration;

use crate::error::{FillError, StoreError, Trouble};
use crate::plan::Kind;
use crate::secret::Address;
use crate::store::{mongodb, mysql, postgres};

/// Where records are deleted.
#[derive(Debug, Clone)]
pub struct Cleanup {
    /// Which kind of database.
    pub kind: Kind,
    /// Where it is.
    pub address: Address,
    /// The database there.
    pub database: String,
    /// The collection or table.
    pub collection: String,
    /// Which records: what follows `WHERE` in SQL, a filter as JSON for MongoDB.
    pub condition: String,
    /// How long a server that cannot be reached is tried again.
    pub patience: Duration,
}

const PAUSE: Duration = Duration::from_millis(500);

/// Deletes them, and says how many there were. Deleting twice does no harm, so a lost connection is tried again.
pub fn clean(cleanup: &Cleanup) -> Result<u64, FillError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FillError::Start(error.to_string()))?;
    let deleted = runtime.block_on(async {
        let patience = tokio::time::sleep(cleanup.patience);
        let mut patience = std::pin::pin!(patience);
        loop {
            match attempt(cleanup).await {
                Err(error) if error.kind == Trouble::Unreachable && !patience.is_elapsed() => {
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = &mut patience => {}
                    }
                }
                done => return done,
            }
        }
    });
    runtime.shutdown_background();
    deleted.map_err(|error| FillError::store(format!("delete from {}", cleanup.collection), error))
}

async fn attempt(cleanup: &Cleanup) -> Result<u64, StoreError> {
    match cleanup.kind {
        Kind::MongoDb => mongodb::delete(cleanup).await,
        Kind::MySql => mysql::delete(cleanup).await,
        Kind::Postgres => postgres::delete(cleanup).await,
    }
}
