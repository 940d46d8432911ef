//! From a script and its options to a run that can be made: which files travel, and what controller and workers run.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use throng_kube::RunName;
use throng_kube::files::{Collected, Collector};
use throng_kube::wanted::{Wanted, Workers, port};
use url::Url;

use super::failure;
use crate::exit::Exit;
use crate::face::{Invocation, k6};
use crate::failure::Failure;
use crate::flags::{self, Scope};
use crate::run;
use crate::spec::{Purpose, RunSpec, Workforce};

/// How long controller and workers wait for each other. Whoever started the run is less patient, and says why.
const GATHER: &str = "30m";

/// What a test needs in the cluster.
pub(super) struct Test {
    pub(super) collected: Collected,
    pub(super) command: Vec<String>,
    pub(super) workers: Workers,
    pub(super) has_page: bool,
    pub(super) watches: bool,
    pub(super) is_python: bool,
}

fn refuse(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// What is known of a test beside its command line.
pub(super) struct Circumstances<'a> {
    pub(super) workers: u32,
    pub(super) run: &'a RunName,
    pub(super) namespace: &'a str,
    pub(super) requirements: Option<&'a str>,
    /// Variables that its pods will have.
    pub(super) variables: Vec<(String, String)>,
}

/// Understands `FILE OPTIONS…`.
pub(super) fn test(arguments: &[String], known: &Circumstances<'_>) -> Result<Test, Failure> {
    let Circumstances { workers, requirements, .. } = *known;
    let (file, options) =
        arguments.split_first().ok_or_else(|| refuse("a script or locustfile is needed"))?;
    if file == "-" {
        return Err(refuse(
            "a script from standard input is not supported on Kubernetes yet; write it to a file",
        ));
    }
    if workers == 0 {
        return Err(refuse("a run needs at least one worker: --workers 1"));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::other(format!("cannot tell the working directory: {error}")))?;
    let mut collector = Collector::new(here.clone());
    // What options name may be files: a configuration, what to fill, certificates.
    for word in options {
        let value =
            word.split_once('=').filter(|_| word.starts_with('-')).map_or(word.as_str(), |(_, value)| value);
        if !value.is_empty() && !value.starts_with('-') && here.join(value).is_file() {
            collector.file(Path::new(value)).map_err(failure)?;
        }
    }
    let relative = relative_to(&here, Path::new(file));
    if super::super::is_python(file.as_ref()) {
        if let Some(file) = requirements {
            collector.file(Path::new(file)).map_err(failure)?;
        }
        locust(collector, &here, &relative, options, known)
    } else if requirements.is_some() {
        Err(refuse("--requirements is for locustfiles: a k6 script has no Python packages"))
    } else {
        k6(collector, &here, file, &relative, options, known)
    }
}

fn has(options: &[String], names: &[&str]) -> bool {
    options.iter().any(|word| {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        names.contains(&name)
    })
}

fn k6(
    mut collector: Collector,
    here: &Path,
    file: &str,
    relative: &str,
    options: &[String],
    known: &Circumstances<'_>,
) -> Result<Test, Failure> {
    let workers = known.workers;
    let host = Wanted::host(known.run, known.namespace);
    if let Some(name) = ["--linger", "-l", "--ui"].into_iter().find(|name| has(options, &[name])) {
        return Err(refuse(format!("{name} has no meaning here: see --keep, --hold and --page-port")));
    }
    no_passwords(options)?;
    for (path, content) in script_files(file, options, &known.variables)? {
        collector.insert(&path, content).map_err(failure)?;
    }
    let mut command: Vec<String> = [
        "throng",
        "controller",
        "--expect-workers",
        &workers.to_string(),
        "--bind",
        &format!("0.0.0.0:{}", port::CLUSTER),
        &format!("--ui=0.0.0.0:{}", port::PAGE),
        "--gather-timeout",
        GATHER,
    ]
    .map(str::to_owned)
    .to_vec();
    if !has(options, &["--summary-export"]) {
        command.extend(["--summary-export".to_owned(), "summary.json".to_owned()]);
    }
    command.extend(local_names(here, options));
    command.push(relative.to_owned());
    let join =
        ["throng", "worker", "--controller", &format!("{host}:{}", port::CLUSTER), "--join-timeout", GATHER];
    Ok(Test {
        collected: collector.finish().map_err(failure)?,
        command,
        workers: Workers::Joining { count: workers, command: join.map(str::to_owned).to_vec() },
        has_page: true,
        watches: has(options, &["--watch"]) || known.variables.iter().any(|(name, _)| name == WATCH),
        is_python: false,
    })
}

