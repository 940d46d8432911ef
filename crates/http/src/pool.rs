//! A virtual user's idle connections.

use crate::conn::Connection;
use crate::url::{Scheme, Url};

/// What a connection can be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

impl Key {
    pub(crate) fn new(scheme: Scheme, host: &str, port: u16) -> Self {
        Self { scheme, host: host.into(), port }
    }

    fn serves(&self, scheme: Scheme, host: &str, port: u16) -> bool {
        self.port == port && self.scheme == scheme && *self.host == *host
    }
}

/// Where a request goes, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl<'a> Origin<'a> {
    pub(crate) fn of(url: &'a Url, scheme: Scheme, port: u16) -> Self {
        Self { scheme, host: url.host(), port }
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(self.scheme, self.host, self.port)
    }
}

/// Idle connections, the most recently used last.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Vec<(Key, Connection)>,
    max_idle: usize,
    max_idle_per_host: usize,
}

impl Pool {
    pub(crate) fn new(max_idle: usize, max_idle_per_host: usize) -> Self {
        Self { idle: Vec::new(), max_idle, max_idle_per_host }
    }

    /// The most recently used connection that is still good; dead ones found on the way are closed.
    pub(crate) fn take(&mut self, origin: Origin<'_>) -> Option<(Key, Connection)> {
        loop {
            let serves = |key: &Key| key.serves(origin.scheme, origin.host, origin.port);
            let i = self.idle.iter().rposition(|(key, _)| serves(key))?;
            let (key, mut connection) = self.idle.remove(i);
            if !connection.io.is_stale() {
                return Some((key, connection));
            }
        }
    }

    /// Keeps a connection, or closes it, or the oldest one, if there are too many.
    pub(crate) fn put(&mut self, key: Key, connection: Connection) {
        // k6 sets these limits from `batch` and `batchPerHost`; Go reads 0 as "no limit" for the total.
        if self.idle.iter().filter(|(k, _)| *k == key).count() >= self.max_idle_per_host.max(1) {
            return;
        }
        if self.max_idle > 0 && self.idle.len() >= self.max_idle {
            self.idle.remove(0);
        }
        self.idle.push((key, connection));
    }

    pub(crate) fn clear(&mut self) {
        self.idle.clear();
    }
}
