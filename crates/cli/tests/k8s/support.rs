//! A cluster, a folder with a test in it, and the binary.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use throng_kube_standin::{Behaviour, Cluster};

/// Longer than anything takes, also on a machine with other work.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

const BINARY: &str = env!("CARGO_BIN_EXE_throng");

/// A stand-in cluster, and a folder to work in.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

/// What a process left behind.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that runs.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// Two iterations of a virtual user, and a file of its own.
pub(crate) const SCRIPT: &str = "
import { check } from 'k6';
export const options = { vus: 2, iterations: 4, thresholds: { checks: ['rate==1'] } };
export default function () { check(1, { holds: (one) => one === Number(__ENV.WANTED || 1) }); }
export function handleSummary(data) {
  return { 'mine.txt': 'iterations ' + data.metrics.iterations.values.count, stdout: 'the end\\n' };
}
";

/// Goes on until it is stopped.
pub(crate) const ENDLESS: &str = "
import { sleep } from 'k6';
export const options = { vus: 4, duration: '10m' };
export default function () { sleep(0.1); }
export function teardown() { console.log('torn down'); }
";

impl World {
    /// Pods are processes of the binary.
    pub(crate) fn new() -> Self {
        let world = Self { cluster: Cluster::start().unwrap(), folder: tempfile::tempdir().unwrap() };
        world.cluster.program("throng", BINARY);
        world.cluster.when(|_| true, Behaviour::Process);
        world
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let place = self.folder.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        let place = self.folder.path().join(path);
        std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.folder.path().join(path).exists()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("KUBECONFIG", self.cluster.kubeconfig());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.start(args).finish()
    }

    /// Starts one.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        self.start_command(self.command(args))
    }

    pub(crate) fn start_command(&self, mut command: Command) -> Running {
        let output = |name: &str| {
            let file =
                tempfile::Builder::new().prefix(name).tempfile_in(self.folder.path().parent().unwrap());
            file.unwrap().keep().unwrap()
        };
        let ((out_file, out), (err_file, err)) = (output("out"), output("err"));
        let child = command.stdout(out_file).stderr(err_file).spawn().unwrap();
        Running { child, out, err }
    }

    /// Waits until nothing of any run is left in the namespace.
    pub(crate) fn expect_empty(&self, namespace: &str) {
        let leftovers = || {
            let mut all = self.cluster.leftovers(namespace);
            all.retain(|name| name.contains("throng"));
            all
        };
        let end = Instant::now() + LIMIT;
        while !leftovers().is_empty() {
            assert!(Instant::now() < end, "left in {namespace}: {:?}", leftovers());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Running {
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap()
    }

    /// Waits until it has said something on standard error.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + LIMIT;
        while !self.stderr().contains(text) {
            if let Some(status) = self.child.try_wait().unwrap() {
                if self.stderr().contains(text) {
                    return;
                }
                panic!("ended with {status} before it said {text:?}: {}{}", self.stderr(), self.stdout());
            }
            assert!(Instant::now() < end, "did not say {text:?}: {}{}", self.stderr(), self.stdout());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// To the process group that it leads.
    pub(crate) fn signal_group(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        assert!(
            Command::new("kill").arg(format!("-{name}")).arg("--").arg(group).status().unwrap().success()
        );
    }

    pub(crate) fn finish(mut self) -> Done {
        let end = Instant::now() + LIMIT * 2;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > end => {
                    let _ = self.child.kill();
                    panic!("did not end: {}{}", self.stderr(), self.stdout());
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let done = Done { code: status.code().unwrap(), stdout: self.stdout(), stderr: self.stderr() };
        for path in [&self.out, &self.err] {
            let _ = std::fs::remove_file(path);
        }
        done
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn expect_error(&self, message: &str) {
        // Lines of the log have their text in quotation marks.
        let quoted = message.replace('"', "\\\"");
        assert!(
            self.stderr.contains(message) || self.stderr.contains(&quoted),
            "expected {message:?} in {}",
            self.stderr
        );
    }
}

/// Whether a pod is a part of a run.
pub(crate) fn is_part(pod: &Value, part: &str) -> bool {
    pod["metadata"]["labels"]["app.kubernetes.io/component"] == part
}

/// Everything in a folder, by path.
pub(crate) fn files_of(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
