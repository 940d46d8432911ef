//! `throng k8s run`: a script or locustfile on a cluster, from making its objects to its exit code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use throng_kube::settings::Settings;
use throng_kube::wanted::{Carrier, PYTHON_IMAGE, Wanted, token};
use throng_kube::{RunName, Say, runtime};

use super::super::cluster;
use super::plan::Circumstances;
use super::tell::Teller;
use super::{connect, exit_as, failure, plan, settings};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

const RUN: &str = "Run";

/// The flags about what is made; `run` and `manifests` have them.
pub(super) fn shared_args() -> Vec<Arg> {
    let mut args = settings::place_args();
    args.extend(settings::pod_args());
    args.extend(
        [
            Arg::new("workers")
                .long("workers")
                .value_name("number")
                .help("generate the load with so many pods [default: 1]")
                .value_parser(value_parser!(u32).range(1..=1000)),
            Arg::new("name")
                .long("name")
                .value_name("name")
                .help("the name of the run [default: one that nobody has]")
                .value_parser(|text: &str| RunName::new(text).map_err(|error| error.to_string())),
            Arg::new("secret-files")
                .long("secret-files")
                .help("keep the script and its files in a Secret instead of a ConfigMap")
                .action(ArgAction::SetTrue),
            cluster::time_arg(
                "hold",
                "10m",
                "the controller keeps its results so long for somebody to bring them",
            ),
            Arg::new("requirements")
                .long("requirements")
                .value_name("file")
                .help(
                    "install the Python packages of this file in the pods first [default: requirements.txt beside the \
                     locustfile]",
                ),
            Arg::new("test")
                .value_name("FILE")
                .help("the script or locustfile, and its own options")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true),
        ]
        .map(|arg| arg.help_heading(RUN)),
    );
    args
}

/// The flags about how a run is followed; `run` and `fill` have them.
pub(super) fn follow_args() -> [Arg; 2] {
    [
        cluster::time_arg("start-timeout", "5m", "pods may take so long to start").help_heading(RUN),
        Arg::new("keep")
            .long("keep")
            .help("leave everything on the cluster at the end, to be looked at")
            .action(ArgAction::SetTrue)
            .help_heading(RUN),
    ]
}

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("run")
        .about("Run a script or locustfile on a cluster, and end with its exit code")
        .override_usage("throng k8s run [OPTIONS] FILE [OPTIONS] [THE TEST'S OWN OPTIONS]")
        .after_help(
            "What follows FILE and is no flag of this command is the test's own: what throng run or locust take. After \
             -- all of it is. The script, its modules and its data files travel; of a locustfile its whole folder, but \
             for what .throngignore names.\n\n\
             Ctrl-C ends the test with its summary; once more takes everything away at once.\n\n\
             Examples:\n  \
             throng k8s run script.js --workers 3 -e BASE_URL=http://api.shop.svc\n  \
             throng k8s run locustfile.py --workers 5 --headless -u 500 -r 50 -t 10m -H http://api.shop.svc",
        )
        .args(shared_args())
        .args(follow_args())
        .args(
            [
                Arg::new("detach")
                    .long("detach")
                    .help("end once the test runs; bring its results later with throng k8s results")
                    .action(ArgAction::SetTrue)
                    .conflicts_with("keep"),
                Arg::new("results")
                    .long("results")
                    .value_name("folder")
                    .help("bring results here [default: throng-results/NAME]; off for none")
                    .value_parser(value_parser!(PathBuf)),
                Arg::new("page-port")
                    .long("page-port")
                    .value_name("port")
                    .help("bring the page to this port of this machine, or to a free one if it is taken; off for none")
                    .default_value("8089")
                    .value_parser(|text: &str| match text {
                        "off" => Ok(None),
                        text => text.parse::<u16>().map(Some).map_err(|_| "use a port, or off".to_owned()),
                    }),
            ]
            .map(|arg| arg.help_heading(RUN)),
        )
}

/// What a command line asks for, for a namespace.
pub(super) fn wanted(
    matches: &ArgMatches,
    mut settings: Settings,
    namespace: &str,
) -> Result<Wanted, Failure> {
    let run = match matches.get_one::<RunName>("name") {
        Some(name) => name.clone(),
        None => RunName::random().map_err(failure)?,
    };
    let workers = matches.get_one("workers").copied().or(settings.workers).unwrap_or(1);
    let arguments: Vec<String> = matches.get_many::<String>("test").into_iter().flatten().cloned().collect();
    let requirements = matches.get_one::<String>("requirements").cloned();
    let written = settings
        .env
        .iter()
        .filter_map(|one| Some((one.name.clone(), one.value.as_ref()?.replace("$$(", "$("))));
    let taken = settings.secret_env.iter().map(|(name, value)| (name.clone(), value.clone()));
    let known = Circumstances {
        workers,
        run: &run,
        namespace,
        requirements: requirements.as_deref(),
        variables: written.chain(taken).collect(),
    };
    let test = plan::test(&arguments, &known)?;
    if test.is_python {
        settings.image.get_or_insert_with(|| PYTHON_IMAGE.to_owned());
    }
    let is_secret = matches.get_flag("secret-files");
    let carrier = match (test.collected.files.fit_in_object(is_secret), is_secret) {
        (false, _) => Carrier::Upload,
        (true, true) => Carrier::Secret,
        (true, false) => Carrier::ConfigMap,
    };
    Ok(Wanted {
        run,
        namespace: namespace.to_owned(),
        settings,
        script: arguments.first().cloned().unwrap_or_default(),
        command: test.command,
        workers: test.workers,
        files: test.collected.files,
        folder: test.collected.folder,
        carrier,
        token: token().map_err(failure)?,
        hold: cluster::time(matches, "hold"),
        has_page: test.has_page,
        watches: test.watches,
        requirements,
    })
}

/// Runs it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let settings = settings::settings(matches)?;
    let place = settings::place(matches, &settings);
    let namespace = plan::namespace_of(&place)?;
    let written = settings.env.iter().map(|variable| variable.name.clone());
    let passed: Vec<String> = written.chain(settings.secret_env.keys().cloned()).collect();
    let wanted = wanted(matches, settings, &namespace)?;
    let stays = plan::stays_here(&passed);
    if !stays.is_empty() {
        invocation.log.warn(&format!(
            "variables of this shell are not passed on: {}; give --pod-env NAME for those that the test needs",
            stays.join(", ")
        ));
    }
    let options = throng_kube::run::Options {
        start_timeout: cluster::time(matches, "start-timeout"),
        keep: matches.get_flag("keep"),
        detach: matches.get_flag("detach"),
        results: match matches.get_one::<PathBuf>("results") {
            Some(folder) if folder.as_os_str() == "off" => None,
            Some(folder) => Some(folder.clone()),
            None if matches.get_flag("detach") => None,
            None => Some(PathBuf::from("throng-results").join(wanted.run.to_string())),
        },
        page: matches.get_one::<Option<u16>>("page-port").copied().flatten(),
    };
    let say: Arc<dyn Say> = Arc::new(Teller::new(invocation)?);
    let code = runtime::block_on(async {
        let stop = runtime::signals()?;
        let connection = connect(&place, &stop).await?;
        throng_kube::run(&connection, wanted, &options, &say, stop).await
    });
    code.map(exit_as).map_err(failure)
}

/// The time that a finished pod without results waits.
pub(super) const NO_HOLD: Duration = Duration::ZERO;
