//! The page as its host program holds it: a thread that serves, fed through a channel.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_rustls::TlsAcceptor;

use crate::history::{Beside, History, Keeper};
use crate::host::Inbox;
use crate::login::{Gate, Login};
use crate::model::{Event, LogLine, Model, Update};
use crate::serve::{self, Yielding, listen};

/// Events that wait for a slow page; one that falls behind further is told everything anew.
const BACKLOG: usize = 32;
/// How long the last events and answers may take to leave when the host ends.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// Who may ask this page to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it under whatever name: it was opened to others on purpose.
    Anyone,
    /// Browsers that reach it as `localhost` or by an address: a name could be another site's that points here.
    ByAddress,
}

/// How people and programs come in.
#[derive(Clone, Debug, Default)]
pub enum Entrance {
    /// All who reach the address.
    #[default]
    Open,
    /// Those who can log in.
    Login(Login),
    /// Those whom the host program lets in ([`Ask::Admit`](crate::Ask::Admit)); its own routes see to themselves.
    Host,
}

/// A certificate chain and its private key, PEM.
#[derive(Clone)]
pub struct Tls {
    /// The chain.
    pub certificates: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(…)")
    }
}

/// How a page is served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What all paths begin with: empty, or such as `/load`.
    pub base_path: String,
    /// With what it is encrypted, if it is.
    pub tls: Option<Tls>,
    /// Whether the host answers requests that are not ours.
    pub foreign: bool,
    /// Where past runs are, and whether this one is to become one.
    pub history: Option<History>,
    /// Who is let in.
    pub entrance: Entrance,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("cannot serve the page on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// A base path that is none.
    #[error("the base path of the page must be empty or begin with / and not end with it, unlike {0:?}")]
    BasePath(String),
    /// The certificate or the key is not usable.
    #[error("cannot use {what} of the page: {reason}")]
    Tls {
        /// Which of them.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Sessions have to be random.
    #[error("cannot serve a login: the system gave no random numbers")]
    Randomness,
    /// The thread cannot be made.
    #[error("cannot start the page: {0}")]
    Start(#[from] std::io::Error),
}

/// What the host tells.
enum Told {
    Update(Box<Update>),
    Log(LogLine),
    /// The process ends with that code; what could not be kept is answered.
    Concluded(Option<i32>, std::sync::mpsc::Sender<Result<(), String>>),
    /// The whole run as it stands is wanted, as JSON.
    Wanted(std::sync::mpsc::Sender<String>),
}

/// A page that is being served. Dropping it tells the open pages what is left, and ends it.
#[derive(Debug)]
pub struct Page {
    address: SocketAddr,
    url: String,
    told: Option<UnboundedSender<Told>>,
    guarded: Arc<AtomicBool>,
    yielding: Arc<Yielding>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Listens, and serves on a thread of its own.
    pub fn start(config: Config, inbox: Inbox) -> Result<Self, StartError> {
        let base = &config.base_path;
        if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/')) {
            return Err(StartError::BasePath(base.clone()));
        }
        let acceptor = config.tls.as_ref().map(listen::config).transpose()?;
        let acceptor = acceptor.map(|config| TlsAcceptor::from(Arc::new(config)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let failed = |error| StartError::Listen { address: config.listen, error };
        let listener = runtime.block_on(TcpListener::bind(config.listen)).map_err(failed)?;
        let address = listener.local_addr()?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}{}/", config.base_path);
        // Where there is a login, a site whose name points here has nothing to log in with.
        let is_open = matches!(config.entrance, Entrance::Open);
        let access = if address.ip().is_loopback() && is_open { Access::ByAddress } else { Access::Anyone };
        let admission = match config.entrance {
            Entrance::Open => Admission::Open,
            Entrance::Login(login) => {
                let gate = Gate::new(login, address.port()).ok_or(StartError::Randomness)?;
                Admission::Gate(Box::new(gate))
            }
            Entrance::Host => Admission::Host,
        };
        let (history, keeper) = open_history(config.history);
        let encrypted = acceptor.is_some();
        let base_path = config.base_path.clone();
        let shared = Shared::new(access, config.foreign, inbox, history);
        let shared = Arc::new(Shared { admission, encrypted, base_path, ..shared });
        let (guarded, yielding) = (shared.guarded.clone(), shared.yielding.clone());
        let (told, tells) = mpsc::unbounded_channel();
        let routes = serve::routes(&config.base_path, shared.clone());
        let thread = std::thread::Builder::new().name("throng-page".to_owned()).spawn(move || {
            runtime.block_on(async {
                let feeding = feed(shared, tells, keeper);
                serve::run(listener, acceptor, routes, feeding, LAST_WORDS).await;
            });
        })?;
        Ok(Self { address, url, told: Some(told), guarded, yielding, thread: Some(thread) })
    }

    /// A page that nobody sees: it only keeps the run, in a history or for a report.
    pub fn unseen(history: Option<History>) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (beside, keeper) = open_history(history);
        let shared = Arc::new(Shared::new(Access::ByAddress, false, Arc::new(drop), beside));
        let (told, tells) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("throng-page".to_owned())
            .spawn(move || runtime.block_on(feed(shared, tells, keeper)))?;
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let (guarded, yielding) = Default::default();
        Ok(Self { address, url: String::new(), told: Some(told), guarded, yielding, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser finds it, on this machine; empty if it is [`Self::unseen`].
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the host program is asked ([`Ask::Admit`](crate::Ask::Admit)) before anything of ours is shown or done, beside
    /// the login that there may be.
    pub fn guard(&self, is_guarded: bool) {
        self.guarded.store(is_guarded, Ordering::Release);
    }

    /// Tells how the run stands.
    pub fn push(&self, update: Update) {
        // Not later than the caller knows of it.
        self.yielding.set(&update.routes);
        self.tell(Told::Update(Box::new(update)));
    }

    /// Tells of a line of the log.
    pub fn log(&self, line: LogLine) {
        self.tell(Told::Log(line));
    }

    /// The process is about to end, with that code if it is known. Returns when the run is kept, with what went wrong.
    pub fn conclude(&self, exit_code: Option<i32>) -> Result<(), String> {
        let (answer, answered) = std::sync::mpsc::channel();
        self.tell(Told::Concluded(exit_code, answer));
        // The thread has ended only if it panicked, which was reported.
        answered.recv().unwrap_or(Ok(()))
    }

    /// The page with the run in it as one file, as `/api/v1/report` gives it; none if the page is not built in.
    pub fn report(&self) -> Option<String> {
        let (answer, answered) = std::sync::mpsc::channel();
        self.tell(Told::Wanted(answer));
        crate::report(&answered.recv().ok()?)
    }

    /// Something that can tell of log lines from any thread, for as long as it likes.
    pub fn log_sink(&self) -> impl Fn(LogLine) + Send + Sync + 'static {
        let told = self.told.as_ref().map(UnboundedSender::downgrade);
        move |line| {
            if let Some(told) = told.as_ref().and_then(mpsc::WeakUnboundedSender::upgrade) {
                let _ = told.send(Told::Log(line));
            }
        }
    }

    fn tell(&self, what: Told) {
        if let Some(told) = &self.told {
            // The thread lives as long as this does.
            let _ = told.send(what);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.told.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open_history(history: Option<History>) -> (Option<Beside>, Option<Keeper>) {
    let Some(history) = history else { return (None, None) };
    (Some(Beside::new(&history)), Keeper::new(history))
}

/// What the routes share.
pub(crate) struct Shared {
    model: Mutex<Model>,
    events: broadcast::Sender<Option<Bytes>>,
    pub(crate) access: Access,
    pub(crate) foreign: bool,
    pub(crate) inbox: Inbox,
    pub(crate) history: Option<Beside>,
    pub(crate) admission: Admission,
    guarded: Arc<AtomicBool>,
    yielding: Arc<Yielding>,
    pub(crate) encrypted: bool,
    pub(crate) base_path: String,
}

/// [`Entrance`], at work.
pub(crate) enum Admission {
    Open,
    Gate(Box<Gate>),
    Host,
}

impl Shared {
    pub(crate) fn new(access: Access, foreign: bool, inbox: Inbox, history: Option<Beside>) -> Self {
        let (events, _) = broadcast::channel(BACKLOG);
        let model = Model::beside(history.as_ref().map(Beside::kind).unwrap_or_default());
        Self {
            model: Mutex::new(model),
            events,
            access,
            foreign,
            inbox,
            history,
            admission: Admission::Open,
            guarded: Arc::default(),
            yielding: Arc::default(),
            encrypted: false,
            base_path: String::new(),
        }
    }

    /// Whether the host program has a say in who is let in.
    pub(crate) fn is_guarded(&self) -> bool {
        matches!(self.admission, Admission::Host) || self.guarded.load(Ordering::Acquire)
    }

    /// Whether a path of ours is the host program's, as it has a route of that name. Our login keeps its style.
    pub(crate) fn is_theirs(&self, path: &str) -> bool {
        let is_needed = matches!(self.admission, Admission::Gate(_)) && path == serve::LOGIN_STYLE;
        !is_needed && self.yielding.has(path)
    }

    /// Looks at the model. What panicked while it held it has been reported; the numbers are still the best there are.
    pub(crate) fn model<R>(&self, look: impl FnOnce(&mut Model) -> R) -> R {
        look(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A snapshot, as an event, and all events after it.
    pub(crate) fn subscribe(&self, now: u64) -> (Bytes, broadcast::Receiver<Option<Bytes>>) {
        self.model(|model| {
            let events = self.events.subscribe();
            (Event::Snapshot(model.snapshot(now)).frame().into(), events)
        })
    }

    /// Open pages.
    pub(crate) fn pages(&self) -> usize {
        self.events.receiver_count()
    }

    /// Tells open pages that past runs changed.
    pub(crate) fn tell_history(&self) {
        self.model(|_| self.send(&Event::History));
    }

    fn send(&self, event: &Event) {
        // Nobody may be looking.
        let _ = self.events.send(Some(event.frame().into()));
    }
}

/// Applies what the host tells until it ends, and then ends the streams.
async fn feed(shared: Arc<Shared>, mut tells: UnboundedReceiver<Told>, mut keeper: Option<Keeper>) {
    while let Some(told) = tells.recv().await {
        // Events leave while the model is held: a page that opens now sees each of them once.
        match told {
            Told::Update(update) => {
                shared.model(|model| {
                    model.apply(*update).iter().for_each(|event| shared.send(event));
                });
                let Some(keeper) = &mut keeper else { continue };
                if let Some(whole) = shared.model(|model| keeper.wants(model)) {
                    keeper.keep(whole).await;
                    shared.tell_history();
                }
            }
            Told::Log(line) => shared.model(|model| shared.send(&model.log(line))),
            Told::Wanted(answer) => {
                // Whoever asked waits for it.
                let _ = answer.send(shared.model(|model| model.whole(serve::now())));
            }
            Told::Concluded(exit_code, answer) => {
                let done = match &mut keeper {
                    Some(keeper) => keeper.conclude(exit_code).await,
                    None => Ok(()),
                };
                shared.tell_history();
                // Whoever asked waits for it.
                let _ = answer.send(done);
            }
        }
    }
    let _ = shared.events.send(None);
}
