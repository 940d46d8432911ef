//! Whether there is a page, and where: `--ui`, and k6's `K6_WEB_DASHBOARD`.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use throng_server::{Config, Tls};

use super::login;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{Values, go_bool};

/// The port of Locust's page, which people know.
const PORT: u16 = 8089;
/// The port of k6's dashboard.
const K6_PORT: &str = "5665";

/// A page that is to be served.
#[derive(Debug, Clone)]
pub struct Page {
    /// How.
    pub config: Config,
    /// Whether the run is to end if it cannot be; otherwise it goes on without.
    pub demanded: bool,
}

/// What k6's variables ask for beside the page's address.
#[derive(Debug, Clone, Default)]
pub struct Dashboard {
    /// Where the report is written at the end, compressed if the name ends so.
    pub export: Option<PathBuf>,
    /// Whether a browser is to be opened.
    pub opens: bool,
}

/// What is asked for with flags and variables; `by_default` has a page where nothing is said.
pub(crate) fn page(values: &Values, dashboard: bool, by_default: bool) -> Result<Option<Page>, Failure> {
    let asked = values.one("ui");
    let (listen, demanded) = match asked {
        Some("off" | "false" | "no") => return Ok(None),
        Some("" | "on" | "true" | "yes") => (default(), true),
        Some(text) => (address(text)?, true),
        None if dashboard => match dashboard_address(values)? {
            Some(address) => (address, true),
            None => return Ok(None),
        },
        None if by_default => (default(), false),
        None => return Ok(None),
    };
    let base_path = values.one("web-base-path").unwrap_or_default().trim_end_matches('/').to_owned();
    let tls = match (values.one("web-tls-cert"), values.one("web-tls-key")) {
        (None, None) => None,
        (Some(certificates), Some(key)) => Some(Tls { certificates: read(certificates)?, key: read(key)? }),
        _ => return Err(Failure::other("--web-tls-cert and --web-tls-key are needed together")),
    };
    let entrance = login::entrance(values)?;
    let config = Config { listen, base_path, tls, foreign: false, entrance, history: None };
    Ok(Some(Page { config, demanded }))
}

fn default() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))
}

/// `host:port`, `:port`, `port` or `host`.
fn address(text: &str) -> Result<SocketAddr, Failure> {
    let invalid = |why: String| {
        Failure::other(format!(
            "invalid address of the page '{text}': {why}; use host:port, such as 127.0.0.1:8089"
        ))
    };
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse::<u16>() {
        let ip = if text.starts_with(':') { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        return Ok(SocketAddr::from((ip, port)));
    }
    let resolved = match text.parse::<std::net::IpAddr>() {
        Ok(ip) => return Ok(SocketAddr::new(ip, PORT)),
        Err(_) if text.contains(':') => text.to_socket_addrs(),
        Err(_) => (text, PORT).to_socket_addrs(),
    };
    let mut addresses = resolved.map_err(|error| invalid(error.to_string()))?;
    addresses.next().ok_or_else(|| invalid("it has no address".to_owned()))
}

/// The other variables of k6's dashboard, if that is switched on.
pub(crate) fn dashboard(values: &Values, dashboard: bool) -> Result<Dashboard, Failure> {
    if !dashboard {
        return Ok(Dashboard::default());
    }
    let invalid = |why: String| Failure::new(Exit::InvalidConfig, why);
    for name in ["RECORD", "REPORT", "TAGS"] {
        if variable(values, name).is_some_and(|value| go_bool(value) != Some(false)) {
            return Err(invalid(format!("K6_WEB_DASHBOARD_{name} is not supported yet")));
        }
    }
    // A second is what everything here counts by.
    if let Some(period) = variable(values, "PERIOD").filter(|period| !["1s", "1000ms"].contains(period)) {
        return Err(invalid(format!(
            "K6_WEB_DASHBOARD_PERIOD={period} is not supported yet: charts have a point a second, which is 1s"
        )));
    }
    let opens = match variable(values, "OPEN") {
        None => false,
        Some(text) => go_bool(text)
            .ok_or_else(|| invalid(format!("K6_WEB_DASHBOARD_OPEN is true or false, not '{text}'")))?,
    };
    let export = variable(values, "EXPORT").map(PathBuf::from);
    if export.is_some() && !throng_server::has_report() {
        return Err(invalid(
            "K6_WEB_DASHBOARD_EXPORT: this binary was built without its page, which is the report too: build it with \
             ./x build"
                .to_owned(),
        ));
    }
    Ok(Dashboard { export, opens })
}

fn variable<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    let value = values.environment().get(&format!("K6_WEB_DASHBOARD_{name}"));
    value.map(String::as_str).filter(|text| !text.is_empty())
}

/// k6's variables; none if its port says that there is to be no server.
fn dashboard_address(values: &Values) -> Result<Option<SocketAddr>, Failure> {
    let host = variable(values, "HOST").unwrap_or("127.0.0.1");
    match variable(values, "PORT").unwrap_or(K6_PORT) {
        "-1" => Ok(None),
        port => address(&format!("{host}:{port}")).map(Some),
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::other(format!("cannot read {path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_what_is_usual() {
        for (text, expected) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("9000", "127.0.0.1:9000"),
            (":9000", "0.0.0.0:9000"),
            ("0.0.0.0", "0.0.0.0:8089"),
            ("[::1]:9000", "[::1]:9000"),
            ("::1", "[::1]:8089"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected, "{text}");
        }
        assert!(address("127.0.0.1:seven").unwrap_err().message.contains("'127.0.0.1:seven'"));
    }
}
