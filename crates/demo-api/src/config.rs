//! What can be chosen about the demo application, validated before anything starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::DemoError;

/// The most connections held open to a database server.
///
/// Bounded on purpose: an unbounded pool turns a load test of the API into a connection storm on
/// the database ("Too many connections") and hides the queueing that users want to see.
pub(crate) const DEFAULT_POOL: usize = 8;

/// How many employees exist before the first request.
pub(crate) const DEFAULT_SEED_ROWS: u32 = 100;

/// Where the application listens and what it stores its rows in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address to listen on. Port 0 takes a free one, which is printed.
    pub listen: SocketAddr,
    /// The database behind the API.
    pub database: Database,
    /// The most connections to a database server (not used by SQLite); at least 1.
    pub pool: usize,
    /// Rows inserted when the table is empty at start.
    pub seed_rows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5000)),
            database: Database::Memory,
            pool: DEFAULT_POOL,
            seed_rows: DEFAULT_SEED_ROWS,
        }
    }
}

/// The database behind the API.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// SQLite, in memory: gone when the process ends.
    Memory,
    /// SQLite, in a file that is created when missing.
    File(PathBuf),
    /// MariaDB or MySQL, as `mysql://user:password@host:port/database`.
    MySql(String),
}

impl Database {
    /// Reads a database URL, refusing every scheme but `mysql` by name.
    pub fn from_url(url: &str) -> Result<Self, DemoError> {
        let parsed = url::Url::parse(url)
            .map_err(|source| DemoError::DatabaseUrl { url: mask(url), reason: source.to_string() })?;
        let refuse = |reason: &str| Err(DemoError::DatabaseUrl { url: mask(url), reason: reason.to_owned() });
        match parsed.scheme() {
            "mysql" | "mariadb" => {}
            other => {
                return refuse(&format!("`{other}` is not supported, give mysql://user:password@host/db"));
            }
        }
        if parsed.path().trim_matches('/').is_empty() {
            return refuse("it names no database, add /NAME after the host");
        }
        Ok(Self::MySql(url.replacen("mariadb://", "mysql://", 1)))
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::MySql(url) => f.debug_tuple("MySql").field(&mask(url)).finish(),
        }
    }
}

/// A URL fit for a message: without the password.
pub(crate) fn mask(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:****@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mysql_url_is_taken_and_others_are_refused_by_name() {
        assert!(matches!(Database::from_url("mysql://u:p@127.0.0.1:3306/app"), Ok(Database::MySql(_))));
        assert_eq!(
            Database::from_url("mariadb://u@h/app").unwrap(),
            Database::MySql("mysql://u@h/app".to_owned())
        );
        let error = Database::from_url("postgres://u:secret@h/app").unwrap_err().to_string();
        assert!(error.contains("`postgres` is not supported"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_url_without_a_database_name_is_refused() {
        let error = Database::from_url("mysql://u@h").unwrap_err().to_string();
        assert!(error.contains("names no database"), "{error}");
    }

    #[test]
    fn a_password_never_reaches_a_debug_line() {
        let text = format!("{:?}", Database::MySql("mysql://u:s3cret@h/app".to_owned()));
        assert_eq!(text, r#"MySql("mysql://u:****@h/app")"#);
    }
}
