//! Authentication with the user and password of a URL.

mod digest;

use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use digest::Challenge;

/// A client nonce: text that no other request has (RFC 7616 section 3.4).
pub fn client_nonce() -> String {
    let random = RandomState::new();
    format!("{:016x}{:016x}", random.hash_one(0), random.hash_one(1))
}

/// The value of an `Authorization` header for Basic (RFC 7617).
pub(crate) fn basic((user, password): &(String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
