//! From arguments and conventions to one command line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::conventions::{Conventions, Mode};
use super::{refused, test_file};
use crate::failure::Failure;

/// What k6 knows and throng's own face does not: `docker run IMAGE inspect script.js`, as for k6's own image.
const OF_K6: [&str; 11] = [
    "archive",
    "cloud",
    "completion",
    "inspect",
    "login",
    "new",
    "pause",
    "resume",
    "scale",
    "stats",
    "status",
];

/// Options of locust for which it needs no test.
const TELLING: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// This program with these arguments.
    Throng(Vec<OsString>),
    /// Another one: a shell, a script of the image that was there before.
    Program(OsString, Vec<OsString>),
}

/// What to start, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The command.
    pub start: Start,
    /// The test that was found.
    pub test: Option<PathBuf>,
    /// What is to be told before it starts, where it was not all in the arguments.
    pub announcement: Option<String>,
}

impl Launch {
    /// Arguments are passed through; what begins with flags, or is nothing, is completed by the environment.
    pub fn decide(
        mut arguments: Vec<OsString>,
        conventions: &Conventions,
        own: &[&str],
        folders: &[PathBuf],
    ) -> Result<Self, Failure> {
        let of_environment = match arguments.first() {
            None => true,
            Some(first) => first.to_string_lossy().starts_with('-'),
        };
        if of_environment {
            return from_environment(arguments, conventions, folders);
        }
        let first = arguments.first().and_then(|first| first.to_str()).unwrap_or_default();
        let start = if first == "throng" {
            arguments.remove(0);
            Start::Throng(arguments)
        } else if own.contains(&first) {
            Start::Throng(arguments)
        } else if OF_K6.contains(&first) {
            arguments.insert(0, "k6".into());
            Start::Throng(arguments)
        } else {
            let program = arguments.remove(0);
            if !is_program(&program) {
                return Err(refused(format!(
                    "start {}: there is no such program in this image; arguments are a command of throng, k6 or \
                     locust, options of locust, or a program",
                    program.to_string_lossy()
                )));
            }
            Start::Program(program, arguments)
        };
        Ok(Self { start, test: None, announcement: None })
    }

    /// Whether the test is in Python, and may need packages.
    pub fn needs_python(&self) -> bool {
        let Start::Throng(arguments) = &self.start else { return false };
        match arguments.first().and_then(|first| first.to_str()) {
            Some("locust" | "python") => true,
            Some("run") => {
                arguments.iter().any(|argument| Path::new(argument).extension() == Some(OsStr::new("py")))
            }
            _ => false,
        }
    }
}

fn from_environment(
    flags: Vec<OsString>,
    conventions: &Conventions,
    folders: &[PathBuf],
) -> Result<Launch, Failure> {
    let given: Vec<&str> = flags
        .iter()
        .filter_map(|flag| flag.to_str())
        .chain(conventions.options.iter().map(String::as_str))
        .collect();
    let has = |names: &[&str]| given.iter().any(|given| names.iter().any(|name| is_flag(given, name)));
    let test = if has(&["-f", "--locustfile"]) || conventions.native.file {
        None
    } else if let Some(name) = &conventions.file {
        // Several files, a URL, `-`: what is none of ours is Locust's to read.
        Some(test_file::named(name, folders).unwrap_or_else(|| PathBuf::from(name)))
    } else if has(&TELLING) {
        None
    } else {
        test_file::find(folders)?
    };
    let options = conventions.options.iter().map(OsString::from);
    if let Some(script) = test.as_ref().filter(|test| test_file::is_script(test)) {
        if conventions.mode != Mode::Standalone {
            return Err(refused(format!(
                "{} is a k6 script, which has no LOCUST_MODE: give arguments instead, 'controller --expect-workers N {}' \
                 and 'worker --controller HOST:5557'",
                script.display(),
                script.display()
            )));
        }
        let mut arguments: Vec<OsString> = vec!["run".into()];
        arguments.extend(options.chain(flags));
        arguments.push(script.into());
        let announcement = Some(format!("starting throng run {}", script.display()));
        return Ok(Launch { start: Start::Throng(arguments), test, announcement });
    }
    let mut arguments: Vec<OsString> = vec!["locust".into()];
    let mut told = vec!["starting locust".to_owned()];
    if let Some(test) = &test {
        arguments.extend(["-f".into(), test.into()]);
        told.push(format!("-f {}", test.display()));
    }
    if let Some(host) =
        conventions.host.as_ref().filter(|_| !conventions.native.host && !has(&["-H", "--host"]))
    {
        arguments.push(format!("--host={host}").into());
        told.push(format!("--host={}", without_password(host)));
    }
    let of_mode = of_mode(conventions, &has)?;
    for argument in of_mode {
        arguments.push(argument.clone().into());
        told.push(argument);
    }
    if !conventions.options.is_empty() || !flags.is_empty() {
        told.push("and the options that were given".to_owned());
    }
    let announcement = (!has(&TELLING)).then(|| told.join(" "));
    arguments.extend(options.chain(flags));
    Ok(Launch { start: Start::Throng(arguments), test, announcement })
}

