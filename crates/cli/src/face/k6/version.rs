//! `k6 version`: the version of k6 whose behaviour this is, then our own.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;

use crate::exit::Exit;
use crate::face::Invocation;
use crate::terminal::Stream;

/// The version of k6 that this face behaves as; tools compare it before they use a feature.
pub(super) const K6_VERSION: &str = "1.1.0";

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("version")
        .about("Show the version")
        .arg(
            Arg::new("json")
                .long("json")
                .help("as a JSON object")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(clap::value_parser!(bool))
                .action(ArgAction::Set),
        )
        .arg(Arg::new("file").num_args(0..).hide(true))
}

/// Prints it.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Exit {
    let (os, arch) = (std::env::consts::OS, architecture());
    let own = env!("CARGO_PKG_VERSION");
    let as_json = matches.try_get_one::<bool>("json").ok().flatten().copied().unwrap_or(false);
    let text = if as_json {
        // The keys are k6's. There is no Go and no commit of k6's in here, so these two stay empty.
        json!({
            "commit": "",
            "go_arch": arch,
            "go_os": os,
            "go_version": "",
            "throng_version": own,
            "version": format!("v{K6_VERSION}"),
        })
        .to_string()
    } else {
        format!("k6 v{K6_VERSION} (throng {own}, {os}/{arch})")
    };
    invocation.terminal.print(Stream::Out, &(text + "\n"));
    Exit::Success
}

/// The processor in the words that k6's users know.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
