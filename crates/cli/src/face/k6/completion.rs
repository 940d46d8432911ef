//! `k6 completion SHELL`: a script that completes commands and flags.

use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::terminal::Stream;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("completion")
        .about("Print a completion script for your shell")
        .after_help("Load it with, for example: source <(k6 completion bash)")
        .arg(Arg::new("shell").value_parser(["bash", "fish", "powershell", "zsh"]))
}

/// Prints the script, or the help if no shell is named.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches, mut root: Command) -> Exit {
    let shell = match matches.get_one::<String>("shell").map(String::as_str) {
        Some("bash") => Shell::Bash,
        Some("fish") => Shell::Fish,
        Some("powershell") => Shell::PowerShell,
        Some(_) => Shell::Zsh,
        None => {
            let help = command().render_help().to_string();
            invocation.terminal.print(Stream::Out, &help);
            return Exit::Success;
        }
    };
    let mut script = Vec::new();
    // The name that the shell completes is the link, whatever was typed now.
    clap_complete::generate(shell, &mut root, "k6", &mut script);
    invocation.terminal.print_bytes(Stream::Out, &script);
    Exit::Success
}