/// Loads the script as a controller does, which validates it and its options and shows what it reads.
fn script_files(
    file: &str,
    options: &[String],
    variables: &[(String, String)],
) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let flags = flags::all();
    let mut root = flags::add(
        clap::Command::new("throng").no_binary_name(true).subcommand(k6::run::command(
            "throng",
            &flags,
            Scope::Cluster,
        )),
        &flags,
        Scope::Global,
    );
    let mut words: Vec<OsString> = vec!["run".into(), file.into()];
    // What pods have in their environment a script may ask for while it is loaded.
    for (name, value) in variables {
        words.extend(["-e".into(), format!("{name}={value}").into()]);
    }
    words.extend(options.iter().map(OsString::from));
    let matches =
        root.try_get_matches_from_mut(words).map_err(|error| flags::from_clap(&error, "throng k8s"))?;
    let own = matches.subcommand().map_or(&matches, |(_, own)| own);
    let invocation = Invocation::new("throng", &flags, own)?;
    let mut spec = RunSpec::new(&invocation, "run", Purpose::Run)?;
    spec.workforce =
        Workforce::Spawned { workers: 1, on_loss: crate::spec::on_worker_loss(&invocation.values)? };
    let files = run::files(&spec)?;
    Ok(files
        .into_iter()
        // What the script imports from elsewhere the controller gets itself.
        .filter_map(|(name, content)| {
            Some((Url::parse(&name).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()?, content))
        })
        .collect())
}

fn locust(
    mut collector: Collector,
    here: &Path,
    file: &str,
    options: &[String],
    known: &Circumstances<'_>,
) -> Result<Test, Failure> {
    let workers = known.workers;
    let host = Wanted::host(known.run, known.namespace);
    let taken = [
        "--master",
        "--worker",
        "--slave",
        "--processes",
        "--master-host",
        "--master-port",
        "-f",
        "--locustfile",
    ];
    if let Some(name) = taken.into_iter().find(|name| has(options, &[name])) {
        return Err(refuse(format!("{name} is decided by throng k8s: give the locustfile and --workers")));
    }
    let place = here.join(file);
    if !place.is_file() {
        return Err(Failure::other(format!("there is no locustfile {}", place.display())));
    }
    let folder = place.parent().unwrap_or(here).to_owned();
    collector.folder(&folder).map_err(failure)?;
    for name in ["locust.conf", "pyproject.toml"] {
        if here.join(name).is_file() {
            collector.file(Path::new(name)).map_err(failure)?;
        }
    }
    no_passwords(options)?;
    let has_page = !has(options, &["--headless"]);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    // Not `throng locust`, which has Locust's flags only.
    let mut command = words(&["throng", "run", file, "--master", "--master-bind-host", "0.0.0.0"]);
    command.extend(words(&["--master-bind-port", &port::CLUSTER.to_string()]));
    command.extend(words(&["--expect-workers", &workers.to_string()]));
    if has_page {
        command.extend(words(&["--web-host", "0.0.0.0", "--web-port", &port::PAGE.to_string()]));
    }
    // Not `--json-file`: with it Locust prints no tables at the end.
    for (name, default) in [("--html", "report.html"), ("--csv", "stats")] {
        if !has(options, &[name]) {
            command.extend(words(&[name, default]));
        }
    }
    command.extend(local_names(here, options));
    let mut join = words(&["throng", "locust", "-f", file, "--worker", "--master-host", &host]);
    join.extend(words(&["--master-port", &port::CLUSTER.to_string()]));
    join.extend(tags(options));
    Ok(Test {
        collected: collector.finish().map_err(failure)?,
        command,
        workers: Workers::WithFiles { count: workers, command: join },
        has_page,
        watches: has(options, &["--watch"]) || known.variables.iter().any(|(name, _)| name == WATCH),
        is_python: true,
    })
}

