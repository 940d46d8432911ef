//! `throng k8s`: runs on Kubernetes. One command a file.

mod args;
mod check;
mod delete;
mod fill;
mod forward;
mod local;
mod logs;
mod manifests;
mod plan;
mod post;
mod results;
mod run;
mod scale;
mod settings;
mod status;
mod tell;

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command};
use throng_kube::runtime::{self, Signals};
use throng_kube::{Connection, Error, Place, RunName};
use throng_stores::secret::Address;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

pub(super) use local::{args as forward_args, forwards, main as run_with_forwards};

/// The command with its own.
pub(super) fn command() -> Command {
    Command::new("k8s")
        .about("Run on Kubernetes: from a script to its results in one command")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "Exit codes: run and fill end with the test's own; 104 something in the command is wrong, 105 stopped by a \
             signal, 114 the cluster refused or a pod does not start, 115 the cluster cannot be reached.\n\n\
             Examples:\n  \
             throng k8s check --target svc/api\n  \
             throng k8s run script.js --workers 3 --image registry.example/throng:1\n  \
             throng k8s run locustfile.py --workers 5 --headless -u 500 -r 50 -t 10m -H http://api\n  \
             throng run --forward svc/api:8080 script.js",
        )
        .subcommands([
            run::command(),
            fill::command(),
            scale::command(),
            status::command(),
            logs::command(),
            forward::command(),
            results::command(),
            delete::command(),
            manifests::command(),
            check::command(),
            post::command(),
        ])
}

/// Puts a command line in order before it is parsed: what is the test's own goes to the end.
pub(super) fn ordered(args: Vec<OsString>) -> Vec<OsString> {
    match args.get(1).and_then(|name| name.to_str()) {
        Some("run") => args::after_file(&run::command(), args),
        Some("manifests") => args::after_file(&manifests::command(), args),
        Some("fill") => args::after_own(&fill::command(), args),
        _ => args,
    }
}

/// Runs one; `matches` are those of `k8s` itself.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let Some((name, own)) = matches.subcommand() else {
        return Err(Failure::new(Exit::Usage, "throng k8s needs a command"));
    };
    match name {
        "run" => run::execute(invocation, own),
        "fill" => fill::execute(invocation, own),
        "scale" => scale::execute(invocation, own),
        "status" => status::execute(invocation, own),
        "logs" => logs::execute(invocation, own),
        "forward" => forward::execute(invocation, own),
        "results" => results::execute(invocation, own),
        "delete" => delete::execute(invocation, own),
        "manifests" => manifests::execute(invocation, own),
        "check" => check::execute(invocation, own),
        "post" => post::execute(invocation, own),
        other => Err(Failure::new(Exit::Usage, format!("throng k8s {other} is not known"))),
    }
}

/// A failure with its exit code.
fn failure(error: Error) -> Failure {
    let exit = match &error {
        Error::Interrupted => Exit::Signal,
        error if error.is_unavailable() => Exit::ClusterUnavailable,
        Error::Refused { .. } | Error::Unauthorized { .. } | Error::Pod(_) => Exit::ClusterRefused,
        Error::Local(_) => Exit::Other,
        _ => Exit::InvalidConfig,
    };
    Failure::new(exit, error.to_string())
}

/// The code of a process elsewhere, as this one's.
fn exit_as(code: i32) -> Exit {
    match Exit::ALL.into_iter().find(|exit| i32::from(exit.code()) == code) {
        Some(exit) => exit,
        // A code of the test's own choice, as Locust lets its authors choose.
        None => std::process::exit(code),
    }
}

/// Connects, unless a signal comes first: credentials and tunnels may ask somebody for something.
async fn connect(place: &Place, stop: &Signals) -> throng_kube::Result<Connection> {
    let opened = runtime::until(Connection::open(place), runtime::signalled(stop.clone())).await;
    opened.unwrap_or(Err(Error::Interrupted))
}

/// Whether a word is an address with a password in it.
fn has_password(word: &str) -> bool {
    // In one that is not escaped as it should be, a password may have what ends the hosts' part in it.
    let before_hosts = word.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let is_there = before_hosts.is_some_and(|(credentials, _)| credentials.contains(':'));
    !word.starts_with('-')
        && (is_there || Address::new(word, None).is_ok_and(|address| address.has_password()))
}

/// Does some work, unless a signal comes first.
fn unless_interrupted<T>(work: impl Future<Output = throng_kube::Result<T>>) -> throng_kube::Result<T> {
    runtime::block_on(async {
        let stop = runtime::signals()?;
        runtime::until(work, runtime::signalled(stop)).await.unwrap_or(Err(Error::Interrupted))
    })
}

/// The argument with a run's name.
fn run_arg(required: bool) -> Arg {
    Arg::new("run")
        .value_name("RUN")
        .help("the name of a run; without one, the only one of the namespace")
        .required(required)
        .value_parser(|text: &str| RunName::new(text).map_err(|error| error.to_string()))
}

/// The run that is meant: the one that was named, or the only one.
async fn the_run(connection: &Connection, matches: &ArgMatches) -> throng_kube::Result<RunName> {
    if let Ok(Some(run)) = matches.try_get_one::<RunName>("run") {
        return Ok(run.clone());
    }
    let mut runs = throng_kube::runs(connection).await?;
    match (runs.len(), runs.pop()) {
        (1, Some(run)) => Ok(run),
        (0, _) => {
            Err(Error::Unusable(format!("there is no run of throng in namespace {}", connection.namespace)))
        }
        (_, last) => {
            runs.extend(last);
            let names: Vec<String> = runs.iter().map(ToString::to_string).collect();
            Err(Error::Unusable(format!("there are several runs: name one of {}", names.join(", "))))
        }
    }
}
