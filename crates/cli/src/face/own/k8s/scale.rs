//! `throng k8s scale`: more or fewer workers while a test runs.

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_kube::Connection;

use super::{failure, run_arg, settings, the_run, unless_interrupted};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("scale")
        .about("Change the number of workers while a test runs, as kubectl scale does")
        .override_usage("throng k8s scale [OPTIONS] [RUN] --workers N")
        .arg(run_arg(false))
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("number")
                .help("so many")
                .required(true)
                .value_parser(value_parser!(u32).range(0..=1000)),
        )
        .args(settings::place_args())
}

/// Scales.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let workers = matches.get_one("workers").copied().unwrap_or(1);
    let done = unless_interrupted(async {
        let connection = Connection::open(&place).await?;
        let run = the_run(&connection, matches).await?;
        let before = throng_kube::scale(&connection, &run, workers).await?;
        Ok((run, before))
    });
    let (run, before) = done.map_err(failure)?;
    invocation.log.info(&format!("run {run} has {workers} workers wanted now; it had {before}"));
    Ok(Exit::Success)
}
