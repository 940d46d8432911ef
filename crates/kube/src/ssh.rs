//! A cluster behind another machine: the API server's port, brought here by the system's own ssh.
//!
//! The address in the kubeconfig is the one that the other machine sees, so that a k3s file with `127.0.0.1:6443` works
//! as it was copied. The server's certificate is still checked against that name. An ssh that ends is started again, as
//! networks between people and jump hosts break more often than tests end.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use kube::Config;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::error::{Error, Result};

/// How long ssh may take, passwords and all.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait before it is started again.
const PAUSE: Duration = Duration::from_secs(2);

/// Ctrl-C reaches every process of the terminal, and the end of a run needs the tunnel: ssh leaves a signal ignored that
/// it finds ignored. It keeps its terminal, on which it may ask for a password.
const WITHOUT_INTERRUPT: &str = r#"trap '' INT QUIT; exec "$0" "$@""#;

/// A tunnel; closed when dropped.
#[derive(Debug)]
pub struct Tunnel {
    keeper: tokio::task::JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// From where to where.
struct Route {
    host: String,
    local: u16,
    far: String,
    port: u16,
}

impl Tunnel {
    /// Opens it, and points the configuration to this end.
    pub async fn open(host: &str, config: &mut Config) -> Result<Self> {
        let failed = |why: String| Error::Tunnel { host: host.to_owned(), why };
        if host.is_empty() || host.starts_with('-') {
            return Err(failed(format!("{host:?} is no machine; use [user@]host")));
        }
        let is_tls = config.cluster_url.scheme_str() != Some("http");
        let far = config.cluster_url.host().unwrap_or_default().to_owned();
        let port = config.cluster_url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let local = free_port().await.map_err(|error| failed(error.to_string()))?;
        let route = Route { host: host.to_owned(), local, far, port };
        let child = route.open(&[]).await.map_err(failed)?;
        let scheme = if is_tls { "https" } else { "http" };
        let path = config.cluster_url.path().trim_end_matches('/').to_owned();
        config.cluster_url = format!("{scheme}://127.0.0.1:{local}{path}")
            .parse()
            .map_err(|error| failed(format!("the address cannot be written: {error}")))?;
        if config.tls_server_name.is_none() {
            config.tls_server_name = Some(route.far.trim_matches(['[', ']']).to_owned());
        }
        Ok(Self { keeper: tokio::spawn(route.keep(child)) })
    }
}

impl Route {
    /// Starts ssh, and waits until its end here takes connections.
    async fn open(&self, more: &[&str]) -> std::result::Result<Child, String> {
        let ssh = std::env::var_os("THRONG_SSH").unwrap_or_else(|| OsString::from("ssh"));
        let mut child = Command::new("sh")
            .args(["-c", WITHOUT_INTERRUPT])
            .arg(ssh)
            .args(["-N", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15"])
            .args(more)
            .arg("-L")
            .arg(format!("127.0.0.1:{}:{}:{}", self.local, self.far, self.port))
            .arg(&self.host)
            .stdin(Stdio::inherit())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start ssh: {error}"))?;
        let mut words = child.stderr.take();
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.local)).await.is_ok() {
                break;
            }
            if let Ok(Some(status)) = child.try_wait() {
                let mut text = String::new();
                if let Some(words) = &mut words {
                    // What it said is all there once it has ended.
                    let _ = words.read_to_string(&mut text).await;
                }
                return Err(format!("ssh ended with {status}: {}", text.trim()));
            }
            if tokio::time::Instant::now() > end {
                return Err(format!("ssh did not connect within {} seconds", PATIENCE.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Nobody reads it from here on, and ssh must not wait for a reader.
        tokio::spawn(async move {
            if let Some(mut words) = words {
                let _ = tokio::io::copy(&mut words, &mut tokio::io::sink()).await;
            }
        });
        Ok(child)
    }

    /// Starts it again whenever it ends, without asking anybody; how long the cluster may be away meanwhile is decided by
    /// who needs it.
    async fn keep(self, child: Child) {
        let mut child = Some(child);
        loop {
            if let Some(mut running) = child.take() {
                let _ = running.wait().await;
            }
            tokio::time::sleep(PAUSE).await;
            child = self.open(&["-o", "BatchMode=yes"]).await.ok();
        }
    }
}

async fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(listener.local_addr()?.port())
}
