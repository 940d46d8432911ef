//! A command that could not do its work: one line for the log and an exit code.

use crate::config_file::ConfigError;
use crate::env::EnvError;
use crate::exit::Exit;
use crate::flags::FlagError;
use crate::logging::LogError;
use crate::outputs::OutputError;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// With which code the process ends.
    pub exit: Exit,
    /// What to tell the user.
    pub message: String,
}

impl Failure {
    /// A failure from its two parts.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A failure without a code of its own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, message)
    }
}

impl From<FlagError> for Failure {
    fn from(error: FlagError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::InvalidConfig, error.to_string())
    }
}

impl From<EnvError> for Failure {
    fn from(error: EnvError) -> Self {
        Self::other(error.to_string())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let exit = match error {
            LogError::NotSupported { .. } => Exit::InvalidConfig,
            _ => Exit::Other,
        };
        Self::new(exit, error.to_string())
    }
}
