//! `k6 run FILE`, and `throng run FILE` for k6 scripts.

use clap::Command;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::run;
use crate::spec::{Purpose, RunSpec};

/// The command with its flags, those of `scope`; `program` is what the user types before `run`.
pub(in crate::face) fn command(program: &str, flags: &[Flag], scope: Scope) -> Command {
    let command = Command::new("run")
        .about("Run a test: a script, an archive, or - for a script from standard input")
        .override_usage(format!("{program} run [OPTIONS] FILE"))
        .after_help(format!(
            "Options come from the configuration file, the script, the environment and flags; \
             each of these wins over those before it.\n\n\
             Examples:\n  \
             # One virtual user, once.\n  {program} run script.js\n\n  \
             # Five virtual users for ten seconds.\n  {program} run -u 5 -d 10s script.js\n\n  \
             # Up to 100 virtual users within 10 s, stay for a minute, down again.\n  \
             {program} run -u 0 -s 10s:100 -s 60s:100 -s 10s:0 script.js"
        ))
        .arg(flags::positional("file", "The script or archive, or - for standard input"));
    flags::add(command, flags, scope)
}

/// Runs it.
pub(in crate::face) fn execute(invocation: &Invocation) -> Result<Exit, Failure> {
    let spec = RunSpec::new(invocation, "run", Purpose::Run)?;
    Ok(run::run(spec))
}
