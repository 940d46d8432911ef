//! Which controller a worker joins, and as whom.

use std::time::Duration;

use crate::net::ClientTls;
use crate::token::Token;

/// Which controller a worker joins, and as whom.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The controller as `HOST:PORT`; a host name is looked up anew at each attempt.
    pub controller: String,
    /// What the controller wants to know; a worker with a token also wants the controller to know it.
    pub token: Option<Token>,
    /// Encrypts; `None` is plain text.
    pub tls: Option<ClientTls>,
    /// The name in logs and results.
    pub name: String,
    /// With how many threads it will generate load.
    pub threads: u32,
    /// How long to try to reach the controller, at first and after each loss of the connection.
    pub join_timeout: Duration,
}
