//! SQLite, on threads that may wait for a disk.
//!
//! A database has one writer at a time, so that more than a few connections would only wait for each other. One in memory
//! is its opener's own.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Batch, Connection, Error, InterruptHandle, OpenFlags, ToSql};
use throng_js::databases::{Executed, Refused, Rows, Statement, Value};
use tokio::task::spawn_blocking;

use super::{Driver, lost};
use crate::pool::{Connect, Lent, Unconnected};

/// How long a statement waits for another that writes, as in Go's driver.
const BUSY: Duration = Duration::from_secs(5);

/// A database.
pub(super) struct Sqlite {
    /// A path, or a URI that begins with `file:`.
    name: String,
    busy: Duration,
    /// What is set on each connection.
    pragmas: Vec<String>,
    is_in_memory: bool,
}

/// Parameters of Go's driver that are pragmas.
const PRAGMAS: [(&str, &str); 12] = [
    ("_foreign_keys", "foreign_keys"),
    ("_fk", "foreign_keys"),
    ("_journal_mode", "journal_mode"),
    ("_journal", "journal_mode"),
    ("_synchronous", "synchronous"),
    ("_sync", "synchronous"),
    ("_cache_size", "cache_size"),
    ("_locking_mode", "locking_mode"),
    ("_locking", "locking_mode"),
    ("_secure_delete", "secure_delete"),
    ("_case_sensitive_like", "case_sensitive_like"),
    ("_query_only", "query_only"),
];

fn refused(what: impl std::fmt::Display) -> Refused {
    Refused(format!("the data source for sqlite3 cannot be used: {what}"))
}

impl Sqlite {
    pub(super) fn new(source: &str) -> Result<Self, Refused> {
        if source.is_empty() {
            return Err(refused("it is empty; a path, a file: URI or :memory: would do"));
        }
        let (path, parameters) = source.split_once('?').unwrap_or((source, ""));
        let (mut busy, mut pragmas, mut kept) = (BUSY, Vec::new(), Vec::new());
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let is_word = !value.is_empty()
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
            match (name, PRAGMAS.iter().find(|(known, _)| *known == name)) {
                ("_busy_timeout" | "_timeout", _) => {
                    let millis = value.parse().map_err(|_| refused(format!("{name} takes milliseconds")))?;
                    busy = Duration::from_millis(millis);
                }
                (_, Some((_, pragma))) if is_word => pragmas.push(format!("PRAGMA {pragma} = {value}")),
                (_, Some(_)) => return Err(refused(format!("{value:?} is no value of {name}"))),
                (name, None) if name.starts_with('_') => {
                    return Err(refused(format!("the parameter {name} is not supported yet")));
                }
                _ => kept.push(parameter),
            }
        }
        let is_shared = kept.contains(&"cache=shared");
        let is_in_memory = path == ":memory:"
            || path == "file::memory:" && !is_shared
            || kept.contains(&"mode=memory") && !is_shared;
        let name = if path.starts_with("file:") && !kept.is_empty() {
            format!("{path}?{}", kept.join("&"))
        } else {
            path.to_owned()
        };
        Ok(Self { name, busy, pragmas, is_in_memory })
    }

    pub(super) fn most_connections(&self) -> usize {
        if self.is_in_memory {
            return 1;
        }
        std::thread::available_parallelism().map_or(4, NonZeroUsize::get).max(4)
    }

    /// Whether each connection has a database of its own.
    pub(super) fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }
}

fn open(name: &str, busy: Duration, pragmas: &[String]) -> Result<Connection, Refused> {
    let failed = |error: Error| Refused(format!("cannot open {name}: {}", account(&error)));
    let connection = Connection::open_with_flags(name, OpenFlags::default()).map_err(failed)?;
    connection.busy_timeout(busy).map_err(failed)?;
    for pragma in pragmas {
        // Some answer with a row.
        run(&connection, pragma, &[])
            .map_err(|error| Refused(format!("cannot open {name}: {pragma}: {}", account(&error))))?;
    }
    Ok(connection)
}

/// What SQLite says, without the driver's words around it.
fn account(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::InvalidParameterCount(given, wanted) => {
            format!("the statement has {wanted} placeholders and {given} values were given")
        }
        Error::MultipleStatement => "a query can only be one statement".to_owned(),
        other => other.to_string(),
    }
}

impl Connect for Sqlite {
    type Connection = Connection;

    async fn connect(&self) -> Result<Connection, Unconnected> {
        let (name, busy, pragmas) = (self.name.clone(), self.busy, self.pragmas.clone());
        let opened = spawn_blocking(move || open(&name, busy, &pragmas)).await;
        opened.unwrap_or_else(|error| Err(Refused(error.to_string()))).map_err(Unconnected::Failed)
    }

