//! `throng run --forward svc/NAME:PORT`: a test on this machine against a service of a cluster.
//!
//! The test is a process of its own, whichever face it has: what carries its connections shares no thread with its load.

use std::ffi::OsString;
use std::sync::Arc;

use clap::{Arg, ArgAction, Command};
use throng_kube::forward::{Forward, Target};
use throng_kube::{Error, runtime};

use super::{connect, exit_as, failure, settings};
use crate::exit::Exit;
use crate::face::{early_terminal, fail_early};
use crate::failure::Failure;
use crate::flags::from_clap;
use crate::logging::LogSetup;

/// Whether a command line of `run` asks for it.
pub(in crate::face::own) fn forwards(args: &[OsString]) -> bool {
    let before = args.iter().take_while(|arg| *arg != "--");
    before
        .into_iter()
        .any(|arg| arg == "--forward" || arg.to_str().is_some_and(|text| text.starts_with("--forward=")))
}

/// The flags that are taken from the command line of `run`.
pub(in crate::face::own) fn args() -> Vec<Arg> {
    let mut args = vec![
        Arg::new("forward")
            .long("forward")
            .value_name("svc/NAME:PORT")
            .help("bring a service of a cluster to 127.0.0.1:PORT for the time of the test; also svc/NAME:LOCAL:PORT")
            .action(ArgAction::Append)
            .value_parser(|text: &str| text.parse::<Target>()),
    ];
    // `-n` is for the cluster's own commands.
    args.extend(settings::place_args().into_iter().map(|arg| {
        match arg.get_id().as_str() {
            "namespace" => Arg::new("namespace")
                .long("namespace")
                .value_name("name")
                .help("the namespace of what is forwarded"),
            _ => arg,
        }
    }));
    args.into_iter().map(|arg| arg.help_heading("Cluster, with --forward")).collect()
}

/// Runs `run ARGS` with its forwards.
pub(in crate::face::own) fn main(args: Vec<OsString>) -> Exit {
    attempt(args).unwrap_or_else(|failure| fail_early(&early_terminal(), &failure))
}

fn attempt(args: Vec<OsString>) -> Result<Exit, Failure> {
    let command = Command::new("run").no_binary_name(true).args(self::args());
    let (own, test) = split(&command, args);
    let matches = command.try_get_matches_from(own).map_err(|error| from_clap(&error, "throng run"))?;
    let place = settings::place(&matches, &throng_kube::settings::Settings::default());
    let targets: Vec<Target> = matches.get_many("forward").into_iter().flatten().cloned().collect();
    let log = LogSetup::default().open(&early_terminal())?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::other(format!("cannot find this program: {error}")))?;
    let code = runtime::block_on(async {
        let stop = runtime::signals()?;
        let connection = connect(&place, &stop).await?;
        let mut open = Vec::new();
        for target in targets {
            let (tell, text) = (log.clone(), target.to_string());
            let forward =
                Forward::open(&connection, target, false, Arc::new(move |text| tell.error(&text))).await?;
            log.info(&format!("{text} of namespace {} is at {}", connection.namespace, forward.address));
            open.push(forward);
        }
        runtime::child(&program, &test)
            .await
            .map_err(|error| Error::Local(format!("cannot start the test: {error}")))
    });
    code.map(exit_as).map_err(failure)
}

/// Our flags, and everything else in its order.
fn split(command: &Command, args: Vec<OsString>) -> (Vec<OsString>, Vec<OsString>) {
    let (mut own, mut test) = (Vec::new(), Vec::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        if text == "--" {
            test.push(arg);
            test.extend(args.by_ref());
            break;
        }
        let (name, has_value) = text.split_once('=').map_or((text, false), |(name, _)| (name, true));
        let long = name.strip_prefix("--");
        let is_ours = long.is_some() && command.get_arguments().any(|known| known.get_long() == long);
        if is_ours {
            own.push(arg);
            if !has_value {
                own.extend(args.next());
            }
        } else {
            test.push(arg);
        }
    }
    (own, test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_cluster_is_taken() {
        let command = Command::new("run").args(args());
        let words = "run --forward svc/api:80 -u 5 load.js --context=k3s --namespace shop -e A=b";
        let (own, test) = split(&command, words.split(' ').map(OsString::from).collect());
        assert_eq!(own, ["--forward", "svc/api:80", "--context=k3s", "--namespace", "shop"]);
        assert_eq!(test, ["run", "-u", "5", "load.js", "-e", "A=b"]);
        assert!(forwards(&["run".into(), "--forward=svc/a:1".into()]));
        assert!(!forwards(&["run".into(), "--".into(), "--forward".into()]));
    }
}
