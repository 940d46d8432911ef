//! A virtual user's connections: idle ones of HTTP/1.1, shared ones of HTTP/2.

use crate::conn::Connection;
use crate::http2::Http2;
use crate::net::Proxy;
use crate::url::Scheme;

/// What a connection can be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
    proxied: bool,
}

/// Where a request goes, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) proxy: Option<&'a Proxy>,
}

impl Origin<'_> {
    /// What its connections are kept under: one to a proxy for plain HTTP serves every host.
    fn place(&self) -> (Scheme, &str, u16, bool) {
        match self.proxy {
            Some(proxy) if self.scheme == Scheme::Http => (self.scheme, &proxy.host, proxy.port, true),
            proxy => (self.scheme, self.host, self.port, proxy.is_some()),
        }
    }

    pub(crate) fn key(&self) -> Key {
        let (scheme, host, port, proxied) = self.place();
        Key { scheme, host: host.into(), port, proxied }
    }

    fn is_served_by(&self, key: &Key) -> bool {
        let (scheme, host, port, proxied) = self.place();
        key.port == port && key.scheme == scheme && key.proxied == proxied && *key.host == *host
    }
}

/// The connections, the most recently used last.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Vec<(Key, Connection)>,
    http2: Vec<(Key, Http2)>,
    max_idle: usize,
    max_idle_per_host: usize,
}

impl Pool {
    pub(crate) fn new(max_idle: usize, max_idle_per_host: usize) -> Self {
        Self { idle: Vec::new(), http2: Vec::new(), max_idle, max_idle_per_host }
    }

    /// The most recently used connection that is still good; dead ones found on the way are closed.
    pub(crate) fn take(&mut self, origin: Origin<'_>) -> Option<(Key, Connection)> {
        loop {
            let i = self.idle.iter().rposition(|(key, _)| origin.is_served_by(key))?;
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

    /// An HTTP/2 connection that still stands.
    pub(crate) fn http2(&mut self, origin: Origin<'_>) -> Option<Http2> {
        if self.http2.is_empty() {
            return None;
        }
        self.http2.retain(|(_, connection)| connection.is_usable());
        self.http2.iter().find(|(key, _)| origin.is_served_by(key)).map(|(_, c)| c.clone())
    }

    /// Keeps an HTTP/2 connection, unless there is one already, which is then the one to use.
    pub(crate) fn put_http2(&mut self, origin: Origin<'_>, connection: Http2) -> Http2 {
        if let Some(existing) = self.http2(origin) {
            return existing;
        }
        self.http2.push((origin.key(), connection.clone()));
        connection
    }

    /// Uses an HTTP/2 connection no more.
    pub(crate) fn forget_http2(&mut self, origin: Origin<'_>) {
        self.http2.retain(|(key, _)| !origin.is_served_by(key));
    }

    pub(crate) fn clear(&mut self) {
        self.idle.clear();
        self.http2.clear();
    }
}
