//! A port whose every request is the host program's to answer: k6's REST API, of which this crate knows nothing.
//!
//! What is the same as for the page is here: a thread of its own, and that pages of other sites change nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::host::Inbox;
use crate::page::{Access, Shared, StartError};
use crate::serve;

/// How long the last answers may take to leave.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// It is open. Dropping it closes it.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    open: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Listens; every request is an [`Ask::Foreign`](crate::Ask::Foreign).
    pub fn open(listen: SocketAddr, inbox: Inbox) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let failed = |error| StartError::Listen { address: listen, error };
        let listener = runtime.block_on(TcpListener::bind(listen)).map_err(failed)?;
        let address = listener.local_addr()?;
        let access = if address.ip().is_loopback() { Access::ByAddress } else { Access::Anyone };
        let shared = Arc::new(Shared::new(access, true, inbox, None));
        let routes = Router::new().fallback(any(serve::ask_host)).with_state(shared);
        let routes = routes.layer(axum::middleware::map_response(serve::with_headers));
        let (open, closed) = oneshot::channel();
        let thread = std::thread::Builder::new().name("throng-rest".to_owned()).spawn(move || {
            let until = async move {
                let _ = closed.await;
            };
            runtime.block_on(serve::run(listener, None, routes, until, LAST_WORDS));
        })?;
        Ok(Self { address, open: Some(open), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
