//! The page's server as Python holds it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use throng_history::Store;
use throng_server::{
    Ask, Config, Entrance, History, Keeps, LogLevel, LogLine, Login, Page, Refusal, RunState, StartError,
    Tls, Update,
};

use super::ask::WebAsk;
use super::feed::Feed;
use super::mailbox::Mailbox;
use crate::gil::GilBound;
use crate::stats::Stats;

/// Who is let in: `(user, password, token)`, or all three `None` for those that `admit` of Python's lets in.
#[derive(FromPyObject)]
struct LoginWanted(Option<String>, Option<String>, Option<String>);

impl LoginWanted {
    fn entrance(self) -> PyResult<Entrance> {
        let Self(user, password, token) = self;
        let person = user.zip(password);
        if person.is_none() && token.is_none() {
            return Ok(Entrance::Host);
        }
        let login = Login::new(person, token).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Entrance::Login(login))
    }
}

struct State {
    page: Cell<Option<Page>>,
    feed: RefCell<Feed>,
}

/// Serves the page and the API, and hands what is not its own to Python.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct WebServer {
    #[pyo3(get)]
    port: u16,
    mailbox: Arc<Mailbox>,
    state: GilBound<State>,
}

/// Opens a history, as `locust._history` describes it.
fn open(history: (PathBuf, String, String, Option<u32>)) -> Result<History, String> {
    let (folder, name, checksum, at_most) = history;
    let store = Store::open(&folder).map_err(|error| error.to_string())?;
    Ok(History { store: Arc::new(store), keeps: Some(Keeps { name, checksum, at_most }) })
}

impl WebServer {
    fn of(page: Page, mailbox: Arc<Mailbox>) -> Self {
        let port = page.address().port();
        let state = State { page: Cell::new(Some(page)), feed: RefCell::default() };
        Self { port, mailbox, state: GilBound::new(state) }
    }

    /// Has the page told something, if it is still there.
    fn tell(&self, py: Python<'_>, tell: impl FnOnce(&Page)) {
        let state = self.state.get(py);
        if let Some(page) = state.page.take() {
            tell(&page);
            state.page.set(Some(page));
        }
    }
}

#[pymethods]
impl WebServer {
    /// Listens at an IP address; without one it only keeps runs. `history` is a folder, the name of runs, the checksum of the
    /// script, and how many runs stay. `OSError` if that cannot be had, `ValueError` for what is no certificate or no history.
    #[new]
    #[pyo3(signature = (ip, port, base_path = "", certificates = None, key = None, history = None, login = None))]
    #[expect(clippy::too_many_arguments, reason = "as Python calls it, with names")]
    fn new(
        py: Python<'_>,
        ip: Option<&str>,
        port: u16,
        base_path: &str,
        certificates: Option<Vec<u8>>,
        key: Option<Vec<u8>>,
        history: Option<(PathBuf, String, String, Option<u32>)>,
        login: Option<LoginWanted>,
    ) -> PyResult<Self> {
        let history = py.detach(|| history.map(open).transpose()).map_err(PyValueError::new_err)?;
        let Some(ip) = ip else {
            let history =
                history.ok_or_else(|| PyValueError::new_err("without an address there must be a history"))?;
            let page = Page::unseen(Some(history)).map_err(|error| PyOSError::new_err(error.to_string()))?;
            return Ok(Self::of(page, Arc::new(Mailbox::new()?)));
        };
        let entrance = login.map_or(Ok(Entrance::Open), LoginWanted::entrance)?;
        let ip = ip.parse().map_err(|_| PyValueError::new_err(format!("{ip} is no IP address")))?;
        let tls = certificates.zip(key).map(|(certificates, key)| Tls { certificates, key });
        let listen = SocketAddr::new(ip, port);
        let config =
            Config { listen, base_path: base_path.to_owned(), tls, foreign: true, entrance, history };
        let mailbox = Arc::new(Mailbox::new()?);
        let inbox = mailbox.clone();
        let inbox = move |ask| match ask {
            Ask::Summary(reply) => reply.give(Err(Refusal::NotSupported(
                "handleSummary is of k6 scripts: a locustfile's numbers are at /stats/requests".to_owned(),
            ))),
            ask => inbox.put(ask),
        };
        let page = py.detach(|| Page::start(config, Arc::new(inbox)));
        let page = page.map_err(|error| match error {
            StartError::Listen { error, .. } => error.into(),
            StartError::Start(error) => PyOSError::new_err(error.to_string()),
            other => PyValueError::new_err(other.to_string()),
        })?;
        Ok(Self::of(page, mailbox))
    }

    /// A descriptor that is readable while somebody asks something.
    fn fileno(&self) -> i32 {
        self.mailbox.descriptor()
    }

    /// What was asked.
    fn take(&self) -> Vec<WebAsk> {
        self.mailbox.take().into_iter().map(WebAsk::new).collect()
    }

    /// Tells how the test stands: the statistics, and the rest as JSON.
    fn push(&self, py: Python<'_>, rest: &str, stats: &Bound<'_, Stats>) -> PyResult<()> {
        let mut update: Update =
            serde_json::from_str(rest).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let runs = matches!(update.state, RunState::Spawning | RunState::Running | RunState::Stopping);
        let feed = &mut *self.state.get(py).feed.borrow_mut();
        stats.get().with_entries(py, |generation, total, entries| {
            feed.turn(&mut update, generation, total.start_time, runs);
            update.totals = feed.total(total);
            update.requests =
                entries.enumerate().filter_map(|(place, named)| feed.entry(place, named)).collect();
        });
        self.tell(py, |page| page.push(update));
        Ok(())
    }

    /// Tells how late a loop that makes load was at worst within a second, in ms.
    fn lag(&self, py: Python<'_>, worst: f64) {
        self.state.get(py).feed.borrow_mut().lag(worst);
    }

    /// Whether `admit` is asked before anything of the page is shown.
    fn guard(&self, py: Python<'_>, is_guarded: bool) {
        self.tell(py, |page| page.guard(is_guarded));
    }

    /// Tells of a line of the log; `at` is in seconds since the Unix epoch, `level` is Python's.
    #[pyo3(signature = (at, level, text, worker = None))]
    fn log(&self, py: Python<'_>, at: f64, level: u32, text: &Bound<'_, PyString>, worker: Option<String>) {
        let level = match level {
            0..20 => LogLevel::Debug,
            20..30 => LogLevel::Info,
            30..40 => LogLevel::Warning,
            _ => LogLevel::Error,
        };
        let text = text.to_string_lossy().into_owned();
        self.tell(py, |page| page.log(LogLine { at: (at * 1_000.0) as u64, level, text, worker }));
    }

    /// The process is about to end, with that code if it is known: returns when the run is kept, with what went wrong.
    #[pyo3(signature = (exit_code = None))]
    fn conclude(&self, py: Python<'_>, exit_code: Option<i32>) -> Option<String> {
        let state = self.state.get(py);
        let page = state.page.take()?;
        let done = py.detach(|| page.conclude(exit_code));
        state.page.set(Some(page));
        done.err()
    }

    /// Ends it, after open pages have been told what is left.
    fn stop(&self, py: Python<'_>) {
        let page = self.state.get(py).page.take();
        py.detach(|| drop(page));
    }
}
