//! Scripts, controllers and workers of tests, each a process of its own.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Done, THRONG};

/// A folder with a script in it.
pub(crate) struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.js"), text).unwrap();
        Self { folder }
    }

    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn script(&self) -> String {
        self.path("script.js").display().to_string()
    }

    /// Runs it with these flags.
    pub(crate) fn run(&self, flags: &[&str]) -> Done {
        let script = self.script();
        THRONG.run(&[&["run", "--quiet"], flags, &[&script]].concat())
    }

    /// The numbers of a run that ends well, as `--summary-export` writes them.
    pub(crate) fn summary(&self, flags: &[&str]) -> Value {
        let export = self.path("summary.json").display().to_string();
        let done = self.run(&[flags, &["--summary-export", &export]].concat());
        done.expect_code(0);
        serde_json::from_slice(&std::fs::read(export).unwrap()).unwrap()
    }
}

/// What controllers and workers of a test know.
pub(crate) const TOKEN: &str = "a token for tests";

/// A process whose log is read line by line.
pub(crate) struct Process {
    pub(crate) child: Child,
    log: BufReader<std::process::ChildStderr>,
}

/// Whoever is left when a test ends, be it by a failure, is killed.
impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub(crate) fn start(args: &[&str], token: &str) -> Self {
        Self::spawn(Command::new(THRONG.link()).args(args).env_clear(), token)
    }

    /// The same of a command that needs something around it.
    pub(crate) fn spawn(command: &mut Command, token: &str) -> Self {
        let mut child = command
            .env("THRONG_TOKEN", token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads until a line holds `text`.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let before = seen.len();
            let read = self.log.read_line(&mut seen).unwrap();
            assert!(read > 0, "the log ended without {text:?}: {seen}");
            if seen[before..].contains(text) {
                return seen[before..].to_owned();
            }
        }
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub(crate) fn wait(mut self) -> Done {
        self.finish()
    }

    /// Waits for its end; once.
    pub(crate) fn finish(&mut self) -> Done {
        let mut done = Done { code: 0, stdout: String::new(), stderr: String::new() };
        self.log.read_to_string(&mut done.stderr).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut done.stdout).unwrap();
        done.code = self.child.wait().unwrap().code().unwrap_or(-1);
        done
    }
}

/// A controller that listens, and its address.
pub(crate) fn controller(script: &Script, flags: &[&str]) -> (Process, String) {
    controller_at("127.0.0.1", script, flags)
}

/// One that listens there.
pub(crate) fn controller_at(host: &str, script: &Script, flags: &[&str]) -> (Process, String) {
    let (path, bind) = (script.script(), format!("{host}:0"));
    let args = [&["controller", "--bind", &bind, "--ui=off"], flags, &[&path]].concat();
    let mut process = Process::start(&args, TOKEN);
    let line = process.until("waiting for");
    let address =
        line.split_whitespace().map(|word| word.trim_end_matches('"')).find(|word| word.starts_with(host));
    (process, address.unwrap().to_owned())
}

pub(crate) fn worker(address: &str, name: &str) -> Process {
    Process::start(&["worker", "--controller", address, "--name", name, "--threads", "1"], TOKEN)
}
