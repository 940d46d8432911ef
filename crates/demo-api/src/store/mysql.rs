//! MariaDB or MySQL through a bounded pool of connections.

use mysql_async::prelude::{Query as _, Queryable as _, WithParams as _};
use mysql_async::{Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};

use super::sql;
use crate::DemoError;
use crate::config::mask;
use crate::error::ApiError;
use crate::model::{DepartmentStats, Employee, Fields, NewEmployee, Page};

/// `ER_DUP_ENTRY`, the server's code for a violated unique key.
const DUPLICATE: u16 = 1062;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS employees (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(200) NOT NULL,
    email VARCHAR(200) NOT NULL UNIQUE,
    department VARCHAR(200) NOT NULL,
    position VARCHAR(200) NOT NULL,
    salary DOUBLE NOT NULL
) DEFAULT CHARACTER SET utf8mb4";

type Row = (i64, String, String, String, String, f64);

/// The pool; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct MySql {
    pool: Pool,
}

impl MySql {
    pub(super) async fn open(url: &str, connections: usize, seed_rows: u32) -> Result<Self, DemoError> {
        let refuse = |reason: String| DemoError::DatabaseUrl { url: mask(url), reason };
        let options = Opts::from_url(url).map_err(|error| refuse(error.to_string()))?;
        let constraints = PoolConstraints::new(1, connections)
            .ok_or_else(|| refuse("the pool needs at least one connection".to_owned()))?;
        let options = OptsBuilder::from_opts(options)
            .pool_opts(PoolOpts::default().with_constraints(constraints))
            // Over TCP even when the server is on this machine: its socket may be another server's.
            .prefer_socket(false);
        let store = Self { pool: Pool::new(options) };
        store
            .prepare(seed_rows)
            .await
            .map_err(|source| DemoError::OpenMySql { url: mask(url), source: Box::new(source) })?;
        Ok(store)
    }

    async fn prepare(&self, seed_rows: u32) -> mysql_async::Result<()> {
        let mut conn = self.pool.get_conn().await?;
        conn.query_drop(CREATE).await?;
        let rows: Option<i64> = conn.query_first(sql::COUNT).await?;
        if rows == Some(0) {
            // Several replicas may start against one empty database: the unique key sorts them out.
            let statement = sql::INSERT.replacen("INSERT", "INSERT IGNORE", 1);
            conn.exec_batch(statement, (0..seed_rows).map(|n| row(NewEmployee::seeded(n)))).await?;
        }
        Ok(())
    }

    async fn conn(&self) -> Result<Conn, ApiError> {
        self.pool.get_conn().await.map_err(failed)
    }

    pub(super) async fn ping(&self) -> Result<(), ApiError> {
        let answer: Option<i64> = sql::PING.first(self.conn().await?).await.map_err(failed)?;
        answer.map(drop).ok_or_else(|| ApiError::Database("no answer to a ping".to_owned()))
    }

    pub(super) async fn list(&self, page: Page) -> Result<(Vec<Employee>, i64), ApiError> {
        let mut conn = self.conn().await?;
        let total: Option<i64> = conn.query_first(sql::COUNT).await.map_err(failed)?;
        let rows =
            conn.exec_map(sql::LIST, (page.per_page, page.offset()), employee).await.map_err(failed)?;
        Ok((rows, total.unwrap_or(0)))
    }

    pub(super) async fn stats(&self) -> Result<Vec<DepartmentStats>, ApiError> {
        let mut conn = self.conn().await?;
        conn.query_map(sql::STATS, |(department, employees, average_salary)| DepartmentStats {
            department,
            employees,
            average_salary,
        })
        .await
        .map_err(failed)
    }

    pub(super) async fn get(&self, id: i64) -> Result<Option<Employee>, ApiError> {
        let mut conn = self.conn().await?;
        let row: Option<Row> = conn.exec_first(sql::GET, (id,)).await.map_err(failed)?;
        Ok(row.map(employee))
    }

    pub(super) async fn insert(&self, new: NewEmployee) -> Result<i64, ApiError> {
        let mut conn = self.conn().await?;
        let email = new.email.clone();
        conn.exec_drop(sql::INSERT, row(new)).await.map_err(|error| explain(error, email))?;
        conn.last_insert_id()
            .and_then(|id| i64::try_from(id).ok())
            .ok_or_else(|| ApiError::Database("the server gave the new row no id".to_owned()))
    }

    pub(super) async fn update(&self, id: i64, fields: Fields) -> Result<Option<Employee>, ApiError> {
        let mut conn = self.conn().await?;
        let email = fields.email.clone().unwrap_or_default();
        let changes = (fields.name, fields.email, fields.department, fields.position, fields.salary, id);
        conn.exec_drop(sql::UPDATE, changes).await.map_err(|error| explain(error, email))?;
        let row: Option<Row> = conn.exec_first(sql::GET, (id,)).await.map_err(failed)?;
        Ok(row.map(employee))
    }

    pub(super) async fn delete(&self, id: i64) -> Result<bool, ApiError> {
        let mut conn = self.conn().await?;
        let result = sql::DELETE.with((id,)).run(&mut conn).await.map_err(failed)?;
        let affected = result.affected_rows();
        result.drop_result().await.map_err(failed)?;
        Ok(affected > 0)
    }

    pub(super) async fn close(self) {
        // The process is ending; a server that is gone already is no news.
        let _ = self.pool.disconnect().await;
    }
}

fn row(new: NewEmployee) -> (String, String, String, String, f64) {
    (new.name, new.email, new.department, new.position, new.salary)
}

fn employee((id, name, email, department, position, salary): Row) -> Employee {
    Employee { id, name, email, department, position, salary }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn failed(error: mysql_async::Error) -> ApiError {
    ApiError::Database(error.to_string())
}

fn explain(error: mysql_async::Error, email: String) -> ApiError {
    match &error {
        mysql_async::Error::Server(server) if server.code == DUPLICATE => ApiError::DuplicateEmail(email),
        _ => failed(error),
    }
}
