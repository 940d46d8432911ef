//! MySQL and MariaDB.
//!
//! One statement inserts many rows, and does so wholly or not at all (in InnoDB). Sessions are strict, so that a value
//! that does not fit its column is an error and not cut silently.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mysql_async::prelude::Queryable as _;
use mysql_async::{
    Conn, DriverError, Error, IoError, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts,
};

use super::columns::{ColumnType, Dialect, bounds, comparable, no_unique_key, row_bytes};
use super::{Encoded, ServerSize, Store};
use crate::cleanup::Cleanup;
use crate::error::{StoreError, Trouble};
use crate::index::Index;
use crate::plan::Plan;
use crate::secret::Address;
use crate::template::{Record, Template};
use crate::tls;
use crate::value::Value;

/// Placeholders in one statement: the protocol counts them in 16 bits.
const PLACEHOLDERS: usize = 65_535;

/// What is left of a packet for a row, beside the statement around it.
const PACKET_OVERHEAD: u64 = 64 << 10;

const DIALECT: Dialect = Dialect {
    quote: '`',
    key: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    type_name,
    options: " DEFAULT CHARACTER SET utf8mb4",
};

/// A table.
#[derive(Clone)]
pub(crate) struct MySql {
    pool: Pool,
    table: Arc<str>,
    template: Arc<Template>,
    address: Address,
    /// `INSERT INTO … VALUES `.
    insert: Arc<str>,
    longest: Arc<AtomicU64>,
}

impl MySql {
    pub(crate) fn new(plan: &Plan) -> Result<Self, StoreError> {
        let (table, names) = (quoted(&plan.collection), DIALECT.names(&plan.template));
        Ok(Self {
            pool: connect(&plan.address, &plan.database, plan.parallel.get())?,
            insert: format!("INSERT INTO {table} ({names}) VALUES ").into(),
            table: plan.collection.as_str().into(),
            template: plan.template.clone(),
            address: plan.address.clone(),
            longest: Arc::new(AtomicU64::new(u64::MAX)),
        })
    }

    async fn conn(&self) -> Result<Conn, StoreError> {
        self.pool.get_conn().await.map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(Error) -> StoreError {
        |error| classify(&error, &self.address)
    }

    fn key(&self) -> &str {
        &self.template.key().field
    }

    /// The condition on the key for records with these numbers, with its two values.
    fn range(&self, range: &Range<u64>) -> (String, (i64, i64)) {
        (format!("{} BETWEEN ? AND ?", quoted(self.key())), bounds(self.template.key(), range))
    }
}

impl Store for MySql {
    type Row = Vec<mysql_async::Value>;

    fn encode(&self, record: Record) -> Encoded<Self::Row> {
        let bytes = row_bytes(&record);
        Encoded {
            sequence: record.sequence,
            bytes,
            row: record.fields.into_iter().map(|(_, value)| parameter(value)).collect(),
        }
    }

    fn longest(&self) -> u64 {
        self.longest.load(Ordering::Relaxed)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        let packet: Option<u64> =
            conn.query_first("SELECT @@max_allowed_packet").await.map_err(self.failed())?;
        if let Some(packet) = packet {
            self.longest.store(packet.saturating_sub(PACKET_OVERHEAD), Ordering::Relaxed);
        }
        let there = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?";
        let there: Option<u64> = conn.exec_first(there, (&*self.table,)).await.map_err(self.failed())?;
        if there == Some(0) {
            return conn
                .query_drop(DIALECT.create_table(&self.table, &self.template))
                .await
                .map_err(self.failed());
        }
        let unique = "SELECT COUNT(*) FROM (SELECT index_name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = ? GROUP BY index_name \
             HAVING COUNT(*) = 1 AND MAX(non_unique) = 0 AND MAX(column_name) = ?) AS keys_alone";
        let unique: Option<u64> =
            conn.exec_first(unique, (&*self.table, self.key())).await.map_err(self.failed())?;
        if unique == Some(0) {
            return Err(no_unique_key(&self.table, self.key()));
        }
        Ok(())
    }

