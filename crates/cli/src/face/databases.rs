//! Databases around a locustfile: filled before it, cleaned up after it.
//!
//! A locustfile is run by Python, which this process usually becomes. To clean up afterwards it has to stay: then it passes
//! signals on, and ends with Python's code.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::{Handle, Signals};

use super::python;
use crate::env::process_environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fill::file::{Databases, worse};
use crate::flags::go_bool;
use crate::logging::{LogSetup, Logger};
use crate::signals;
use crate::terminal::{Colour, Terminal};

/// Stand for `--fill` and `--cleanup`.
const FILL: &str = "THRONG_FILL";
const CLEANUP: &str = "THRONG_CLEANUP";
/// What Locust answers without a test.
const NO_TEST: [&str; 7] = ["-h", "--help", "-V", "--version", "-l", "--list", "--show-task-ratio"];

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Around {
    databases: Databases,
    cleanup: bool,
}

impl Around {
    /// Takes its flags out of a command line of `throng run`.
    pub(super) fn of_flags(args: &mut Vec<OsString>) -> Result<Option<Self>, Failure> {
        let Wish { fill, cleanup } = Wish::of_flags(args)?;
        Wish { fill: fill.or_else(|| variable(FILL)), cleanup: cleanup.or(Wish::of_variables()?.cleanup) }
            .grant(args)
    }

    /// What the environment asks for: Locust has no such flags.
    pub(super) fn of_variables(args: &[OsString]) -> Result<Option<Self>, Failure> {
        Wish::of_variables()?.grant(args)
    }

    /// Fills, runs the locustfile, cleans up; the code to end with.
    pub(super) fn run(&self, mut command: Command) -> Result<u8, Failure> {
        // Standard output is the locustfile's: it may be JSON that somebody reads.
        let terminal = Terminal::of_stderr(Colour::Auto);
        let log = LogSetup::default().open(&terminal)?;
        command.env_remove(FILL).env_remove(CLEANUP);
        let ended = self
            .databases
            .fill(&terminal, &log, false)
            .and_then(|()| if self.cleanup { run(command) } else { Err(python::become_it(command)) });
        if !self.cleanup {
            return ended;
        }
        let cleaned = self.clean(&log);
        match ended? {
            0 => Ok(worse(Exit::Success, cleaned).code()),
            code => Ok(code),
        }
    }

    fn clean(&self, log: &Logger) -> Result<(), Failure> {
        // The first signal may still be for the test; a second one ends even this.
        let _listener = signals::listen(log.clone(), |_| {});
        self.databases.clean(log)
    }
}

/// What is asked for, unchecked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    fill: Option<OsString>,
    cleanup: Option<bool>,
}

impl Wish {
    fn of_flags(args: &mut Vec<OsString>) -> Result<Self, Failure> {
        let mut wish = Self::default();
        let mut left = Vec::with_capacity(args.len());
        let mut all = std::mem::take(args).into_iter();
        while let Some(arg) = all.next() {
            let text = arg.to_str().unwrap_or_default();
            match text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value))) {
                ("--fill", Some(value)) => wish.fill = Some(value.into()),
                ("--fill", None) => {
                    let missing = || Failure::other("--fill needs a file, which says what to fill");
                    wish.fill = Some(all.next().ok_or_else(missing)?);
                }
                ("--cleanup", value) => wish.cleanup = Some(switch("--cleanup", value.unwrap_or("true"))?),
                _ => left.push(arg),
            }
        }
        *args = left;
        Ok(wish)
    }

    fn of_variables() -> Result<Self, Failure> {
        let cleanup = variable(CLEANUP).map(|value| switch(CLEANUP, &value.to_string_lossy())).transpose()?;
        Ok(Self { fill: variable(FILL), cleanup })
    }

    fn grant(self, args: &[OsString]) -> Result<Option<Around>, Failure> {
        let cleanup = self.cleanup.unwrap_or(false);
        let Some(path) = self.fill.filter(|_| !no_test(args)) else {
            if cleanup && !no_test(args) {
                return Err(refused("--cleanup needs --fill FILE, which says what to delete"));
            }
            return Ok(None);
        };
        if is_worker(args) {
            return Err(refused("--fill is for the master: a worker would do it once more"));
        }
        let databases = Databases::load(path.as_ref(), &process_environment().collect())?;
        if cleanup && !databases.has_cleanup() {
            let path = path.to_string_lossy();
            return Err(refused(format!("--cleanup has nothing to do: no entry of {path} has a cleanup")));
        }
        Ok(Some(Around { databases, cleanup }))
    }
}

