//! Redis and Valkey: `INFO`.

use std::collections::HashMap;

use tokio::net::TcpStream;

use super::{Size, Vitals};
use crate::error::{StoreError, Trouble};
use crate::resp::{Connection, Limits, Reply, RespError};
use crate::secret::Address;

const PORT: u16 = 6379;
/// `INFO` has some kilobytes.
const LIMITS: Limits = Limits { longest: 1 << 20, most: 10_000 };

/// A server.
pub(super) struct Redis {
    connection: Connection<TcpStream>,
    address: Address,
    /// Before version 7 the limit is not in `INFO`.
    connections_max: Option<f64>,
    sees_slow: bool,
    missing: Vec<String>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) async fn connect(address: &Address) -> Result<Self, StoreError> {
        let failed = |error: RespError| classify(error, address);
        let refused = |message: String| StoreError::new(Trouble::Refused, address.scrub(&message));
        let url = url::Url::parse(address.reveal()).map_err(|error| refused(error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| refused("the URL names no host".to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connection = Connection::open(host, url.port().unwrap_or(PORT), LIMITS).await;
        let mut probe = Self {
            connection: connection.map_err(|error| failed(error.into()))?,
            address: address.clone(),
            connections_max: None,
            sees_slow: true,
            missing: Vec::new(),
        };
        let (user, password) = address.credentials();
        if let Some(password) = &password {
            let login: &[&str] =
                if user.is_empty() { &["AUTH", password] } else { &["AUTH", &user, password] };
            probe.connection.ask(login).await.map_err(failed)?;
        }
        if let Ok(Reply::List(pair)) = probe.connection.ask(&["CONFIG", "GET", "maxclients"]).await
            && let Some(limit) = pair.get(1).and_then(Reply::text)
        {
            probe.connections_max = limit.parse().ok();
        }
        if let Err(error) = probe.slow_queries().await {
            let StoreError { kind, message } = failed(error);
            if kind != Trouble::Forbidden {
                return Err(StoreError { kind, message });
            }
            probe.sees_slow = false;
            probe.missing.push(format!(
                "its slow commands cannot be seen ({message}): ACL SETUSER the user that watches +slowlog|get"
            ));
        }
        Ok(probe)
    }

    pub(super) async fn read(&mut self, size: Size) -> Result<Vitals, StoreError> {
        self.ask(size).await.map_err(|error| classify(error, &self.address))
    }

    async fn ask(&mut self, size: Size) -> Result<Vitals, RespError> {
        let text = self.connection.ask(&["INFO"]).await?.text().unwrap_or_default();
        let info = fields(&text);
        let of = |name: &str| info.get(name).and_then(|text| text.parse::<f64>().ok());
        let slow_queries = if self.sees_slow { Some(self.slow_queries().await?) } else { None };
        Ok(Vitals {
            connections: of("connected_clients"),
            connections_max: of("maxclients").or(self.connections_max),
            refused: of("rejected_connections"),
            queries: of("total_commands_processed"),
            slow_queries,
            cache_hits: of("keyspace_hits"),
            cache_misses: of("keyspace_misses"),
            lag: lag(&info),
            size: of("used_memory").filter(|_| size == Size::Wanted),
            missing: self.missing.clone(),
            ..Vitals::default()
        })
    }

    /// Slow commands since the server started: the entries of its slow log are numbered.
    async fn slow_queries(&mut self) -> Result<f64, RespError> {
        let Reply::List(newest) = self.connection.ask(&["SLOWLOG", "GET", "1"]).await? else {
            return Ok(0.0);
        };
        let number = match newest.first() {
            Some(Reply::List(entry)) => match entry.first() {
                Some(Reply::Integer(number)) => *number as f64 + 1.0,
                _ => 0.0,
            },
            _ => 0.0,
        };
        Ok(number)
    }
}

/// `name:value` lines.
fn fields(info: &str) -> HashMap<&str, &str> {
    info.lines().filter_map(|line| line.split_once(':')).collect()
}

/// Seconds since a replica heard its primary, or the furthest of a primary's replicas.
fn lag(info: &HashMap<&str, &str>) -> Option<f64> {
    if let Some(seconds) = info.get("master_last_io_seconds_ago") {
        return seconds.parse().ok().filter(|seconds: &f64| *seconds >= 0.0);
    }
    // slave0:ip=127.0.0.1,port=6380,state=online,offset=42,lag=1
    let of_replica = |line: &str| line.split(',').find_map(|field| field.strip_prefix("lag=")?.parse().ok());
    info.iter()
        .filter(|(name, _)| name.strip_prefix("slave").is_some_and(|rest| rest.parse::<u32>().is_ok()))
        .filter_map(|(_, line)| of_replica(line))
        .reduce(f64::max)
}

fn classify(error: RespError, address: &Address) -> StoreError {
    let (kind, text) = match error {
        RespError::Io(error) => (Trouble::Unreachable, error.to_string()),
        RespError::Refused(text) => {
            let kind = match text.split(' ').next().unwrap_or_default() {
                "WRONGPASS" | "NOAUTH" => Trouble::Credentials,
                "NOPERM" => Trouble::Forbidden,
                "LOADING" | "MASTERDOWN" => Trouble::Unreachable,
                _ if text.contains("max number of clients") => Trouble::Unreachable,
                _ => Trouble::Refused,
            };
            (kind, text)
        }
    };
    StoreError::new(kind, address.scrub(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_that_of_the_furthest_replica() {
        let of = |text| lag(&fields(text));
        assert_eq!(of("role:master\r\nconnected_slaves:0\r\n"), None);
        let two =
            "slave0:ip=1.2.3.4,port=1,state=online,offset=2,lag=1\r\nslave1:ip=1.2.3.5,offset=1,lag=7\r\n";
        assert_eq!(of(two), Some(7.0));
        assert_eq!(of("role:slave\r\nmaster_last_io_seconds_ago:3\r\n"), Some(3.0));
        assert_eq!(of("role:slave\r\nmaster_last_io_seconds_ago:-1\r\n"), None);
    }
}
