//! TLS between controller and workers: rustls with certificates of the user's own authority.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::NetError;

/// The controller's certificate, and the authority of the workers'.
#[derive(Clone)]
pub struct ServerTls {
    /// The certificate chain, PEM.
    pub certificates: Vec<u8>,
    /// Its private key, PEM.
    pub key: Vec<u8>,
    /// Workers have to show a certificate of this authority, PEM; `None` asks for none.
    pub client_authority: Option<Vec<u8>>,
}

/// Whom a worker trusts, and what it shows.
#[derive(Clone)]
pub struct ClientTls {
    /// The authority of the controller's certificate, PEM.
    pub authority: Vec<u8>,
    /// The name in the controller's certificate, where it is not the host of the address.
    pub server_name: Option<String>,
    /// The worker's own certificate chain and private key, PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls(…)")
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls(…)")
    }
}

impl ServerTls {
    pub(super) fn config(&self) -> Result<rustls::ServerConfig, NetError> {
        let own = "the controller's certificate";
        let builder = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(own, error))?;
        let builder = match &self.client_authority {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let what = "the authority of the workers' certificates";
                let roots = Arc::new(authority(what, pem)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| failed(what, error))?)
            }
        };
        let (chain, key) = identity(own, &self.certificates, &self.key)?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| failed(own, error))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

impl ClientTls {
    pub(super) fn config(&self) -> Result<rustls::ClientConfig, NetError> {
        let trusted = "the authority of the controller's certificate";
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(trusted, error))?
            .with_root_certificates(authority(trusted, &self.authority)?);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => {
                let own = "the worker's certificate";
                let (chain, key) = identity(own, certificates, key)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| failed(own, error))?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn failed(what: &'static str, error: impl fmt::Display) -> NetError {
    NetError::Tls { what, reason: error.to_string() }
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| failed(what, error))?;
    if found.is_empty() { Err(failed(what, "there is no PEM certificate in it")) } else { Ok(found) }
}

fn authority(what: &'static str, pem: &[u8]) -> Result<RootCertStore, NetError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, pem)? {
        roots.add(certificate).map_err(|error| failed(what, error))?;
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(what: &'static str, chain: &[u8], key: &[u8]) -> Result<Identity, NetError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| failed(what, error))?;
    Ok((certificates(what, chain)?, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_named() {
        let tls = ClientTls { authority: b"nonsense".to_vec(), server_name: None, identity: None };
        let error = tls.config().unwrap_err().to_string();
        assert!(error.contains("authority of the controller's certificate"), "{error}");
    }
}
