//! From the table to clap.
//!
//! Flags behave as in k6's parser: switches take `=false`, a repeated flag overrides, and what follows a
//! flag is its value even if it begins with a dash (`-u -1`).

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command};

use super::duration::is_go_duration;
use super::table::{Flag, Scope, Value};
use super::values::go_bool;

/// Gives `command` the flags of the table that commands of `scope` have, but for the global ones, which
/// belong to the root.
pub fn add(command: Command, flags: &[Flag], scope: Scope) -> Command {
    let own = flags.iter().filter(|flag| match scope {
        Scope::Global => flag.scope == Scope::Global,
        scope => flag.scope != Scope::Global && flag.scope.is_part_of(scope),
    });
    own.fold(command.args_override_self(true), |command, flag| command.arg(arg(flag)))
}

/// The positional arguments of a command, counted by the command itself for the sake of its message.
pub fn positional(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .value_name(name.to_uppercase())
        .help(help)
        .num_args(0..)
        .action(ArgAction::Append)
        .value_parser(NonEmptyStringValueParser::new())
}

fn arg(flag: &Flag) -> Arg {
    let mut arg = Arg::new(flag.name)
        .long(flag.name)
        .help(help(flag))
        .value_name(flag.placeholder.to_string())
        .global(flag.scope == Scope::Global);
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    if flag.scope == Scope::Global {
        arg = arg.help_heading("Global options");
    }
    match flag.value {
        Value::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_parser(|text: &str| match go_bool(text) {
                Some(_) => Ok(text.to_owned()),
                None => Err("expected true or false"),
            }),
        Value::One => arg.num_args(1).allow_hyphen_values(true),
        Value::Duration => arg.num_args(1).allow_hyphen_values(true).value_parser(|text: &str| {
            is_go_duration(text)
                .then(|| text.to_owned())
                .ok_or("expected a duration such as 1h30m, 90s or 500ms")
        }),
        Value::Optional(missing) => arg.num_args(0..=1).require_equals(true).default_missing_value(missing),
        Value::Many => arg.num_args(1).allow_hyphen_values(true).action(ArgAction::Append),
    }
}

fn help(flag: &Flag) -> String {
    match flag.env {
        Some(env) => format!("{} [env: {env}]", flag.help),
        None => flag.help.to_owned(),
    }
}
