//! TLS to databases: rustls with the system's roots, and without any where a URL does not insist.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What of the server's identity is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Its certificate, against the system's authorities and its name.
    Certificate,
    /// Nothing.
    Nothing,
}

/// A client's configuration.
pub fn client_config(verify: Verify) -> Result<ClientConfig, String> {
    client_config_with(verify, &[], None)
}

/// The same, with other authorities than the system's if there are any (in PEM), and a certificate of the client's own with
/// its key.
pub fn client_config_with(
    verify: Verify,
    authorities: &[u8],
    own: Option<(&[u8], &[u8])>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match verify {
        Verify::Certificate => {
            let mut roots = RootCertStore::empty();
            if authorities.is_empty() {
                roots.add_parsable_certificates(system_authorities());
            }
            for authority in certificates(authorities)? {
                roots.add(authority).map_err(|error| error.to_string())?;
            }
            builder.with_root_certificates(roots)
        }
        Verify::Nothing => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
    };
    match own {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("the key: {error}"))?;
            builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|error| error.to_string())
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>();
    all.map_err(|error| format!("a certificate: {error}"))
}

/// The system's authorities.
pub(crate) fn system_authorities() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// Whether what failed was the agreement on encryption, such as a certificate that is not trusted: trying again would not
/// help.
pub(crate) fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<Error>() || inner.is_some_and(|inner| is_refusal(inner)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Takes every certificate; signatures are still checked, so that the connection is what was negotiated.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_from_a_connection_that_is_lost() {
        let untrusted = Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_refusal(&io::Error::new(io::ErrorKind::InvalidData, untrusted)));
        assert!(!is_refusal(&io::Error::new(io::ErrorKind::ConnectionReset, "reset")));
        assert!(!is_refusal(&io::Error::from_raw_os_error(104)));
    }
}
