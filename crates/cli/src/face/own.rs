//! Throng's own face: `run`, `controller`, `worker`, `k8s`, `fill`, `history`, `compare`, `demo-api`, `entrypoint`, `k6`,
//! `locust`, `python`, `version`, `help`; what is announced is refused by name.

mod cluster;
mod compare;
mod controller;
mod demo_api;
mod entrypoint;
mod fill;
mod history;
mod k8s;
mod worker;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use super::{Invocation, early_terminal, fail_early, k6, locust, python};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope, from_clap};
use crate::header;
use crate::terminal::Stream;

const PROGRAM: &str = "throng";

/// Commands that are designed and not there yet.
const ANNOUNCED: [(&str, &str); 1] = [("check", "Try a script against its target before the run")];

/// Runs a command line without the program's name.
pub(super) fn main(mut args: Vec<OsString>) -> Exit {
    match args.first().and_then(|arg| arg.to_str()) {
        Some("k6") => {
            args.remove(0);
            return k6::main("throng k6", args);
        }
        Some("locust") => {
            args.remove(0);
            return locust::main(args);
        }
        Some("python") => {
            args.remove(0);
            return python::main(args);
        }
        // Started by the package of a locustfile that is watched beside, and by nobody else.
        Some(locust::WATCHER_COMMAND) => return locust::watcher(),
        Some("entrypoint") => {
            args.remove(0);
            let flags = flags::all();
            let root = root(&flags);
            let own: Vec<&str> = root.get_subcommands().map(Command::get_name).chain(["help"]).collect();
            return match entrypoint::main(args, &own) {
                Ok(code) => std::process::exit(code.into()),
                Err(failure) => entrypoint::failed(&failure),
            };
        }
        Some("run") if k8s::forwards(&args) => return k8s::run_with_forwards(args),
        Some("k8s") => args = k8s::ordered(args),
        Some("run") if args[1..].iter().any(|arg| is_python(arg.as_ref())) => {
            args.remove(0);
            return locust::run(args);
        }
        Some(name) => {
            if let Some((name, _)) = ANNOUNCED.iter().find(|(announced, _)| *announced == name) {
                let message = format!("{PROGRAM} {name} is not supported yet");
                return fail_early(&early_terminal(), &Failure::new(Exit::Usage, message));
            }
        }
        None => {}
    }
    let flags = flags::all();
    let mut command = root(&flags);
    match command.try_get_matches_from_mut(args) {
        Ok(matches) => dispatch(&flags, &matches, &mut command),
        Err(error) => match error.kind() {
            ErrorKind::InvalidSubcommand => fail_early(
                &early_terminal(),
                &Failure::new(Exit::Usage, from_clap(&error, PROGRAM).to_string()),
            ),
            _ => k6::report(PROGRAM, &error),
        },
    }
}

fn root(flags: &[Flag]) -> Command {
    let announced = ANNOUNCED
        .iter()
        .map(|(name, about)| Command::new(*name).about(format!("{about} (not supported yet)")));
    let root = Command::new(PROGRAM)
        .bin_name(PROGRAM)
        .no_binary_name(true)
        .disable_version_flag(true)
        .about("Load tests with unmodified k6 scripts and locustfiles")
        .before_help(header::mark(false))
        .max_term_width(110)
        .arg(
            clap::Arg::new("version")
                .long("version")
                .short('V')
                .help("print the version")
                .action(clap::ArgAction::SetTrue),
        )
        .subcommands([
            // What they ask for was done before the command line came here; they are here for the help.
            k6::run::command(PROGRAM, flags, Scope::Cluster).args(k8s::forward_args()),
            controller::command(flags),
            worker::command(),
            k8s::command(),
            fill::command(),
            history::command(flags),
            compare::command(flags),
            demo_api::command(),
            entrypoint::command(),
            Command::new("k6").about("Behave as k6: throng k6 run script.js"),
            Command::new("locust").about("Behave as locust: throng locust -f locustfile.py"),
            Command::new("python").about("Run Python with throng's locust package: throng python script.py"),
            Command::new("version").about("Show the version"),
        ])
        .subcommands(announced);
    flags::add(root, flags, Scope::Global)
}

fn dispatch(flags: &[Flag], matches: &ArgMatches, root: &mut Command) -> Exit {
    let (name, own) = matches.subcommand().unwrap_or(("", matches));
    // Its commands are below it, and global flags may follow them.
    let spoken = if name == "k8s" { own.subcommand().map_or(own, |(_, innermost)| innermost) } else { own };
    let invocation = match Invocation::new(PROGRAM, flags, spoken) {
        Ok(invocation) => invocation,
        Err(failure) => return fail_early(&early_terminal(), &failure),
    };
    let done = match name {
        "run" => k6::run::execute(&invocation),
        "controller" => controller::execute(&invocation, own),
        "worker" => worker::execute(&invocation, own),
        "k8s" => k8s::execute(&invocation, own),
        "fill" => fill::execute(&invocation, own),
        "history" => history::execute(&invocation, own),
        "compare" => compare::execute(&invocation, own),
        "demo-api" => demo_api::execute(own),
        "version" => Ok(version(&invocation)),
        _ if matches.get_flag("version") => Ok(version(&invocation)),
        _ => {
            invocation.terminal.print(Stream::Out, &root.render_help().to_string());
            Ok(Exit::Success)
        }
    };
    k6::conclude(&invocation, done)
}

/// Whether an argument names a locustfile; what else can be run is a k6 script.
pub(super) fn is_python(argument: &Path) -> bool {
    argument.extension().is_some_and(|extension| extension == "py")
}

fn version(invocation: &Invocation) -> Exit {
    let text = format!("throng {}\n", env!("CARGO_PKG_VERSION"));
    invocation.terminal.print(Stream::Out, &text);
    Exit::Success
}
