//! Everything that can go wrong: at start-up ([`DemoError`]) and in a request ([`ApiError`]).

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::json;

/// Why the demo application could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database URL cannot be used.
    #[error("cannot use the database URL {url}: {reason}")]
    DatabaseUrl {
        /// The URL, its password masked.
        url: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The SQLite database could not be opened or prepared.
    #[error("cannot open the SQLite database {}: {source}", .path.display())]
    OpenSqlite {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The database server could not be reached or prepared.
    #[error("cannot prepare the database at {url}: {source}")]
    OpenMySql {
        /// The URL, its password masked.
        url: String,
        /// What the client library or the server said.
        source: Box<mysql_async::Error>,
    },
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source} (choose another with --listen)")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A thread, the runtime or the signal handler could not be set up, or serving failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] std::io::Error),
}

/// What a request is answered with when it cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request is malformed: 400.
    #[error("{0}")]
    BadRequest(String),
    /// No such employee or path: 404.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, the method does not: 405.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The e-mail address is taken: 409.
    #[error("an employee with the email {0} already exists")]
    DuplicateEmail(String),
    /// The database failed: 503, since trying again may work.
    #[error("the database failed: {0}")]
    Database(String),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::DuplicateEmail(_) => StatusCode::CONFLICT,
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        json(self.status(), &serde_json::json!({ "error": self.to_string() }))
    }
}
