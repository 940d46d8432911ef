//! What can be wrong with a command line, in words that name the flag.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::exit::Exit;

/// Why a command line cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagError {
    /// No such flag.
    #[error("unknown flag: {flag}")]
    UnknownFlag {
        /// As given.
        flag: String,
    },
    /// No such command.
    #[error("unknown command \"{command}\" for \"{program}\"")]
    UnknownCommand {
        /// As given.
        command: String,
        /// The program, as called.
        program: String,
    },
    /// A flag at the end of the line that takes a value.
    #[error("flag needs an argument: {flag}")]
    NoValue {
        /// The flag.
        flag: String,
    },
    /// A value that the flag cannot take.
    #[error("invalid argument \"{value}\" for {flag}: {reason}")]
    BadValue {
        /// The flag, with its value's name.
        flag: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A variable that is neither true nor false.
    #[error("environment variable {variable} cannot be '{value}'; use true or false")]
    BadVariable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// Whether k6 counts it among its configuration, which has an exit code of its own.
        is_configuration: bool,
    },
    /// Something that k6 does and throng does not.
    #[error("{what} is not supported yet")]
    NotSupported {
        /// The flag, variable or setting.
        what: String,
    },
    /// Too many or too few arguments beside the flags.
    #[error("{command} takes {takes}, but {} given", counted(*.given))]
    Arguments {
        /// The command.
        command: &'static str,
        /// What it takes.
        takes: &'static str,
        /// How many there were.
        given: usize,
    },
    /// What clap has to say otherwise.
    #[error("{0}")]
    Other(String),
}

fn counted(given: usize) -> String {
    match given {
        0 => "none was".to_owned(),
        1 => "1 was".to_owned(),
        more => format!("{more} were"),
    }
}

impl FlagError {
    /// The exit code that ends the process.
    pub fn exit(&self) -> Exit {
        match self {
            Self::BadVariable { is_configuration: true, .. } | Self::NotSupported { .. } => {
                Exit::InvalidConfig
            }
            _ => Exit::Other,
        }
    }
}

/// Puts an error of clap's into the one line that the log takes.
pub fn from_clap(error: &clap::Error, program: &str) -> FlagError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    // clap names flags with their values, as in `--vus <int>`.
    let named = context(ContextKind::InvalidArg);
    let end = if named.starts_with('-') { named.find([' ', '[', '=']) } else { None };
    let flag = named[..end.unwrap_or(named.len())].to_owned();
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => FlagError::UnknownFlag { flag },
        ErrorKind::InvalidSubcommand => FlagError::UnknownCommand {
            command: context(ContextKind::InvalidSubcommand),
            program: program.to_owned(),
        },
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => FlagError::NoValue { flag },
        ErrorKind::InvalidValue => {
            let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue) else {
                return FlagError::BadValue { flag, value, reason: "no such value".to_owned() };
            };
            FlagError::BadValue { flag, value, reason: format!("expected {}", known.join(", ")) }
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            FlagError::BadValue { flag, value, reason }
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(names)) => names.join(", "),
                _ => named,
            };
            FlagError::Other(format!("needed, but not given: {missing}"))
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            FlagError::Other(first.trim_start_matches("error: ").to_owned())
        }
    }
}
