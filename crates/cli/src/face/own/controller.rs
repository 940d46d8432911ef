//! `throng controller`: leads a run on workers that join over the network.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use throng_cluster::{ControllerConfig, ServerTls, StateDir};

use super::cluster;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::run;
use crate::spec::{Purpose, RunSpec, Script, TOKEN_VARIABLE, Workforce, on_worker_loss};

/// The command with its flags.
pub(super) fn command(flags: &[Flag]) -> Command {
    let flags: Vec<Flag> = flags.iter().filter(|flag| flag.name != "workers").cloned().collect();
    let command = Command::new("controller")
        .about("Lead a run on workers that join over the network")
        .override_usage("throng controller [OPTIONS] --expect-workers N FILE")
        .after_help(
            "The workers need this address and the join token; the script, its modules, its data files and the options \
             are sent to them. Beside the flags below, all of throng run's apply.\n\n\
             Examples:\n  \
             # Three workers; each runs: THRONG_TOKEN=… throng worker --controller HOST:5557\n  \
             THRONG_TOKEN=… throng controller --expect-workers 3 script.js\n\n  \
             # The run fails if one of them is lost.\n  \
             throng controller --token-file token --expect-workers 3 --on-worker-loss fail script.js\n\n  \
             # One that can be killed and started again.\n  \
             THRONG_TOKEN=… throng controller --expect-workers 3 --state-dir run-1 script.js",
        )
        .arg(flags::positional("file", "The script, or - for standard input"))
        .arg(
            Arg::new("expect-workers")
                .long("expect-workers")
                .value_name("number")
                .help("begin when so many workers have joined")
                .required(true)
                .value_parser(value_parser!(u32).range(1..)),
        )
        .arg(
            Arg::new("bind")
                .long("bind")
                .value_name("address:port")
                .help("listen here; port 0 takes a free one and logs it")
                .default_value(SocketAddr::from((Ipv6Addr::UNSPECIFIED, ControllerConfig::DEFAULT_PORT)).to_string())
                .value_parser(value_parser!(SocketAddr)),
        )
        .arg(cluster::time_arg(
            "gather-timeout",
            "5m",
            "wait so long for the workers to join",
        ))
        .arg(cluster::file_arg(
            "state-dir",
            "keep the run in this folder: a controller that is killed goes on with it when the same command is started again",
        ))
        .arg(
            cluster::time_arg(
                "controller-grace",
                "60s",
                "workers whose controller has died go on for so long (with --state-dir)",
            )
            .requires("state-dir"),
        )
        .args(cluster::token_args("let everyone join who reaches the port, without a token"))
        .arg(cluster::file_arg("tls-certificate", "encrypt, with this certificate chain (PEM)").requires("tls-key"))
        .arg(cluster::file_arg("tls-key", "its private key (PEM)").requires("tls-certificate"))
        .arg(
            cluster::file_arg("tls-client-authority", "workers must show a certificate of this authority (PEM)")
                .requires("tls-certificate"),
        );
    flags::add(command, &flags, Scope::Cluster)
}

/// Runs it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let mut spec = RunSpec::new(invocation, "controller", Purpose::Run)?;
    refuse_locustfile(&spec.script)?;
    let token = invocation.values.environment().get(TOKEN_VARIABLE);
    let config = ControllerConfig {
        listen: matches
            .get_one("bind")
            .copied()
            .unwrap_or_else(|| SocketAddr::from((Ipv6Addr::UNSPECIFIED, ControllerConfig::DEFAULT_PORT))),
        token: cluster::token(matches, token.map(String::as_str))?,
        tls: tls(matches)?,
        expected: matches.get_one("expect-workers").copied().unwrap_or(1),
        gather_timeout: cluster::time(matches, "gather-timeout"),
        on_worker_loss: on_worker_loss(&invocation.values)?,
    };
    if config.token.is_none() {
        invocation.log.warn(
            "no join token is asked for: whoever reaches the port can join this run and read its script",
        );
    }
    let state = matches
        .get_one::<PathBuf>("state-dir")
        .map(|path| StateDir { path: path.clone(), grace: cluster::time(matches, "controller-grace") });
    if state.is_some() {
        refuse_with_state(&spec)?;
    }
    spec.workforce = Workforce::Joining { config: Box::new(config), state };
    Ok(run::run(spec))
}

/// Locustfiles have a protocol of their own, without the token and the certificates that this command promises.
fn refuse_locustfile(script: &Script) -> Result<(), Failure> {
    let Script::File(name) = script else { return Ok(()) };
    if !super::is_python(name.as_ref()) {
        return Ok(());
    }
    let message = format!(
        "{name} is a locustfile, and throng controller leads k6 scripts; for locustfiles start the master with `throng locust \
         --master -f {name} --expect-workers N` and each worker with `throng locust --worker --master-host HOST -f {name}`"
    );
    Err(Failure::new(Exit::InvalidConfig, message))
}

/// What would be done twice, or in part, by a controller that is started again.
fn refuse_with_state(spec: &RunSpec) -> Result<(), Failure> {
    let what = match (spec.outputs.first(), &spec.databases) {
        (Some(output), _) => {
            format!("--out {} together with --state-dir is not supported yet: what is in an output's buffers when the \
                     controller is killed would be missing from the file", output.describe())
        }
        (None, Some(_)) => "--fill together with --state-dir is not supported yet: fill the database before, with `throng fill`".to_owned(),
        (None, None) => return Ok(()),
    };
    Err(Failure::new(Exit::InvalidConfig, what))
}

fn tls(matches: &ArgMatches) -> Result<Option<ServerTls>, Failure> {
    let file = |name: &str, what: &str| {
        matches.get_one::<PathBuf>(name).map(|path| cluster::read(path, what)).transpose()
    };
    let (certificates, key) =
        (file("tls-certificate", "the certificate")?, file("tls-key", "the private key")?);
    let client_authority = file("tls-client-authority", "the workers' authority")?;
    Ok(certificates.zip(key).map(|(certificates, key)| ServerTls { certificates, key, client_authority }))
}
