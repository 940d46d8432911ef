//! `throng k8s forward`: the page of a run, or any service, on a port of this machine.

use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_kube::forward::{Forward, Kind, Target};
use throng_kube::wanted::port;
use throng_kube::{RunName, runtime};

use super::{connect, failure, settings, the_run};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("forward")
        .about("Bring the page of a run, or a service, to a port of this machine")
        .override_usage("throng k8s forward [OPTIONS] [RUN | svc/NAME:PORT]...")
        .after_help(
            "A forward goes on when the pod behind it is replaced.\n\n\
             Examples:\n  \
             throng k8s forward\n  \
             throng k8s forward svc/api:8080 deployment/mongo:27017",
        )
        .arg(
            Arg::new("what")
                .value_name("RUN")
                .help("a run, or svc/NAME:PORT, svc/NAME:LOCAL:PORT")
                .num_args(0..),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("port")
                .help("the port here for the page of a run")
                .default_value("8089")
                .value_parser(value_parser!(u16)),
        )
        .args(settings::place_args())
}

/// Forwards until a signal comes.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let mut targets = Vec::new();
    let mut named = None;
    for what in matches.get_many::<String>("what").into_iter().flatten() {
        if what.contains('/') {
            let target: Target = what.parse().map_err(|error: String| Failure::new(Exit::Usage, error))?;
            targets.push(target);
        } else {
            named = Some(RunName::new(what).map_err(failure)?);
        }
    }
    let local = matches.get_one("port").copied().unwrap_or(port::PAGE);
    let done = runtime::block_on(async {
        let stop = runtime::signals()?;
        let connection = connect(&place, &stop).await?;
        if targets.is_empty() || named.is_some() {
            let run = match named {
                Some(run) => run,
                None => the_run(&connection, matches).await?,
            };
            targets.push(Target {
                kind: Kind::Service,
                name: run.object(),
                local,
                remote: port::PAGE.to_string(),
            });
        }
        let mut open = Vec::new();
        for target in targets {
            let log = invocation.log.clone();
            let text = target.to_string();
            let forward =
                Forward::open(&connection, target, false, Arc::new(move |text| log.warn(&text))).await?;
            invocation.log.info(&format!("{text} is at {}", forward.address));
            open.push(forward);
        }
        runtime::signalled(stop).await;
        Ok(())
    });
    done.map(|()| Exit::Success).map_err(failure)
}
