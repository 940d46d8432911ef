//! The variables of load test images: one table of what is read, under which names.

use std::collections::BTreeMap;

use super::refused;
use crate::failure::Failure;

/// The names of each setting; the first that is set and not empty counts.
mod variable {
    pub(super) const MODE: [&str; 1] = ["LOCUST_MODE"];
    pub(super) const MASTER: [&str; 2] = ["LOCUST_MASTER", "LOCUST_MASTER_HOST"];
    /// Where a worker finds the master's port: it is the master's own setting, under the same name for both.
    pub(super) const PORT: [&str; 2] = ["LOCUST_MASTER_PORT", "LOCUST_MASTER_BIND_PORT"];
    pub(super) const FILE: [&str; 1] = ["LOCUST_FILE"];
    pub(super) const HOST: [&str; 2] = ["TARGET_HOST", "ATTACKED_HOST"];
    pub(super) const OPTIONS: [&str; 2] = ["LOCUST_OPTS", "LOCUST_OPTIONS"];
}

/// Which part of a test this container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// All of it.
    #[default]
    Standalone,
    /// Leads workers and has the page.
    Master,
    /// Runs users for a master.
    Worker,
}

/// What the environment asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conventions {
    /// `LOCUST_MODE`.
    pub mode: Mode,
    /// Where a worker finds its master, unless Locust's own variable says so.
    pub master: Option<String>,
    /// The master's port for a worker, unless Locust's own variable says so.
    pub port: Option<u16>,
    /// The test.
    pub file: Option<String>,
    /// What to load, as a URL.
    pub host: Option<String>,
    /// More options.
    pub options: Vec<String>,
    /// Whether Locust's own variables name the test, the host and the master.
    pub native: Native,
    /// Variables that Kubernetes sets for a Service whose name happens to be the beginning of one of Locust's
    /// (`LOCUST_WEB_PORT=tcp://10.0.0.1:8089` for a Service `locust-web`): the tool must not read them.
    pub misleading: Vec<String>,
}

/// What Locust's own variables say already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Native {
    /// `LOCUST_LOCUSTFILE`.
    pub file: bool,
    /// `LOCUST_HOST`.
    pub host: bool,
    /// `LOCUST_MASTER_NODE_HOST`.
    pub master: bool,
}

impl Conventions {
    /// Reads the variables.
    pub fn read(environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let misleading: Vec<String> = environment
            .iter()
            .filter(|(name, value)| name.starts_with("LOCUST_") && is_service_link(value))
            .map(|(name, _)| name.clone())
            .collect();
        let get = |name: &str| {
            let value = environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())?;
            (!is_service_link(value)).then_some(value)
        };
        let first = |names: &[&'static str]| names.iter().find_map(|&name| Some((name, get(name)?)));
        let mode = match first(&variable::MODE) {
            None => Mode::Standalone,
            Some((name, text)) => match text.to_ascii_lowercase().as_str() {
                "standalone" => Mode::Standalone,
                "master" => Mode::Master,
                "worker" | "slave" => Mode::Worker,
                _ => {
                    return Err(refused(format!(
                        "{name}={text} is none of standalone, master, worker, slave"
                    )));
                }
            },
        };
        let port = match first(&variable::PORT) {
            Some((name, text)) if get("LOCUST_MASTER_NODE_PORT").is_none() => {
                Some(text.parse().map_err(|_| refused(format!("{name}={text} is not a port number")))?)
            }
            _ => None,
        };
        let mut options = Vec::new();
        for name in variable::OPTIONS {
            if let Some(text) = get(name) {
                options.extend(shlex::split(text).ok_or_else(|| {
                    refused(format!(
                        "{name} has a quote that is not closed, or a backslash at its end: {text}"
                    ))
                })?);
            }
        }
        Ok(Self {
            mode,
            port,
            master: first(&variable::MASTER).map(|(_, text)| text.to_owned()),
            file: first(&variable::FILE).map(|(_, text)| text.to_owned()),
            host: first(&variable::HOST).map(|(_, text)| with_scheme(text)),
            options,
            native: Native {
                file: get("LOCUST_LOCUSTFILE").is_some(),
                host: get("LOCUST_HOST").is_some(),
                master: get("LOCUST_MASTER_NODE_HOST").is_some(),
            },
            misleading,
        })
    }
}

