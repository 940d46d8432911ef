//! A PostgreSQL server of our own in a temporary directory, gone when dropped. It keeps its word over a crash: `fsync` is
//! on.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set to opt out where no server can be had; without it a missing server fails the test.
const OPT_OUT: &str = "THRONG_TEST_WITHOUT_POSTGRES";

/// The running server.
pub(crate) struct Postgres {
    directory: PathBuf,
    port: u16,
    options: &'static str,
}

impl Postgres {
    /// Starts a server with an empty database `demo`, or nothing when opted out.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_with(name, "-c max_connections=100")
    }

    /// The same, with these options of the server.
    pub(crate) fn start_with(name: &str, options: &'static str) -> Option<Self> {
        if std::env::var_os(OPT_OUT).is_some() {
            return None;
        }
        let directory = std::env::temp_dir().join(format!("throng-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let password = directory.join("password");
        std::fs::write(&password, "secret").unwrap();
        if is_root() {
            // The server refuses to be root.
            run(Command::new("chown").arg("-R").arg("postgres").arg(&directory));
        }
        run(as_user(&program("initdb"))
            .args(["-U", "demo", "-E", "UTF8", "--no-sync", "-A", "scram-sha-256"])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(directory.join("data")));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Self { directory, port, options };
        started.start_again();
        started.sql_in("postgres", "CREATE DATABASE demo");
        Some(started)
    }

    /// Starts it again after [`Postgres::kill`], on the same port with the same data.
    pub(crate) fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} {}",
            self.port,
            self.directory.display(),
            self.options
        );
        run(as_user(&program("pg_ctl"))
            .args(["-w", "-t", "60", "-o", &options, "start", "-l"])
            .arg(self.directory.join("log"))
            .arg("-D")
            .arg(self.directory.join("data"))
            .stdin(Stdio::null()));
    }

    /// Makes a folder the server's own.
    pub(crate) fn owns(folder: &Path) {
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder));
        }
    }

    /// Copies a file to where the server alone can read it; where that is.
    pub(crate) fn keep(&self, name: &str, file: &str) -> String {
        let place = self.directory.join(name);
        std::fs::copy(file, &place).unwrap();
        std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        Self::owns(&place);
        place.to_str().unwrap().to_owned()
    }

    /// The URL of the empty database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://demo:secret@127.0.0.1:{}/demo", self.port)
    }

    /// The answer to a query.
    pub(crate) fn sql(&self, statement: &str) -> String {
        self.sql_in("demo", statement)
    }

    fn sql_in(&self, database: &str, statement: &str) -> String {
        let port = self.port.to_string();
        run(Command::new(program("psql"))
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "demo", "-d", database, "-Atqc", statement])
            .env("PGPASSWORD", "secret"))
    }

    /// Kills it without a chance to tidy up.
    pub(crate) fn kill(&self) {
        run(as_user(&program("pg_ctl"))
            .args(["-m", "immediate", "stop", "-D"])
            .arg(self.directory.join("data")));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = as_user(&program("pg_ctl"));
        let _ = stop.args(["-m", "immediate", "stop", "-D"]).arg(self.directory.join("data")).output();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
    command
}

/// Debian keeps the server's programs off the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error} (apt install postgresql, or set {OPT_OUT}=1)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
