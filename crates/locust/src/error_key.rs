//! What makes two errors the same one in a report.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The identity of an error: the SHA-256, in hexadecimal, of method, name and the error's `repr`, by which reports of
/// several processes are merged.
pub fn error_key(method: &str, name: &str, error: &str) -> String {
    let digest = Sha256::digest(format!("{method}.{name}.{error}"));
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text of an error without the memory addresses that `repr` puts into it, which would make each one another.
pub fn hide_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        out.push_str(&rest[..at]);
        let digits = rest[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits == 0 {
            out.push_str("0x");
        } else {
            out.push_str("0x....");
        }
        rest = &rest[at + 2 + digits..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Locust 2.47.
    #[test]
    fn keys_are_those_of_locust() {
        assert_eq!(
            error_key("GET", "/a", "'boom'"),
            "0863377655f1d1930686f0d059ee852b2e9b29b6e43b62bcf301f56d1e5785e3"
        );
        assert_eq!(
            error_key("GET", "/a", "\"ValueError('boom')\""),
            "35123075875c8e71fb72150bae57a9845da884d42af63aa43919e06971cbdf79"
        );
    }

    #[test]
    fn addresses_are_hidden() {
        assert_eq!(hide_addresses("<A object at 0x7f12abCD>: 0xzz"), "<A object at 0x....>: 0xzz");
    }
}