/// What Kubernetes' service links look like.
fn is_service_link(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Manifests name the target with and without `http://`; Locust wants it.
fn with_scheme(host: &str) -> String {
    if host.contains("://") { host.to_owned() } else { format!("http://{host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Conventions, Failure> {
        Conventions::read(&pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn modes_are_read_in_any_case() {
        for (text, mode) in [
            ("standalone", Mode::Standalone),
            ("", Mode::Standalone),
            ("MASTER", Mode::Master),
            ("Worker", Mode::Worker),
            ("SLAVE", Mode::Worker),
        ] {
            assert_eq!(read(&[("LOCUST_MODE", text)]).unwrap().mode, mode, "{text}");
        }
        let message = read(&[("LOCUST_MODE", "boss")]).unwrap_err().message;
        assert!(message.contains("LOCUST_MODE=boss") && message.contains("worker"), "{message}");
    }

    #[test]
    fn a_worker_finds_the_master_under_each_name() {
        let of_an_image = read(&[("LOCUST_MASTER", "lead"), ("LOCUST_MASTER_BIND_PORT", "6667")]).unwrap();
        assert_eq!((of_an_image.master.as_deref(), of_an_image.port), (Some("lead"), Some(6667)));
        let of_another = read(&[("LOCUST_MASTER_HOST", "lead"), ("LOCUST_MASTER_PORT", "6667")]).unwrap();
        assert_eq!((of_another.master.as_deref(), of_another.port), (Some("lead"), Some(6667)));
        // Locust's own name for it wins: then nothing has to be said.
        let own = read(&[("LOCUST_MASTER_NODE_PORT", "1"), ("LOCUST_MASTER_BIND_PORT", "6667")]).unwrap();
        assert_eq!(own.port, None);
        assert!(read(&[("LOCUST_MASTER_PORT", "x")]).unwrap_err().message.contains("LOCUST_MASTER_PORT=x"));
    }

    #[test]
    fn what_kubernetes_sets_for_services_is_no_setting() {
        let read = read(&[
            ("LOCUST_MASTER_PORT", "tcp://10.0.0.1:5557"),
            ("LOCUST_WEB_PORT", "tcp://10.0.0.1:8089"),
            ("LOCUST_MASTER_SERVICE_HOST", "10.0.0.1"),
        ])
        .unwrap();
        assert_eq!(read.port, None);
        assert_eq!(read.misleading, ["LOCUST_MASTER_PORT", "LOCUST_WEB_PORT"]);
    }

    #[test]
    fn a_target_gets_a_scheme_where_it_has_none() {
        let host = |name: &str, value: &str| read(&[(name, value)]).unwrap().host;
        assert_eq!(host("TARGET_HOST", "https://example.com").as_deref(), Some("https://example.com"));
        assert_eq!(host("ATTACKED_HOST", "example.com:5000").as_deref(), Some("http://example.com:5000"));
        assert_eq!(host("TARGET_HOST", " "), None);
    }

    #[test]
    fn options_are_split_as_a_shell_does() {
        let options =
            read(&[("LOCUST_OPTS", "-u 10 --tags 'a b'"), ("LOCUST_OPTIONS", "--headless")]).unwrap().options;
        assert_eq!(options, ["-u", "10", "--tags", "a b", "--headless"]);
        let message = read(&[("LOCUST_OPTIONS", "-u '10")]).unwrap_err().message;
        assert!(message.contains("LOCUST_OPTIONS") && message.contains("quote"), "{message}");
    }
}
