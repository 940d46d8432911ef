//! The locust face: hands the command line to our `locust` package in the user's own Python.
//!
//! Everything that a locustfile can see (options, order of start-up, exit codes) is the package's; see
//! `python/locust/main.py`.

use std::ffi::OsString;

use super::databases::Around;
use super::python::{self, Start};
use super::{early_terminal, fail_early};
use crate::exit::Exit;
use crate::failure::Failure;

/// Behaves as `locust ARGS`; returns only if that cannot be started.
pub(super) fn main(args: Vec<OsString>) -> Exit {
    let of_variables = ["THRONG_WATCH", "THRONG_EXPECT"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    // Flags are for the package to refuse: a locustfile may have some of the same names.
    if let Some(name) = of_variables {
        let message =
            format!("{name} is not supported yet for locustfiles: only k6 scripts are watched beside");
        return fail_early(&early_terminal(), &Failure::new(Exit::Usage, message));
    }
    let around = Around::of_variables(&args);
    start(args, Vec::new(), around)
}

/// Starts it, with its databases around it if it has any.
fn start(
    args: Vec<OsString>,
    variables: Vec<(&str, OsString)>,
    around: Result<Option<Around>, Failure>,
) -> Exit {
    let done = around.and_then(|around| match around {
        None => Ok(python::start_with(Start::Locust, args, variables)),
        Some(around) => {
            let mut command = python::command(Start::Locust, args)?;
            command.envs(variables);
            // Its own codes are not only ours.
            around.run(command).map(|code| std::process::exit(code.into()))
        }
    });
    done.unwrap_or_else(|failure| fail_early(&early_terminal(), &failure))
}

/// Flags of `throng run` that are variables for locustfiles, as Locust has no such flags.
const VARIABLES: [(&str, &str); 3] = [
    ("--history", "THRONG_HISTORY"),
    ("--history-keep", "THRONG_HISTORY_KEEP"),
    ("--run-name", "THRONG_RUN_NAME"),
];

/// `throng run FILE.py ARGS` is `locust -f FILE.py ARGS`; `--workers`, as for k6 scripts, is Locust's `--processes`.
pub(super) fn run(args: Vec<OsString>) -> Exit {
    let (mut args, variables) = variables(args);
    let around = Around::of_flags(&mut args);
    for arg in &mut args {
        if let Some(rest) = arg.to_str().and_then(|arg| arg.strip_prefix("--workers"))
            && (rest.is_empty() || rest.starts_with('='))
        {
            *arg = format!("--processes{rest}").into();
        }
    }
    let names_file = args.iter().any(|arg| arg == "-f" || arg == "--locustfile");
    if !names_file && let Some(place) = args.iter().position(|arg| super::own::is_python(arg.as_ref())) {
        args.insert(place, "-f".into());
    }
    start(args, variables, around)
}

/// The arguments without [`VARIABLES`], and those with their values.
fn variables(args: Vec<OsString>) -> (Vec<OsString>, Vec<(&'static str, OsString)>) {
    let (mut left, mut found) = (Vec::new(), Vec::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
        match VARIABLES.iter().find(|(name, _)| *name == flag) {
            Some((_, variable)) => match value.map(OsString::from).or_else(|| args.next()) {
                Some(value) => found.push((*variable, value)),
                // Without a value it is the parser's to complain about.
                None => left.push(arg),
            },
            None => left.push(arg),
        }
    }
    (left, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_history_become_variables() {
        let args = ["t.py", "--history", "runs", "-u", "3", "--run-name=a=b", "--history-keep"];
        let (left, found) = variables(args.map(OsString::from).to_vec());
        assert_eq!(left, ["t.py", "-u", "3", "--history-keep"]);
        assert_eq!(found, [("THRONG_HISTORY", "runs".into()), ("THRONG_RUN_NAME", "a=b".into())]);
    }
}
