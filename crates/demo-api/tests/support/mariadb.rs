//! A MariaDB server of our own in a temporary directory, gone when dropped. The tests of `throng fill` use it too.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set to opt out where no server can be had; without it a missing server fails the test.
pub(crate) const OPT_OUT: &str = "THRONG_TEST_WITHOUT_MARIADB";

/// The running server.
pub(crate) struct MariaDb {
    server: Child,
    directory: PathBuf,
    port: u16,
    options: &'static [&'static str],
}

impl MariaDb {
    /// Starts a server with an empty database `demo`, or nothing when opted out.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_with(name, &[])
    }

    /// The same, with further options of the server.
    pub(crate) fn start_with(name: &str, options: &'static [&'static str]) -> Option<Self> {
        if std::env::var_os(OPT_OUT).is_some() {
            return None;
        }
        let directory = std::env::temp_dir().join(format!("throng-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let user = format!("--user={}", run(Command::new("id").arg("-un")).trim());
        run(Command::new("mariadb-install-db")
            // A server removes what it takes for left over from a shared folder, also when another one uses it.
            .env("TMPDIR", &directory)
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &user])
            .arg(format!("--datadir={}", directory.join("data").display())));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = serve(&directory, port, options);
        let mut started = Self { server, directory, port, options };
        started.wait();
        started.sql("CREATE DATABASE demo; CREATE USER 'demo'@'127.0.0.1' IDENTIFIED BY 'secret'");
        started.sql("GRANT ALL ON demo.* TO 'demo'@'127.0.0.1'");
        Some(started)
    }

    /// The URL of the empty database.
    pub(crate) fn url(&self) -> String {
        format!("mysql://demo:secret@127.0.0.1:{}/demo", self.port)
    }

    /// Runs a statement as the server's root.
    pub(crate) fn sql(&self, statement: &str) -> String {
        run(self.client("mariadb").args(["-N", "-B", "-e", statement]))
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("--no-defaults").arg("-uroot").arg("-S").arg(self.directory.join("s"));
        command
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.client("mariadb-admin").arg("ping").output().unwrap().status.success() {
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            if let Some(status) = self.server.try_wait().unwrap() {
                panic!("mariadbd ended with {status}:\n{}", log());
            }
            assert!(Instant::now() < deadline, "mariadbd does not answer:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts it again after [`MariaDb::kill`], on the same port with the same data.
    pub(crate) fn start_again(&mut self) {
        self.server = serve(&self.directory, self.port, self.options);
        self.wait();
    }

    /// Kills the server, to see what the application does without it.
    pub(crate) fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn serve(directory: &Path, port: u16, options: &[&str]) -> Child {
    let user = format!("--user={}", run(Command::new("id").arg("-un")).trim());
    Command::new(program("mariadbd"))
        .env("TMPDIR", directory)
        .args(["--no-defaults", &user, "--bind-address=127.0.0.1"])
        .args(["--innodb-log-file-size=8M", "--skip-log-bin", "--skip-name-resolve"])
        .args(options)
        .arg(format!("--datadir={}", directory.join("data").display()))
        .arg(format!("--socket={}", directory.join("s").display()))
        .arg(format!("--pid-file={}", directory.join("pid").display()))
        .arg(format!("--port={port}"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(directory.join("log")).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("mariadbd: {error} (apt install mariadb-server, or set {OPT_OUT}=1)"))
}

/// The server lives in `sbin`, which is not on every user's path.
fn program(name: &str) -> PathBuf {
    let sbin = Path::new("/usr/sbin").join(name);
    if sbin.exists() { sbin } else { PathBuf::from(name) }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error} (apt install mariadb-server, or set {OPT_OUT}=1)")
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
