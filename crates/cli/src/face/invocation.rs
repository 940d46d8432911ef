//! A command line that was understood: terminal and log are open, values can be asked for.

use std::collections::BTreeMap;

use clap::ArgMatches;

use super::early_terminal;
use crate::env::process_environment;
use crate::failure::Failure;
use crate::flags::{Flag, Values};
use crate::logging::{Level, LogOutput, LogSetup, Logger};
use crate::terminal::{Colour, Terminal};

/// A command with what it needs to work.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The program as the user types it: `k6` or `throng k6`.
    pub program: String,
    /// The streams.
    pub terminal: Terminal,
    /// The log.
    pub log: Logger,
    /// How the log was set up.
    pub log_setup: LogSetup,
    /// Flags and variables.
    pub values: Values,
    /// Arguments beside the flags.
    pub arguments: Vec<String>,
}

impl Invocation {
    /// Opens terminal and log as the global flags say, and refuses what is not supported.
    pub(super) fn new(program: &str, flags: &[Flag], matches: &ArgMatches) -> Result<Self, Failure> {
        let environment: BTreeMap<String, String> = process_environment().collect();
        let values = Values::new(flags, matches, &environment);
        let terminal = match values.switch("no-color")? {
            Some(true) => early_terminal().with_colour(Colour::Never),
            _ => early_terminal(),
        };
        let log_setup = LogSetup {
            level: if values.switch("verbose")? == Some(true) { Level::Debug } else { Level::Info },
            output: values.one("log-output").map_or(Ok(LogOutput::Stderr), LogOutput::parse)?,
            format: values.one("log-format").unwrap_or_default().to_owned(),
        };
        let log = log_setup.open(&terminal)?;
        let arguments = matches
            .try_get_many::<String>("file")
            .ok()
            .flatten()
            .map(|all| all.cloned().collect())
            .unwrap_or_default();
        Ok(Self { program: program.to_owned(), terminal, log, log_setup, values, arguments })
    }
}
