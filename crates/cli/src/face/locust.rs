//! The locust face: hands the command line to our `locust` package in the user's own Python.
//!
//! Everything that a locustfile can see (options, order of start-up, exit codes) is the package's; see
//! `python/locust/main.py`.

use std::ffi::OsString;
use std::io::BufReader;

use super::databases::{Around, is_worker, no_test};
use super::python::{self, Start};
use super::{early_terminal, fail_early};
use crate::env::process_environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::watching::companion;

/// Behaves as `locust ARGS`; returns only if that cannot be started.
pub(super) fn main(args: Vec<OsString>) -> Exit {
    let around = Around::of_variables(&args);
    start(args, Vec::new(), around)
}

/// Starts it, with its databases around it if it has any.
fn start(
    args: Vec<OsString>,
    variables: Vec<(&str, OsString)>,
    around: Result<Option<Around>, Failure>,
) -> Exit {
    let mut variables = variables;
    let done = watch(&args, &mut variables).and_then(|()| match around? {
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

/// The name of the command that the package starts.
pub(super) const WATCHER_COMMAND: &str = "locust-watcher";
/// Says where the program is that watches beside a locustfile, if it is to.
const WATCHER: &str = "THRONG_WATCHER";
/// What is asked of it by the names of variables, all of which Python hides from the locustfile.
const WATCH: &str = "THRONG_WATCH";

/// That what is to be watched can be, before Python starts; its package starts the watcher.
fn watch(args: &[OsString], variables: &mut Vec<(&str, OsString)>) -> Result<(), Failure> {
    let text = |(name, value): &(&str, OsString)| Some(((*name).to_owned(), value.to_str()?.to_owned()));
    if is_worker(args) {
        // Workers may well have their master's environment, but nobody gives them its flags without expecting something.
        if variables.iter().any(|(name, _)| *name == WATCH) {
            let message = "--watch is for the master, which watches for all its workers";
            return Err(Failure::new(Exit::InvalidConfig, message));
        }
        return Ok(());
    }
    let given = variables.iter().filter_map(text);
    if no_test(args) || companion::wanted(process_environment().chain(given))?.is_none() {
        return Ok(());
    }
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::NoPython, format!("find this program: {error}")))?;
    variables.push((WATCHER, program.into_os_string()));
    Ok(())
}

/// The watcher beside a locustfile, as the package starts it.
pub(super) fn watcher() -> Exit {
    let terminal = early_terminal();
    match companion::wanted(process_environment()) {
        Ok(Some(wanted)) => wanted.run(BufReader::new(std::io::stdin()), std::io::stdout().lock()),
        Ok(None) => {
            fail_early(&terminal, &Failure::new(Exit::Usage, format!("{WATCH} says nothing to watch")))
        }
        Err(failure) => fail_early(&terminal, &failure),
    }
}

/// A flag of `throng run` that is a variable for locustfiles, as Locust has no such flags.
struct Variable {
    flag: &'static str,
    name: &'static str,
    /// What stands between the values of a flag that may be repeated.
    between: Option<&'static str>,
}

const VARIABLES: [Variable; 12] = [
    Variable { flag: "--history", name: "THRONG_HISTORY", between: None },
    Variable { flag: "--history-keep", name: "THRONG_HISTORY_KEEP", between: None },
    Variable { flag: "--run-name", name: "THRONG_RUN_NAME", between: None },
    Variable { flag: "--state-dir", name: "THRONG_STATE_DIR", between: None },
    Variable { flag: "--watch", name: WATCH, between: Some(" ") },
    Variable { flag: "--watch-interval", name: "THRONG_WATCH_INTERVAL", between: None },
    Variable { flag: "--watch-after", name: "THRONG_WATCH_AFTER", between: None },
    Variable { flag: "--watch-namespace", name: "THRONG_WATCH_NAMESPACE", between: None },
    Variable { flag: "--watch-context", name: "THRONG_WATCH_CONTEXT", between: None },
    Variable { flag: "--watch-slow", name: "THRONG_WATCH_SLOW", between: None },
    Variable { flag: "--match", name: "THRONG_MATCH", between: Some("\n") },
    Variable { flag: "--expect", name: "THRONG_EXPECT", between: Some(";") },
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
    let (mut left, mut found) = (Vec::new(), Vec::<(&'static str, OsString)>::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
        match VARIABLES.iter().find(|variable| variable.flag == flag) {
            Some(variable) => match value.map(OsString::from).or_else(|| args.next()) {
                Some(value) => {
                    let before = found.iter_mut().find(|(name, _)| *name == variable.name);
                    match (before, variable.between) {
                        (Some((_, all)), Some(between)) => {
                            all.push(between);
                            all.push(value);
                        }
                        (Some((_, last)), None) => *last = value,
                        (None, _) => found.push((variable.name, value)),
                    }
                }
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

    #[test]
    fn what_is_watched_may_be_several_things() {
        let args =
            ["--watch", "hpa/a", "t.py", "--watch=pods/b=c", "--watch-after", "1s", "--watch-after=2s"];
        let (left, found) = variables(args.map(OsString::from).to_vec());
        assert_eq!(left, ["t.py"]);
        assert_eq!(found, [(WATCH, "hpa/a pods/b=c".into()), ("THRONG_WATCH_AFTER", "2s".into())]);
    }
}
