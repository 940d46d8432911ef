//! The rows, behind one face for both kinds of database.

mod mysql;
mod sql;
mod sqlite;

use mysql::MySql;
use sqlite::Sqlite;

use crate::error::ApiError;
use crate::model::{DepartmentStats, Employee, Fields, NewEmployee, Page};
use crate::{Config, Database, DemoError};

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite(Sqlite),
    MySql(MySql),
}

/// Calls the same method on whichever database it is.
macro_rules! on {
    ($store:expr, $method:ident($($argument:expr),*)) => {
        match $store {
            Store::Sqlite(store) => store.$method($($argument),*).await,
            Store::MySql(store) => store.$method($($argument),*).await,
        }
    };
}

impl Store {
    /// Opens the database, creates the table when missing, and seeds it when empty.
    pub(crate) async fn open(config: &Config) -> Result<Self, DemoError> {
        Ok(match &config.database {
            Database::Memory => Self::Sqlite(Sqlite::open(None, config.seed_rows)?),
            Database::File(path) => Self::Sqlite(Sqlite::open(Some(path), config.seed_rows)?),
            Database::MySql(url) => Self::MySql(MySql::open(url, config.pool, config.seed_rows).await?),
        })
    }

    /// What kind of database it is, for `/health`.
    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::MySql(_) => "mysql",
        }
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), ApiError> {
        on!(self, ping())
    }

    /// One page of the employees in order of id, and how many there are in all.
    pub(crate) async fn list(&self, page: Page) -> Result<(Vec<Employee>, i64), ApiError> {
        on!(self, list(page))
    }

    /// Employees and mean salary per department, in order of name.
    pub(crate) async fn stats(&self) -> Result<Vec<DepartmentStats>, ApiError> {
        on!(self, stats())
    }

    /// One employee, if there is one with this id.
    pub(crate) async fn get(&self, id: i64) -> Result<Option<Employee>, ApiError> {
        on!(self, get(id))
    }

    /// Inserts a row and returns its id.
    pub(crate) async fn insert(&self, new: NewEmployee) -> Result<i64, ApiError> {
        on!(self, insert(new))
    }

    /// Changes the given columns and returns the row as it is then.
    pub(crate) async fn update(&self, id: i64, fields: Fields) -> Result<Option<Employee>, ApiError> {
        on!(self, update(id, fields))
    }

    /// Deletes a row and says whether there was one.
    pub(crate) async fn delete(&self, id: i64) -> Result<bool, ApiError> {
        on!(self, delete(id))
    }

    /// Ends the connections to a database server; SQLite closes with its last handle.
    pub(crate) async fn close(self) {
        if let Self::MySql(store) = self {
            store.close().await;
        }
    }
}
