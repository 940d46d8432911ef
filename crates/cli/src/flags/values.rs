//! The values that flags and the environment gave.

use std::collections::BTreeMap;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::error::FlagError;
use super::table::{Flag, Scope, Support, Value};

/// What flags and the environment gave, for the flags of one command.
#[derive(Debug, Clone)]
pub struct Values {
    flags: Vec<Flag>,
    given: BTreeMap<&'static str, Vec<String>>,
    environment: BTreeMap<String, String>,
}

impl Values {
    /// Takes what clap parsed. An empty variable of the environment counts as not set, as in k6.
    pub fn new(flags: &[Flag], matches: &ArgMatches, environment: &BTreeMap<String, String>) -> Self {
        let given = flags
            .iter()
            .filter_map(|flag| {
                // A flag of another command is not defined here, which clap reports as an error.
                let values = matches.try_get_many::<String>(flag.name).ok()??;
                let from_flag = matches.value_source(flag.name) == Some(ValueSource::CommandLine);
                from_flag.then(|| (flag.name, values.cloned().collect()))
            })
            .collect();
        Self { flags: flags.to_vec(), given, environment: environment.clone() }
    }

    /// What variables give where there is no command line of ours.
    pub fn of_environment_alone(flags: &[Flag], environment: BTreeMap<String, String>) -> Self {
        Self { flags: flags.to_vec(), given: BTreeMap::new(), environment }
    }

    /// The variables of the process.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The last value that the flag itself got.
    pub fn of_flag(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.last().map(String::as_str)
    }

    /// All values that the flag itself got, in order.
    pub fn all_of_flag(&self, name: &str) -> Option<&[String]> {
        self.given.get(name).map(Vec::as_slice)
    }

    /// The flags that are options of the script too, each with every value it got.
    pub fn option_flags(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let options = self.flags.iter().filter(|flag| flag.scope == Scope::Options);
        options.flat_map(|flag| {
            let values = self.all_of_flag(flag.name).unwrap_or_default();
            values.iter().map(|value| (flag.name, Some(value.as_str())))
        })
    }

    /// The value of the flag's environment variable, unless empty.
    pub fn of_environment(&self, name: &str) -> Option<&str> {
        let flag = self.flags.iter().find(|flag| flag.name == name)?;
        let value = self.environment.get(flag.env?)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The value from the flag, else from the environment.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.of_flag(name).or_else(|| self.of_environment(name))
    }

    /// A switch from the flag, else from the environment; `None` if neither speaks.
    pub fn switch(&self, name: &'static str) -> Result<Option<bool>, FlagError> {
        if let Some(text) = self.of_flag(name) {
            return Ok(go_bool(text));
        }
        let Some(text) = self.of_environment(name) else { return Ok(None) };
        let Some(flag) = self.flags.iter().find(|flag| flag.name == name) else { return Ok(None) };
        go_bool(text).map(Some).ok_or_else(|| FlagError::BadVariable {
            variable: flag.env.unwrap_or_default(),
            value: text.to_owned(),
            // Observed on k6 1.1: variables that could be in the configuration file are configuration.
            is_configuration: flag.scope == Scope::Run,
        })
    }

    /// Refuses by name whatever was asked for and is not done.
    pub fn refuse_unsupported(&self) -> Result<(), FlagError> {
        for flag in &self.flags {
            let Support::RefusedUnless(harmless) = flag.support else { continue };
            let asks = |value: &str| {
                let off = flag.value == Value::Switch && go_bool(value) == Some(false);
                !off && !harmless.contains(&value)
            };
            if self.all_of_flag(flag.name).is_some_and(|values| values.iter().any(|value| asks(value))) {
                return Err(FlagError::NotSupported { what: format!("--{}", flag.name) });
            }
            let overridden = self.given.contains_key(flag.name);
            if !overridden && self.of_environment(flag.name).is_some_and(asks) {
                return Err(FlagError::NotSupported { what: flag.env.unwrap_or_default().to_owned() });
            }
        }
        Ok(())
    }
}

/// A truth value as Go's flag parser reads it.
pub fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
