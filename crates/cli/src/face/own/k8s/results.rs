//! `throng k8s results`: what a test wrote, from a run that was left to itself.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use throng_kube::Connection;

use super::{exit_as, failure, run_arg, settings, the_run, unless_interrupted};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("results")
        .about("Bring the results of a run that is over, and end with its exit code")
        .arg(run_arg(false))
        .arg(
            Arg::new("results")
                .long("results")
                .value_name("folder")
                .help("bring them here [default: throng-results/RUN]")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .help("leave the run on the cluster; without, it is deleted once the results are here")
                .action(ArgAction::SetTrue),
        )
        .args(settings::place_args())
}

/// Brings them.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let keep = matches.get_flag("keep");
    let done = unless_interrupted(async {
        let connection = Connection::open(&place).await?;
        let run = the_run(&connection, matches).await?;
        let folder = matches
            .get_one::<PathBuf>("results")
            .cloned()
            .unwrap_or_else(|| PathBuf::from("throng-results").join(run.to_string()));
        let (count, code) = throng_kube::results(&connection, &run, &folder, !keep).await?;
        if !keep {
            throng_kube::delete(&connection, &run).await?;
        }
        Ok((folder, count, code))
    });
    let (folder, count, code) = done.map_err(failure)?;
    invocation.log.info(&throng_kube::results_are_in(count, &folder));
    Ok(exit_as(code))
}
