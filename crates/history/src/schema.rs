//! The tables of a history, and making sure that they are ours.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::HistoryError;

/// How long one run waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(15);
/// "thrg": what tells our databases from those of others.
const APPLICATION: i64 = 0x7468_7267;
/// Counts changes of the tables.
const FORMAT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        file TEXT NOT NULL,
        checksum TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        elapsed REAL NOT NULL,
        exit_code INTEGER,
        verdict TEXT,
        requests INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        rps REAL,
        median REAL,
        p95 REAL,
        p99 REAL,
        baseline INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE snapshots (
        run INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
        body BLOB NOT NULL
    ) STRICT;
";

/// Opens the database at `path`, and makes it if there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, HistoryError> {
    let failed = |error: rusqlite::Error| HistoryError::of(path, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    // Before anything is changed: it may be somebody else's. All of one moment, as another run may be making it.
    is_ours(path, &*connection.transaction().map_err(failed)?)?;
    // Given back to the file system as runs are deleted; takes effect in an empty database only.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    write_ahead(&connection).map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another run may have made it meanwhile.
    if !is_ours(path, &change)? {
        change.execute_batch(TABLES).map_err(failed)?;
        change.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        change.pragma_update(None, "user_version", FORMAT).map_err(failed)?;
    }
    change.commit().map_err(failed)?;
    Ok(connection)
}

/// True for a history that can be used, false for an empty database.
fn is_ours(path: &Path, connection: &Connection) -> Result<bool, HistoryError> {
    let failed = |error: rusqlite::Error| HistoryError::of(path, &error);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, found) =
        (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(failed)?;
    match (application, found, tables) {
        (0, 0, 0) => Ok(false),
        (APPLICATION, FORMAT, _) => Ok(true),
        (APPLICATION, ..) => Err(HistoryError::Newer { path: path.to_owned(), found, known: FORMAT }),
        _ => Err(HistoryError::Foreign { path: path.to_owned() }),
    }
}

/// Readers and a writer do not wait for each other. Changing to it needs the database for itself, which SQLite does not
/// wait for when two do it at the same time.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}
