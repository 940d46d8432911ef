//! TLS settings: what the options say, checked, and what rustls makes of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig as RustlsConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::roots::{self, Roots};
use super::verify::{AcceptAny, GoVerifier};
use crate::response::TlsVersion;

/// An option that cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsConfigError {
    /// A version that rustls does not have.
    #[error("use TLS version {0:?}: only tls1.2 and tls1.3 are supported")]
    Version(String),
    /// A range without a version in it.
    #[error("use TLS versions from {min:?} to {max:?}: the range is empty")]
    EmptyRange {
        /// The lower end.
        min: String,
        /// The upper end.
        max: String,
    },
    /// A cipher suite that rustls does not have.
    #[error("use cipher suite {0:?}: it is not supported; use one of {1}")]
    CipherSuite(String, String),
    /// A client certificate or key that is not PEM.
    #[error("read a client certificate or key in tlsAuth: {0}")]
    Pem(String),
    /// A key with a password.
    #[error(
        "use a private key with a password in tlsAuth: encrypted keys are not supported yet; decrypt it first"
    )]
    EncryptedKey,
    /// rustls refused a certificate and key.
    #[error("use a client certificate in tlsAuth: {0}")]
    Identity(String),
}

/// The versions to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsVersions {
    min: TlsVersion,
    max: TlsVersion,
}

impl Default for TlsVersions {
    fn default() -> Self {
        Self { min: TlsVersion::Tls12, max: TlsVersion::Tls13 }
    }
}

impl TlsVersions {
    /// From k6's names, as in `tlsVersion: {min, max}`.
    ///
    /// A minimum below TLS 1.2 is taken as TLS 1.2, since the range still holds versions we have; a maximum
    /// below it is an error.
    pub fn new(min: &str, max: &str) -> Result<Self, TlsConfigError> {
        let old = ["ssl3.0", "tls1.0", "tls1.1"];
        let parse = |name: &str| match name {
            "tls1.2" => Ok(TlsVersion::Tls12),
            "tls1.3" => Ok(TlsVersion::Tls13),
            other => Err(TlsConfigError::Version(other.to_owned())),
        };
        let max_version = if max.is_empty() { TlsVersion::Tls13 } else { parse(max)? };
        let min_version = if min.is_empty() || old.contains(&min) { TlsVersion::Tls12 } else { parse(min)? };
        if min_version > max_version {
            return Err(TlsConfigError::EmptyRange { min: min.to_owned(), max: max.to_owned() });
        }
        Ok(Self { min: min_version, max: max_version })
    }

    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        let mut versions = Vec::new();
        if self.max == TlsVersion::Tls13 {
            versions.push(&rustls::version::TLS13);
        }
        if self.min == TlsVersion::Tls12 {
            versions.push(&rustls::version::TLS12);
        }
        versions
    }
}

/// A cipher suite that is supported, by its Go name.
#[derive(Clone, Copy, PartialEq)]
pub struct CipherSuite(SupportedCipherSuite);

impl CipherSuite {
    /// By the name that k6 uses, which is Go's and IANA's.
    pub fn from_name(name: &str) -> Result<Self, TlsConfigError> {
        // Go keeps these two names from before the RFC.
        let full = match name {
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            name => name,
        };
        let all = ring::ALL_CIPHER_SUITES;
        all.iter().copied().find(|suite| suite_name(*suite) == full).map(Self).ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|suite| suite_name(*suite)).collect();
            TlsConfigError::CipherSuite(name.to_owned(), known.join(", "))
        })
    }
}

impl fmt::Debug for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(suite_name(self.0))
    }
}

