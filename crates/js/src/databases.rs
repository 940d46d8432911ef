//! Databases as scripts reach them (`k6/x/sql` and its like): what the modules ask for, without any driver.
//!
//! Drivers are large and belong to tokio, virtual users are neither. The border is these traits: a call gives a future
//! that any executor may wait for, and that cuts the operation where it is dropped. Who answers is provided once by the
//! program that runs scripts ([`provide`]), so that this crate is built without a driver.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::log::Log;

/// An operation that is under way; it ends where it is dropped.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Refused>> + Send>>;

/// Why an operation failed, without any credentials, as a script's exception has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A value on its way between a script and a database.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `NULL`
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Microseconds since the epoch.
    Moment(i64),
    /// The key of a document in MongoDB.
    Key([u8; 12]),
    /// Several.
    List(Vec<Value>),
    /// Named ones, in order.
    Record(Vec<(String, Value)>),
}

/// An SQL statement with the values of its placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text.
    pub text: String,
    /// The values.
    pub values: Vec<Value>,
}

/// What a statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// How many rows it changed.
    pub rows: u64,
    /// The number that the database gave to the last row, where it tells.
    pub last_id: Option<i64>,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each with a value a column.
    pub rows: Vec<Vec<Value>>,
}

/// A database that speaks SQL, opened by one virtual user.
pub trait Sql: Send + Sync {
    /// Runs a statement whose rows, if it has any, are not wanted.
    fn exec(&self, statement: Statement) -> Pending<Executed>;
    /// Runs a statement for its rows.
    fn query(&self, statement: Statement) -> Pending<Rows>;
    /// Takes no further statements.
    fn close(&self);
}

/// How a Redis server is reached. Not shown: a password may be in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedisOptions {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption.
    pub tls: Option<RedisTls>,
    /// Who logs in; may be empty.
    pub username: String,
    /// With what; empty for none.
    pub password: String,
    /// The number of the database.
    pub database: u32,
    /// What the connection is called; empty for nothing.
    pub client_name: String,
    /// How long a connection may take.
    pub dial_timeout: Option<Duration>,
    /// How long an answer may take.
    pub read_timeout: Option<Duration>,
    /// How long sending may take.
    pub write_timeout: Option<Duration>,
    /// How many connections one virtual user may use at a time; 0 is any number.
    pub pool_size: usize,
}

impl Default for RedisOptions {
    /// With the times of k6's documentation.
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 6379,
            tls: None,
            username: String::new(),
            password: String::new(),
            database: 0,
            client_name: String::new(),
            dial_timeout: Some(Duration::from_secs(5)),
            read_timeout: Some(Duration::from_secs(3)),
            write_timeout: Some(Duration::from_secs(3)),
            pool_size: 0,
        }
    }
}

/// How a connection is encrypted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RedisTls {
    /// Certificates of authorities in PEM; empty for the system's.
    pub authorities: Vec<u8>,
    /// The client's own certificate in PEM; may be empty.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
    /// The server's certificate is not checked.
    pub is_unchecked: bool,
}

/// A Redis server, as one virtual user has it.
pub trait Redis: Send + Sync {
    /// Sends a command with its arguments; a reply has numbers, bytes and texts, lists of them, and nothing.
    fn command(&self, request: Vec<Vec<u8>>) -> Pending<Value>;
}

/// An operation on a collection of documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// The database.
    pub database: String,
    /// The collection.
    pub collection: String,
    /// What is to be done.
    pub action: Action,
}

/// What is done with documents.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Inserts one.
    InsertOne(Value),
    /// Inserts several.
    InsertMany(Vec<Value>),
    /// Finds those that a filter takes.
    Find {
        /// Which.
        filter: Value,
        /// In which order; may be nothing.
        sort: Value,
        /// Which of their fields; may be nothing.
        projection: Value,
        /// How many at most; 0 for all.
        limit: i64,
        /// How many to leave out first.
        skip: u64,
        /// How many the server sends at a time; 0 for its own number.
        batch: u32,
    },
    /// Finds the first that a filter takes; it is an error if there is none.
    FindOne(Value),
    /// Changes documents.
    Update {
        /// Which.
        filter: Value,
        /// How.
        update: Value,
        /// All of them, not only the first.
        many: bool,
        /// Where there is none, one is made.
        upsert: bool,
    },
    /// Changes the first and gives it as it is then.
    FindOneAndUpdate {
        /// Which.
        filter: Value,
        /// How.
        update: Value,
    },
    /// Deletes documents.
    Delete {
        /// Which.
        filter: Value,
        /// All of them, not only the first.
        many: bool,
    },
    /// Runs a pipeline.
    Aggregate(Vec<Value>),
    /// The different values of a field.
    Distinct {
        /// Which field.
        field: String,
        /// Of which documents.
        filter: Value,
    },
    /// Counts those that a filter takes.
    Count(Value),
    /// Removes the collection.
    Drop,
}

/// A MongoDB server, as one virtual user has it.
pub trait Mongo: Send + Sync {
    /// Does it; what it finds is a list or a record, a count a number.
    fn run(&self, documents: Documents) -> Pending<Value>;
}

/// The way to databases.
pub trait Databases: Send + Sync {
    /// Opens what `source` names by the driver of that name; connects when it is first used. What the operator ought to
    /// know later is told to `log`.
    ///
    /// # Errors
    /// When there is no such driver, or it cannot make sense of `source`.
    fn sql(&self, driver: &str, source: &str, log: &Arc<dyn Log>) -> Result<Box<dyn Sql>, Refused>;

    /// The client of a MongoDB server; connects when it is first used.
    ///
    /// # Errors
    /// When the URL cannot be used.
    fn mongo(&self, url: &str) -> Result<Box<dyn Mongo>, Refused>;

    /// The client of a Redis server; connects when it is first used.
    ///
    /// # Errors
    /// When the options cannot be used.
    fn redis(&self, options: &RedisOptions, log: &Arc<dyn Log>) -> Result<Box<dyn Redis>, Refused>;
}

static PROVIDED: OnceLock<Box<dyn Databases>> = OnceLock::new();

/// Sets who answers, for the whole process; the first call counts. Drivers are the process's as its allocator is: every
/// run, also the loading of a script, has the same.
pub fn provide(databases: Box<dyn Databases>) {
    let _ = PROVIDED.set(databases);
}

/// Who answers.
pub(crate) fn provided() -> Result<&'static dyn Databases, Refused> {
    let provided = PROVIDED.get().map(|databases| &**databases);
    provided.ok_or_else(|| Refused("this program was built without database drivers".to_owned()))
}
