//! TLS: settings, certificate checks by Go's order and words, and the stream.

mod config;
mod names;
mod roots;
mod stream;
mod validity;
mod verify;

pub(crate) use config::TlsSettings;
pub use config::{CipherSuite, ClientIdentity, TlsConfig, TlsConfigError, TlsVersions};
pub(crate) use names::describe;
pub(crate) use stream::TlsStream;
