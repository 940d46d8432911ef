//! A Redis server of our own, gone when dropped.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set to opt out where no server can be had; without it a missing server fails the test.
const OPT_OUT: &str = "THRONG_TEST_WITHOUT_REDIS";

/// The running server.
pub(crate) struct Redis {
    server: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Redis {
    /// Starts an empty server that takes 12 clients and logs commands of more than 100 ms, or nothing when opted out.
    pub(crate) fn start() -> Option<Self> {
        Self::start_taking(12)
    }

    /// The same with so many clients.
    pub(crate) fn start_taking(clients: u32) -> Option<Self> {
        if std::env::var_os(OPT_OUT).is_some() {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--maxclients", &clients.to_string()])
            .args(["--slowlog-log-slower-than", "100000", "--enable-debug-command", "yes"])
            .arg("--dir")
            .arg(directory.path())
            .arg("--port")
            .arg(port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("redis-server: {error} (apt install redis-server, or set {OPT_OUT}=1)")
            });
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { server, port, _directory: directory })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// A client with these arguments.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        let mut client = Command::new("redis-cli");
        client.args(["-p", &self.port.to_string()]).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        client
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