    fn is_open(&self, _: &Connection) -> bool {
        true
    }
}

/// Ends a statement that runs on another thread when nobody waits for it any more.
struct Interrupting {
    handle: InterruptHandle,
    /// Whether it still runs. Afterwards the connection may be somebody else's, whose statement is not to be ended.
    is_running: Arc<Mutex<bool>>,
}

impl Drop for Interrupting {
    fn drop(&mut self) {
        // Held meanwhile, so that the connection is not given away.
        let is_running = self.is_running.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_running {
            self.handle.interrupt();
        }
    }
}

async fn on_a_thread<T: Send + 'static>(
    mut lent: Lent<Sqlite>,
    work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Refused> {
    let Some(connection) = lent.begin() else { return lost() };
    let is_running = Arc::new(Mutex::new(true));
    let _interrupting =
        Interrupting { handle: connection.get_interrupt_handle(), is_running: is_running.clone() };
    let done = spawn_blocking(move || {
        let Some(connection) = lent.begin() else { return lost() };
        let result = work(connection).map_err(|error| Refused(account(&error)));
        *is_running.lock().unwrap_or_else(PoisonError::into_inner) = false;
        // A statement that ended, in whatever way, leaves nothing behind.
        lent.end();
        result
    })
    .await;
    done.unwrap_or_else(|error| Err(Refused(error.to_string())))
}

impl Driver for Sqlite {
    async fn exec(&self, lent: Lent<Self>, statement: Statement) -> Result<Executed, Refused> {
        on_a_thread(lent, move |connection| exec(connection, &statement)).await
    }

    async fn query(&self, lent: Lent<Self>, statement: Statement) -> Result<Rows, Refused> {
        on_a_thread(lent, move |connection| query(connection, &statement)).await
    }
}

/// Runs one statement to its end.
fn run(connection: &Connection, text: &str, values: &[Value]) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(text)?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

fn exec(connection: &Connection, statement: &Statement) -> Result<Executed, Error> {
    let before = connection.total_changes();
    if statement.values.is_empty() {
        // Without values it may be several statements at once.
        let mut batch = Batch::new(connection, &statement.text);
        while let Some(mut one) = batch.next()? {
            bind(&mut one, &[])?;
            let mut rows = one.raw_query();
            while rows.next()?.is_some() {}
        }
    } else {
        run(connection, &statement.text, &statement.values)?;
    }
    // What a statement that changes nothing left of the one before it is not its own.
    let rows = if connection.total_changes() == before { 0 } else { connection.changes() };
    Ok(Executed { rows, last_id: Some(connection.last_insert_rowid()) })
}

fn query(connection: &Connection, statement: &Statement) -> Result<Rows, Error> {
    let mut prepared = connection.prepare_cached(&statement.text)?;
    bind(&mut prepared, &statement.values)?;
    let columns: Vec<(String, Declared)> = prepared
        .columns()
        .iter()
        .map(|column| (column.name().to_owned(), Declared::of(column.decl_type().unwrap_or_default())))
        .collect();
    let mut rows = Vec::new();
    let mut found = prepared.raw_query();
    while let Some(row) = found.next()? {
        let values = columns.iter().enumerate().map(|(place, (_, kind))| Ok(kind.read(row.get_ref(place)?)));
        rows.push(values.collect::<Result<_, Error>>()?);
    }
    Ok(Rows { columns: columns.into_iter().map(|(name, _)| name).collect(), rows })
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<(), Error> {
    let wanted = statement.parameter_count();
    if wanted != values.len() {
        return Err(Error::InvalidParameterCount(values.len(), wanted));
    }
    for (place, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, Bound(value))?;
    }
    Ok(())
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(match self.0 {
            Value::Bool(truth) => ToSqlOutput::from(*truth),
            Value::Int(number) => ToSqlOutput::from(*number),
            Value::Float(number) => ToSqlOutput::from(*number),
            Value::Text(text) => ToSqlOutput::from(text.as_str()),
            Value::Bytes(bytes) => ToSqlOutput::from(bytes.as_slice()),
            Value::Moment(microseconds) => ToSqlOutput::from(text_of(*microseconds)),
            // Lists and records do not reach a statement: the module refuses what no placeholder takes.
            Value::Null | Value::Key(_) | Value::List(_) | Value::Record(_) => {
                ToSqlOutput::from(rusqlite::types::Null)
            }
        })
    }
}

/// As Go's driver stores a time.
fn text_of(microseconds: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(microseconds).unwrap_or_default();
    format!("{}+00:00", at.to_string().trim_end_matches('Z').replacen('T', " ", 1))
}

/// What a column was declared as, so far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Truth,
    Moment,
    Other,
}

