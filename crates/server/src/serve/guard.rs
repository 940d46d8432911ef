//! Who may change something: a page of ours, or a program; never a page of another site.
//!
//! A browser sends a custom header to another origin only after asking, which nobody answers here; `Origin` says where a
//! page comes from. On a loopback address the `Host` must not be a name, either: any site could have its name point
//! to 127.0.0.1 and would then be of the same origin (DNS rebinding).

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use crate::page::Access;

/// The header that commands must carry.
pub(super) const HEADER: &str = "x-throng";

/// Why a command is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denied(pub(super) &'static str);

/// Whether these headers are those of a command of our page, or of a program.
pub(super) fn command(headers: &HeaderMap, access: Access) -> Result<(), Denied> {
    if headers.get(HEADER).is_none_or(|value| value != "1") {
        return Err(Denied("commands need the header X-Throng: 1"));
    }
    same_site(headers, access)
}

/// Whether these headers are not those of another site's page.
pub(super) fn same_site(headers: &HeaderMap, access: Access) -> Result<(), Denied> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    if access == Access::ByAddress && !is_address(host) {
        return Err(Denied("this page listens on a loopback address: ask for it as localhost or 127.0.0.1"));
    }
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin) => {
            let origin = origin.to_str().unwrap_or_default();
            let same = origin.split_once("://").is_some_and(|(_, authority)| authority == host);
            if same { Ok(()) } else { Err(Denied("this came from a page of another site")) }
        }
    }
}

fn is_address(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_program_and_our_own_page_may_command() {
        for origin in [None, Some(("origin", "http://127.0.0.1:8089"))] {
            let pairs: Vec<_> =
                [("host", "127.0.0.1:8089"), (HEADER, "1")].into_iter().chain(origin).collect();
            assert_eq!(command(&headers(&pairs), Access::ByAddress), Ok(()));
        }
        for host in ["localhost:8089", "[::1]:8089", "10.0.0.7:8089", "localhost"] {
            assert_eq!(
                command(&headers(&[("host", host), (HEADER, "1")]), Access::ByAddress),
                Ok(()),
                "{host}"
            );
        }
    }

    #[test]
    fn pages_of_other_sites_may_not() {
        let denied = |pairs: &[(&'static str, &str)], access| command(&headers(pairs), access).is_err();
        assert!(denied(&[("host", "127.0.0.1:8089")], Access::ByAddress));
        let foreign = [("host", "127.0.0.1:8089"), (HEADER, "1"), ("origin", "http://evil.example")];
        assert!(denied(&foreign, Access::ByAddress));
        assert!(denied(&[("host", "127.0.0.1:8089"), (HEADER, "1"), ("origin", "null")], Access::Anyone));
    }

    #[test]
    fn a_name_that_points_to_loopback_is_not_trusted() {
        let rebound = [("host", "evil.example:8089"), (HEADER, "1"), ("origin", "http://evil.example:8089")];
        assert!(command(&headers(&rebound), Access::ByAddress).is_err());
        assert!(command(&headers(&rebound), Access::Anyone).is_ok());
    }
}
