//! Kinds of option values: how each is read from JSON, from an environment variable and from a flag,
//! how it is written back, and how a higher layer lies over a lower one.

pub mod addresses;
pub mod dns;
pub mod hosts;
mod scalar;
pub mod stages;
pub mod summary;
pub mod tags;
pub mod thresholds;
pub mod tls;

use serde_json::Value as Json;

use crate::reader::Reader;

/// What an option's value looks like; for help, documentation and completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// A whole number.
    Integer,
    /// See [`crate::duration`].
    Duration,
    /// Any text.
    Text,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Comma-separated in variables and flags, a list in JSON.
    List,
    /// An object in JSON.
    Object,
}

impl Kind {
    /// The placeholder in `--flag <placeholder>`.
    pub fn placeholder(self) -> String {
        match self {
            Self::Switch => "bool".to_owned(),
            Self::Integer => "int".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Choice(words) => words.join("|"),
            Self::List => "list".to_owned(),
            Self::Object => "json".to_owned(),
        }
    }
}

/// A value of one kind.
pub(crate) trait Value: Sized + Clone {
    /// Its kind.
    const KIND: Kind;

    /// Reads it from JSON; notes what is wrong and returns `None` otherwise.
    fn from_json(json: &Json, at: &mut Reader) -> Option<Self>;

    /// Reads it from an environment variable. The error says what is expected.
    fn from_text(text: &str) -> Result<Self, String>;

    /// Reads it from a flag, where that differs from a variable.
    fn from_flag(text: &str) -> Result<Self, String> {
        Self::from_text(text)
    }

    /// Writes it as k6 does.
    fn to_json(&self) -> Json;

    /// Takes a further occurrence of the same flag; lists grow, others are replaced.
    fn repeat(&mut self, next: Self) {
        *self = next;
    }

    /// Lies over the value of a lower layer; few kinds keep anything of it.
    fn over(self, _lower: Self) -> Self {
        self
    }
}

/// Reads JSON text from a variable, for the options that have no shorter notation there.
pub(crate) fn json_from_text<T: Value>(text: &str) -> Result<T, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("JSON ({error})"))?;
    let mut at = Reader::at("the value");
    let value = T::from_json(&json, &mut at);
    match at.finish(value) {
        Ok(value) => value.ok_or_else(|| "a value".to_owned()),
        Err(error) => Err(format!("a valid value ({error})")),
    }
}

/// The elements of a comma-separated text, without surrounding blanks; none for an empty text.
fn comma_separated(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|element| !element.is_empty())
}
