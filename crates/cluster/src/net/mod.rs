//! The network edge: sockets, TLS and gRPC around the state machines, on threads of its own.
//!
//! Each side has one thread with a runtime. On it one task (the hub, the pilot) owns the machine; tasks of connections
//! send it what arrives and carry out what it asks for. Host programs talk to it through channels.

mod client;
mod controller;
mod error;
mod frames;
mod grpc;
mod hub;
mod server;
mod store;
mod strangers;
mod tls;
mod trouble;
mod worker;

use std::time::{Duration, Instant, SystemTime};

use crate::moment::Moment;

pub use controller::{Controller, StateDir, Went};
pub use error::NetError;
pub use store::StateError;
pub use tls::{ClientTls, ServerTls};
pub use worker::WorkerClient;

/// How long a closed connection may take to send what was queued for it.
const FLUSH: Duration = Duration::from_secs(1);

/// What the wall clock shows, since 1970.
#[expect(clippy::disallowed_methods, reason = "once a process, to compare the clocks of machines")]
fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The clock of a machine's moments.
#[derive(Debug, Clone, Copy)]
struct Origin(Instant);

impl Origin {
    /// The clock of a run that another process began: it goes on as the wall clock did meanwhile, and never back.
    fn going_on(self, unix_at_origin: Duration, last: Moment) -> Self {
        let by_wall = unix_now().saturating_sub(unix_at_origin);
        Self(self.0.checked_sub(by_wall.max(last.since_origin())).unwrap_or(self.0))
    }

    fn now(self) -> Moment {
        self.0.elapsed().into()
    }

    /// A moment beyond what the system's clock can hold, which only a peer out of its mind sends, is now.
    fn instant(self, moment: Moment) -> Instant {
        self.0.checked_add(moment.since_origin()).unwrap_or_else(Instant::now)
    }

    /// Sleeps until then; for ever, if that is never.
    async fn sleep_until(self, moment: Moment) {
        if moment == Moment::NEVER {
            std::future::pending::<()>().await;
        } else {
            tokio::time::sleep_until(self.instant(moment).into()).await;
        }
    }
}
