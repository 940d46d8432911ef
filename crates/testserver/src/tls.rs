//! Certificates made at start, so that no private key has to live in the repository.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// An authority, a server certificate for `localhost` and 127.0.0.1, and a client certificate.
pub struct Certificates {
    authority: rcgen::Certificate,
    server: Leaf,
    client: Leaf,
}

struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Certificates {
    pub fn generate() -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut params = named("throng conformance authority", Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key)?;
        let issuer = Issuer::from_params(&params, &key);
        let leaf = |name: &str, hosts: &[&str], usage| -> Result<Leaf, Error> {
            let mut params = named(name, hosts.iter().map(|&host| host.to_owned()).collect())?;
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate()?;
            Ok(Leaf { certificate: params.signed_by(&key, &issuer)?, key })
        };
        let server = leaf("localhost", &["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth)?;
        let client = leaf("conformance client", &[], ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Self { authority, server, client })
    }

    /// Writes what clients need: the authority to trust and the client's own certificate and key.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::write(directory.join("ca.pem"), self.authority.pem())?;
        std::fs::write(directory.join("client.pem"), self.client.certificate.pem())?;
        std::fs::write(directory.join("client-key.pem"), self.client.key.serialize_pem())
    }

    /// TLS 1.2 and 1.3 with the given protocols, in order of preference.
    pub fn acceptor(&self, protocols: &[&[u8]], client_certificate: bool) -> Result<TlsAcceptor, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])?;
        let builder = if client_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain: Vec<CertificateDer<'static>> = vec![self.server.certificate.der().clone()];
        let key = PrivateKeyDer::try_from(self.server.key.serialize_der())?;
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn named(name: &str, hosts: Vec<String>) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
