//! What can go wrong with a history.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The folder cannot be made or entered.
    #[error("cannot use the folder {path} for the history: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is damaged, or something else than a database.
    #[error(
        "the history {path} is damaged, or is no database ({reason}): move it away, or choose another folder; what is \
         in it may still be had with the sqlite3 program's .recover"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file is a database of another program.
    #[error("{path} is the database of another program: choose another folder for the history")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "the history {path} was written by a newer throng (format {found}; this one knows {known}): update throng"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The one that is known.
        known: i64,
    },
    /// Others write to it for longer than is waited for.
    #[error("the history {path} is in use by other runs for too long: try again")]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Anything else that SQLite says.
    #[error("cannot use the history {path}: {reason}")]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// There is no such run.
    #[error("there is no run {id} in the history {path}")]
    NoRun {
        /// The number that was asked for.
        id: i64,
        /// The database.
        path: PathBuf,
    },
    /// What is kept of a run cannot be read.
    #[error("what the history {path} has of run {id} cannot be read: {reason}")]
    Snapshot {
        /// The run.
        id: i64,
        /// The database.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is to be kept is no snapshot: a defect of throng.
    #[error("the run cannot be kept: its snapshot cannot be read: {0}")]
    Unusable(String),
}

impl HistoryError {
    /// What an error of SQLite means for a history.
    pub(crate) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, reason: error.to_string() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Database { path, reason: error.to_string() },
        }
    }
}
