//! `k6 inspect FILE`: the options that a script sets, as JSON.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::run;
use crate::spec::{Purpose, RunSpec};

/// The command with its flags.
pub(super) fn command(flags: &[Flag]) -> Command {
    let command = Command::new("inspect")
        .about("Show the options of a script or archive")
        .arg(flags::positional("file", "The script or archive"))
        .arg(
            Arg::new("execution-requirements")
                .long("execution-requirements")
                .help("also show the virtual users and the time that the run takes at most")
                .action(ArgAction::SetTrue),
        );
    flags::add(command, flags, Scope::Script)
}

/// Prints them.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let purpose = Purpose::Inspect { requirements: matches.get_flag("execution-requirements") };
    let spec = RunSpec::new(invocation, "inspect", purpose)?;
    Ok(run::run(spec))
}
