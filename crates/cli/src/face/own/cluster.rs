//! What the commands `controller` and `worker` share: the join token and certificates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use throng_cluster::Token;
use throng_plan::duration;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::TOKEN_VARIABLE;

/// The flags about the token. A token on the command line could be read by everyone on the machine, so there is none.
pub(super) fn token_args(without: &'static str) -> [Arg; 2] {
    [
        Arg::new("token-file")
            .long("token-file")
            .value_name("file")
            .help("read the join token from this file [env: THRONG_TOKEN holds the token itself]")
            .value_parser(value_parser!(PathBuf)),
        Arg::new("insecure")
            .long("insecure")
            .help(without)
            .action(ArgAction::SetTrue)
            .conflicts_with("token-file"),
    ]
}

/// The token, from the file or the environment; none only if that was asked for.
pub(super) fn token(matches: &ArgMatches, environment: Option<&str>) -> Result<Option<Token>, Failure> {
    if matches.get_flag("insecure") {
        return Ok(None);
    }
    let text = match (matches.get_one::<PathBuf>("token-file"), environment) {
        (Some(path), _) => String::from_utf8(read(path, "the join token")?)
            .map_err(|_| Failure::other(format!("the join token in {} is not text", path.display())))?,
        (None, Some(text)) => text.to_owned(),
        (None, None) => {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "a join token is needed, the same for controller and workers: set {TOKEN_VARIABLE} or give \
                     --token-file (or --insecure, where nobody else can reach the port)"
                ),
            ));
        }
    };
    Token::new(&text).map(Some).map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))
}

/// The content of a file that a flag names.
pub(super) fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::other(format!("cannot read {what} from {}: {error}", path.display())))
}

/// A flag that names a file.
pub(super) fn file_arg(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("file").help(help).value_parser(value_parser!(PathBuf))
}

/// A flag that takes a time such as `90s` or `5m`.
pub(super) fn time_arg(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("time")
        .help(help)
        .default_value(default)
        .value_parser(|text: &str| duration::parse(text).map_err(|error| error.to_string()))
}

/// Its value.
pub(super) fn time(matches: &ArgMatches, name: &str) -> Duration {
    matches.get_one(name).copied().unwrap_or_default()
}

/// The name of this machine.
pub(super) fn host_name() -> String {
    let of_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = std::env::var("HOSTNAME").ok().or_else(of_kernel).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "worker".to_owned() } else { name.to_owned() }
}
