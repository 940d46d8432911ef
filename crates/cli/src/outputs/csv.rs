//! Settings of the CSV output: defaults, then the configuration file, then `K6_CSV_*`, then the argument.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use throng_plan::duration;

use super::{OutputError, Target};

const OUTPUT: &str = "csv";
const SETTINGS: &str = "fileName, saveInterval and timeFormat";

/// How the CSV output writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvSettings {
    /// Where to.
    pub target: Target,
    /// How often rows are flushed.
    pub save_interval: Duration,
    /// How the `timestamp` column is written.
    pub time_format: TimeFormat,
}

/// The `timestamp` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMilli,
    /// Microseconds since 1970.
    UnixMicro,
    /// Nanoseconds since 1970.
    UnixNano,
    /// RFC 3339 with seconds.
    Rfc3339,
    /// RFC 3339 with as many of nine digits after the second as it takes.
    Rfc3339Nano,
}

impl TimeFormat {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "unix" => Self::Unix,
            "unix_milli" => Self::UnixMilli,
            "unix_micro" => Self::UnixMicro,
            "unix_nano" => Self::UnixNano,
            "rfc3339" => Self::Rfc3339,
            "rfc3339_nano" => Self::Rfc3339Nano,
            _ => return None,
        })
    }
}

impl Default for CsvSettings {
    fn default() -> Self {
        Self {
            target: Target::File(PathBuf::from("file.csv")),
            save_interval: Duration::from_secs(1),
            time_format: TimeFormat::Unix,
        }
    }
}

impl CsvSettings {
    /// Lays the sources over each other.
    pub(super) fn consolidate(
        collector: Option<&Value>,
        environment: &BTreeMap<String, String>,
        argument: &str,
    ) -> Result<Self, OutputError> {
        let mut settings = Self::default();
        if let Some(Value::Object(object)) = collector {
            for (key, value) in object {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                settings.set(key, &text)?;
            }
        }
        for (variable, key) in [
            ("K6_CSV_FILENAME", "fileName"),
            ("K6_CSV_SAVE_INTERVAL", "saveInterval"),
            ("K6_CSV_TIME_FORMAT", "timeFormat"),
        ] {
            if let Some(value) = environment.get(variable) {
                settings.set(key, value)?;
            }
        }
        settings.read_argument(argument)?;
        Ok(settings)
    }

    /// Reads `file.csv,saveInterval=2s` or `fileName=file.csv,timeFormat=unix_nano`.
    fn read_argument(&mut self, argument: &str) -> Result<(), OutputError> {
        if argument.is_empty() {
            return Ok(());
        }
        for (index, part) in argument.split(',').enumerate() {
            match part.split_once('=') {
                Some((key, value)) => self.set(key, value)?,
                None if index == 0 && !part.is_empty() => self.set("fileName", part)?,
                None => return Err(bad("the argument", argument, "file.csv or key=value pairs")),
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), OutputError> {
        match key {
            "fileName" => {
                self.target = Target::of(value).ok_or_else(|| bad(key, value, "a path, or - for stdout"))?;
            }
            "saveInterval" => {
                // k6 takes no bare numbers here, observed on 1.1.
                let unit = value.chars().any(|c| c.is_ascii_alphabetic());
                self.save_interval = duration::parse(value)
                    .ok()
                    .filter(|interval| unit && !interval.is_zero())
                    .ok_or_else(|| bad(key, value, "a duration with a unit, as 1s"))?;
            }
            "timeFormat" => {
                const KNOWN: &str = "unix, unix_milli, unix_micro, unix_nano, rfc3339 or rfc3339_nano";
                self.time_format = TimeFormat::parse(value).ok_or_else(|| bad(key, value, KNOWN))?;
            }
            key => {
                return Err(OutputError::UnknownSetting {
                    output: OUTPUT,
                    key: key.to_owned(),
                    known: SETTINGS,
                });
            }
        }
        Ok(())
    }
}

fn bad(setting: &str, value: &str, expected: &'static str) -> OutputError {
    OutputError::BadSetting { output: OUTPUT, setting: setting.to_owned(), value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(argument: &str, environment: &[(&str, &str)]) -> Result<CsvSettings, OutputError> {
        let environment = environment.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        CsvSettings::consolidate(None, &environment, argument)
    }

    #[test]
    fn the_argument_wins_over_the_environment() {
        let environment = [("K6_CSV_FILENAME", "env.csv"), ("K6_CSV_TIME_FORMAT", "rfc3339")];
        let settings = from("arg.csv,saveInterval=2s", &environment).unwrap();
        assert_eq!(settings.target, Target::File("arg.csv".into()));
        assert_eq!(settings.time_format, TimeFormat::Rfc3339);
        assert_eq!(settings.save_interval, Duration::from_secs(2));
    }

    #[test]
    fn the_environment_wins_over_the_configuration_file() {
        let collector = serde_json::json!({ "fileName": "config.csv", "saveInterval": "5s" });
        let environment = BTreeMap::from([("K6_CSV_FILENAME".to_owned(), "env.csv".to_owned())]);
        let settings = CsvSettings::consolidate(Some(&collector), &environment, "").unwrap();
        assert_eq!(settings.target, Target::File("env.csv".into()));
        assert_eq!(settings.save_interval, Duration::from_secs(5));
    }

    #[test]
    fn bad_settings_are_named() {
        for argument in ["y.csv,foo=1", "a=b", "y.csv,timeFormat=zz", "y.csv,saveInterval=2", ",fileName=q"] {
            assert!(from(argument, &[]).is_err(), "{argument}");
        }
    }
}
