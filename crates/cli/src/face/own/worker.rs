//! `throng worker`: takes part in a run that a controller leads.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_cluster::{ClientTls, WorkerConfig};

use super::cluster;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::logging::{Level, LogSetup};
use crate::run::worker::{WorkSpec, default_threads, work};
use crate::spec::TOKEN_VARIABLE;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("worker")
        .about("Take part in a run that a controller leads")
        .override_usage("throng worker [OPTIONS] --controller HOST:PORT")
        .after_help(
            "A worker needs nothing but the controller's address and the join token: the test is sent to it. It takes \
             part in one run and ends with it. SIGTERM and Ctrl-C let it finish the iterations that run and report what \
             it measured; a second one ends it at once. Of the environment that scripts see, the worker's own wins over \
             the controller's.\n\n\
             Examples:\n  \
             THRONG_TOKEN=… throng worker --controller load-controller:5557",
        )
        .arg(
            Arg::new("controller")
                .long("controller")
                .value_name("host:port")
                .help("the controller to join")
                .required(true),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("name")
                .help("the name in logs and results [default: the name of the machine]"),
        )
        .arg(
            Arg::new("threads")
                .long("threads")
                .value_name("number")
                .help("generate load with so many threads [default: one a processor] [env: THRONG_THREADS]")
                .value_parser(value_parser!(u32).range(1..)),
        )
        .arg(cluster::time_arg(
            "join-timeout",
            "5m",
            "try so long to reach the controller, at first and whenever the connection is lost",
        ))
        .args(cluster::token_args("join without a token, and trust whoever answers at the address"))
        .arg(cluster::file_arg("tls-authority", "encrypt, and trust controllers of this authority (PEM)"))
        .arg(
            Arg::new("tls-server-name")
                .long("tls-server-name")
                .value_name("name")
                .help("the name in the controller's certificate, where it is not the host of the address")
                .requires("tls-authority"),
        )
        .arg(
            cluster::file_arg("tls-certificate", "this worker's own certificate chain (PEM)")
                .requires_all(["tls-authority", "tls-key"]),
        )
        .arg(cluster::file_arg("tls-key", "its private key (PEM)").requires("tls-certificate"))
}

/// Works until the run is over.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let token = invocation.values.environment().get(TOKEN_VARIABLE);
    let controller = WorkerConfig {
        controller: matches.get_one::<String>("controller").cloned().unwrap_or_default(),
        token: cluster::token(matches, token.map(String::as_str))?,
        tls: tls(matches)?,
        name: matches.get_one::<String>("name").cloned().unwrap_or_else(cluster::host_name),
        threads: matches.get_one("threads").copied().map_or_else(default_threads, Ok)?,
        join_timeout: cluster::time(matches, "join-timeout"),
    };
    let log = if invocation.values.switch("quiet")? == Some(true) {
        LogSetup { level: Level::Warning, ..invocation.log_setup.clone() }.open(&invocation.terminal)?
    } else {
        invocation.log.clone()
    };
    Ok(work(&WorkSpec { controller, log }))
}

fn tls(matches: &ArgMatches) -> Result<Option<ClientTls>, Failure> {
    let file = |name: &str, what: &str| {
        matches.get_one::<PathBuf>(name).map(|path| cluster::read(path, what)).transpose()
    };
    let Some(authority) = file("tls-authority", "the controller's authority")? else { return Ok(None) };
    let certificate = file("tls-certificate", "the certificate")?;
    Ok(Some(ClientTls {
        authority,
        server_name: matches.get_one::<String>("tls-server-name").cloned(),
        identity: certificate.zip(file("tls-key", "the private key")?),
    }))
}
