//! The database of a history: runs are added, listed, read, marked and deleted.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::{HistoryError, Measured, NewRun, Run, RunId, Verdict, schema};

/// The file in the folder.
const FILE: &str = "history.db";
/// What a snapshot may be at most when it is unpacked: far above what a page of ten thousand names has.
const LARGEST: u64 = 1 << 30;

const COLUMNS: &str = "id, name, kind, file, checksum, started_at, elapsed, exit_code, verdict, requests, failures, \
                       rps, median, p95, p99, baseline";

/// A folder with past runs. Several processes may use it at the same time.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the history in `folder`, and makes both if they are not there.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        let unusable = |error| HistoryError::Folder { path: folder.to_owned(), error };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        Self::open_file(folder.join(FILE))
    }

    /// Opens the history in `folder`, which must be there.
    pub fn open_existing(folder: &Path) -> Result<Self, HistoryError> {
        let path = folder.join(FILE);
        if let Err(error) = path.metadata() {
            return Err(HistoryError::Folder { path: folder.to_owned(), error });
        }
        Self::open_file(path)
    }

    fn open_file(path: PathBuf) -> Result<Self, HistoryError> {
        let connection = Mutex::new(schema::open(&path)?);
        Ok(Self { path, connection })
    }

    /// The database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a run with the snapshot that its page had at the end; of all runs the newest `at_most` stay, and baselines.
    pub fn add(&self, run: &NewRun, snapshot: &str, at_most: Option<u32>) -> Result<RunId, HistoryError> {
        let id = self.write(None, run, snapshot)?;
        if let Some(at_most) = at_most {
            self.thin_out(at_most)?;
        }
        Ok(id)
    }

    /// Writes a run again, about which more became known.
    pub fn replace(&self, id: RunId, run: &NewRun, snapshot: &str) -> Result<(), HistoryError> {
        self.write(Some(id), run, snapshot).map(drop)
    }

    fn write(&self, id: Option<RunId>, run: &NewRun, snapshot: &str) -> Result<RunId, HistoryError> {
        let measured =
            Measured::of_snapshot(snapshot).map_err(|error| HistoryError::Unusable(error.to_string()))?;
        let body = packed(snapshot).map_err(|error| HistoryError::Unusable(error.to_string()))?;
        let verdict = measured.missed_a_threshold().then_some(Verdict::Failed.as_str());
        self.with(|connection| {
            let change = connection.transaction()?;
            let totals = &measured.totals;
            change.execute(
                "INSERT INTO runs (id, name, kind, file, checksum, started_at, elapsed, verdict, requests, failures,
                                   rps, median, p95, p99)
                 VALUES (:id, :name, :kind, :file, :checksum, :started_at, :elapsed, :verdict, :requests, :failures,
                         :rps, :median, :p95, :p99)
                 ON CONFLICT (id) DO UPDATE SET
                     elapsed = :elapsed, requests = :requests, failures = :failures, rps = :rps, median = :median,
                     p95 = :p95, p99 = :p99",
                named_params! {
                    ":id": id,
                    ":name": run.name,
                    ":kind": measured.kind,
                    ":file": measured.file,
                    ":checksum": run.checksum,
                    ":started_at": measured.started_at.unwrap_or_default(),
                    ":elapsed": measured.elapsed,
                    ":verdict": verdict,
                    ":requests": totals.count as i64,
                    ":failures": totals.fails as i64,
                    ":rps": measured.rate(totals.count),
                    ":median": totals.median,
                    ":p95": totals.p95,
                    ":p99": totals.p99,
                },
            )?;
            let id = id.unwrap_or_else(|| change.last_insert_rowid());
            change.execute(
                "INSERT INTO snapshots (run, body) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET body = ?2",
                params![id, body],
            )?;
            change.commit()?;
            Ok(id)
        })
    }

    /// Notes with which code the run's process ended.
    pub fn conclude(&self, id: RunId, exit_code: i32) -> Result<(), HistoryError> {
        let verdict = Verdict::of_exit(exit_code).as_str();
        let change = "UPDATE runs SET exit_code = ?2, verdict = ?3 WHERE id = ?1";
        self.change(id, |connection| connection.execute(change, params![id, exit_code, verdict]))
    }

    /// All runs, the newest first.
    pub fn list(&self) -> Result<Vec<Run>, HistoryError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM runs ORDER BY id DESC"))?;
            let runs = statement.query_map([], read)?;
            runs.collect()
        })
    }

    /// One run.
    pub fn run(&self, id: RunId) -> Result<Run, HistoryError> {
        let query = format!("SELECT {COLUMNS} FROM runs WHERE id = ?1");
        let found = self.with(|connection| connection.query_row(&query, [id], read).optional())?;
        found.ok_or_else(|| self.no_run(id))
    }

    /// The baseline of a script: the run that was marked as such.
    pub fn baseline(&self, kind: &str, file: &str) -> Result<Option<Run>, HistoryError> {
        let query = format!("SELECT {COLUMNS} FROM runs WHERE baseline = 1 AND kind = ?1 AND file = ?2");
        self.with(|connection| connection.query_row(&query, [kind, file], read).optional())
    }

    /// What the page had at the end of the run, as JSON, gzip'd.
    pub fn packed_snapshot(&self, id: RunId) -> Result<Vec<u8>, HistoryError> {
        let query = "SELECT body FROM snapshots WHERE run = ?1";
        let found = self.with(|connection| connection.query_row(query, [id], |row| row.get(0)).optional())?;
        found.ok_or_else(|| self.no_run(id))
    }

    /// As [`Self::packed_snapshot`], unpacked.
    pub fn snapshot(&self, id: RunId) -> Result<String, HistoryError> {
        let body = self.packed_snapshot(id)?;
        let mut text = String::new();
        let unpacked = GzDecoder::new(&*body).take(LARGEST).read_to_string(&mut text);
        match unpacked {
            Ok(_) => Ok(text),
            Err(error) => {
                Err(HistoryError::Snapshot { id, path: self.path.clone(), reason: error.to_string() })
            }
        }
    }

    /// What was measured in a run, by its snapshot.
    pub(crate) fn read(&self, id: RunId, snapshot: &str) -> Result<Measured, HistoryError> {
        Measured::of_snapshot(snapshot).map_err(|error| HistoryError::Snapshot {
            id,
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// Forgets a run.
    pub fn delete(&self, id: RunId) -> Result<(), HistoryError> {
        self.change(id, |connection| connection.execute("DELETE FROM runs WHERE id = ?1", [id]))?;
        self.give_back()
    }

    /// Marks a run as the one that later runs of its script are judged against, or takes the mark away.
    pub fn set_baseline(&self, id: RunId, baseline: bool) -> Result<(), HistoryError> {
        let others = "UPDATE runs SET baseline = 0
                      WHERE (kind, file) IN (SELECT kind, file FROM runs WHERE id = ?1)";
        self.change(id, |connection| {
            let change = connection.transaction()?;
            change.execute(others, [id])?;
            let changed =
                change.execute("UPDATE runs SET baseline = ?2 WHERE id = ?1", params![id, baseline])?;
            change.commit()?;
            Ok(changed)
        })
    }

    /// Calls a run something else.
    pub fn rename(&self, id: RunId, name: &str) -> Result<(), HistoryError> {
        let change = "UPDATE runs SET name = ?2 WHERE id = ?1";
        self.change(id, |connection| connection.execute(change, params![id, name]))
    }

    fn thin_out(&self, at_most: u32) -> Result<(), HistoryError> {
        let old = "DELETE FROM runs WHERE baseline = 0
                   AND id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT ?1)";
        let deleted = self.with(|connection| connection.execute(old, [at_most]))?;
        if deleted > 0 { self.give_back() } else { Ok(()) }
    }

    fn give_back(&self) -> Result<(), HistoryError> {
        self.with(|connection| connection.execute_batch("PRAGMA incremental_vacuum"))
    }

    fn no_run(&self, id: RunId) -> HistoryError {
        HistoryError::NoRun { id, path: self.path.clone() }
    }

    /// A change of one run, which must be there.
    fn change(
        &self,
        id: RunId,
        change: impl FnOnce(&mut Connection) -> rusqlite::Result<usize>,
    ) -> Result<(), HistoryError> {
        match self.with(change)? {
            0 => Err(self.no_run(id)),
            _ => Ok(()),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        work(&mut self.lock()).map_err(|error| HistoryError::of(&self.path, &error))
    }

    /// What panicked while it held the connection was rolled back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let verdict: Option<String> = row.get(8)?;
    Ok(Run {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        file: row.get(3)?,
        checksum: row.get(4)?,
        started_at: row.get(5)?,
        elapsed: row.get(6)?,
        exit_code: row.get(7)?,
        verdict: verdict.as_deref().and_then(Verdict::parse),
        requests: row.get(9)?,
        failures: row.get(10)?,
        rps: row.get(11)?,
        median: row.get(12)?,
        p95: row.get(13)?,
        p99: row.get(14)?,
        baseline: row.get(15)?,
    })
}

fn packed(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
