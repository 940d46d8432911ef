//! How a controller listens, and what it expects.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::net::ServerTls;
use crate::token::Token;

/// What a lost worker means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnWorkerLoss {
    /// The others go on; the result says what is missing.
    #[default]
    Continue,
    /// The run fails.
    Fail,
}

impl FromStr for OnWorkerLoss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "continue" => Ok(Self::Continue),
            "fail" => Ok(Self::Fail),
            _ => Err(format!("`{text}` is no answer to the loss of a worker: use continue or fail")),
        }
    }
}

/// How a controller listens, and what it expects.
#[derive(Debug, Clone)]
pub struct ControllerConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What workers have to know; `None` lets everyone join who reaches the port.
    pub token: Option<Token>,
    /// Encrypts, and with a client authority also asks workers for a certificate; `None` is plain text.
    pub tls: Option<ServerTls>,
    /// With how many workers the run begins; at least 1.
    pub expected: u32,
    /// How long to wait for them, and for the replacement of one that is lost before the start.
    pub gather_timeout: Duration,
    /// What a lost worker means.
    pub on_worker_loss: OnWorkerLoss,
}

impl ControllerConfig {
    /// The port of controllers, for k6 scripts as for Locust.
    pub const DEFAULT_PORT: u16 = 5557;

    /// A controller on any free port of loopback that waits one minute for `expected` workers and goes on without those
    /// it loses.
    pub fn loopback(expected: u32, token: Token) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            token: Some(token),
            tls: None,
            expected,
            gather_timeout: Duration::from_mins(1),
            on_worker_loss: OnWorkerLoss::Continue,
        }
    }
}