/// Whether something is asked that Locust answers without a test.
pub(super) fn no_test(args: &[OsString]) -> bool {
    args.iter().any(|arg| NO_TEST.iter().any(|flag| arg == flag))
}

/// Whether it is a worker of a master elsewhere.
pub(super) fn is_worker(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--worker")
        || variable("LOCUST_MODE_WORKER").is_some_and(|value| value != "false")
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::InvalidConfig, message)
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn switch(name: &str, value: &str) -> Result<bool, Failure> {
    go_bool(value).ok_or_else(|| refused(format!("{name} is true or false, not '{value}'")))
}

/// Runs it to its end; as a shell tells it, 128 and the number for a signal.
fn run(mut command: Command) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::NoPython, format!("start Python: {error}"));
    // Before the start: what is sent meanwhile is passed on then.
    let signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2]);
    let signals = signals.map_err(failed)?;
    let mut child = command.spawn().map_err(failed)?;
    let _passing = Passing::start(signals, Pid::from_child(&child)).map_err(failed)?;
    child.wait().map(code_of).map_err(failed)
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Passes signals on until dropped.
struct Passing {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Passing {
    fn start(mut signals: Signals, child: Pid) -> std::io::Result<Self> {
        let handle = signals.handle();
        // A terminal sends these to the child as well, and a second SIGINT means "at once".
        let terminal = std::io::stdin().is_terminal();
        let thread = std::thread::Builder::new().name("signals".into()).spawn(move || {
            for number in signals.forever() {
                let is_from_terminal = terminal && matches!(number, SIGINT | SIGQUIT | SIGTSTP);
                if let (false, Some(signal)) = (is_from_terminal, Signal::from_named_raw(number)) {
                    // One that has ended needs it no more.
                    let _ = kill_process(child, signal);
                }
            }
        })?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It cannot panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(args: &[&str]) -> (Vec<String>, Result<Wish, String>) {
        let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let wish = Wish::of_flags(&mut args).map_err(|failure| failure.message);
        (args.into_iter().map(|arg| arg.into_string().unwrap()).collect(), wish)
    }

    #[test]
    fn own_flags_are_taken_and_the_others_left() {
        let (left, wish) = taken(&["t.py", "--fill", "f.yaml", "-u", "3", "--cleanup"]);
        assert_eq!(left, ["t.py", "-u", "3"]);
        assert_eq!(wish, Ok(Wish { fill: Some("f.yaml".into()), cleanup: Some(true) }));
        let (left, wish) = taken(&["--fill=a=b", "--cleanup=false", "t.py"]);
        assert_eq!(left, ["t.py"]);
        assert_eq!(wish, Ok(Wish { fill: Some("a=b".into()), cleanup: Some(false) }));
        assert!(taken(&["t.py", "--fill"]).1.unwrap_err().contains("needs a file"));
        assert!(taken(&["--cleanup=x"]).1.unwrap_err().contains("true or false"));
    }

    #[test]
    fn what_cannot_be_granted_is_refused() {
        let grant = |fill: Option<&str>, cleanup, args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            let wish = Wish { fill: fill.map(OsString::from), cleanup: Some(cleanup) };
            wish.grant(&args).map(|around| around.is_some()).map_err(|failure| failure.message)
        };
        assert_eq!(grant(None, false, &["t.py"]), Ok(false));
        assert_eq!(grant(Some("/no/such"), true, &["--version"]), Ok(false));
        assert!(grant(None, true, &["t.py"]).unwrap_err().contains("--cleanup needs --fill"));
        assert!(
            grant(Some("/no/such"), false, &["t.py", "--worker"]).unwrap_err().contains("for the master")
        );
        assert!(grant(Some("/no/such"), false, &["t.py"]).unwrap_err().contains("/no/such"));
    }
}
