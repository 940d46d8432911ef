//! throng's HTTP client, on one thread's [`throng_reactor`].
//!
//! Every script host (k6's JavaScript, Locust's Python) sends its requests through here, so that their
//! numbers mean the same. The client knows nothing of metrics: each request that goes onto the wire comes
//! back as a [`Hop`] with k6's phases, and the host turns hops into samples.
//!
//! [`Shared`] is what the virtual users of one thread have in common (buffers, name cache, TLS settings);
//! a [`Client`] is one virtual user's connections. HTTP/1.1 is our own on top of `httparse`: the request
//! is serialised into a reused buffer and written with one system call, the response parsed where it lies
//! in the shared read buffer.

#![forbid(unsafe_code)]

mod auth;
mod client;
mod compress;
mod config;
mod conn;
mod cookie;
mod debug;
mod error;
mod exchange;
mod hop;
mod http2;
mod limit;
mod net;
mod pool;
mod redirect;
mod request;
mod response;
mod shared;
mod stream;
mod tls;
mod url;
mod websocket;
mod wire;

pub use auth::{Challenge, client_nonce};
pub use client::Client;
pub use compress::{Algorithm, UnknownAlgorithm};
pub use config::{ClientConfig, HeaderOrder};
pub use cookie::{CookieJar, SetCookie, parse_http_date};
pub use debug::{HttpDebug, HttpDump};
pub use error::{Cause, RequestError, code, code_of_status};
pub use limit::RateLimiter;
pub use net::{
    AddressFilter, Cidr, CidrError, DnsConfig, DnsPolicy, DnsSelect, HostOverrideError, HostOverrides,
    HostnameFilter, HostnamePatternError, LocalIps, LocalIpsError, ProxyConfig, ProxyError,
};
pub use request::{
    Auth, BodyMode, Framing, HeaderBlock, Headers, Method, Patience, RedirectPolicy, Request, RequestCookie,
    canonical_name,
};
pub use response::{Head, HeaderIter, Hop, Outcome, Proto, Response, Timings, TlsInfo, TlsVersion, Warning};
pub use shared::Shared;
pub use stream::BodyStream;
pub use tls::{CipherSuite, ClientIdentity, TlsConfig, TlsConfigError, TlsVersions};
pub use url::{Scheme, Url, UrlError};
pub use websocket::{WebSocket, WebSocketAnswer, WebSocketEvent, WebSocketRequest};
