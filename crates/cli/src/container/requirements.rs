//! Packages that a locustfile needs, installed when the container starts.
//!
//! Into the user's folder of packages, below a place that can be written when the root file system cannot. What the
//! image brings already counts, so a requirements file that is satisfied needs no network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::refused;
use crate::failure::Failure;
use crate::logging::Logger;

/// Names the file; set to nothing, nothing is installed.
pub(super) const FILE: &str = "THRONG_REQUIREMENTS";

/// Where Python looks for packages of the user.
pub(super) const USER_BASE: &str = "PYTHONUSERBASE";

/// Whether this interpreter is that of a virtual environment, which knows no packages of a user.
const IS_VIRTUAL: &str = "import sys; sys.exit(0 if sys.prefix != sys.base_prefix else 1)";

/// Installs what is asked for; tells where it is, unless Python knows that by itself.
pub(super) fn install(
    environment: &BTreeMap<String, String>,
    beside: Option<&Path>,
    folders: &[PathBuf],
    python: impl Fn() -> Result<PathBuf, Failure>,
    log: &Logger,
) -> Result<Option<PathBuf>, Failure> {
    let file = match environment.get(FILE).map(|file| file.trim()) {
        Some("") => return Ok(None),
        Some(file) => {
            let file = PathBuf::from(file);
            if !file.is_file() {
                return Err(refused(format!("{FILE}={}: there is no such file", file.display())));
            }
            Some(file)
        }
        None => beside
            .into_iter()
            .chain(folders.iter().map(PathBuf::as_path))
            .map(|folder| folder.join("requirements.txt"))
            .find(|file| file.is_file()),
    };
    let Some(file) = file else { return Ok(None) };
    let text =
        fs::read_to_string(&file).map_err(|error| refused(format!("read {}: {error}", file.display())))?;
    let wanted = Wanted::of(&text, file.parent().unwrap_or(Path::new("/")));
    for left_out in &wanted.left_out {
        log.info(&format!(
            "{} names {left_out}: throng takes its place, so it is not installed",
            file.display()
        ));
    }
    if wanted.nothing {
        return Ok(None);
    }
    let base =
        environment.get(USER_BASE).map_or_else(|| env::temp_dir().join("throng-python"), PathBuf::from);
    let list = base.join("requirements.txt");
    fs::create_dir_all(&base)
        .and_then(|()| fs::write(&list, &wanted.text))
        .map_err(|error| {
            refused(format!(
                "install {}: cannot write to {}: {error}; mount a volume there (emptyDir at {}), or set {USER_BASE} to \
                 a folder that can be written",
                file.display(),
                base.display(),
                env::temp_dir().display()
            ))
        })?;
    let python = python()?;
    if is_satisfied(&python, &list) {
        return Ok(None);
    }
    log.info(&format!("installing what {} names", file.display()));
    let mut command = pip(&python);
    command.args(["--quiet", "--no-warn-script-location", "--root-user-action=ignore"]);
    let virtual_environment =
        Command::new(&python).args(["-c", IS_VIRTUAL]).status().is_ok_and(|status| status.success());
    if !virtual_environment {
        command.arg("--user").env(USER_BASE, &base);
    }
    if !environment.contains_key("PIP_RETRIES") {
        // Five attempts, each later than the one before, only delay the message where there is no network.
        command.env("PIP_RETRIES", "1");
    }
    let status = command.arg("-r").arg(&list).status();
    match status {
        Ok(status) if status.success() => Ok((!virtual_environment).then_some(base)),
        outcome => {
            let why = match outcome {
                Ok(status) => format!("pip ended with {status}, and says why above"),
                Err(error) => format!("cannot start {}: {error}", python.display()),
            };
            Err(refused(format!(
                "install {}: {why}; without a network the packages have to be in the image (FROM this one, then RUN pip \
                 install -r requirements.txt), and {FILE}= starts without them",
                file.display()
            )))
        }
    }
}

/// Whether all is there already: then nothing has to be asked of a network.
fn is_satisfied(python: &Path, list: &Path) -> bool {
    let mut command = pip(python);
    command.args(["--dry-run", "--no-index", "-r"]).arg(list).env_remove("PIP_FIND_LINKS");
    // It may know of folders with packages, from which it would install.
    let all_there = |said: &[u8]| !String::from_utf8_lossy(said).contains("Would install");
    command.output().is_ok_and(|done| done.status.success() && all_there(&done.stdout))
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--no-input", "--no-cache-dir", "--disable-pip-version-check"]);
    // For --dry-run too: a Debian's pip refuses it otherwise.
    command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
    command
}

/// The requirements as pip gets them.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    text: String,
    left_out: Vec<String>,
    nothing: bool,
}

impl Wanted {
    /// Leaves out Locust itself, whose place throng takes: it would bring a server and a client that nobody uses, and
    /// old versions of it cannot be built for a Python of today.
    fn of(text: &str, folder: &Path) -> Self {
        let (mut lines, mut left_out) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let plain = line.split(" #").next().unwrap_or_default().trim();
            if matches!(name(plain).as_deref(), Some("locust" | "locustio")) {
                left_out.push(plain.to_owned());
            } else if let Some((flag, file)) = included(plain) {
                // pip reads them relative to the file that names them, which is now another one.
                lines.push(format!("{flag} {}", folder.join(file).display()));
            } else {
                lines.push(line.to_owned());
            }
        }
        let is_something = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let nothing = !lines.iter().any(is_something);
        lines.push(String::new());
        Self { text: lines.join("\n"), left_out, nothing }
    }
}

/// The package that a line names.
fn name(line: &str) -> Option<String> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
    (end > 0 && !line.starts_with('-')).then(|| line[..end].to_ascii_lowercase())
}

/// Another file that a line includes.
fn included(line: &str) -> Option<(&str, &str)> {
    ["--requirement", "--constraint", "-r", "-c"].into_iter().find_map(|flag| {
        let file = line.strip_prefix(flag)?.trim_start_matches(['=', ' ']).trim();
        (!file.is_empty() && !file.contains("://")).then_some((flag, file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Wanted {
        Wanted::of(text, Path::new("/locust"))
    }

    #[test]
    fn locust_itself_is_left_out() {
        let only = wanted("locust == 1.6.0\n");
        assert_eq!((only.left_out, only.nothing), (vec!["locust == 1.6.0".to_owned()], true));
        let more = wanted("# ours\nlocustio==0.13\nlocust-plugins\npymongo>=4 # the database\n");
        assert_eq!(more.text, "# ours\nlocust-plugins\npymongo>=4 # the database\n");
        assert!(!more.nothing);
        assert_eq!(wanted("Locust[milvus]\n").left_out, ["Locust[milvus]"]);
    }

    #[test]
    fn included_files_are_still_found() {
        let text =
            wanted("-r more.txt\n--constraint=limits.txt\n-c /etc/limits.txt\n--index-url http://x\n").text;
        assert_eq!(
            text,
            "-r /locust/more.txt\n--constraint /locust/limits.txt\n-c /etc/limits.txt\n--index-url http://x\n"
        );
    }
}
