//! `throng k8s logs`: what the pods of a run wrote.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use throng_kube::output::{self, Which};
use throng_kube::runtime;

use super::{connect, failure, run_arg, settings, the_run};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::terminal::Stream;

/// The command with its flags.
pub(super) fn command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    Command::new("logs")
        .about("Show what the controller of a run wrote, or its workers")
        .arg(run_arg(false))
        .arg(switch("workers", "the workers' output, each line after the pod's name"))
        .arg(switch("follow", "go on until the run has ended, with pods that come later").short('f'))
        .arg(
            switch("previous", "of containers that were started again, what they wrote before")
                .conflicts_with("follow"),
        )
        .arg(
            Arg::new("tail")
                .long("tail")
                .value_name("lines")
                .help("only so many lines from the end")
                .conflicts_with("follow")
                .value_parser(value_parser!(i64).range(0..)),
        )
        .args(settings::place_args())
}

/// Shows them.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let workers = matches.get_flag("workers");
    let print = |pod: &str, line: &str| {
        let text = if workers { format!("{pod}  {line}\n") } else { format!("{line}\n") };
        invocation.terminal.print(Stream::Out, &text);
    };
    let done = runtime::block_on(async {
        let stop = runtime::signals()?;
        let connection = connect(&place, &stop).await?;
        let run = the_run(&connection, matches).await?;
        if matches.get_flag("follow") {
            let each = |pod: &str, line: &[u8]| print(pod, &String::from_utf8_lossy(line));
            unless_ended(output::follow(&connection, &run, workers, each), runtime::signalled(stop)).await
        } else {
            let which = Which {
                workers,
                previous: matches.get_flag("previous"),
                tail: matches.get_one("tail").copied(),
            };
            unless_ended(output::logs(&connection, &run, which, print), runtime::signalled(stop)).await
        }
    });
    done.map(|()| Exit::Success).map_err(failure)
}

/// The work, or nothing more once the signal comes: who reads a log ends that with Ctrl-C.
async fn unless_ended(
    work: impl Future<Output = throng_kube::Result<()>>,
    signal: impl Future<Output = ()>,
) -> throng_kube::Result<()> {
    runtime::until(work, signal).await.unwrap_or(Ok(()))
}
