//! Names with addresses of their own (`hosts`), and names that must not be called (`blockHostnames`).
//!
//! A name may begin with one `*`, which stands for anything; case does not matter.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde_json::Value as Json;

use super::{Kind, Value, comma_separated, json_from_text};
use crate::reader::Reader;

/// Where connections to a name go instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostTarget {
    /// The address.
    pub ip: IpAddr,
    /// The port; `None` keeps that of the URL.
    pub port: Option<u16>,
}

impl FromStr for HostTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ip) = text.parse() {
            return Ok(Self { ip, port: None });
        }
        match text.parse::<std::net::SocketAddr>() {
            Ok(address) => Ok(Self { ip: address.ip(), port: Some(address.port()) }),
            Err(_) => Err("an address such as 10.0.0.1, 10.0.0.1:8080 or [::1]:8080".to_owned()),
        }
    }
}

impl fmt::Display for HostTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.ip) {
            (None, ip) => write!(f, "{ip}"),
            (Some(port), ip) => write!(f, "{}", std::net::SocketAddr::new(ip, port)),
        }
    }
}

impl Value for HostTarget {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        text.parse().or_else(|expected: String| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

/// Names, each with where its connections go. A pattern may name a port: `api.test:443`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts(BTreeMap<String, HostTarget>);

impl Hosts {
    /// Where a connection to `host:port` goes. A pattern with the port goes before one without; of those
    /// an exact name before a wildcard, and a longer wildcard before a shorter one (observed on k6 1.1).
    pub fn target(&self, host: &str, port: u16) -> Option<HostTarget> {
        let host = host.to_ascii_lowercase();
        let with_port = format!("{host}:{port}");
        let closest = |name: &str, has_port| self.0.get(name).or_else(|| self.wildcard(name, has_port));
        closest(&with_port, true).or_else(|| closest(&host, false)).copied()
    }

    /// The longest pattern that matches, of those with a port or of those without. `*` is of both kinds, so
    /// that it goes even before an exact name without a port (observed on k6 1.1).
    fn wildcard(&self, name: &str, has_port: bool) -> Option<&HostTarget> {
        let alike = self.0.iter().filter(|(pattern, _)| pattern.contains(':') == has_port || *pattern == "*");
        let matching = alike.filter(|(pattern, _)| matches(pattern, name));
        matching.max_by_key(|(pattern, _)| pattern.len()).map(|(_, target)| target)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns in lower case, each with where its connections go.
    pub fn iter(&self) -> impl Iterator<Item = (&str, HostTarget)> {
        self.0.iter().map(|(name, target)| (name.as_str(), *target))
    }
}

impl Value for Hosts {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let Json::Object(members) = json else { return at.invalid(json, "an object of names and addresses") };
        let mut hosts = BTreeMap::new();
        for (name, target) in members {
            at.member(name, |at| {
                if !is_host_pattern(name) {
                    at.invalid::<()>(
                        target,
                        "a host name, with or without a leading * and a port, as the name",
                    );
                }
                if let Some(target) = HostTarget::from_json(target, at) {
                    hosts.insert(name.to_ascii_lowercase(), target);
                }
            });
        }
        Some(Self(hosts))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        json_from_text(text)
    }

    fn to_json(&self) -> Json {
        self.0.iter().map(|(name, target)| (name.clone(), target.to_json())).collect()
    }
}

/// A name that must not be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedName(String);

impl BlockedName {
    /// Whether calls to `host` are blocked.
    pub fn blocks(&self, host: &str) -> bool {
        matches(&self.0.to_ascii_lowercase(), &host.to_ascii_lowercase())
    }

    /// The pattern as given.
    pub fn pattern(&self) -> &str {
        &self.0
    }
}

impl Value for BlockedName {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        // An empty pattern matches no name; k6 1.1 takes it.
        if text.is_empty() || is_name_pattern(text) {
            return Ok(Self(text.to_owned()));
        }
        Err("a host name of letters, digits, dots and dashes, with or without a leading *".to_owned())
    }

    fn to_json(&self) -> Json {
        self.0.as_str().into()
    }
}

impl Value for Vec<BlockedName> {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        comma_separated(text).map(BlockedName::from_text).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.extend(next);
    }
}

/// Both in lower case.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => name.ends_with(suffix),
        None => pattern == name,
    }
}

fn is_name_pattern(text: &str) -> bool {
    let name = text.strip_prefix('*').unwrap_or(text);
    (text.starts_with('*') || !name.is_empty())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn is_host_pattern(text: &str) -> bool {
    match text.split_once(':') {
        Some((name, port)) => is_name_pattern(name) && port.parse::<u16>().is_ok(),
        None => is_name_pattern(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hosts(json: &Json) -> Result<Hosts, crate::PlanError> {
        let mut at = Reader::at("hosts");
        let hosts = Hosts::from_json(json, &mut at);
        at.finish(hosts.unwrap_or_default())
    }

    #[test]
    fn the_closest_pattern_wins() {
        let hosts = hosts(&json!({
            "Api.test": "10.0.0.1", "api.test:8443": "10.0.0.2:443", "*.test": "10.0.0.3", "*.b.test": "[::1]:80",
            "*i.test:99": "10.0.0.4",
        }))
        .expect("valid");
        let target = |host, port| hosts.target(host, port).map(|target| target.to_string());
        assert_eq!(target("api.TEST", 80).as_deref(), Some("10.0.0.1"));
        assert_eq!(target("api.test", 8443).as_deref(), Some("10.0.0.2:443"));
        assert_eq!(target("x.test", 80).as_deref(), Some("10.0.0.3"));
        assert_eq!(target("a.b.test", 80).as_deref(), Some("[::1]:80"));
        assert_eq!(target("api.test", 99).as_deref(), Some("10.0.0.4"));
        assert_eq!(target("other", 80), None);
    }

    #[test]
    fn a_lone_star_goes_before_names_without_port() {
        let hosts = hosts(&json!({"*": "10.0.0.9", "api.test": "10.0.0.1", "api.test:99": "10.0.0.2"}))
            .expect("valid");
        let target = |host, port| hosts.target(host, port).map(|target| target.to_string());
        assert_eq!(target("other", 80).as_deref(), Some("10.0.0.9"));
        assert_eq!(target("api.test", 80).as_deref(), Some("10.0.0.9"));
        assert_eq!(target("api.test", 99).as_deref(), Some("10.0.0.2"));
    }

    #[test]
    fn wrong_names_and_addresses_are_named() {
        for json in [
            json!({"a": "nope"}),
            json!({"a:x": "1.2.3.4"}),
            json!({"a.*.x": "1.2.3.4"}),
            json!({"a_b": "1.2.3.4"}),
            json!({"a": "1.2.3.4:99999"}),
            json!({"a": 5}),
            json!("a"),
        ] {
            assert!(hosts(&json).is_err(), "{json}");
        }
        let error = hosts(&json!({"api.test": "nope"})).expect_err("no address");
        assert_eq!(error.problems[0].path(), "hosts[\"api.test\"]");
    }

    #[test]
    fn blocked_names_match_without_case_and_with_one_wildcard() {
        let blocks = |pattern: &str, host: &str| BlockedName::from_text(pattern).expect(pattern).blocks(host);
        assert!(blocks("a.b", "A.b"));
        assert!(blocks("*.C.d", "x.c.D"));
        assert!(!blocks("*.c.d", "c.d"));
        assert!(blocks("*", "anything"));
        for text in ["x*", "a_b-1.y", "a b", "**"] {
            assert!(BlockedName::from_text(text).is_err(), "{text}");
        }
    }
}