impl Declared {
    fn of(kind: &str) -> Self {
        match kind.to_ascii_lowercase().as_str() {
            "boolean" => Self::Truth,
            "timestamp" | "datetime" | "date" => Self::Moment,
            _ => Self::Other,
        }
    }

    fn read(self, value: ValueRef<'_>) -> Value {
        match (self, value) {
            (_, ValueRef::Null) => Value::Null,
            (Self::Truth, ValueRef::Integer(number)) => Value::Bool(number > 0),
            // Seconds, or milliseconds if there are too many.
            (Self::Moment, ValueRef::Integer(number)) => {
                let is_milliseconds = number.unsigned_abs() > 1_000_000_000_000;
                Value::Moment(number.saturating_mul(if is_milliseconds { 1000 } else { 1_000_000 }))
            }
            (_, ValueRef::Integer(number)) => Value::Int(number),
            (_, ValueRef::Real(number)) => Value::Float(number),
            (_, ValueRef::Blob(bytes)) => Value::Bytes(bytes.to_vec()),
            (kind, ValueRef::Text(text)) => {
                let text = String::from_utf8_lossy(text).into_owned();
                let moment = if kind == Self::Moment { moment_of(&text) } else { None };
                moment.unwrap_or(Value::Text(text))
            }
        }
    }
}

/// The moment of a text such as SQLite's functions write, with or without an offset.
fn moment_of(text: &str) -> Option<Value> {
    use jiff::civil::{Date, DateTime};
    let at = if let Ok(at) = text.parse::<jiff::Timestamp>() {
        at
    } else if let Ok(at) = text.parse::<DateTime>() {
        at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
    } else {
        text.parse::<Date>().ok()?.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
    };
    Some(Value::Moment(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str, values: Vec<Value>) -> Statement {
        Statement { text: text.to_owned(), values }
    }

    #[test]
    fn values_come_back_as_their_columns_were_declared() {
        let connection = open(":memory:", BUSY, &[]).unwrap();
        let table =
            "CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, o BOOLEAN, d DATETIME); CREATE TABLE u (x)";
        assert_eq!(exec(&connection, &statement(table, vec![])).unwrap().rows, 0);
        let values = vec![
            Value::Int(7),
            Value::Float(1.5),
            Value::Text("a".into()),
            Value::Bytes(vec![1, 2]),
            Value::Bool(true),
            Value::Moment(1_500_000),
        ];
        let done = exec(&connection, &statement("INSERT INTO t VALUES (?, ?, ?, $1, ?, ?)", values.clone()))
            .unwrap();
        assert_eq!(done, Executed { rows: 1, last_id: Some(1) });
        let found =
            query(&connection, &statement("SELECT * FROM t WHERE i = $1", vec![Value::Int(7)])).unwrap();
        assert_eq!(found.columns, ["i", "r", "s", "b", "o", "d"]);
        assert_eq!(found.rows, [values]);
        assert_eq!(exec(&connection, &statement("SELECT 1", vec![])).unwrap().rows, 0);
    }

    #[test]
    fn what_is_wrong_is_said_in_sqlites_words() {
        let connection = open(":memory:", BUSY, &[]).unwrap();
        let error = |text, values| account(&query(&connection, &statement(text, values)).unwrap_err());
        assert_eq!(error("SELEC 1", vec![]), "near \"SELEC\": syntax error");
        assert_eq!(error("SELECT ?", vec![]), "the statement has 1 placeholders and 0 values were given");
        assert!(error("SELECT 1; SELECT 2", vec![]).contains("one statement"));
        let error = open("/nowhere/at/all.db", BUSY, &[]).unwrap_err().0;
        assert!(error.starts_with("cannot open /nowhere/at/all.db: unable to open"), "{error}");
    }

    #[test]
    fn sources_are_paths_and_uris_with_gos_parameters() {
        let new = |source| Sqlite::new(source).map_err(|refused| refused.0);
        let database = new("file:a.db?mode=rwc&_busy_timeout=100&_fk=1&_journal=WAL").unwrap();
        assert_eq!(
            (database.name.as_str(), database.busy),
            ("file:a.db?mode=rwc", Duration::from_millis(100))
        );
        assert_eq!(database.pragmas, ["PRAGMA foreign_keys = 1", "PRAGMA journal_mode = WAL"]);
        assert!(!database.is_in_memory());
        assert!(new(":memory:").unwrap().is_in_memory());
        assert!(!new("file::memory:?cache=shared").unwrap().is_in_memory());
        for (source, why) in [
            ("", "empty"),
            ("a.db?_auth=1", "_auth is not supported"),
            ("a.db?_fk=1;DROP", "no value of _fk"),
        ] {
            assert!(new(source).err().unwrap().contains(why));
        }
    }
}
