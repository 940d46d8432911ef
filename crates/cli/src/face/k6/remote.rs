//! Commands that talk to the REST API of a running test, and those that k6 2 added.

use clap::Command;

use super::cloud::swallowing;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

const COMMANDS: [(&str, &str); 8] = [
    ("deps", "List what a script depends on (not supported yet)"),
    ("features", "List features on trial (not supported yet)"),
    ("pause", "Pause a running test (not supported yet)"),
    ("resume", "Resume a paused test (not supported yet)"),
    ("scale", "Change the virtual users of a running test (not supported yet)"),
    ("stats", "Show the metrics of a running test (not supported yet)"),
    ("status", "Show the state of a running test (not supported yet)"),
    ("x", "Run a command of an extension (not supported yet)"),
];

/// The commands.
pub(super) fn commands() -> impl Iterator<Item = Command> {
    COMMANDS.iter().map(|&(name, about)| swallowing(name, about))
}

/// Refuses.
pub(super) fn execute(invocation: &Invocation, name: &str) -> Result<Exit, Failure> {
    let why = match name {
        "deps" | "features" | "x" => "",
        _ => ": the REST API is missing",
    };
    Err(Failure::other(format!("{} {name} is not supported yet{why}", invocation.program)))
}
