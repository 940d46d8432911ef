//! Starting the user's own Python with our `locust` package first on its path.
//!
//! Locustfiles use what their author has installed, so no interpreter of ours would do. This process becomes the
//! interpreter: signals, exit code, terminal and memory are then those of one program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use throng_python_embed::{Package, Unpacked, unpack};

use super::{early_terminal, fail_early};
use crate::exit::Exit;
use crate::failure::Failure;

/// Names the interpreter to use.
const VARIABLE: &str = "THRONG_PYTHON";

/// Run in the interpreter before anything else; any Python understands it, to say so if it is too old.
const BOOT: &str = include_str!("boot.py");

/// What to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The command line of locust.
    Locust,
    /// The interpreter itself: a script, `-m`, `-c`, or a prompt.
    Python,
}

/// `throng python ARGS`; returns only if that cannot be started.
pub(super) fn main(args: Vec<OsString>) -> Exit {
    start(Start::Python, args)
}

/// Becomes the interpreter.
pub(super) fn start(start: Start, args: Vec<OsString>) -> Exit {
    start_with(start, args, Vec::new())
}

/// Becomes the interpreter, with variables beside those of this process.
pub(super) fn start_with(start: Start, args: Vec<OsString>, variables: Vec<(&str, OsString)>) -> Exit {
    let failure = match command(start, args) {
        Ok(mut command) => {
            command.envs(variables);
            become_it(command)
        }
        Err(failure) => failure,
    };
    fail_early(&early_terminal(), &failure)
}

/// Becomes a program; returns only if that cannot be done.
pub(super) fn become_it(mut command: Command) -> Failure {
    let error = command.exec();
    let program = command.get_program().to_string_lossy();
    Failure::new(Exit::NoPython, format!("start {program}: {error}"))
}

/// What starts it.
pub(super) fn command(start: Start, args: Vec<OsString>) -> Result<Command, Failure> {
    let failed = |text: String| Failure::new(Exit::NoPython, text);
    let python = interpreter_of_process()?;
    let executable = env::current_exe().map_err(|error| failed(format!("find this program: {error}")))?;
    let package = Package::find(&executable).map_err(|error| failed(error.to_string()))?;
    let Unpacked { folder, temporary } = unpack(&package, cache_folder().as_deref())
        .map_err(|error| failed(format!("write the Python package: {error}")))?;
    let mut command = Command::new(python);
    match start {
        Start::Locust => {
            command.arg("-c").arg(BOOT).arg(folder).arg(if temporary { "temporary" } else { "kept" });
        }
        Start::Python => {
            // In front of the site packages, where another locust may be, and also for processes that it starts.
            let mut path = folder.into_os_string();
            if let Some(theirs) = env::var_os("PYTHONPATH").filter(|theirs| !theirs.is_empty()) {
                path.push(":");
                path.push(theirs);
            }
            command.env("PYTHONPATH", path);
        }
    }
    command.args(args);
    Ok(command)
}

/// `$XDG_CACHE_HOME/throng`, or `~/.cache/throng`.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("throng"))
}

/// The interpreter that this process would start.
pub(super) fn interpreter_of_process() -> Result<PathBuf, Failure> {
    interpreter(&Lookup::of_process())
}

/// Where an interpreter is looked for.
#[derive(Debug, Default)]
struct Lookup {
    chosen: Option<OsString>,
    virtual_env: Option<OsString>,
    path: Option<OsString>,
    folder: PathBuf,
}

impl Lookup {
    fn of_process() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            chosen: set(VARIABLE),
            virtual_env: set("VIRTUAL_ENV"),
            path: set("PATH"),
            folder: env::current_dir().unwrap_or_default(),
        }
    }
}

/// The interpreter: the one that was chosen, else that of the virtual environment that is active or lies here, else
/// the first on the path.
fn interpreter(lookup: &Lookup) -> Result<PathBuf, Failure> {
    let on_path = |name: &OsStr| -> Option<PathBuf> {
        env::split_paths(lookup.path.as_ref()?).map(|folder| folder.join(name)).find(|file| is_program(file))
    };
    let failed = |text: String| Err(Failure::new(Exit::NoPython, text));
    if let Some(chosen) = &lookup.chosen {
        let file = PathBuf::from(chosen);
        let found =
            if file.components().count() > 1 { is_program(&file).then_some(file) } else { on_path(chosen) };
        return match found {
            Some(file) => Ok(file),
            None => failed(format!("use {VARIABLE}={}: there is no such program", chosen.to_string_lossy())),
        };
    }
    let environments = [lookup.virtual_env.as_ref().map(PathBuf::from), Some(lookup.folder.join(".venv"))];
    let in_environment =
        environments.into_iter().flatten().map(|venv| venv.join("bin/python")).find(|file| is_program(file));
    match in_environment.or_else(|| on_path("python3".as_ref())) {
        Some(file) => Ok(file),
        None => failed(format!(
            "find a Python interpreter: there is no python3 on the path and no virtual environment; install \
             Python 3.10 or newer, or set {VARIABLE}"
        )),
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[test]
    fn the_interpreter_is_looked_for_from_the_nearest_to_the_farthest() {
        let root = tempfile::tempdir().unwrap();
        let on_path = program(root.path(), "bin/python3");
        let mut lookup = Lookup {
            path: Some(root.path().join("bin").into()),
            folder: root.path().join("work"),
            ..Lookup::default()
        };
        assert_eq!(interpreter(&lookup).unwrap(), on_path);
        let here = program(root.path(), "work/.venv/bin/python");
        assert_eq!(interpreter(&lookup).unwrap(), here);
        let active = program(root.path(), "active/bin/python");
        lookup.virtual_env = Some(root.path().join("active").into());
        assert_eq!(interpreter(&lookup).unwrap(), active);
        let other = program(root.path(), "bin/python3.12");
        lookup.chosen = Some("python3.12".into());
        assert_eq!(interpreter(&lookup).unwrap(), other);
        lookup.chosen = Some(here.clone().into());
        assert_eq!(interpreter(&lookup).unwrap(), here);
        lookup.chosen = Some("/no/such/python".into());
        assert!(interpreter(&lookup).unwrap_err().message.contains("/no/such/python"));
    }

    #[test]
    fn no_interpreter_is_one_line_that_says_what_to_do() {
        let failure = interpreter(&Lookup::default()).unwrap_err();
        assert_eq!(failure.exit, Exit::NoPython);
        assert!(failure.message.contains(VARIABLE) && !failure.message.contains('\n'));
    }
}