/// The IANA name, which rustls spells differently for TLS 1.3.
pub(crate) fn suite_name(suite: SupportedCipherSuite) -> &'static str {
    match suite.suite() {
        rustls::CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        rustls::CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// One entry of k6's `tlsAuth`.
#[derive(Clone)]
pub struct ClientIdentity {
    domains: Vec<String>,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientIdentity {
    /// From PEM texts; for all hosts if `domains` is empty, else for these first of all.
    pub fn from_pem(domains: Vec<String>, certificate: &str, key: &str) -> Result<Self, TlsConfigError> {
        if key.contains("ENCRYPTED") {
            return Err(TlsConfigError::EncryptedKey);
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| TlsConfigError::Pem(error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsConfigError::Pem("there is no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|error| TlsConfigError::Pem(error.to_string()))?;
        let identity = Self { domains, chain, key: Arc::new(key) };
        // Found out here rather than at the first handshake.
        ring::sign::any_supported_type(&identity.key)
            .map_err(|error| TlsConfigError::Identity(error.to_string()))?;
        Ok(identity)
    }

    fn serves(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.domains.is_empty()
            || self.domains.iter().any(|domain| {
                let domain = domain.to_ascii_lowercase();
                match domain.strip_prefix("*.") {
                    Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
                    None => domain == host,
                }
            })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("domains", &self.domains).finish_non_exhaustive()
    }
}

/// How to speak TLS.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// k6's `insecureSkipTLSVerify`.
    pub insecure_skip_verify: bool,
    /// k6's `tlsVersion`.
    pub versions: TlsVersions,
    /// k6's `tlsCipherSuites`; all if empty. As in Go, the suites of TLS 1.3 cannot be left out.
    pub cipher_suites: Vec<CipherSuite>,
    /// k6's `tlsAuth`.
    pub identities: Vec<ClientIdentity>,
    /// Offer HTTP/2.
    pub http2: bool,
    /// Trust these certificates instead of the system's, in PEM.
    pub trust_only: Option<String>,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            insecure_skip_verify: false,
            versions: TlsVersions::default(),
            cipher_suites: Vec::new(),
            identities: Vec::new(),
            http2: true,
            trust_only: None,
        }
    }
}

/// The index of the client identity, and whether HTTP/2 is offered.
type SettingsKey = (Option<usize>, bool);

/// What rustls made of a [`TlsConfig`], for one thread. Made at the first use, as loading the system's
/// certificates takes some milliseconds and many tests never need them.
#[derive(Default)]
pub(crate) struct TlsSettings {
    built: RefCell<HashMap<SettingsKey, Arc<RustlsConfig>>>,
    own_roots: RefCell<Option<Rc<Roots>>>,
}

impl TlsSettings {
    /// The settings for a host. `http1_only` is for a proxy, which is never spoken HTTP/2 to.
    pub(crate) fn for_host(
        &self,
        config: &TlsConfig,
        host: &str,
        http1_only: bool,
    ) -> Result<Arc<RustlsConfig>, String> {
        // A server that nobody made a certificate for gets the first one, if it asks: k6 1.1 does not look at the
        // domains at all (observed), and scripts have come to rely on it.
        let named = config.identities.iter().position(|identity| identity.serves(host));
        let identity = named.or_else(|| (!config.identities.is_empty()).then_some(0));
        let key = (identity, config.http2 && !http1_only);
        if let Some(built) = self.built.borrow().get(&key) {
            return Ok(Arc::clone(built));
        }
        let built = Arc::new(self.build(config, key)?);
        self.built.borrow_mut().insert(key, Arc::clone(&built));
        Ok(built)
    }

    fn build(&self, config: &TlsConfig, (identity, http2): SettingsKey) -> Result<RustlsConfig, String> {
        let mut provider = ring::default_provider();
        if !config.cipher_suites.is_empty() {
            let chosen = |suite: &SupportedCipherSuite| {
                suite.tls13().is_some() || config.cipher_suites.iter().any(|c| c.0 == *suite)
            };
            provider.cipher_suites.retain(chosen);
        }
        let provider: Arc<CryptoProvider> = Arc::new(provider);
        let builder = RustlsConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&config.versions.supported())
            .map_err(|error| error.to_string())?
            .dangerous();
        let builder = if config.insecure_skip_verify {
            builder.with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            let verifier = match &config.trust_only {
                Some(pem) => GoVerifier::new(&*self.own_roots(pem)?, provider)?,
                None => GoVerifier::new(roots::roots(), provider)?,
            };
            builder.with_custom_certificate_verifier(Arc::new(verifier))
        };
        let mut built = match identity.map(|i| &config.identities[i]) {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| error.to_string())?,
            None => builder.with_no_client_auth(),
        };
        if http2 {
            built.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        // Go resumes no session unless told to, and neither does k6: every handshake is a full one.
        built.resumption = rustls::client::Resumption::disabled();
        built.key_log = Arc::new(rustls::KeyLogFile::new());
        Ok(built)
    }

    fn own_roots(&self, pem: &str) -> Result<Rc<Roots>, String> {
        if let Some(roots) = &*self.own_roots.borrow() {
            return Ok(Rc::clone(roots));
        }
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("read the trusted certificates: {error}"))?;
        let roots = Rc::new(roots::only(certificates));
        *self.own_roots.borrow_mut() = Some(Rc::clone(&roots));
        Ok(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_we_do_not_have_are_refused_by_name() {
        assert!(TlsVersions::new("", "").is_ok() && TlsVersions::new("tls1.0", "tls1.2").is_ok());
        assert!(TlsVersions::new("tls1.0", "tls1.1").unwrap_err().to_string().contains("tls1.1"));
        assert!(matches!(TlsVersions::new("tls1.3", "tls1.2"), Err(TlsConfigError::EmptyRange { .. })));
        assert!(matches!(TlsVersions::new("foo", ""), Err(TlsConfigError::Version(_))));
    }

    #[test]
    fn cipher_suites_go_by_gos_names() {
        assert!(CipherSuite::from_name("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").is_ok());
        assert!(CipherSuite::from_name("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305").is_ok());
        assert!(CipherSuite::from_name("TLS_AES_128_GCM_SHA256").is_ok());
        let error = CipherSuite::from_name("TLS_RSA_WITH_RC4_128_SHA").unwrap_err().to_string();
        assert!(error.contains("RC4") && error.contains("TLS_AES_256_GCM_SHA384"));
    }

    #[test]
    fn identities_serve_their_domains() {
        let key = rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap();
        let (cert, pem) = (key.cert.pem(), key.signing_key.serialize_pem());
        let of = |domains: &[&str]| {
            ClientIdentity::from_pem(domains.iter().map(|d| (*d).to_owned()).collect(), &cert, &pem).unwrap()
        };
        assert!(of(&[]).serves("any.test"));
        assert!(of(&["*.a.test", "b.test"]).serves("x.A.test") && of(&["b.test"]).serves("b.test"));
        assert!(!of(&["*.a.test"]).serves("a.test") && !of(&["*.a.test"]).serves("x.y.a.test"));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
        assert_eq!(
            ClientIdentity::from_pem(vec![], &cert, encrypted).unwrap_err(),
            TlsConfigError::EncryptedKey
        );
    }
}
