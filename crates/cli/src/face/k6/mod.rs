//! The k6 face: k6's command line, variables and exit codes.
//!
//! One command per file. The oracle is k6 1.1; commands that k6 2 dropped or added are known by name.

mod archive;
mod cloud;
mod completion;
mod inspect;
mod new;
mod remote;
pub(super) mod run;
mod version;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use super::{Invocation, early_terminal, fail_early};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope, from_clap};
use crate::header;
use crate::terminal::Stream;

/// Runs a command line of k6's without the program's name, which is `program` as the user types it.
pub fn main(program: &'static str, args: Vec<OsString>) -> Exit {
    let flags = flags::all();
    let mut command = root(program, &flags);
    match command.try_get_matches_from_mut(args) {
        Ok(matches) => dispatch(program, &flags, &matches, command),
        Err(error) => report(program, &error),
    }
}

/// Tells what clap has to say: help that was asked for, or an error.
pub(super) fn report(program: &str, error: &clap::Error) -> Exit {
    let terminal = early_terminal();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            terminal.print(Stream::Out, &error.to_string());
            Exit::Success
        }
        _ => fail_early(&terminal, &from_clap(error, program).into()),
    }
}

fn root(program: &'static str, flags: &[Flag]) -> Command {
    let root = Command::new(program)
        .bin_name(program)
        .no_binary_name(true)
        .disable_version_flag(true)
        .about("Runs k6 scripts on throng's engine")
        .before_help(header::mark(false))
        .max_term_width(110)
        .arg(
            clap::Arg::new("version")
                .long("version")
                .help("print the version")
                .action(clap::ArgAction::SetTrue),
        )
        .subcommands([
            archive::command(flags),
            cloud::command(),
            cloud::login_command(),
            completion::command(),
            inspect::command(flags),
            new::command(),
            run::command(program, flags, Scope::Run),
            version::command(),
        ])
        .subcommands(remote::commands());
    flags::add(root, flags, Scope::Global)
}

fn dispatch(program: &'static str, flags: &[Flag], matches: &ArgMatches, mut root: Command) -> Exit {
    let (name, own) = match matches.subcommand() {
        Some((name, own)) => (name, own),
        None => ("", matches),
    };
    let invocation = match Invocation::new(program, flags, own) {
        Ok(invocation) => invocation,
        Err(failure) => return fail_early(&early_terminal(), &failure),
    };
    let done = match name {
        "" if matches.get_flag("version") => Ok(version::execute(&invocation, own)),
        "" => {
            invocation.terminal.print(Stream::Out, &root.render_help().to_string());
            Ok(Exit::Success)
        }
        "archive" => archive::execute(&invocation),
        "cloud" | "login" => cloud::execute(&invocation, name),
        // A command of its own: the one that was parsed knows itself as what was typed, such as `throng k6`.
        "completion" => Ok(completion::execute(&invocation, own, self::root("k6", flags))),
        "inspect" => inspect::execute(&invocation, own),
        "new" => new::execute(&invocation, own),
        "run" => run::execute(&invocation),
        "version" => Ok(version::execute(&invocation, own)),
        name => remote::execute(&invocation, name, own),
    };
    conclude(&invocation, done)
}

/// Logs a failure and gives the code to end with.
pub(super) fn conclude(invocation: &Invocation, done: Result<Exit, Failure>) -> Exit {
    done.unwrap_or_else(|failure| {
        invocation.log.error(&failure.message);
        failure.exit
    })
}
