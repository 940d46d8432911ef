//! `k6 archive FILE`: a script with everything it loads, in one tar file.

use clap::Command;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, FlagError, Scope};

/// The command with its flags.
pub(super) fn command(flags: &[Flag]) -> Command {
    let command = Command::new("archive")
        .about("Pack a script with all it loads into a tar file (not supported yet)")
        .arg(flags::positional("file", "The script"));
    flags::add(command, flags, Scope::Options)
        .arg(clap::Arg::new("archive-out").long("archive-out").short('O').value_name("file").num_args(1))
        .arg(clap::Arg::new("exclude-env-vars").long("exclude-env-vars").action(clap::ArgAction::SetTrue))
}

/// Refuses.
pub(super) fn execute(invocation: &Invocation) -> Result<Exit, Failure> {
    let what = format!("{} archive", invocation.program);
    Err(Failure::other(FlagError::NotSupported { what }.to_string()))
}