/// The flags of the part that this container has.
fn of_mode(conventions: &Conventions, has: &impl Fn(&[&str]) -> bool) -> Result<Vec<String>, Failure> {
    if has(&["--master", "--worker", "--slave"]) {
        return Ok(Vec::new());
    }
    let mut arguments = Vec::new();
    match conventions.mode {
        Mode::Standalone => {}
        // Its port is LOCUST_MASTER_BIND_PORT, which Locust reads by itself.
        Mode::Master => arguments.push("--master".to_owned()),
        Mode::Worker => {
            arguments.push("--worker".to_owned());
            if !conventions.native.master && !has(&["--master-host"]) {
                let Some(master) = &conventions.master else {
                    return Err(refused(
                        "LOCUST_MODE=worker needs to know its master: set LOCUST_MASTER to the name of its Service",
                    ));
                };
                arguments.push(format!("--master-host={master}"));
            }
            if let Some(port) = conventions.port.filter(|_| !has(&["--master-port"])) {
                arguments.push(format!("--master-port={port}"));
            }
        }
    }
    Ok(arguments)
}

/// Whether an argument is this flag, alone or with its value.
fn is_flag(argument: &str, name: &str) -> bool {
    argument.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('=') || (!name.starts_with("--") && !rest.starts_with('-'))
    })
}

/// The target as it may appear in a log.
fn without_password(host: &str) -> String {
    match url::Url::parse(host) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => host.to_owned(),
    }
}

