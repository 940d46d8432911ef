//! Which outputs a run feeds: `-o name[=argument]`, `K6_OUT`, `out` in the configuration file.
//!
//! One file per output that takes settings. What k6 has and throng does not is refused by name, so that
//! no run ends without the data that was asked for.

mod csv;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use csv::{CsvSettings, TimeFormat};

use crate::exit::Exit;

/// An output with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// One JSON object a line.
    Json(Target),
    /// Comma-separated values.
    Csv(CsvSettings),
}

/// Where an output writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file; gzip if its name ends in `.gz`.
    File(PathBuf),
}

/// Why an output cannot be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OutputError {
    /// An output that k6 has, or had.
    #[error("output '{name}' is not supported yet; available are: csv, json")]
    NotSupported {
        /// Its name.
        name: String,
    },
    /// No such output.
    #[error("invalid output type '{name}', available are: csv, json")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A setting has a value that it cannot take.
    #[error("failed to set up output '{output}': {setting} cannot be '{value}'; expected {expected}")]
    BadSetting {
        /// The output.
        output: &'static str,
        /// The setting, or where it came from.
        setting: String,
        /// Its value.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// There is no such setting.
    #[error("failed to set up output '{output}': unknown setting '{key}'; known are {known}")]
    UnknownSetting {
        /// The output.
        output: &'static str,
        /// The setting.
        key: String,
        /// Those there are.
        known: &'static str,
    },
}

impl OutputError {
    /// The exit code that ends the process.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotSupported { .. } => Exit::InvalidConfig,
            _ => Exit::Other,
        }
    }
}

/// k6's name for its page. With arguments (`web-dashboard=port=…`) it is not supported: `--ui` and variables say more.
pub const DASHBOARD: &str = "web-dashboard";

/// Outputs of k6 1.1 and of its extensions that scripts and CI jobs name.
const NOT_SUPPORTED: [&str; 10] = [
    "cloud",
    "datadog",
    "experimental-opentelemetry",
    "experimental-prometheus-rw",
    "influxdb",
    "kafka",
    "opentelemetry",
    "prometheus-rw",
    "statsd",
    DASHBOARD,
];

/// Reads the requests `name[=argument]`, in order. `collectors` is that object of the configuration file;
/// `environment` holds the variables of the process.
pub fn select(
    requests: &[String],
    collectors: Option<&Value>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Output>, OutputError> {
    requests
        .iter()
        .filter(|request| !request.is_empty())
        .map(|request| {
            let (name, argument) = request.split_once('=').unwrap_or((request, ""));
            match name {
                "json" => Ok(Output::Json(Target::of(argument).unwrap_or(Target::Stdout))),
                "csv" => {
                    let collector = collectors.and_then(|all| all.get("csv"));
                    CsvSettings::consolidate(collector, environment, argument).map(Output::Csv)
                }
                name if NOT_SUPPORTED.contains(&name) => {
                    Err(OutputError::NotSupported { name: name.to_owned() })
                }
                name => Err(OutputError::Unknown { name: name.to_owned() }),
            }
        })
        .collect()
}

impl Output {
    /// How the header names it.
    pub fn describe(&self) -> String {
        match self {
            // Observed on k6 1.1: no blank here, unlike everywhere else.
            Self::Json(Target::Stdout) => "json(stdout)".to_owned(),
            Self::Json(Target::File(path)) => format!("json ({})", path.display()),
            Self::Csv(CsvSettings { target: Target::Stdout, .. }) => "csv (stdout)".to_owned(),
            Self::Csv(CsvSettings { target: Target::File(path), .. }) => format!("csv ({})", path.display()),
        }
    }
}

impl Target {
    fn of(name: &str) -> Option<Self> {
        match name {
            "" => None,
            "-" => Some(Self::Stdout),
            name => Some(Self::File(PathBuf::from(name))),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select_one(request: &str) -> Result<Output, OutputError> {
        select(&[request.to_owned()], None, &BTreeMap::new()).map(|mut all| all.remove(0))
    }

    #[test]
    fn the_header_names_outputs_as_k6_does() {
        for (request, expected) in [
            ("json", "json(stdout)"),
            ("json=-", "json(stdout)"),
            ("json=x.json.gz", "json (x.json.gz)"),
            ("csv", "csv (file.csv)"),
            ("csv=", "csv (file.csv)"),
            ("csv=-", "csv (stdout)"),
            ("csv=y.csv", "csv (y.csv)"),
        ] {
            assert_eq!(select_one(request).unwrap().describe(), expected);
        }
    }

    #[test]
    fn what_k6_has_is_refused_by_name() {
        for name in NOT_SUPPORTED {
            let error = select_one(&format!("{name}=http://localhost")).unwrap_err();
            assert_eq!(error.exit(), Exit::InvalidConfig);
            assert!(error.to_string().contains(&format!("'{name}' is not supported yet")));
        }
    }

    #[test]
    fn what_nobody_has_is_an_error() {
        for name in ["foo", "CSV", "json,csv"] {
            assert_eq!(select_one(name).unwrap_err().exit(), Exit::Other);
        }
    }

    #[test]
    fn an_empty_request_asks_for_nothing() {
        assert_eq!(select(&[String::new()], None, &BTreeMap::new()), Ok(vec![]));
    }
}
