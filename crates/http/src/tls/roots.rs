//! Whom to trust: the system's certificates, as k6 does.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// The trusted certificates of the process.
#[derive(Debug)]
pub(crate) struct Roots {
    pub(crate) store: Arc<RootCertStore>,
    /// As they are, to recognise a server that presents one of them as its own.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

/// Loads them once: from `SSL_CERT_FILE` and `SSL_CERT_DIR` or the system's place. Mozilla's list stands in
/// where that gives nothing, as in a bare container.
pub(crate) fn roots() -> &'static Roots {
    static ROOTS: OnceLock<Roots> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let certificates = rustls_native_certs::load_native_certs().certs;
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
        if added == 0 {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Roots { store: Arc::new(store), certificates }
    })
}

/// These certificates and no others.
pub(crate) fn only(certificates: Vec<CertificateDer<'static>>) -> Roots {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    Roots { store: Arc::new(store), certificates }
}
