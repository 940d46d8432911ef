//! Who may change something: a page of ours, or a program; never a page of another site.
//!
//! A browser sends a custom header to another origin only after asking, which nobody answers here; `Sec-Fetch-Site` and
//! `Origin` say where a page comes from. The first is the browser's own judgement and holds behind a proxy that changes
//! `Host`; it comes only where the page is encrypted or local. On a loopback address the `Host` must not be a name, either: any site could have its name point
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
    const ELSEWHERE: Denied = Denied("this came from a page of another site");
    by_address(headers, access)?;
    // `none` is what somebody typed or has among the bookmarks.
    if let Some(site) = headers.get("sec-fetch-site") {
        return if site == "same-origin" || site == "none" { Ok(()) } else { Err(ELSEWHERE) };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let same = origin.split_once("://").is_some_and(|(_, authority)| authority == host(headers));
    if same { Ok(()) } else { Err(ELSEWHERE) }
}

/// Whether what listens on a loopback address is asked for by an address, or as `localhost`.
pub(super) fn by_address(headers: &HeaderMap, access: Access) -> Result<(), Denied> {
    // Whoever sends none is no browser.
    let is_named = headers.contains_key(header::HOST) && !is_address(host(headers));
    if access == Access::ByAddress && is_named {
        return Err(Denied("this page listens on a loopback address: ask for it as localhost or 127.0.0.1"));
    }
    Ok(())
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
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
    fn the_browsers_own_judgement_counts_where_there_is_one() {
        let judged = |site| {
            let pairs = [("host", "127.0.0.1:1"), (HEADER, "1"), ("origin", "https://out.example"), site];
            command(&headers(&pairs), Access::ByAddress)
        };
        assert_eq!(judged(("sec-fetch-site", "same-origin")), Ok(()));
        for site in ["cross-site", "same-site", ""] {
            assert!(judged(("sec-fetch-site", site)).is_err(), "{site}");
        }
        let no_origin = [("host", "127.0.0.1:1"), ("sec-fetch-site", "cross-site")];
        assert!(same_site(&headers(&no_origin), Access::Anyone).is_err());
    }

    #[test]
    fn a_name_that_points_to_loopback_is_not_trusted() {
        let rebound = [("host", "evil.example:8089"), (HEADER, "1"), ("origin", "http://evil.example:8089")];
        assert!(command(&headers(&rebound), Access::ByAddress).is_err());
        assert!(command(&headers(&rebound), Access::Anyone).is_ok());
    }
}
