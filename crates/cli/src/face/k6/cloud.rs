//! `k6 cloud` and `k6 login`: k6's paid service, which throng does not talk to.

use clap::{Arg, Command};

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command; takes anything, as it does nothing.
pub(super) fn command() -> Command {
    swallowing("cloud", "Run a test in Grafana Cloud (not supported)")
}

/// The command; takes anything, as it does nothing.
pub(super) fn login_command() -> Command {
    swallowing("login", "Authenticate with a service (not supported)")
}

/// Refuses.
pub(super) fn execute(invocation: &Invocation, name: &str) -> Result<Exit, Failure> {
    let program = &invocation.program;
    Err(Failure::other(format!(
        "{program} {name} is not supported: throng has no connection to Grafana Cloud; use {program} run"
    )))
}

/// A command that accepts every argument, to be refused with its own message instead of the parser's.
pub(super) fn swallowing(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(Arg::new("arguments").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).hide(true))
}
