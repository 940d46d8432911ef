//! The same server over TLS, as real ones are reached: with a certificate of the cluster's own authority, and for clients
//! that show one of theirs instead of a token.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority, and what was signed by it.
pub(crate) struct Certificates {
    authority: String,
    client: String,
    client_key: String,
    acceptor: TlsAcceptor,
}

impl Certificates {
    pub(crate) fn generate() -> io::Result<Self> {
        let mut params = named("standin authority", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key()?).map_err(io::Error::other)?;

        let mut params = named("kube-apiserver", &["kubernetes.default.svc", "localhost", "127.0.0.1"])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = key()?;
        let server = params.signed_by(&server_key, &authority).map_err(io::Error::other)?;

        let mut params = named(crate::USER, &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_key = key()?;
        let client = params.signed_by(&client_key, &authority).map_err(io::Error::other)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).map_err(io::Error::other)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(io::Error::other)?;
        let private = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.der().clone()], private)
            .map_err(io::Error::other)?;
        Ok(Self {
            authority: authority.pem(),
            client: client.pem(),
            client_key: client_key.serialize_pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// What a kubeconfig says of the cluster at this address, and of its user.
    pub(crate) fn configuration(&self, address: SocketAddr) -> (Value, Value) {
        let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        (
            json!({
                "server": format!("https://{address}"),
                "certificate-authority-data": encoded(&self.authority),
            }),
            json!({
                "client-certificate-data": encoded(&self.client),
                "client-key-data": encoded(&self.client_key),
            }),
        )
    }

    /// Accepts connections here.
    pub(crate) fn listen(&self, listener: TcpListener) -> io::Result<Listener> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(16);
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let (sender, acceptor) = (sender.clone(), acceptor.clone());
                // Who does not get through the handshake holds nobody up.
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Listener { accepted, address })
    }
}

fn named(name: &str, hosts: &[&str]) -> io::Result<CertificateParams> {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn key() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

/// Connections whose clients have shown who they are.
pub(crate) struct Listener {
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// The same answers: whoever has shown a certificate is the user of the kubeconfig.
pub(crate) fn router(router: Router) -> Router {
    router.layer(axum::middleware::map_request(|mut request: Request| async move {
        let known = HeaderValue::from_static("Bearer standin");
        request.headers_mut().insert(header::AUTHORIZATION, known);
        request
    }))
}
