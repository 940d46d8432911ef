//! Runs the built binary under one of its names.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The binary by the name it is called.
#[derive(Clone, Copy)]
pub(crate) struct Face(pub(crate) &'static str);

/// Called as k6.
pub(crate) const K6: Face = Face("k6");
/// Called as throng.
pub(crate) const THRONG: Face = Face("throng");

/// What a process left behind.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Face {
    /// Runs it without any variable of the environment that it could listen to.
    pub(crate) fn run(self, args: &[&str]) -> Done {
        self.run_with(args, &[])
    }

    /// Runs it with these variables.
    pub(crate) fn run_with(self, args: &[&str], environment: &[(&str, &str)]) -> Done {
        let output = Command::new(self.link())
            .args(args)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        Done {
            code: output.status.code().expect("the process ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }

    /// A link to the binary under its name, in a folder that lives as long as the tests.
    pub(crate) fn link(self) -> PathBuf {
        static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            // Another build of the program may be tested, such as the one that is shipped.
            let program = std::env::var_os("THRONG_TEST_PROGRAM").filter(|program| !program.is_empty());
            let program = program.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_throng")), PathBuf::from);
            for name in ["k6", "locust", "throng"] {
                std::os::unix::fs::symlink(&program, folder.path().join(name)).expect("a link");
            }
            folder
        });
        folder.path().join(self.0)
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
        assert!(self.stderr.contains(message), "expected {message:?} in {:?}", self.stderr);
    }
}
