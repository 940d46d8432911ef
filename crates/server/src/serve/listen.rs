//! The page's connections, plain or over TLS, and who is at their other end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::page::{StartError, Tls};

/// Handshakes at once; further connections wait.
const HANDSHAKES: usize = 64;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address of the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Plain>> for Remote {
    fn connect_info(stream: IncomingStream<'_, Plain>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, Encrypted>> for Remote {
    fn connect_info(stream: IncomingStream<'_, Encrypted>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// The configuration of a server with that certificate.
pub(crate) fn config(tls: &Tls) -> Result<rustls::ServerConfig, StartError> {
    fn failed(what: &'static str, reason: impl ToString) -> StartError {
        StartError::Tls { what, reason: reason.to_string() }
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&tls.certificates).collect();
    let chain = chain.map_err(|error| failed("the certificate", error))?;
    if chain.is_empty() {
        return Err(failed("the certificate", "there is no PEM certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(&tls.key).map_err(|error| failed("the private key", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("the certificate", error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| failed("the certificate", error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A listener whose connections are not encrypted.
pub(crate) struct Plain(pub(crate) TcpListener);

impl Listener for Plain {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // A tick must not wait for Nagle's algorithm.
        let _ = stream.set_nodelay(true);
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A listener whose connections are encrypted. Handshakes run beside each other, so that a slow one holds up nobody.
pub(crate) struct Encrypted {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    local: std::io::Result<SocketAddr>,
}

impl Encrypted {
    pub(crate) fn new(mut listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        let local = listener.local_addr();
        let (done, ready) = mpsc::channel(HANDSHAKES);
        let places = Arc::new(Semaphore::new(HANDSHAKES));
        tokio::spawn(async move {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let (stream, address) = tokio::select! {
                    accepted = Listener::accept(&mut listener) => accepted,
                    () = done.closed() => return,
                };
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    // Whoever does not speak TLS is no browser of this page.
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                        let _ = done.send((stream, address)).await;
                    }
                    drop(place);
                });
            }
        });
        Self { ready, local }
    }
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task ends only after this is dropped.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        match &self.local {
            Ok(address) => Ok(*address),
            Err(error) => Err(std::io::Error::from(error.kind())),
        }
    }
}
