//! `throng k8s manifests`: what `run` would make, as YAML for `kubectl apply`.

use clap::{Arg, ArgAction, ArgMatches, Command};
use throng_kube::wanted::Carrier;

use super::{plan, run, settings};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::terminal::Stream;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("manifests")
        .about("Print what run would make, as YAML")
        .override_usage("throng k8s manifests [OPTIONS] FILE [OPTIONS] [THE TEST'S OWN OPTIONS]")
        .after_help(
            "Nothing is asked of a cluster. The join token is a new one each time.\n\n\
             Examples:\n  \
             throng k8s manifests script.js --workers 3 --name nightly | kubectl apply --server-side -f -",
        )
        .arg(
            Arg::new("with-secrets")
                .long("with-secrets")
                .help("print the Secret with variables of this shell too (--pod-env NAME)")
                .action(ArgAction::SetTrue),
        )
        .args(run::shared_args())
}

/// Prints them.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let settings = settings::settings(matches)?;
    let place = settings::place(matches, &settings);
    let namespace = plan::namespace_of(&place)?;
    let wanted = run::wanted(matches, settings, &namespace)?;
    if wanted.carrier == Carrier::Upload {
        return Err(Failure::new(
            Exit::InvalidConfig,
            format!(
                "the files of this test ({:.1} MB) do not fit into a ConfigMap; throng k8s run sends them to the \
                 controller, but manifests cannot: name what is not needed in .throngignore, or build them into an image",
                wanted.files.size() as f64 / 1e6
            ),
        ));
    }
    let secret = wanted.run.variables();
    let is_left_out = !wanted.settings.secret_env.is_empty() && !matches.get_flag("with-secrets");
    let text = throng_kube::manifests::make(&wanted)
        .to_yaml_without(is_left_out.then_some(secret.as_str()))
        .map_err(|error| Failure::other(format!("the manifests cannot be written: {error}")))?;
    if is_left_out {
        let names: Vec<&str> = wanted.settings.secret_env.keys().map(String::as_str).collect();
        invocation.log.warn(&format!(
            "the Secret {secret} with {} is not printed: make it yourself, or print it with --with-secrets",
            names.join(", ")
        ));
    }
    invocation.terminal.print(Stream::Out, &text);
    Ok(Exit::Success)
}
