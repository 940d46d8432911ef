//! MySQL and MariaDB: `SHOW GLOBAL STATUS`, which every user may read.

use std::collections::HashMap;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Row};

use super::{Size, Vitals};
use crate::error::StoreError;
use crate::secret::Address;
use crate::store::mysql::{classify, options};

const STATUS: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Queries', 'Slow_queries', \
    'Innodb_row_lock_waits', 'Innodb_row_lock_current_waits', 'Innodb_deadlocks', 'Innodb_buffer_pool_reads', \
    'Innodb_buffer_pool_read_requests', 'Connection_errors_max_connections')";
/// MySQL keeps this one elsewhere.
const DEADLOCKS: &str =
    "SELECT CAST(COUNT AS CHAR) FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'";
const SIZE: &str = "SELECT CAST(SUM(data_length + index_length) AS CHAR) FROM information_schema.tables \
    WHERE table_schema = IFNULL(DATABASE(), table_schema)";
const REPLICA: &str = "SHOW REPLICA STATUS";

/// A server.
#[derive(Debug)]
pub(super) struct MySql {
    conn: Conn,
    address: Address,
    connections_max: Option<f64>,
    deadlocks: Deadlocks,
    is_replica: bool,
    missing: Vec<String>,
}

/// Where the server counts deadlocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadlocks {
    /// In its status (MariaDB).
    Status,
    /// In InnoDB's metrics (MySQL).
    Metrics,
    /// Nowhere that this user may look.
    Nowhere,
}

impl MySql {
    pub(super) async fn connect(address: &Address) -> Result<Self, StoreError> {
        let failed = |error: Error| classify(&error, address);
        let options = options(address)?.setup(vec!["SET SESSION TRANSACTION READ ONLY"]);
        let mut conn = Conn::new(options).await.map_err(failed)?;
        let connections_max: Option<u64> =
            conn.query_first("SELECT @@max_connections").await.map_err(failed)?;
        let mut missing = Vec::new();
        let deadlocks = if status(&mut conn).await.map_err(failed)?.contains_key("Innodb_deadlocks") {
            Deadlocks::Status
        } else if matches!(conn.query_first::<String, _>(DEADLOCKS).await, Ok(Some(_))) {
            Deadlocks::Metrics
        } else {
            missing.push(
                "its deadlocks cannot be read: GRANT PROCESS ON *.* TO the user that watches".to_owned(),
            );
            Deadlocks::Nowhere
        };
        // Without REPLICATION CLIENT (REPLICA MONITOR in MariaDB), or on a server that is no replica, there is no lag.
        let is_replica = matches!(conn.query_first::<Row, _>(REPLICA).await, Ok(Some(_)));
        Ok(Self {
            conn,
            address: address.clone(),
            connections_max: connections_max.map(|max| max as f64),
            deadlocks,
            is_replica,
            missing,
        })
    }

    pub(super) async fn read(&mut self, size: Size) -> Result<Vitals, StoreError> {
        self.ask(size).await.map_err(|error| classify(&error, &self.address))
    }

    async fn ask(&mut self, size: Size) -> Result<Vitals, Error> {
        let status = status(&mut self.conn).await?;
        let of = |name: &str| status.get(name).copied();
        let requests = of("Innodb_buffer_pool_read_requests");
        let reads = of("Innodb_buffer_pool_reads");
        let deadlocks = match self.deadlocks {
            Deadlocks::Status => of("Innodb_deadlocks"),
            Deadlocks::Metrics => number(self.conn.query_first(DEADLOCKS).await?),
            Deadlocks::Nowhere => None,
        };
        let lag = if self.is_replica { self.conn.query_first(REPLICA).await?.and_then(behind) } else { None };
        let size = match size {
            Size::Wanted => number(self.conn.query_first::<Option<String>, _>(SIZE).await?.flatten()),
            Size::Left => None,
        };
        Ok(Vitals {
            connections: of("Threads_connected"),
            connections_max: self.connections_max,
            refused: of("Connection_errors_max_connections"),
            queries: of("Queries"),
            lock_waits: of("Innodb_row_lock_waits"),
            waiting: of("Innodb_row_lock_current_waits"),
            deadlocks,
            slow_queries: of("Slow_queries"),
            cache_hits: requests.zip(reads).map(|(requests, reads)| requests - reads),
            cache_misses: reads,
            lag,
            size,
            missing: self.missing.clone(),
        })
    }
}

async fn status(conn: &mut Conn) -> Result<HashMap<String, f64>, Error> {
    let rows: Vec<(String, String)> = conn.query(STATUS).await?;
    Ok(rows.into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect())
}

fn number(text: Option<String>) -> Option<f64> {
    text?.parse().ok()
}

/// Seconds behind the primary: the two servers name the column differently.
fn behind(row: Row) -> Option<f64> {
    let columns = row.columns();
    let place = columns.iter().position(|column| {
        matches!(&*column.name_str(), "Seconds_Behind_Source" | "Seconds_Behind_Master")
    })?;
    row.get_opt::<Option<u64>, _>(place)?.ok()?.map(|seconds| seconds as f64)
}
