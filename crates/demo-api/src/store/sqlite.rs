//! SQLite on a thread of its own.
//!
//! The connection lives on one thread and takes jobs from a bounded queue, so that a slow disk
//! delays the requests that need it and never the thread that accepts connections.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use tokio::sync::{mpsc, oneshot};

use super::sql;
use crate::DemoError;
use crate::error::ApiError;
use crate::model::{DepartmentStats, Employee, Fields, NewEmployee, Page};

/// Jobs that may wait; further requests wait for room.
const QUEUE: usize = 1024;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS employees (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    department TEXT NOT NULL,
    position TEXT NOT NULL,
    salary REAL NOT NULL
)";

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle on the database thread, which ends with the last handle.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    jobs: mpsc::Sender<Job>,
}

impl Sqlite {
    pub(super) fn open(path: Option<&Path>, seed_rows: u32) -> Result<Self, DemoError> {
        let mut connection = prepare(path, seed_rows).map_err(|source| DemoError::OpenSqlite {
            path: path.unwrap_or(Path::new(":memory:")).to_owned(),
            source,
        })?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        std::thread::Builder::new().name("demo-sqlite".to_owned()).spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs })
    }

    async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.try_call(job).await?.map_err(|error| ApiError::Database(error.to_string()))
    }

    /// The outer error is the thread being gone, the inner one what SQLite said.
    async fn try_call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>, ApiError> {
        let gone = || ApiError::Database("the database thread has ended".to_owned());
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The request may have been given up by its client meanwhile.
            let _ = answer.send(job(connection));
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    pub(super) async fn ping(&self) -> Result<(), ApiError> {
        self.call(|db| db.prepare_cached(sql::PING)?.query_row([], |_| Ok(()))).await
    }

    pub(super) async fn list(&self, page: Page) -> Result<(Vec<Employee>, i64), ApiError> {
        self.call(move |db| {
            let total = db.prepare_cached(sql::COUNT)?.query_row([], |row| row.get(0))?;
            let mut statement = db.prepare_cached(sql::LIST)?;
            let rows = statement.query_map(params![page.per_page, page.offset()], employee)?;
            Ok((rows.collect::<Result<_, _>>()?, total))
        })
        .await
    }

    pub(super) async fn stats(&self) -> Result<Vec<DepartmentStats>, ApiError> {
        self.call(|db| {
            let mut statement = db.prepare_cached(sql::STATS)?;
            let rows = statement.query_map([], |row| {
                Ok(DepartmentStats {
                    department: row.get(0)?,
                    employees: row.get(1)?,
                    average_salary: row.get(2)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    pub(super) async fn get(&self, id: i64) -> Result<Option<Employee>, ApiError> {
        self.call(move |db| db.prepare_cached(sql::GET)?.query_row([id], employee).optional()).await
    }

    pub(super) async fn insert(&self, new: NewEmployee) -> Result<i64, ApiError> {
        let email = new.email.clone();
        self.try_call(move |db| {
            insert(db, &new)?;
            Ok(db.last_insert_rowid())
        })
        .await?
        .map_err(|error| explain(&error, email))
    }

    pub(super) async fn update(&self, id: i64, fields: Fields) -> Result<Option<Employee>, ApiError> {
        let email = fields.email.clone().unwrap_or_default();
        self.try_call(move |db| {
            db.prepare_cached(sql::UPDATE)?.execute(params![
                fields.name,
                fields.email,
                fields.department,
                fields.position,
                fields.salary,
                id
            ])?;
            db.prepare_cached(sql::GET)?.query_row([id], employee).optional()
        })
        .await?
        .map_err(|error| explain(&error, email))
    }

    pub(super) async fn delete(&self, id: i64) -> Result<bool, ApiError> {
        self.call(move |db| Ok(db.prepare_cached(sql::DELETE)?.execute([id])? > 0)).await
    }
}

fn prepare(path: Option<&Path>, seed_rows: u32) -> rusqlite::Result<Connection> {
    let mut connection = match path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            let connection = Connection::open(path)?;
            // A demo's rows need not survive a power cut; each request waiting for the disk would
            // turn a test of the API into a test of fsync.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection
        }
    };
    connection.execute_batch(CREATE)?;
    let transaction = connection.transaction()?;
    let rows: i64 = transaction.query_row(sql::COUNT, [], |row| row.get(0))?;
    if rows == 0 {
        for n in 0..seed_rows {
            insert(&transaction, &NewEmployee::seeded(n))?;
        }
    }
    transaction.commit()?;
    Ok(connection)
}

fn insert(db: &Connection, new: &NewEmployee) -> rusqlite::Result<()> {
    let row = params![new.name, new.email, new.department, new.position, new.salary];
    db.prepare_cached(sql::INSERT)?.execute(row).map(drop)
}

fn employee(row: &Row<'_>) -> rusqlite::Result<Employee> {
    Ok(Employee {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        department: row.get(3)?,
        position: row.get(4)?,
        salary: row.get(5)?,
    })
}

fn explain(error: &rusqlite::Error, email: String) -> ApiError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => ApiError::DuplicateEmail(email),
        _ => ApiError::Database(error.to_string()),
    }
}
