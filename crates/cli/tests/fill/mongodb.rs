//! A server with MongoDB's protocol of our own: SecantusDB from `PyPI`, which keeps its data in WiredTiger, MongoDB's storage
//! engine. `./x test unit` installs it; no real `mongod` is packaged where our tests run.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program; set by `./x`, which installs it.
const PROGRAM: &str = "THRONG_TEST_SECANTUSD";
/// Set to opt out where no server can be had; without it a missing server fails the test.
const OPT_OUT: &str = "THRONG_TEST_WITHOUT_MONGODB";

/// The running server.
pub(crate) struct MongoDb {
    server: Child,
    directory: tempfile::TempDir,
    port: u16,
    options: Vec<String>,
}

impl MongoDb {
    /// Starts an empty server, or nothing when opted out.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, with further options of the server.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        if std::env::var_os(OPT_OUT).is_some() {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let server = serve(&directory, port, &options);
        Some(Self { server, directory, port, options })
    }

    /// Stops it cleanly.
    pub(crate) fn stop(&mut self) {
        let pid = self.server.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.server.wait().unwrap();
    }

    /// Kills it without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Starts it again, on the same port with the same data.
    pub(crate) fn start_again(&mut self) {
        self.server = serve(&self.directory, self.port, &self.options);
    }

    /// The URL of a database.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/sample", self.port)
    }
}

impl Drop for MongoDb {
    fn drop(&mut self) {
        // Its clean stop takes five seconds, and there is nothing to keep.
        self.kill();
    }
}

fn serve(directory: &tempfile::TempDir, port: u16, options: &[String]) -> Child {
    // Cargo runs tests in the crate's folder; `./x` installs into the workspace's.
    let installed =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.cache/secantusdb/bin/secantusd-py");
    let program = std::env::var_os(PROGRAM).map_or(installed, PathBuf::from);
    let mut server = Command::new(&program)
        .args(["--host", "127.0.0.1", "--standalone", "--cache-size", "128M", "--log-level", "WARNING"])
        .args(options)
        .arg(format!("--port={port}"))
        .arg("--storage-path")
        .arg(directory.path().join("data"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(directory.path().join("log")).unwrap())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{}: {error} (`./x test unit` installs it; or set {OPT_OUT}=1)", program.display())
        });
    let deadline = Instant::now() + Duration::from_mins(1);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || std::fs::read_to_string(directory.path().join("log")).unwrap_or_default();
        if let Some(status) = server.try_wait().unwrap() {
            panic!("secantusd-py ended with {status}:\n{}", log());
        }
        assert!(Instant::now() < deadline, "secantusd-py does not listen:\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}
