//! Starting the tool, and process 1's duties while it runs.
//!
//! The kernel gives process 1 of a container no default action for signals and makes it the parent of every orphan. A
//! test and its Python should not have to know that, so as process 1 this stays, passes signals on and takes leave of
//! the dead. Anywhere else it becomes the tool: then there is nothing to do and one process less.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use signal_hook::consts::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::Signals;

use super::launch::{Launch, Start};
use super::{refused, requirements};
use crate::failure::Failure;
use crate::logging::Logger;

/// What a container is sent.
const PASSED_ON: [i32; 9] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH];

/// Those that a terminal sends to the tool by itself; passed on they would arrive twice, and a second SIGINT means
/// "at once".
const FROM_THE_TERMINAL: [i32; 4] = [SIGINT, SIGQUIT, SIGTSTP, SIGWINCH];

/// Starts it; returns the code that it ended with, if this process did not become it.
pub(super) fn start(
    launch: &Launch,
    without: &[String],
    packages: Option<&Path>,
    log: &Logger,
) -> Result<u8, Failure> {
    let mut command = command(&launch.start)?;
    for name in without {
        command.env_remove(name);
    }
    if let Some(packages) = packages {
        command.env(requirements::USER_BASE, packages);
    }
    let failed =
        |name: &OsStr, error: std::io::Error| refused(format!("start {}: {error}", name.to_string_lossy()));
    if process::id() != 1 {
        let error = command.exec();
        return Err(failed(command.get_program(), error));
    }
    // Before the start: a child may end before one has looked.
    let signals = Signals::new(PASSED_ON.into_iter().chain([SIGCHLD]))
        .map_err(|error| refused(format!("listen for signals: {error}")))?;
    let child = command.spawn().map_err(|error| failed(command.get_program(), error))?;
    let code = watch_over(Pid::from_child(&child), signals, log);
    Ok(code)
}

fn command(start: &Start) -> Result<Command, Failure> {
    Ok(match start {
        Start::Throng(arguments) => {
            let program =
                std::env::current_exe().map_err(|error| refused(format!("find this program: {error}")))?;
            let mut command = Command::new(program);
            command.arg0("throng").args(arguments);
            command
        }
        Start::Program(program, arguments) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    })
}

/// Until the tool ends.
fn watch_over(tool: Pid, mut signals: Signals, log: &Logger) -> u8 {
    let terminal = std::io::stdin().is_terminal();
    for number in signals.forever() {
        if number == SIGCHLD {
            if let Some(code) = bury(tool) {
                return code;
            }
        } else if !(terminal && FROM_THE_TERMINAL.contains(&number)) {
            let sent =
                Signal::from_named_raw(number).map(|signal| rustix::process::kill_process(tool, signal));
            if let Some(Err(error)) = sent {
                log.debug(&format!("passing signal {number} on: {error}"));
            }
        }
    }
    u8::MAX
}

/// Takes leave of all children that are dead; the code of the tool, if it is among them.
fn bury(tool: Pid) -> Option<u8> {
    let mut code = None;
    // It may be several for one signal.
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == tool {
            code = code_of(status).or(code);
        }
    }
    code
}

/// As a shell tells it: 128 and the number for a signal.
fn code_of(status: WaitStatus) -> Option<u8> {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or(signal).and_then(|code| u8::try_from(code).ok())
}