    async fn remove(&self) -> Result<(), StoreError> {
        let sql = format!("DROP TABLE IF EXISTS {}", quoted(&self.table));
        self.conn().await?.query_drop(sql).await.map_err(self.failed())
    }

    async fn insert(&self, rows: &[Encoded<Self::Row>]) -> Result<(), StoreError> {
        let Some(width) = rows.first().map(|row| row.row.len()) else { return Ok(()) };
        let mut conn = self.conn().await?;
        let longest = self.longest();
        let mut rest = rows;
        while !rest.is_empty() {
            // As many rows as have room in one packet and among the placeholders.
            let mut bytes = 0;
            let fits = rest.iter().take(PLACEHOLDERS / width).take_while(|row| {
                bytes += row.bytes + 4 * width as u64;
                bytes <= longest
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            let row = format!("({})", vec!["?"; width].join(","));
            let sql = format!("{}{}", self.insert, vec![row; now.len()].join(","));
            let values = now.iter().flat_map(|row| row.row.iter().cloned()).collect();
            conn.exec_drop(sql, Params::Positional(values)).await.map_err(self.failed())?;
            rest = later;
        }
        Ok(())
    }

    async fn count(&self, range: Range<u64>) -> Result<u64, StoreError> {
        let (condition, values) = self.range(&range);
        let sql = format!("SELECT COUNT(*) FROM {} WHERE {condition}", quoted(&self.table));
        let count: Option<u64> = self.conn().await?.exec_first(sql, values).await.map_err(self.failed())?;
        Ok(count.unwrap_or_default())
    }

    async fn list(&self, range: Range<u64>) -> Result<Vec<u64>, StoreError> {
        let (condition, values) = self.range(&range);
        let (table, key) = (quoted(&self.table), quoted(self.key()));
        let sql = format!("SELECT {key} FROM {table} WHERE {condition} ORDER BY {key}");
        let keys: Vec<i64> = self.conn().await?.exec(sql, values).await.map_err(self.failed())?;
        Ok(keys.into_iter().filter_map(|key| self.template.key().sequence_of(key)).collect())
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let key = quoted(self.key());
        let sql = format!("SELECT MAX({key}) FROM {} WHERE {key} >= ?", quoted(&self.table));
        let first = self.template.key().number(0);
        let last: Option<Option<i64>> =
            self.conn().await?.exec_first(sql, (first,)).await.map_err(self.failed())?;
        Ok(last.flatten().and_then(|key| self.template.key().sequence_of(key)))
    }

    async fn holds(&self, record: &Record) -> Result<bool, StoreError> {
        let mut sql =
            format!("SELECT COUNT(*) FROM {} WHERE {} = ?", quoted(&self.table), quoted(self.key()));
        let mut values = vec![mysql_async::Value::Int(self.template.key().number(record.sequence))];
        for (name, value) in comparable(record, self.key()) {
            let _ = write!(sql, " AND {} = ?", quoted(name));
            values.push(parameter(value.clone()));
        }
        let found: Option<u64> =
            self.conn().await?.exec_first(sql, Params::Positional(values)).await.map_err(self.failed())?;
        Ok(found.unwrap_or_default() > 0)
    }

    async fn create_index(&self, index: &Index) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        let there = "SELECT COUNT(*) FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?";
        let there: Option<u64> =
            conn.exec_first(there, (&*self.table, index.name())).await.map_err(self.failed())?;
        if there.unwrap_or_default() > 0 {
            return Ok(());
        }
        let sql = DIALECT.create_index(index, "", &index.name(), &self.table);
        conn.query_drop(sql).await.map_err(self.failed())
    }

    async fn finish(&self) -> Result<Option<ServerSize>, StoreError> {
        let mut conn = self.conn().await?;
        let table = quoted(&self.table);
        // The sizes in information_schema are those of the last ANALYZE.
        conn.query_drop(format!("ANALYZE TABLE {table}")).await.map_err(self.failed())?;
        let records: Option<u64> =
            conn.query_first(format!("SELECT COUNT(*) FROM {table}")).await.map_err(self.failed())?;
        let sql = "SELECT data_length + index_length FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = ?";
        let bytes: Option<Option<u64>> =
            conn.exec_first(sql, (&*self.table,)).await.map_err(self.failed())?;
        let size = records.zip(bytes.flatten());
        Ok(size.map(|(records, bytes)| ServerSize { records, bytes, figure: "data_length + index_length" }))
    }
}

/// What the URL says, for the driver.
pub(crate) fn options(address: &Address) -> Result<OptsBuilder, StoreError> {
    // The driver knows one name for both servers.
    let url = address.reveal();
    let url = url.strip_prefix("mariadb://").map_or_else(|| url.to_owned(), |rest| format!("mysql://{rest}"));
    let options = Opts::from_url(&url)
        .map_err(|error| StoreError::new(Trouble::Refused, address.scrub(&error.to_string())))?;
    let ssl = options.ssl_opts().cloned().map(|ssl| {
        // The driver knows Mozilla's authorities; the system may know more.
        let roots = tls::system_authorities().iter().map(|root| root.to_vec().into()).collect();
        ssl.with_root_certs(roots)
    });
    // Over TCP even to this machine: the socket may be another server's.
    Ok(OptsBuilder::from_opts(options).prefer_socket(false).ssl_opts(ssl))
}

/// A pool for so many operations at once. It connects when it is first used.
fn connect(address: &Address, database: &str, parallel: usize) -> Result<Pool, StoreError> {
    let constraints = PoolConstraints::new(0, parallel + 1)
        .ok_or_else(|| StoreError::new(Trouble::Refused, "no connection is allowed"))?;
    let options = options(address)?
        .db_name(Some(database))
        .pool_opts(PoolOpts::default().with_constraints(constraints))
        .setup(vec![
            "SET SESSION time_zone = '+00:00', \
             sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')",
        ]);
    Ok(Pool::new(options))
}

/// Deletes what the condition of a cleanup names.
pub(crate) async fn delete(cleanup: &Cleanup) -> Result<u64, StoreError> {
    let failed = |error: Error| classify(&error, &cleanup.address);
    let pool = connect(&cleanup.address, &cleanup.database, 1)?;
    let mut conn = pool.get_conn().await.map_err(failed)?;
    let sql = format!("DELETE FROM {} WHERE {}", quoted(&cleanup.collection), cleanup.condition);
    conn.query_drop(sql).await.map_err(failed)?;
    Ok(conn.affected_rows())
}

fn quoted(name: &str) -> String {
    DIALECT.quoted(name)
}

fn type_name(column: ColumnType) -> String {
    match column {
        ColumnType::Integer => "BIGINT".to_owned(),
        ColumnType::Float => "DOUBLE".to_owned(),
        ColumnType::Decimal { scale } => format!("DECIMAL(19, {scale})"),
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::DateTime => "DATETIME(3)".to_owned(),
        ColumnType::Uuid => "CHAR(36)".to_owned(),
        ColumnType::Text => "VARCHAR(255)".to_owned(),
        ColumnType::LongText => "LONGTEXT".to_owned(),
        ColumnType::Json => "JSON".to_owned(),
    }
}

fn parameter(value: Value) -> mysql_async::Value {
    use mysql_async::Value as Sql;
    match value {
        Value::Null => Sql::NULL,
        Value::Bool(value) => Sql::Int(value.into()),
        Value::Int(value) => Sql::Int(value),
        Value::Float(value) => Sql::Double(value),
        Value::Key(key) => Sql::Int(key.number()),
        Value::Text(text) => Sql::Bytes(text.into_bytes()),
        Value::Date(day) => Sql::Date(
            day.year().unsigned_abs(),
            day.month().unsigned_abs(),
            day.day().unsigned_abs(),
            0,
            0,
            0,
            0,
        ),
        Value::DateTime(moment) => {
            let at = jiff::tz::TimeZone::UTC.to_datetime(moment);
            Sql::Date(
                at.year().unsigned_abs(),
                at.month().unsigned_abs(),
                at.day().unsigned_abs(),
                at.hour().unsigned_abs(),
                at.minute().unsigned_abs(),
                at.second().unsigned_abs(),
                at.subsec_nanosecond().unsigned_abs() / 1000,
            )
        }
        // As text the server takes them for whatever type the column has.
        Value::Decimal(_) | Value::Uuid(_) | Value::Array(_) | Value::Object(_) => {
            Sql::Bytes(value.text().unwrap_or_default().into_bytes())
        }
    }
}

pub(crate) fn classify(error: &Error, address: &Address) -> StoreError {
    let (kind, message) = match error {
        Error::Io(IoError::Tls(error)) => (Trouble::Refused, error.to_string()),
        Error::Io(error) if tls::is_refusal(error) => (Trouble::Refused, error.to_string()),
        Error::Io(error) => (Trouble::Unreachable, error.to_string()),
        Error::Driver(
            error @ (DriverError::ConnectionClosed
            | DriverError::PoolDisconnected
            | DriverError::PacketOutOfOrder
            | DriverError::UnexpectedPacket { .. }),
        ) => (Trouble::Unreachable, error.to_string()),
        Error::Driver(DriverError::PacketTooLarge) => (Trouble::TooLarge, error.to_string()),
        Error::Server(error) => (of_code(error.code, &error.message), error.message.clone()),
        error => (Trouble::Refused, error.to_string()),
    };
    StoreError::new(kind, address.scrub(&message))
}

/// What is to be done about an error code of the server.
fn of_code(code: u16, message: &str) -> Trouble {
    match code {
        // ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME
        1062 | 1586 => Trouble::Duplicate,
        // ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR
        1045 | 1698 => Trouble::Credentials,
        // ER_BAD_DB_ERROR
        1049 => Trouble::NoDatabase,
        // ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
        // ER_SPECIFIC_ACCESS_DENIED_ERROR
        1044 | 1142 | 1143 | 1227 => Trouble::Forbidden,
        // ER_DISK_FULL, ER_RECORD_FILE_FULL
        1021 | 1114 => Trouble::Full,
        // ER_ERROR_ON_WRITE, ER_GET_ERRNO: with the error of the system in the text, 28 for a full disk.
        1026 | 1030 | 3 if message.contains("28") || message.contains("No space left") => Trouble::Full,
        // ER_NET_PACKET_TOO_LARGE
        1153 => Trouble::TooLarge,
        // ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_NORMAL_SHUTDOWN, ER_SHUTDOWN_COMPLETE, ER_NEW_ABORTING_CONNECTION,
        // ER_NET_READ_ERROR and its like, ER_TOO_MANY_USER_CONNECTIONS, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK,
        // ER_QUERY_INTERRUPTED, ER_CONNECTION_KILLED.
        1040 | 1053 | 1077 | 1079 | 1152 | 1158..=1161 | 1184 | 1203 | 1205 | 1213 | 1317 | 1927 | 1945 => {
            Trouble::Unreachable
        }
        _ => Trouble::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a`b"), "`a``b`");
    }

    #[test]
    fn codes_say_what_to_do() {
        for (code, message, trouble) in [
            (1062, "", Trouble::Duplicate),
            (1045, "", Trouble::Credentials),
            (1049, "", Trouble::NoDatabase),
            (1114, "The table 't' is full", Trouble::Full),
            (1030, "Got error 28 \"No space left on device\" from storage engine InnoDB", Trouble::Full),
            (1030, "Got error 168", Trouble::Refused),
            (1053, "", Trouble::Unreachable),
            (1406, "Data too long for column", Trouble::Refused),
        ] {
            assert_eq!(of_code(code, message), trouble, "{code}");
        }
    }

    #[test]
    fn moments_are_sent_in_utc() {
        let moment: jiff::Timestamp = "2024-02-29T12:34:56.789Z".parse().unwrap();
        assert_eq!(
            parameter(Value::DateTime(moment)),
            mysql_async::Value::Date(2024, 2, 29, 12, 34, 56, 789_000)
        );
    }
}
