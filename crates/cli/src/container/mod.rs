//! What starts first in throng's container image: `throng entrypoint [ARGUMENT]...`.
//!
//! Images for load tests have grown conventions of their own: `LOCUST_MODE=worker`, `TARGET_HOST`, a test that is mounted
//! at `/locust`, packages that are installed at the start. Manifests written for those images should run with nothing
//! but another image name, so the conventions live here, as a table that is tested, and not in a shell script.
//!
//! [`conventions`] reads the variables, [`test_file`] finds the test, [`launch`] makes a command line of both,
//! [`requirements`] installs packages, and [`init`] starts it and does what process 1 of a container has to do.

mod conventions;
mod init;
mod launch;
mod requirements;
mod test_file;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use conventions::{Conventions, Mode, Native};
pub use launch::{Launch, Start};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::Logger;

/// Where tests are mounted or copied to: by the images of the past, and by the chart that most people use.
const FOLDERS: [&str; 5] = ["/locust", "/mnt/locust", "/locust-tasks", "/test", "/home/locust"];

/// Starts what the arguments ask for, or else what the environment does; returns the code it ended with.
///
/// `own` names throng's commands, so that they are told from other programs; `python` finds the interpreter.
pub fn run(
    arguments: Vec<OsString>,
    own: &[&str],
    python: impl Fn() -> Result<PathBuf, Failure>,
    log: &Logger,
) -> Result<u8, Failure> {
    let environment: BTreeMap<String, String> = crate::env::process_environment().collect();
    let folders = folders();
    let conventions = Conventions::read(&environment)?;
    let launch = Launch::decide(arguments, &conventions, own, &folders)?;
    let packages = if launch.needs_python() {
        let beside = launch.test.as_deref().and_then(Path::parent);
        requirements::install(&environment, beside, &folders, python, log)?
    } else {
        None
    };
    if let Some(what) = &launch.announcement {
        log.info(what);
    }
    init::start(&launch, &conventions.misleading, packages.as_deref(), log)
}

/// Installs the packages of a locustfile in a folder: those that `file` names, or `requirements.txt` beside it. Gives the
/// variable that shows Python where they are, if one is needed.
pub fn packages(
    file: Option<&Path>,
    beside: &Path,
    python: impl Fn() -> Result<PathBuf, Failure>,
    log: &Logger,
) -> Result<Option<(&'static str, PathBuf)>, Failure> {
    let mut environment: BTreeMap<String, String> = crate::env::process_environment().collect();
    if let Some(file) = file {
        environment.insert(requirements::FILE.to_owned(), file.display().to_string());
    }
    let base = requirements::install(&environment, Some(beside), &[], python, log)?;
    Ok(base.map(|base| (requirements::USER_BASE, base)))
}

/// The working directory before all others.
fn folders() -> Vec<PathBuf> {
    let here = std::env::current_dir().ok();
    let mut folders: Vec<PathBuf> = here.into_iter().filter(|here| here != Path::new("/")).collect();
    for folder in FOLDERS.map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::InvalidConfig, message)
}
