//! k6's `hosts`: addresses for names, without a lookup.

use std::net::{IpAddr, SocketAddr};

/// Where a name leads; without a port the URL's stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    ip: IpAddr,
    port: Option<u16>,
}

/// An entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostOverrideError {
    /// The value is neither an address nor an address with a port.
    #[error("map {name:?} to {value:?}; the value must be an address, with a port or without")]
    Address {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// The wildcard is not at the beginning.
    #[error(
        "use {name:?} as a host pattern; a wildcard may only stand at the beginning, as in *.example.com"
    )]
    Pattern {
        /// The pattern.
        name: String,
    },
}

/// Addresses for `name`, `name:port`, or either with a leading `*`.
#[derive(Debug, Clone, Default)]
pub struct HostOverrides {
    exact: Vec<(String, Target)>,
    /// Longest first, so that the most specific wildcard wins.
    suffixes: Vec<(String, Target)>,
}

impl HostOverrides {
    /// From pairs of name and address.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(
        entries: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, HostOverrideError> {
        let mut overrides = Self::default();
        for (name, value) in entries {
            let (name, value) = (name.as_ref(), value.as_ref());
            let target = parse_target(value).ok_or_else(|| HostOverrideError::Address {
                name: name.to_owned(),
                value: value.to_owned(),
            })?;
            let lower = name.to_lowercase();
            let (list, key) = match lower.strip_prefix('*') {
                Some(suffix) => (&mut overrides.suffixes, suffix.to_owned()),
                None => (&mut overrides.exact, lower),
            };
            if key.contains('*') {
                return Err(HostOverrideError::Pattern { name: name.to_owned() });
            }
            list.push((key, target));
        }
        overrides.suffixes.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        Ok(overrides)
    }

    /// The address for a host and port, if there is an entry; one that names the port comes first.
    pub(crate) fn find(&self, host: &str, port: u16) -> Option<SocketAddr> {
        if self.exact.is_empty() && self.suffixes.is_empty() {
            return None;
        }
        let host = host.to_lowercase();
        let with_port = format!("{host}:{port}");
        let exact = |key: &str| self.exact.iter().find(|(name, _)| name == key);
        let suffix = |key: &str| self.suffixes.iter().find(|(suffix, _)| key.ends_with(suffix.as_str()));
        let (_, target) = exact(&with_port)
            .or_else(|| exact(&host))
            .or_else(|| suffix(&with_port))
            .or_else(|| suffix(&host))?;
        Some(SocketAddr::new(target.ip, target.port.unwrap_or(port)))
    }
}

fn parse_target(value: &str) -> Option<Target> {
    if let Ok(ip) = value.parse() {
        return Some(Target { ip, port: None });
    }
    let addr: SocketAddr = value.parse().ok()?;
    Some(Target { ip: addr.ip(), port: Some(addr.port()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(overrides: &HostOverrides, host: &str, port: u16) -> Option<String> {
        overrides.find(host, port).map(|a| a.to_string())
    }

    #[test]
    fn the_most_specific_entry_wins() {
        let overrides = HostOverrides::new([
            ("a.test", "127.0.0.1"),
            ("a.test:8080", "127.0.0.2:9090"),
            ("*.b.test", "127.0.0.3"),
            ("*.x.b.test", "[::1]:1"),
        ])
        .unwrap();
        assert_eq!(find(&overrides, "A.test", 80).as_deref(), Some("127.0.0.1:80"));
        assert_eq!(find(&overrides, "a.test", 8080).as_deref(), Some("127.0.0.2:9090"));
        assert_eq!(find(&overrides, "q.b.test", 80).as_deref(), Some("127.0.0.3:80"));
        assert_eq!(find(&overrides, "q.x.b.test", 80).as_deref(), Some("[::1]:1"));
        assert_eq!(find(&overrides, "b.test", 80), None);
        assert!(HostOverrides::new([("a", "nowhere")]).is_err());
        assert!(HostOverrides::new([("a*b", "127.0.0.1")]).is_err());
    }
}
