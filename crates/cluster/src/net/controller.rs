//! A controller for a host program: a listener and the hub on a thread of their own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self as std_mpsc, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use throng_metrics::Delta;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_rustls::TlsAcceptor;

use super::hub::{Errand, Hub, Keeping};
use super::server::{self, Server};
use super::store::{Opened, StateError};
use super::strangers::Strangers;
use super::{NetError, Origin};
use crate::bundle::Bundle;
use crate::controller::{
    ControllerConfig, Happening, Journal, JournalError, Machine, Order, Recovered, Resumed, Settings,
};
use crate::ids::RunId;

/// What may wait for the hub: it is quick, so this is a matter of bursts. Connections wait beyond.
const INPUTS: usize = 1_024;
/// What dropping a controller waits for, so that the last messages leave.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// A controller that listens for workers. Dropping it closes all connections: workers take that for its death.
#[derive(Debug)]
pub struct Controller {
    address: SocketAddr,
    errands: Option<UnboundedSender<Errand>>,
    thread: Option<JoinHandle<()>>,
    is_kept: bool,
}

/// Where a run is kept, and how long its workers go on without a controller.
#[derive(Debug, Clone)]
pub struct StateDir {
    /// The folder.
    pub path: PathBuf,
    /// How long workers whose controller has died go on with their part.
    pub grace: Duration,
}

/// The run of another process that a controller goes on with.
#[derive(Debug)]
pub struct Went {
    /// What was known of it.
    pub resumed: Resumed,
    /// When its run phase began, once the start was ordered.
    pub began: Option<Instant>,
    /// When its iterations began.
    pub starting: Option<Instant>,
}

/// The note that says how a run ended.
const ENDED: &str = "ended";
/// How long a disk may take to have a note.
const NOTE_PATIENCE: Duration = Duration::from_secs(30);

impl Controller {
    /// Listens, and gathers workers from now on. Happenings have to be received; they are not bounded.
    pub fn bind(config: ControllerConfig) -> Result<(Self, Receiver<Happening>), NetError> {
        Self::listen(config, None).map(|(controller, told, _)| (controller, told))
    }

    /// The same with a folder in which the run of this test is kept. If there is a run of another process in it already, this
    /// controller goes on with that, and says what the host program has to know of it.
    pub fn bind_kept(
        config: ControllerConfig,
        state: &StateDir,
        test: &Bundle,
    ) -> Result<(Self, Receiver<Happening>, Option<Went>), NetError> {
        let opened = Opened::new(&state.path)?;
        Self::listen(config, Some((opened, state.grace, test)))
    }

    fn listen(
        config: ControllerConfig,
        kept: Option<(Opened, Duration, &Bundle)>,
    ) -> Result<(Self, Receiver<Happening>, Option<Went>), NetError> {
        let tls = config.tls.as_ref().map(super::ServerTls::config).transpose()?;
        let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(config.listen));
        let listener = listener.map_err(|error| NetError::Listen { address: config.listen, error })?;
        let address = listener.local_addr()?;
        let run = RunId::random().map_err(std::io::Error::other)?;
        let (happenings, told) = std_mpsc::channel();
        let (errands, received_errands) = mpsc::unbounded_channel();
        let (inputs, received) = mpsc::channel(INPUTS);
        let strangers = Strangers::default();
        let mut origin = Origin(Instant::now());
        let mut settings = Settings {
            run,
            token: config.token,
            expected: config.expected,
            gather_timeout: config.gather_timeout,
            on_worker_loss: config.on_worker_loss,
            redistribute: true,
            unix_at_origin: super::unix_now(),
            grace: kept.as_ref().map_or(Duration::ZERO, |(_, grace, _)| *grace),
        };
        let (machine, keeping, first, went) = match kept {
            None => (Machine::new(origin.now(), settings), None, Vec::new(), None),
            Some((mut opened, _, test)) => match opened.content.take() {
                None => {
                    let machine = Machine::new(origin.now(), settings.clone());
                    let mut journal = Journal::new(&settings, test);
                    let store = opened.begin(&journal.snapshot(origin.now(), &machine))?;
                    (machine, Some(Keeping { journal, store }), Vec::new(), None)
                }
                Some(content) => {
                    let unusable = |reason: JournalError| {
                        let path = opened.folder().to_owned();
                        NetError::State(StateError::Unusable { path, reason })
                    };
                    let recovered = Recovered::read(&content).map_err(unusable)?;
                    if let Some(code) = recovered.notes().get(ENDED) {
                        let (path, code) = (opened.folder().to_owned(), code.clone());
                        return Err(StateError::Ended { path, code }.into());
                    }
                    settings.unix_at_origin = recovered.unix_at_origin();
                    origin = origin.going_on(settings.unix_at_origin, recovered.last());
                    let mut first = Vec::new();
                    let resumed = recovered.resume(origin.now(), settings, test, &mut first);
                    let (machine, mut journal, resumed) = resumed.map_err(unusable)?;
                    let store = opened.begin(&journal.snapshot(origin.now(), &machine))?;
                    let went = Went {
                        began: resumed.began.map(|moment| origin.instant(moment)),
                        starting: resumed.starting.map(|moment| origin.instant(moment)),
                        resumed,
                    };
                    (machine, Some(Keeping { journal, store }), first, Some(went))
                }
            },
        };
        let is_kept = keeping.is_some();
        let hub = Hub {
            origin,
            machine,
            strangers: strangers.clone(),
            happenings,
            connections: HashMap::new(),
            keeping,
            first,
        };
        let (alive, mut gone) = mpsc::channel(1);
        let server = Server { inputs, strangers, tls, _alive: alive };
        let thread = std::thread::Builder::new().name("throng-controller".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(server::listen(listener, server));
                hub.run(received, received_errands).await;
                // The hub has dropped its connections; they end once what was queued is sent.
                let _ = tokio::time::timeout(LAST_WORDS, gone.recv()).await;
            });
        })?;
        Ok((Self { address, errands: Some(errands), thread: Some(thread), is_kept }, told, went))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has the workers do something; what comes of it is told by [`Happening`]s. An order at the wrong time is answered
    /// with [`Happening::Failed`].
    pub fn order(&self, order: Order) {
        self.send(Errand::Order(order));
    }

    /// Writes down a note of the host program, for another that goes on with the run; a name has one value. Returns when it
    /// is on the disk. Without a folder there is nothing to do.
    pub fn note(&self, name: &str, value: &str) {
        if self.is_kept {
            let (done, written) = std_mpsc::sync_channel(1);
            self.send(Errand::Note { name: name.to_owned(), value: value.to_owned(), done });
            // A hub that has stopped keeping the run has said so.
            let _ = written.recv_timeout(NOTE_PATIENCE);
        }
    }

    /// The run is over, with this exit code: nobody will go on with it.
    pub fn ended(&self, code: u8) {
        self.note(ENDED, &code.to_string());
    }

    /// Writes down what the host program measured itself.
    pub fn measured(&self, delta: &Delta) {
        if self.is_kept && !delta.is_empty() {
            self.send(Errand::Measured(delta.clone()));
        }
    }

    fn send(&self, errand: Errand) {
        if let Some(errands) = &self.errands {
            // The hub lives as long as this does.
            let _ = errands.send(errand);
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.errands.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
