//! A controller for a host program: a listener and the hub on a thread of their own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self as std_mpsc, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_rustls::TlsAcceptor;

use super::hub::Hub;
use super::server::{self, Server};
use super::strangers::Strangers;
use super::{NetError, Origin};
use crate::controller::{ControllerConfig, Happening, Machine, Order, Settings};
use crate::ids::RunId;

/// What may wait for the hub: it is quick, so this is a matter of bursts. Connections wait beyond.
const INPUTS: usize = 1_024;
/// What dropping a controller waits for, so that the last messages leave.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// A controller that listens for workers. Dropping it closes all connections: workers take that for its death.
#[derive(Debug)]
pub struct Controller {
    address: SocketAddr,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Controller {
    /// Listens, and gathers workers from now on. Happenings have to be received; they are not bounded.
    pub fn bind(config: ControllerConfig) -> Result<(Self, Receiver<Happening>), NetError> {
        let tls = config.tls.as_ref().map(super::ServerTls::config).transpose()?;
        let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(config.listen));
        let listener = listener.map_err(|error| NetError::Listen { address: config.listen, error })?;
        let address = listener.local_addr()?;
        let run = RunId::random().map_err(std::io::Error::other)?;
        let (happenings, told) = std_mpsc::channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let (inputs, received) = mpsc::channel(INPUTS);
        let strangers = Strangers::default();
        let origin = Origin(Instant::now());
        let settings = Settings {
            run,
            token: config.token,
            expected: config.expected,
            gather_timeout: config.gather_timeout,
            on_worker_loss: config.on_worker_loss,
            redistribute: true,
            unix_at_origin: super::unix_now(),
        };
        let hub = Hub {
            origin,
            machine: Machine::new(origin.now(), settings),
            strangers: strangers.clone(),
            happenings,
            connections: HashMap::new(),
        };
        let (alive, mut gone) = mpsc::channel(1);
        let server = Server { inputs, strangers, tls, _alive: alive };
        let thread = std::thread::Builder::new().name("throng-controller".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(server::listen(listener, server));
                hub.run(received, ordered).await;
                // The hub has dropped its connections; they end once what was queued is sent.
                let _ = tokio::time::timeout(LAST_WORDS, gone.recv()).await;
            });
        })?;
        Ok((Self { address, orders: Some(orders), thread: Some(thread) }, told))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has the workers do something; what comes of it is told by [`Happening`]s. An order at the wrong time is answered
    /// with [`Happening::Failed`].
    pub fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The hub lives as long as this does.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
