//! PostgreSQL: its statistics views. Counters are those of the database in the URL.

use std::time::Duration;

use tokio_postgres::{Client, Error, Row};

use super::{Seen, Size, Vitals};
use crate::error::StoreError;
use crate::secret::Address;
use crate::store::postgres::{classify, configuration};

const BEGIN: &str = "SELECT current_setting('max_connections')::float8, \
    current_setting('server_version_num')::int, \
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";
const DATABASE: &str = "SELECT (SELECT sum(numbackends) FROM pg_stat_database)::float8, \
    (xact_commit + xact_rollback)::float8, deadlocks::float8, blks_hit::float8, blks_read::float8, \
    (CASE WHEN pg_is_in_recovery() \
        THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) \
        ELSE (SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication) END)::float8 \
    FROM pg_stat_database WHERE datname = current_database()";
const SIZE: &str = "SELECT pg_database_size(current_database())::float8";

/// A server.
#[derive(Debug)]
pub(super) struct Postgres {
    client: Client,
    address: Address,
    connections_max: Option<f64>,
    waits: String,
    slow: String,
    waited: Seen,
    slowed: Seen,
    missing: Vec<String>,
}

impl Postgres {
    pub(super) async fn connect(address: &Address, slow: Duration) -> Result<Self, StoreError> {
        let failed = |error: Error| classify(&error, address);
        let (config, tls) = configuration(address, None, "throng watch")?;
        let (client, connection) = config.connect(tls).await.map_err(failed)?;
        // What goes wrong there is told to whoever waits for an answer.
        tokio::spawn(connection);
        // A statement and no option of the connection, which poolers refuse.
        client.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await.map_err(failed)?;
        let rows = client.query_typed(BEGIN, &[]).await.map_err(failed)?;
        let begin = rows.first();
        let version = begin.and_then(|row| row.try_get::<_, i32>(1).ok()).unwrap_or_default();
        let sees_all = begin.and_then(|row| row.try_get(2).ok()).unwrap_or(false);
        let mut missing = Vec::new();
        if !sees_all {
            missing.push(
                "slow queries and the replication lag cannot be seen of other users: GRANT pg_monitor TO the user that \
                 watches"
                    .to_owned(),
            );
        }
        // Before 14 a session that waits twice in a row counts once.
        let since = if version >= 140_000 { "waitstart" } else { "NULL::timestamptz" };
        Ok(Self {
            connections_max: begin.and_then(|row| row.try_get(0).ok()),
            client,
            address: address.clone(),
            waits: format!(
                "SELECT pid, coalesce(extract(epoch FROM min({since})), 0)::float8 FROM pg_locks WHERE NOT granted \
                 GROUP BY pid"
            ),
            slow: format!(
                "SELECT pid, extract(epoch FROM query_start)::float8 FROM pg_stat_activity \
                 WHERE state = 'active' AND backend_type = 'client backend' AND datname = current_database() \
                 AND clock_timestamp() - query_start >= interval '{} seconds'",
                slow.as_secs_f64()
            ),
            waited: Seen::default(),
            slowed: Seen::default(),
            missing,
        })
    }

    pub(super) async fn read(&mut self, size: Size) -> Result<Vitals, StoreError> {
        self.ask(size).await.map_err(|error| classify(&error, &self.address))
    }

    async fn ask(&mut self, size: Size) -> Result<Vitals, Error> {
        let database = self.client.query_typed(DATABASE, &[]).await?;
        let of = |place: usize| {
            database.first().and_then(|row| row.try_get::<_, Option<f64>>(place).ok()).flatten()
        };
        let waits = sessions(&self.client.query_typed(&self.waits, &[]).await?);
        let slow = sessions(&self.client.query_typed(&self.slow, &[]).await?);
        let size = match size {
            Size::Wanted => {
                self.client.query_typed(SIZE, &[]).await?.first().and_then(|row| row.try_get(0).ok())
            }
            Size::Left => None,
        };
        Ok(Vitals {
            connections: of(0),
            connections_max: self.connections_max,
            refused: None,
            queries: of(1),
            waiting: Some(waits.len() as f64),
            lock_waits: Some(self.waited.take(waits)),
            deadlocks: of(2),
            slow_queries: Some(self.slowed.take(slow)),
            cache_hits: of(3),
            cache_misses: of(4),
            lag: of(5),
            size,
            missing: self.missing.clone(),
        })
    }
}

fn sessions(rows: &[Row]) -> Vec<(i64, f64)> {
    let session = |row: &Row| {
        let pid: i32 = row.try_get(0).ok()?;
        Some((i64::from(pid), row.try_get::<_, Option<f64>>(1).ok()?.unwrap_or_default()))
    };
    rows.iter().filter_map(session).collect()
}
