//! Authentication with the user and password of a URL.

mod digest;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use digest::Challenge;

/// The value of an `Authorization` header for Basic (RFC 7617).
pub(crate) fn basic((user, password): &(String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
