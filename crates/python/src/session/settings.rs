//! What a session remembers: the attributes of the Python object and what Rust made of them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use throng_http::{Client, Url};

use super::digest::Digest;
use super::gate::Gate;
use crate::cookies::Jar;
use crate::headers::CaseInsensitiveDict;
use crate::sink::Sink;
use crate::transport::TransportKey;

/// A client of one thread for one set of connection settings.
pub(super) struct Known {
    pub(super) driver: u64,
    pub(super) key: TransportKey,
    pub(super) client: Rc<Client>,
}

/// What a `urllib3.Retry` says beside how often.
pub(super) struct Retry {
    /// Responses with these are repeated too.
    pub(super) statuses: Vec<u16>,
    /// `None` for every method.
    pub(super) methods: Option<Vec<String>>,
    /// Seconds before the second repetition, half of them; each further one waits twice as long.
    pub(super) backoff: f64,
}

impl Retry {
    pub(super) fn allows(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|known| known == method))
    }

    /// The wait before the repetition of that number, from 1.
    pub(super) fn pause(&self, repetition: u32) -> Duration {
        // Observed on urllib3 2: the first comes at once, and none waits longer than two minutes.
        let factor = if repetition > 1 { 2_f64.powf(f64::from(repetition - 1)) } else { 0.0 };
        Duration::try_from_secs_f64((self.backoff * factor).min(120.0)).unwrap_or_default()
    }
}

/// An object of the locustfile by which sessions share connections.
pub(super) struct SharedPool {
    pub(super) object: Py<PyAny>,
    /// Idle connections kept to one host.
    pub(super) size: usize,
}

/// A session's state.
pub(super) struct Settings {
    pub(super) fast: Cell<bool>,
    pub(super) base_url: RefCell<String>,
    pub(super) headers: RefCell<Py<CaseInsensitiveDict>>,
    pub(super) jar: Jar,
    /// The jar as scripts see it, once one has looked at it.
    pub(super) cookies: RefCell<Option<Py<PyAny>>>,
    pub(super) auth: RefCell<Option<Py<PyAny>>>,
    /// The `Authorization` header of the fast client, if the locustfile has set one.
    pub(super) auth_header: RefCell<Option<Py<PyAny>>>,
    pub(super) params: RefCell<Option<Py<PyAny>>>,
    /// True, False, or a path.
    pub(super) verify: RefCell<Option<Py<PyAny>>>,
    pub(super) cert: RefCell<Option<Py<PyAny>>>,
    pub(super) proxies: RefCell<Py<PyDict>>,
    pub(super) hooks: RefCell<Py<PyDict>>,
    pub(super) max_redirects: Cell<u32>,
    pub(super) max_retries: Cell<u32>,
    /// What the authentication objects that were used know.
    pub(super) digests: RefCell<Vec<(Py<PyAny>, Rc<Digest>)>>,
    /// Which requests are repeated, if an adapter of `requests` says so.
    pub(super) retry: RefCell<Option<Rc<Retry>>>,
    pub(super) stream: Cell<bool>,
    pub(super) trust_env: Cell<bool>,
    pub(super) request_name: RefCell<Option<Py<PyString>>>,
    pub(super) sink: RefCell<Option<Py<Sink>>>,
    pub(super) user: RefCell<Option<Py<PyAny>>>,
    pub(super) connect_timeout: Cell<Option<f64>>,
    pub(super) read_timeout: Cell<Option<f64>>,
    /// A subclass has its own `request`, through which everything goes then.
    pub(super) overridden: Cell<bool>,
    /// The settings of connections unless a request says otherwise; `None` after a change.
    pub(super) transport: RefCell<Option<TransportKey>>,
    pub(super) clients: RefCell<Vec<Known>>,
    pub(super) gate: RefCell<Rc<Gate>>,
    /// Connections that other sessions use as well.
    pub(super) pool: RefCell<Option<SharedPool>>,
    /// URLs of the last requests by the object that named them: a literal of the locustfile is always the same one.
    urls: RefCell<VecDeque<(Py<PyString>, Url)>>,
}

/// Authentication objects remembered; one that is made anew for each request knows nothing anyway.
const DIGESTS: usize = 4;

/// URLs remembered; a user rarely has more literals in a row.
const URLS: usize = 4;

impl Settings {
    pub(super) fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self {
            fast: Cell::new(false),
            base_url: RefCell::default(),
            headers: RefCell::new(Py::new(py, CaseInsensitiveDict::empty())?),
            jar: Jar::default(),
            cookies: RefCell::default(),
            auth: RefCell::default(),
            auth_header: RefCell::default(),
            params: RefCell::default(),
            verify: RefCell::new(None),
            cert: RefCell::default(),
            proxies: RefCell::new(PyDict::new(py).unbind()),
            hooks: RefCell::new(PyDict::new(py).unbind()),
            max_redirects: Cell::new(30),
            max_retries: Cell::new(0),
            digests: RefCell::default(),
            retry: RefCell::default(),
            stream: Cell::new(false),
            trust_env: Cell::new(false),
            request_name: RefCell::default(),
            sink: RefCell::default(),
            user: RefCell::default(),
            connect_timeout: Cell::default(),
            read_timeout: Cell::default(),
            overridden: Cell::new(false),
            transport: RefCell::default(),
            clients: RefCell::default(),
            gate: RefCell::default(),
            pool: RefCell::default(),
            urls: RefCell::default(),
        })
    }

    /// The URL that this very string stood for.
    pub(super) fn known_url(&self, given: &Bound<'_, PyString>) -> Option<Url> {
        let urls = self.urls.borrow();
        urls.iter().find(|(known, _)| known.is(given)).map(|(_, url)| url.clone())
    }

    pub(super) fn remember_url(&self, given: &Bound<'_, PyString>, url: &Url) {
        // With parameters of the session, which may change, a URL is never the same.
        if self.params.borrow().is_some() {
            return;
        }
        let mut urls = self.urls.borrow_mut();
        if urls.len() >= URLS {
            urls.pop_front();
        }
        urls.push_back((given.clone().unbind(), url.clone()));
    }

    /// What an authentication object knows, which it keeps for as long as its user and password stay the same.
    pub(super) fn digest(&self, object: &Bound<'_, PyAny>, credentials: (String, String)) -> Rc<Digest> {
        let mut digests = self.digests.borrow_mut();
        if let Some((_, known)) = digests.iter().find(|(known, _)| known.is(object))
            && known.credentials == credentials
        {
            return Rc::clone(known);
        }
        let new = Rc::new(Digest::new(credentials));
        digests.retain(|(known, _)| !known.is(object));
        digests.truncate(DIGESTS - 1);
        digests.insert(0, (object.clone().unbind(), Rc::clone(&new)));
        new
    }

    /// Forgets the URLs, which may mean others now.
    pub(super) fn forget_urls(&self) {
        self.urls.borrow_mut().clear();
    }
}
