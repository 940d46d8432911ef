//! The settings of connections, and what users of the same settings share.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use throng_http::{Client, ClientConfig, ClientIdentity, HeaderOrder, ProxyConfig, Shared, TlsConfig};
use throng_reactor::Handle;

use crate::driver::Driver;
use crate::session::Gate;

/// Idle connections that a user keeps to one host: the size of a pool in `requests`.
const IDLE_PER_HOST: usize = 10;

/// What is decided when a connection is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TransportKey {
    /// Any certificate will do.
    pub(crate) insecure: bool,
    /// A file of certificates to trust instead of the system's.
    pub(crate) trust: Option<String>,
    /// Files of our own certificate and its key, which may be the same.
    pub(crate) identity: Option<(String, String)>,
    /// Proxies for http and https.
    pub(crate) proxies: (Option<String>, Option<String>),
    /// Hosts that are reached without a proxy, as in the variable `no_proxy`.
    pub(crate) no_proxy: String,
    /// Idle connections to one host, if not as many as usual.
    pub(crate) idle_per_host: Option<usize>,
}

impl TransportKey {
    fn config(&self) -> PyResult<ClientConfig> {
        let read = |path: &str| {
            std::fs::read_to_string(path).map_err(|error| PyOSError::new_err(format!("read {path}: {error}")))
        };
        let invalid = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
        let mut tls = TlsConfig { insecure_skip_verify: self.insecure, http2: false, ..TlsConfig::default() };
        tls.trust_only = self.trust.as_deref().map(read).transpose()?;
        if let Some((certificate, key)) = &self.identity {
            let identity = ClientIdentity::from_pem(Vec::new(), &read(certificate)?, &read(key)?)
                .map_err(|error| invalid(&error))?;
            tls.identities.push(identity);
        }
        let (http, https) = (self.proxies.0.as_deref(), self.proxies.1.as_deref());
        Ok(ClientConfig {
            header_order: HeaderOrder::AsGiven,
            max_idle: 0,
            max_idle_per_host: self.idle_per_host.unwrap_or(IDLE_PER_HOST),
            tls,
            proxy: ProxyConfig::new(http, https, &self.no_proxy).map_err(|error| invalid(&error))?,
            // Requests have their own; without one they wait as long as the system does.
            dial_timeout: Duration::from_mins(5),
            tcp_keepalive: None,
            ..ClientConfig::default()
        })
    }
}

/// One thread's buffers and caches by settings; few settings, many users.
#[derive(Default)]
pub(crate) struct Transports(RefCell<Vec<(TransportKey, Rc<Shared>)>>);

impl Transports {
    /// What users with these settings share.
    pub(crate) fn shared(&self, handle: &Handle, key: &TransportKey) -> PyResult<Rc<Shared>> {
        if let Some((_, shared)) = self.0.borrow().iter().find(|(known, _)| known == key) {
            return Ok(Rc::clone(shared));
        }
        let shared = Shared::new(handle.clone(), Arc::new(key.config()?));
        self.0.borrow_mut().push((key.clone(), Rc::clone(&shared)));
        Ok(shared)
    }
}

/// One thread's clients, and how many requests they run at a time, by the objects that sessions share them by.
#[derive(Default)]
pub(crate) struct Pools {
    clients: RefCell<Vec<Pooled>>,
    gates: RefCell<Vec<(Py<PyAny>, Rc<Gate>)>>,
}

/// The client of all sessions with an object and connection settings.
struct Pooled {
    object: Py<PyAny>,
    key: TransportKey,
    client: Rc<Client>,
}

impl Pools {
    /// The client of all sessions with this object and these settings.
    pub(crate) fn client(
        &self,
        py: Python<'_>,
        driver: &Driver,
        object: &Py<PyAny>,
        key: &TransportKey,
    ) -> PyResult<Rc<Client>> {
        let same = |known: &&Pooled| known.object.is(object) && known.key == *key;
        if let Some(known) = self.clients.borrow().iter().find(same) {
            return Ok(Rc::clone(&known.client));
        }
        let client = Rc::new(Client::new(driver.transports.shared(&driver.handle, key)?));
        let pooled = Pooled { object: object.clone_ref(py), key: key.clone(), client: Rc::clone(&client) };
        self.clients.borrow_mut().push(pooled);
        Ok(client)
    }

    /// The limit of all sessions with this object.
    pub(crate) fn gate(&self, py: Python<'_>, object: &Py<PyAny>, limit: Option<u32>) -> Rc<Gate> {
        let mut gates = self.gates.borrow_mut();
        if let Some((_, gate)) = gates.iter().find(|(known, _)| known.is(object)) {
            return Rc::clone(gate);
        }
        let gate = Gate::new(limit);
        gates.push((object.clone_ref(py), Rc::clone(&gate)));
        gate
    }
}
