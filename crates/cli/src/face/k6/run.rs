//! `k6 run FILE`, and `throng run FILE` for k6 scripts.

use clap::Command;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::run;
use crate::spec::{Purpose, RunSpec};

/// The command with its flags.
pub(in crate::face) fn command(flags: &[Flag]) -> Command {
    let command = Command::new("run")
        .about("Run a test")
        .long_about(
            "Run a test: a script, an archive, or `-` for a script from standard input.\n\n\
             Options come from the configuration file, the script, the environment and flags; \
             each of these wins over those before it.",
        )
        .after_help(
            "Examples:\n  \
             # One virtual user, once.\n  {0} run script.js\n\n  \
             # Five virtual users for ten seconds.\n  {0} run -u 5 -d 10s script.js\n\n  \
             # Up to 100 virtual users within 10 s, stay for a minute, down again.\n  \
             {0} run -u 0 -s 10s:100 -s 60s:100 -s 10s:0 script.js"
                .replace("{0}", "k6"),
        )
        .arg(flags::positional("file", "The script or archive, or - for standard input"));
    flags::add(command, flags, Scope::Run)
}

/// Runs it.
pub(in crate::face) fn execute(invocation: &Invocation) -> Result<Exit, Failure> {
    let spec = RunSpec::new(invocation, "run", Purpose::Run)?;
    Ok(run::run(spec))
}
