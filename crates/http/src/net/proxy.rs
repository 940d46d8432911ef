//! Proxies from the environment, by Go's rules, which are k6's.

use std::net::IpAddr;

use base64::Engine;

use super::cidr::Cidr;
use crate::url::{Scheme, Url};

/// A proxy setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// The address is no URL.
    #[error("use {value:?} from {variable} as a proxy: it is no URL")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The scheme is one that is not supported.
    #[error("use {value:?} from {variable} as a proxy: only http and https proxies are supported yet")]
    Scheme {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
}

/// A proxy server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// For `Proxy-Authorization`.
    pub(crate) authorization: Option<String>,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    Everything,
    Range(Cidr),
    Ip(IpAddr, Option<u16>),
    /// A domain and its subdomains; only the subdomains if it began with a dot.
    Domain {
        name: String,
        only_below: bool,
        port: Option<u16>,
    },
}

/// Which requests go through which proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

impl ProxyConfig {
    /// From `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in capitals or not.
    pub fn from_env() -> Result<Self, ProxyError> {
        let read = |name: &str| {
            std::env::var(name)
                .or_else(|_| std::env::var(name.to_lowercase()))
                .ok()
                .filter(|value| !value.is_empty())
        };
        Self::new(
            read("HTTP_PROXY").as_deref(),
            read("HTTPS_PROXY").as_deref(),
            read("NO_PROXY").as_deref().unwrap_or_default(),
        )
    }

    /// From the values of the three variables.
    pub fn new(http: Option<&str>, https: Option<&str>, no_proxy: &str) -> Result<Self, ProxyError> {
        Ok(Self {
            http: http.map(|value| parse_proxy("HTTP_PROXY", value)).transpose()?,
            https: https.map(|value| parse_proxy("HTTPS_PROXY", value)).transpose()?,
            exceptions: no_proxy.split(',').filter_map(|entry| parse_exception(entry.trim())).collect(),
        })
    }

    /// The proxy for a request. Names and addresses of this machine are always contacted directly.
    pub(crate) fn find(&self, scheme: Scheme, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = match scheme {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        }?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return None;
        }
        let same_port = |p: &Option<u16>| p.is_none_or(|p| p == port);
        let excepted = self.exceptions.iter().any(|exception| match exception {
            Exception::Everything => true,
            Exception::Range(range) => ip.is_some_and(|ip| range.contains(ip)),
            Exception::Ip(addr, p) => ip == Some(*addr) && same_port(p),
            Exception::Domain { name, only_below, port: p } => {
                let below = host.strip_suffix(name.as_str()).is_some_and(|front| front.ends_with('.'));
                (below || (!only_below && host == *name)) && same_port(p)
            }
        });
        (!excepted).then_some(proxy)
    }
}

fn parse_proxy(variable: &'static str, value: &str) -> Result<Proxy, ProxyError> {
    let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let invalid = || ProxyError::Invalid { variable, value: value.to_owned() };
    let url = Url::parse(&text).map_err(|_| invalid())?;
    let scheme = url.scheme().ok_or_else(|| ProxyError::Scheme { variable, value: value.to_owned() })?;
    let port = url.port().map_err(|_| invalid())?;
    if url.host().is_empty() {
        return Err(invalid());
    }
    let authorization = url.credentials().map(|(user, password)| {
        let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        format!("Basic {token}")
    });
    Ok(Proxy { scheme, host: url.host().to_owned(), port, authorization })
}

fn parse_exception(entry: &str) -> Option<Exception> {
    if entry.is_empty() {
        return None;
    }
    if entry == "*" {
        return Some(Exception::Everything);
    }
    if let Ok(range) = entry.parse() {
        return Some(Exception::Range(range));
    }
    let lower = entry.to_ascii_lowercase();
    if let Ok(ip) = lower.trim_matches(['[', ']']).parse() {
        return Some(Exception::Ip(ip, None));
    }
    let (name, port) = match lower.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (lower.as_str(), None),
    };
    if let Ok(ip) = name.trim_matches(['[', ']']).parse() {
        return Some(Exception::Ip(ip, port));
    }
    let bare = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
    Some(Exception::Domain { name: bare.unwrap_or(name).to_owned(), only_below: bare.is_some(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_proxy_and_this_machine_none() {
        let config = ProxyConfig::new(Some("proxy.test:3128"), Some("https://u:p@secure.test"), "").unwrap();
        let http = config.find(Scheme::Http, "a.test", 80).unwrap();
        assert_eq!((http.host.as_str(), http.port, http.scheme), ("proxy.test", 3128, Scheme::Http));
        let https = config.find(Scheme::Https, "a.test", 443).unwrap();
        assert_eq!((https.port, https.authorization.as_deref()), (443, Some("Basic dTpw")));
        assert!(config.find(Scheme::Http, "localhost", 80).is_none());
        assert!(config.find(Scheme::Http, "127.0.0.9", 80).is_none());
        assert!(matches!(ProxyConfig::new(Some("socks5://x"), None, ""), Err(ProxyError::Scheme { .. })));
    }

    #[test]
    fn exceptions_are_names_addresses_and_ranges() {
        let no = "a.test, .b.test,10.0.0.0/8,192.0.2.1,c.test:81";
        let config = ProxyConfig::new(Some("p:1"), None, no).unwrap();
        let direct = |host: &str, port: u16| config.find(Scheme::Http, host, port).is_none();
        assert!(direct("a.test", 80) && direct("x.a.test", 80) && !direct("xa.test", 80));
        assert!(direct("x.b.test", 80) && !direct("b.test", 80));
        assert!(direct("10.1.2.3", 80) && direct("192.0.2.1", 80) && !direct("192.0.2.2", 80));
        assert!(direct("c.test", 81) && !direct("c.test", 80));
        let all = ProxyConfig::new(Some("p:1"), None, "*").unwrap();
        assert!(all.find(Scheme::Http, "z", 80).is_none());
    }
}
