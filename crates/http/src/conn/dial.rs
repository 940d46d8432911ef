//! Making a connection: name, blocks, TCP.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use throng_reactor::{ConnectError, ConnectOptions, TcpStream};

use super::io::{Socket, Traffic};
use crate::error::{RequestError, code};
use crate::net::LookupError;
use crate::shared::Shared;

/// When the steps of making a connection ended, for the phases.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DialPhases {
    pub(crate) lookup_done: Option<Instant>,
    pub(crate) connected: Option<Instant>,
    pub(crate) tls_done: Option<Instant>,
    pub(crate) remote: Option<SocketAddr>,
}

/// The address to dial for a host and port.
async fn address(shared: &Shared, host: &str, port: u16) -> Result<SocketAddr, RequestError> {
    let config = &shared.config;
    if config.block_hostnames.blocks(host) {
        return Err(RequestError::new(code::BLOCKED_HOSTNAME, "hostname is blocked"));
    }
    let addr = if let Some(addr) = config.hosts.find(host, port) {
        addr
    } else if let Ok(ip) = host.parse::<IpAddr>() {
        SocketAddr::new(ip, port)
    } else {
        let ip = shared.resolver.resolve(host).await.map_err(|error| match error {
            LookupError::NoSuchHost => RequestError::new(code::NO_SUCH_HOST, "lookup: no such host"),
            LookupError::Other(text) => RequestError::new(code::DNS, format!("lookup: {text}")),
        })?;
        SocketAddr::new(ip, port)
    };
    if config.blacklist.blocks(addr.ip()) {
        return Err(RequestError::new(code::BLACKLISTED_IP, "ip is blacklisted"));
    }
    Ok(addr)
}

/// Connects to a host and port, within the dial timeout.
pub(crate) async fn dial(
    shared: &Shared,
    traffic: &Rc<Traffic>,
    local_ip: Option<IpAddr>,
    host: &str,
    port: u16,
    phases: &mut DialPhases,
) -> Result<Socket, RequestError> {
    let remote = address(shared, host, port).await?;
    phases.lookup_done = Some(Instant::now());
    phases.remote = Some(remote);
    let options = ConnectOptions {
        local_ip,
        keepalive: shared.config.tcp_keepalive,
        receive_stamps: shared.config.receive_stamps,
    };
    let timer = shared.handle.timer();
    timer.set(Instant::now() + shared.config.dial_timeout);
    let connect = std::pin::pin!(TcpStream::connect(&shared.handle, remote, options));
    let tcp = timer
        .limit(connect)
        .await
        .map_err(|_| RequestError::new(code::DIAL_TIMEOUT, "dial: i/o timeout"))?
        .map_err(|error| match &error {
            ConnectError::Connect { .. } => RequestError::from_dial(error.io_error()),
            ConnectError::Socket(_) | ConnectError::Bind { .. } => {
                RequestError::new(code::DIAL, format!("dial: {error}"))
            }
        })?;
    phases.connected = Some(Instant::now());
    Ok(Socket::new(tcp, Rc::clone(traffic)))
}
