//! Databases that speak SQL: one file a driver, and the pools that virtual users share.

mod mysql;
mod mysql_source;
mod postgres;
mod postgres_source;
mod postgres_value;
mod sqlite;

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use throng_js::databases::{Executed, Pending, Refused, Rows, Sql, Statement};
use throng_js::log::Log;

use crate::executor::run;
use crate::pool::{Connect, Lent, Pool};

/// What a driver does with a connection.
pub(crate) trait Driver: Connect {
    /// Runs a statement whose rows are not wanted.
    fn exec(
        &self,
        lent: Lent<Self>,
        statement: Statement,
    ) -> impl Future<Output = Result<Executed, Refused>> + Send
    where
        Self: Sized;

    /// Runs a statement for its rows.
    fn query(
        &self,
        lent: Lent<Self>,
        statement: Statement,
    ) -> impl Future<Output = Result<Rows, Refused>> + Send
    where
        Self: Sized;
}

/// Pools by driver and source.
static POOLS: Mutex<BTreeMap<String, Arc<dyn Any + Send + Sync>>> = Mutex::new(BTreeMap::new());

/// Opens what a source names.
pub(crate) fn open(driver: &str, source: &str, log: &Arc<dyn Log>) -> Result<Box<dyn Sql>, Refused> {
    match driver {
        "mysql" => shared(driver, source, log, usize::MAX, mysql::MySql::new),
        "postgres" => shared(driver, source, log, usize::MAX, postgres::Postgres::new),
        "sqlite3" => {
            let database = sqlite::Sqlite::new(source)?;
            let (most, is_own) = (database.most_connections(), database.is_in_memory());
            if is_own {
                return Ok(opened(Pool::new(database, "the database".into(), most, log.clone())));
            }
            shared(driver, source, log, most, move |_| Ok((database, "the database".into())))
        }
        other => Err(Refused(format!("the driver {other:?} is not supported yet"))),
    }
}

fn opened<D: Driver>(pool: Arc<Pool<D>>) -> Box<dyn Sql> {
    pool.hold();
    Box::new(Opened { pool, is_closed: AtomicBool::new(false) })
}

/// The pool for a source, made by the first who opens it; with the source's name as it may be shown.
fn shared<D: Driver>(
    driver: &str,
    source: &str,
    log: &Arc<dyn Log>,
    most: usize,
    make: impl FnOnce(&str) -> Result<(D, String), Refused>,
) -> Result<Box<dyn Sql>, Refused> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = format!("{driver} {source}");
    let known = pools.get(&key).cloned().and_then(|pool| pool.downcast::<Pool<D>>().ok());
    let pool = if let Some(pool) = known {
        pool
    } else {
        let (server, name) = make(source)?;
        let pool = Pool::new(server, name, most, log.clone());
        pools.insert(key, pool.clone());
        pool
    };
    Ok(opened(pool))
}

/// A database as one virtual user opened it.
struct Opened<D: Driver> {
    pool: Arc<Pool<D>>,
    is_closed: AtomicBool,
}

impl<D: Driver> Drop for Opened<D> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<D: Driver> Sql for Opened<D> {
    fn exec(&self, statement: Statement) -> Pending<Executed> {
        let pool = self.pool.clone();
        run(async move {
            let lent = pool.take().await?;
            pool.server().exec(lent, statement).await
        })
    }

    fn query(&self, statement: Statement) -> Pending<Rows> {
        let pool = self.pool.clone();
        run(async move {
            let lent = pool.take().await?;
            pool.server().query(lent, statement).await
        })
    }

    fn close(&self) {
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            self.pool.release();
        }
    }
}

/// What was opened and whose connection is gone although it was lent; never seen, as a lent one has its connection.
fn lost<T>() -> Result<T, Refused> {
    Err(Refused("the connection is gone".to_owned()))
}

/// A time as Go writes it: `1m30s`, `250ms`.
fn parse_time(text: &str) -> Option<std::time::Duration> {
    throng_plan::duration::parse(text).ok().filter(|time| !time.is_zero())
}