/// What tags are chosen decides what tasks a worker has, so that it needs them too.
fn tags(options: &[String]) -> Vec<String> {
    let mut taken = Vec::new();
    let mut takes = false;
    for word in options {
        if word.starts_with('-') {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            takes = ["-T", "--tags", "-E", "--exclude-tags"].contains(&name);
        }
        if takes {
            taken.push(word.clone());
        }
    }
    taken
}

/// Names of files here, as they are there: relative to the working directory.
fn local_names(here: &Path, options: &[String]) -> Vec<String> {
    options
        .iter()
        .map(|word| {
            let (flag, value) = match word.split_once('=').filter(|_| word.starts_with('-')) {
                Some((flag, value)) => (Some(flag), value),
                None => (None, word.as_str()),
            };
            let path = Path::new(value);
            if !(path.is_absolute() && path.is_file()) {
                return word.clone();
            }
            let value = relative_to(here, path);
            flag.map_or(value.clone(), |flag| format!("{flag}={value}"))
        })
        .collect()
}

/// A path as seen from a folder.
fn relative_to(here: &Path, path: &Path) -> String {
    if path.is_relative() {
        return path.to_string_lossy().into_owned();
    }
    let shared = here.components().zip(path.components()).take_while(|(one, other)| one == other).count();
    let up = here.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
    relative.to_string_lossy().into_owned()
}

/// Names what is to be watched; also the place for addresses with passwords.
const WATCH: &str = "THRONG_WATCH";

/// Variables of throng that are about this machine.
const HERE: [&str; 7] = [
    "THRONG_HISTORY",
    "THRONG_HISTORY_KEEP",
    "THRONG_PYTHON",
    "THRONG_SSH",
    "THRONG_TOKEN",
    "THRONG_UI",
    "THRONG_WORKERS",
];

/// Command lines of pods can be read by many; what is in a Secret by fewer.
fn no_passwords(options: &[String]) -> Result<(), Failure> {
    let values = options.iter().enumerate().filter_map(|(at, word)| match word.strip_prefix("--watch") {
        Some("") => options.get(at + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    if values.into_iter().any(super::has_password) {
        return Err(refuse(format!(
            "--watch with a password would be in the command line of a pod: put it into {WATCH} and give --pod-env {WATCH}"
        )));
    }
    Ok(())
}

/// Variables of this shell that a test here would see, and one there does not.
pub(super) fn stays_here(passed: &[String]) -> Vec<String> {
    std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| ["K6_", "LOCUST_", "THRONG_"].iter().any(|own| name.starts_with(own)))
        .filter(|name| !HERE.contains(&name.as_str()) && !passed.contains(name))
        .collect()
}

/// The namespace that is meant.
pub(super) fn namespace_of(place: &throng_kube::Place) -> Result<String, Failure> {
    throng_kube::runtime::block_on(throng_kube::connect::namespace(place)).map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_seen_from_the_working_directory() {
        let here = Path::new("/home/me/tests");
        assert_eq!(relative_to(here, Path::new("load.js")), "load.js");
        assert_eq!(relative_to(here, Path::new("/home/me/tests/a/load.js")), "a/load.js");
        assert_eq!(relative_to(here, Path::new("/home/me/lib/load.js")), "../lib/load.js");
    }

    #[test]
    fn workers_get_the_tags() {
        let options = ["-u", "5", "-T", "a", "b", "--headless", "-E", "c"].map(str::to_owned);
        assert_eq!(tags(&options), ["-T", "a", "b", "-E", "c"]);
    }
}
