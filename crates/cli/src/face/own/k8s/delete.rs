//! `throng k8s delete`: takes runs away.

use clap::{Arg, ArgAction, ArgMatches, Command};
use throng_kube::Connection;

use super::{failure, run_arg, settings, the_run, unless_interrupted};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("delete")
        .about("Take a run away, whole or what is left of it")
        .arg(run_arg(false).conflicts_with("all"))
        .arg(Arg::new("all").long("all").help("all runs of the namespace").action(ArgAction::SetTrue))
        .args(settings::place_args())
}

/// Deletes.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let done = unless_interrupted(async {
        let connection = Connection::open(&place).await?;
        let runs = if matches.get_flag("all") {
            throng_kube::runs(&connection).await?
        } else {
            vec![the_run(&connection, matches).await?]
        };
        let mut gone = Vec::new();
        for run in runs {
            let found = throng_kube::delete(&connection, &run).await?;
            gone.push((run, found));
        }
        Ok((connection.namespace, gone))
    });
    let (namespace, gone) = done.map_err(failure)?;
    if gone.iter().all(|(_, found)| found.is_empty()) {
        invocation.log.info(&format!("there was nothing to delete in namespace {namespace}"));
    }
    for (run, found) in gone.iter().filter(|(_, found)| !found.is_empty()) {
        let names: Vec<String> = found.iter().map(|one| format!("{} {}", one.kind, one.name)).collect();
        invocation.log.info(&format!("run {run} is deleted: {}", names.join(", ")));
    }
    Ok(Exit::Success)
}
