//! `throng entrypoint`: what starts first in the container image; see [`crate::container`].

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::LogSetup;
use crate::{container, face};

/// The command, for the help only: its arguments are not throng's to read.
pub(super) fn command() -> Command {
    Command::new("entrypoint")
        .about("Start what a container's environment asks for")
        .override_usage("throng entrypoint [ARGUMENT]...")
        .after_help(
            "Arguments are passed on: a command of throng, k6 or locust, options of locust, or a program. Without them, \
             and beside options, the environment decides:\n  \
             LOCUST_MODE              standalone, master, worker or slave, in any case\n  \
             LOCUST_MASTER            where a worker finds its master (or LOCUST_MASTER_HOST)\n  \
             LOCUST_MASTER_BIND_PORT  the master's port, for both\n  \
             TARGET_HOST              what to load (or ATTACKED_HOST)\n  \
             LOCUST_FILE              the test; else the one in the working directory, /locust, /mnt/locust, \
             /locust-tasks, /test or /home/locust\n  \
             LOCUST_OPTS              more options (and LOCUST_OPTIONS)\n  \
             THRONG_REQUIREMENTS      Python packages to install first; else requirements.txt beside the test; empty for \
             none\n\n\
             As process 1 it passes signals on and takes leave of orphans; elsewhere it becomes what it starts.",
        )
        .arg(
            Arg::new("argument")
                .value_name("ARGUMENT")
                .help("What to start")
                .action(ArgAction::Append)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString)),
        )
}

/// Runs it; the code is the tool's, so that it need not be one of throng's.
pub(super) fn main(args: Vec<OsString>, own: &[&str]) -> Result<u8, Failure> {
    let log = LogSetup::default().open(&face::early_terminal())?;
    container::run(args, own, face::python::interpreter_of_process, &log)
}

/// How it is told that it failed.
pub(super) fn failed(failure: &Failure) -> Exit {
    face::fail_early(&face::early_terminal(), failure)
}
