//! How a run's client behaves: the options that are the same for all virtual users.

use std::sync::Arc;
use std::time::Duration;

use crate::limit::RateLimiter;
use crate::net::{AddressFilter, DnsConfig, HostOverrides, HostnameFilter, LocalIps, ProxyConfig};
use crate::tls::TlsConfig;

/// The order of headers on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderOrder {
    /// As Go writes them, and so k6.
    #[default]
    Sorted,
    /// As they are in the request.
    AsGiven,
}

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Sent unless the request has its own `User-Agent`.
    pub user_agent: Option<String>,
    /// The order of headers on the wire.
    pub header_order: HeaderOrder,
    /// Idle connections a virtual user keeps (k6's `batch`).
    pub max_idle: usize,
    /// Idle connections a virtual user keeps to one host (k6's `batchPerHost`).
    pub max_idle_per_host: usize,
    /// Every request opens a connection (k6's `noConnectionReuse`).
    pub no_connection_reuse: bool,
    /// Connections end with the iteration (k6's `noVUConnectionReuse`).
    pub no_vu_connection_reuse: bool,
    /// Looking up names.
    pub dns: DnsConfig,
    /// k6's `hosts`.
    pub hosts: HostOverrides,
    /// k6's `blacklistIPs`.
    pub blacklist: AddressFilter,
    /// k6's `blockHostnames`.
    pub block_hostnames: HostnameFilter,
    /// TLS.
    pub tls: TlsConfig,
    /// Proxies; none unless they are asked for, see [`ProxyConfig::from_env`].
    pub proxy: ProxyConfig,
    /// k6's `rps`, shared by all threads.
    pub rate_limiter: Option<Arc<RateLimiter>>,
    /// k6's `localIPs`.
    pub local_ips: Option<Arc<LocalIps>>,
    /// How long a connection may take to come about.
    pub dial_timeout: Duration,
    /// The period of TCP keep-alive probes.
    pub tcp_keepalive: Option<Duration>,
    /// Take the end of `waiting` from the kernel's receive time.
    pub receive_stamps: bool,
    /// The longest response head that is accepted, in bytes.
    pub max_response_head: usize,
}

impl Default for ClientConfig {
    /// k6's defaults.
    fn default() -> Self {
        Self {
            user_agent: None,
            header_order: HeaderOrder::Sorted,
            max_idle: 20,
            max_idle_per_host: 6,
            no_connection_reuse: false,
            no_vu_connection_reuse: false,
            dns: DnsConfig::default(),
            hosts: HostOverrides::default(),
            blacklist: AddressFilter::default(),
            block_hostnames: HostnameFilter::default(),
            tls: TlsConfig::default(),
            proxy: ProxyConfig::default(),
            rate_limiter: None,
            local_ips: None,
            dial_timeout: Duration::from_secs(30),
            tcp_keepalive: Some(Duration::from_secs(30)),
            receive_stamps: true,
            max_response_head: 10 << 20,
        }
    }
}
