//! `throng k8s fill`: fills a database from within the cluster, where it can be reached.

use std::path::Path;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_kube::files::Collector;
use throng_kube::wanted::{Carrier, Wanted, Workers, port, token};
use throng_kube::{RunName, Say, runtime};

use super::super::{cluster, fill};
use super::run::{NO_HOLD, follow_args};
use super::tell::Teller;
use super::{connect, exit_as, failure, has_password, plan, settings};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("fill")
        .about("Fill a database from within a cluster: throng fill as a job")
        .override_usage("throng k8s fill [OPTIONS] [OPTIONS OF throng fill] URL --until SIZE")
        .after_help(
            "What is no flag of this command is throng fill's own; see throng fill --help. A template travels. Passwords \
             are better kept in a Secret: --pod-env-from secret/NAME with CLUSTER_URL or THRONG_FILL_PASSWORD in it.\n\n\
             Examples:\n  \
             throng k8s fill mongodb://mongo.shop.svc/sample --until 64MB\n  \
             throng k8s fill --pod-env-from secret/mongo --until 64MB\n  \
             throng k8s fill --workers 3 --pod-env-from secret/mongo --until 64GB",
        )
        .args(settings::place_args())
        .args(settings::pod_args())
        .args(follow_args())
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("name")
                .help("the name of the run [default: one that nobody has]")
                .value_parser(|text: &str| RunName::new(text).map_err(|error| error.to_string())),
        )
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("number")
                .help("make and send the records in so many pods beside the first, which leads them")
                .value_parser(value_parser!(u32).range(1..=1000)),
        )
        .arg(
            Arg::new("fill")
                .value_name("ARGUMENTS")
                .help("what throng fill takes")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true),
        )
}

/// Runs it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let mut settings = settings::settings(matches)?;
    let place = settings::place(matches, &settings);
    let namespace = plan::namespace_of(&place)?;
    let mut arguments: Vec<String> =
        matches.get_many::<String>("fill").into_iter().flatten().cloned().collect();
    // Command lines of pods can be read by many; what is in a Secret by fewer.
    if let Some(at) = arguments.iter().position(|word| has_password(word)) {
        settings.secret_env.insert(fill::variable::URL.to_owned(), arguments.remove(at));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::other(format!("cannot tell the working directory: {error}")))?;
    let mut collector = Collector::new(here.clone());
    for word in &arguments {
        let value = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
        if !value.is_empty() && here.join(value).is_file() {
            collector.file(Path::new(value)).map_err(failure)?;
        }
    }
    let collected = collector.finish().map_err(failure)?;
    let run = match matches.get_one::<RunName>("name") {
        Some(name) => name.clone(),
        None => RunName::random().map_err(failure)?,
    };
    let (command, workers) = match matches.get_one::<u32>("workers") {
        None => (fill(&[], &arguments), Workers::None),
        Some(count) => {
            let host = Wanted::host(&run, &namespace);
            let (bind, lead) = (format!("0.0.0.0:{}", port::CLUSTER), format!("{host}:{}", port::CLUSTER));
            let join = fill(&["--controller", &lead], &arguments);
            // They make records from the same template.
            (fill(&["--bind", &bind], &arguments), Workers::WithFiles { count: *count, command: join })
        }
    };
    let wanted = Wanted {
        run,
        namespace,
        settings,
        script: "fill".into(),
        command,
        workers,
        carrier: if collected.files.fit_in_object(true) { Carrier::Secret } else { Carrier::Upload },
        files: collected.files,
        folder: collected.folder,
        token: token().map_err(failure)?,
        hold: NO_HOLD,
        has_page: false,
        watches: false,
        requirements: None,
    };
    let options = throng_kube::run::Options {
        start_timeout: cluster::time(matches, "start-timeout"),
        keep: matches.get_flag("keep"),
        detach: false,
        results: None,
        page: None,
    };
    let say: Arc<dyn Say> = Arc::new(Teller::new(invocation)?);
    let code = runtime::block_on(async {
        let stop = runtime::signals()?;
        let connection = connect(&place, &stop).await?;
        throng_kube::run(&connection, wanted, &options, &say, stop).await
    });
    code.map(exit_as).map_err(failure)
}

/// The command line of a pod.
fn fill(role: &[&str], arguments: &[String]) -> Vec<String> {
    let role = role.iter().map(|word| (*word).to_owned());
    ["throng".to_owned(), "fill".into()].into_iter().chain(role).chain(arguments.iter().cloned()).collect()
}
