//! One log record: when, how grave, what, and the fields beside it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::LogError;

/// How grave a record is; ordered from the most talkative to the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Steps of our own work; shown with `--verbose`.
    Debug,
    /// What a user wants to know, and `console.log`.
    Info,
    /// Something is likely not as intended.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// The name in the structured formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The four letters shown on a terminal.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::Debug => "DEBU",
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERRO",
        }
    }

    /// The ANSI colour number shown on a terminal.
    pub(super) fn colour(self) -> u8 {
        match self {
            Self::Debug => 37,
            Self::Info => 36,
            Self::Warning => 33,
            Self::Error => 31,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = LogError;

    /// Accepts every level name that k6 accepts. `trace` has nothing below debug to show here, and the
    /// two levels above `error` keep only errors.
    fn from_str(name: &str) -> Result<Self, LogError> {
        match name.to_ascii_lowercase().as_str() {
            "trace" | "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warning),
            "error" | "fatal" | "panic" => Ok(Self::Error),
            _ => Err(LogError::UnknownLevel { level: name.to_owned() }),
        }
    }
}

/// A key beside the message, such as `source=console`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key; plain ASCII by convention.
    pub key: Cow<'static, str>,
    /// The value; anything but a string is written as its JSON text.
    pub value: Value,
}

impl Field {
    /// A field from a key and anything that JSON can hold.
    pub fn new(key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A record on its way to a sink.
#[derive(Debug)]
pub struct Record<'a> {
    /// Wall time as RFC 3339 with seconds, in the local time zone.
    pub time: &'a str,
    /// Time since the process started, for terminals.
    pub since_start: Duration,
    /// How grave it is.
    pub level: Level,
    /// The text; may span lines.
    pub message: &'a str,
    /// Further keys, in any order.
    pub fields: &'a [Field],
}

impl Record<'_> {
    /// The fields in the order in which every format writes them: by key.
    pub(super) fn sorted_fields(&self) -> Vec<&Field> {
        let mut fields: Vec<&Field> = self.fields.iter().collect();
        fields.sort_by(|a, b| a.key.cmp(&b.key));
        fields
    }
}

/// The text of a field value: strings as they are, everything else as JSON.
pub(super) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
