//! Asks the REST API of a run, which is on this machine or near it.
//!
//! HTTP/1.0 over one connection: an answer ends with it, and there is nothing to be told in parts.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde_json::Value;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take: `setup` may run for it.
const ANSWER: Duration = Duration::from_mins(2);
/// More than any answer is long.
const LONGEST: u64 = 64 << 20;

/// An API at `host:port`.
pub(super) struct Client<'a>(pub(super) &'a str);

impl Client<'_> {
    /// Gets the data of a document.
    pub(super) fn get(&self, path: &str) -> Result<Value, String> {
        self.ask("GET", path, "")
    }

    /// Changes what is at a path, and gets it as it is then.
    pub(super) fn patch(&self, path: &str, document: &Value) -> Result<Value, String> {
        self.ask("PATCH", path, &document.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let address = self.0;
        let (status, text) = self
            .exchange(method, path, body)
            .map_err(|error| format!("cannot ask http://{address}{path}: {error}"))?;
        let document: Value = serde_json::from_str(&text).map_err(|_| {
            format!("http://{address}{path} answered {status} with what is no JSON: is that k6's REST API?")
        })?;
        if let Some(error) = document["errors"].get(0) {
            let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            return Err(match (part("title"), part("detail")) {
                (title, detail) if detail.is_empty() => title,
                (title, detail) => format!("{title}: {detail}"),
            });
        }
        match document {
            Value::Object(mut parts) if status == 200 => Ok(parts.remove("data").unwrap_or_default()),
            _ => Err(format!("http://{address}{path} answered {status}")),
        }
    }

    /// Status and body of the answer.
    fn exchange(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), String> {
        let mut stream = self.connect()?;
        let failed = |error: std::io::Error| error.to_string();
        stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.0,
            body.len()
        );
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).map_err(failed)?;
        let answer = String::from_utf8_lossy(&answer);
        let odd = || "the answer is not HTTP".to_owned();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).ok_or_else(odd)?;
        Ok((status.parse().map_err(|_| odd())?, body.to_owned()))
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let addresses = self.0.to_socket_addrs().map_err(|error| error.to_string())?;
        let mut last = "the name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }
}
