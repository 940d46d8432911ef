//! Where k6's REST API is served: `--address`, `K6_ADDRESS`.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use super::Face;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::Values;

/// Where k6 1.x serves it, and where its commands look for it.
pub const DEFAULT: &str = "localhost:6565";

/// A REST API that is to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Where.
    pub listen: SocketAddr,
    /// Whether the run is to end if it cannot be; otherwise it goes on without.
    pub demanded: bool,
}

/// What is asked for: in k6's face there is one unless its address is empty, in our own one that is asked for.
pub(super) fn rest(values: &Values, face: Face) -> Result<Option<Rest>, Failure> {
    let asked = values.one("address");
    let text = match (asked, face) {
        (Some(""), _) | (None, Face::Own) => return Ok(None),
        (Some(text), _) => text,
        (None, Face::K6) => DEFAULT,
    };
    match address(text) {
        Ok(listen) => Ok(Some(Rest { listen, demanded: asked.is_some() })),
        Err(why) => {
            let text =
                format!("cannot serve the REST API on '{text}': {why}; use host:port, such as {DEFAULT}");
            Err(Failure::new(Exit::RestUnavailable, text))
        }
    }
}

/// `host:port`, or `:port` for all addresses.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse::<u16>().map_err(|error| error.to_string())?;
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let all: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    // Of the addresses of a name the first of IPv4, as Go takes it.
    let first = all.iter().find(|address| address.is_ipv4()).or(all.first());
    first.copied().ok_or_else(|| "it has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_go_reads_it() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            (":6565", "0.0.0.0:6565"),
            ("localhost:6565", "127.0.0.1:6565"),
            ("[::1]:6565", "[::1]:6565"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["6565", "localhost", ":x"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
