//! What must not be contacted: k6's `blacklistIPs` and `blockHostnames`.

use std::net::IpAddr;

use super::cidr::Cidr;

/// Addresses that must not be contacted.
#[derive(Debug, Clone, Default)]
pub struct AddressFilter(Vec<Cidr>);

impl AddressFilter {
    /// Blocks these ranges.
    pub fn new(ranges: Vec<Cidr>) -> Self {
        Self(ranges)
    }

    /// Whether `ip` is blocked.
    pub fn blocks(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(ip))
    }
}

/// A pattern that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use {pattern:?} as a host name pattern; a wildcard may only stand at the beginning, as in *.example.com"
)]
pub struct HostnamePatternError {
    pattern: String,
}

/// Host names that must not be contacted, exact or with a leading `*`.
#[derive(Debug, Clone, Default)]
pub struct HostnameFilter {
    exact: Vec<String>,
    suffixes: Vec<String>,
}

impl HostnameFilter {
    /// Blocks names that match one of these patterns.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, HostnamePatternError> {
        let mut filter = Self::default();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let lower = pattern.to_lowercase();
            let (list, text) = match lower.strip_prefix('*') {
                Some(suffix) => (&mut filter.suffixes, suffix.to_owned()),
                None => (&mut filter.exact, lower),
            };
            if text.contains('*') {
                return Err(HostnamePatternError { pattern: pattern.to_owned() });
            }
            list.push(text);
        }
        Ok(filter)
    }

    /// Whether `host` is blocked.
    pub fn blocks(&self, host: &str) -> bool {
        if self.exact.is_empty() && self.suffixes.is_empty() {
            return false;
        }
        let host = host.to_lowercase();
        self.exact.contains(&host) || self.suffixes.iter().any(|suffix| host.ends_with(suffix.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_exactly_or_by_a_leading_wildcard() {
        let filter = HostnameFilter::new(["no.test", "*.Example.test"]).unwrap();
        assert!(filter.blocks("NO.test") && filter.blocks("a.b.example.test"));
        assert!(!filter.blocks("a.no.test") && !filter.blocks("example.test"));
        assert!(HostnameFilter::new(["a*.test"]).is_err());
    }
}