fn is_program(name: &OsStr) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let runs = |file: &Path| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if Path::new(name).components().count() > 1 {
        return runs(Path::new(name));
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| runs(&folder.join(name))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    const OWN: [&str; 5] = ["run", "worker", "k6", "locust", "version"];

    /// The command line for variables and arguments, with a locustfile at `FOLDER/tasks.py`.
    fn launch(variables: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tasks.py"), "from locust import User\n").unwrap();
        fs::write(folder.path().join("settings.py"), "").unwrap();
        fs::create_dir(folder.path().join("js")).unwrap();
        fs::write(folder.path().join("js/load.js"), "").unwrap();
        let environment: BTreeMap<String, String> =
            variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let arguments = arguments.iter().map(OsString::from).collect();
        let decided = Conventions::read(&environment)
            .and_then(|read| Launch::decide(arguments, &read, &OWN, &[folder.path().to_owned()]));
        let text = |words: &[OsString]| words.join(OsStr::new(" ")).to_string_lossy().into_owned();
        let folder = folder.path().to_string_lossy();
        match decided {
            Ok(Launch { start: Start::Throng(words), .. }) => Ok(text(&words).replace(&*folder, "FOLDER")),
            Ok(Launch { start: Start::Program(program, words), .. }) => {
                Ok(format!("{}!{}", program.to_string_lossy(), text(&words)))
            }
            Err(failure) => Err(failure.message.replace(&*folder, "FOLDER")),
        }
    }

    #[track_caller]
    fn assert_launch(variables: &[(&str, &str)], arguments: &[&str], expected: &str) {
        assert_eq!(launch(variables, arguments).as_deref(), Ok(expected));
    }

    #[test]
    fn manifests_of_older_images_say_all_in_their_environment() {
        assert_launch(
            &[("LOCUST_MODE", "master"), ("TARGET_HOST", "http://knowledge-service")],
            &[],
            "locust -f FOLDER/tasks.py --host=http://knowledge-service --master",
        );
        assert_launch(
            &[("LOCUST_MODE", "worker"), ("LOCUST_MASTER", "locust-master"), ("TARGET_HOST", "http://x")],
            &[],
            "locust -f FOLDER/tasks.py --host=http://x --worker --master-host=locust-master",
        );
        assert_launch(
            &[
                ("LOCUST_MODE", "SLAVE"),
                ("LOCUST_MASTER", "lead"),
                ("LOCUST_MASTER_BIND_PORT", "6667"),
                ("ATTACKED_HOST", "http://x"),
                ("LOCUST_OPTS", "--loglevel DEBUG"),
            ],
            &[],
            "locust -f FOLDER/tasks.py --host=http://x --worker --master-host=lead --master-port=6667 --loglevel DEBUG",
        );
        assert_launch(
            &[("LOCUST_OPTIONS", "--headless -u 5")],
            &[],
            "locust -f FOLDER/tasks.py --headless -u 5",
        );
    }

    #[test]
    fn flags_alone_are_those_of_locust_and_win() {
        assert_launch(&[], &["--master"], "locust -f FOLDER/tasks.py --master");
        assert_launch(
            &[("LOCUST_MODE", "master"), ("TARGET_HOST", "http://x")],
            &["--worker", "--master-host", "y", "-f", "z.py", "-Hhttp://q"],
            "locust --worker --master-host y -f z.py -Hhttp://q",
        );
        assert_launch(&[], &["--version"], "locust --version");
    }

    #[test]
    fn what_locusts_own_variables_say_is_not_said_again() {
        let variables = [
            ("LOCUST_MODE", "worker"),
            ("LOCUST_MASTER_NODE_HOST", "m"),
            ("LOCUST_LOCUSTFILE", "/a.py"),
            ("LOCUST_HOST", "http://x"),
            ("TARGET_HOST", "http://y"),
        ];
        assert_launch(&variables, &[], "locust --worker");
    }

    #[test]
    fn commands_are_passed_through() {
        for (arguments, expected) in [
            (&["throng", "run", "a.js"][..], "run a.js"),
            (&["run", "-"], "run -"),
            (&["worker", "--controller", "lead:5557"], "worker --controller lead:5557"),
            (&["k6", "run", "-"], "k6 run -"),
            (&["inspect", "a.js"], "k6 inspect a.js"),
            (&["locust", "-f", "a.py"], "locust -f a.py"),
            (&["sh", "-c", "true"], "sh!-c true"),
        ] {
            assert_launch(&[("LOCUST_MODE", "master")], arguments, expected);
        }
        let message = launch(&[], &["nonesuch"]).unwrap_err();
        assert!(message.contains("nonesuch") && message.contains("no such program"), "{message}");
    }

    #[test]
    fn a_named_test_is_looked_for_in_the_folders() {
        assert_launch(&[("LOCUST_FILE", "settings.py")], &[], "locust -f FOLDER/settings.py");
        assert_launch(&[("LOCUST_FILE", "a.py,b.py")], &[], "locust -f a.py,b.py");
        assert_launch(&[("LOCUST_FILE", "js/load.js")], &[], "run FOLDER/js/load.js");
        let message = launch(&[("LOCUST_FILE", "js/load.js"), ("LOCUST_MODE", "master")], &[]).unwrap_err();
        assert!(message.contains("controller --expect-workers N FOLDER/js/load.js"), "{message}");
    }

    #[test]
    fn a_worker_without_a_master_is_told_what_to_set() {
        assert!(launch(&[("LOCUST_MODE", "worker")], &[]).unwrap_err().contains("LOCUST_MASTER"));
        assert_launch(
            &[("LOCUST_MODE", "worker")],
            &["--master-host=x"],
            "locust -f FOLDER/tasks.py --worker --master-host=x",
        );
    }

    #[test]
    fn passwords_are_not_logged() {
        assert_eq!(without_password("http://me:secret@x/"), "http://me:***@x/");
        assert_eq!(without_password("http://x"), "http://x");
    }
}
