//! Worker processes of this very binary, on this machine, for one run: `--workers N`.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use throng_cluster::Token;

use crate::logging::{Level, Logger};

/// What a process said before it ended has come by then.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long a worker may take to exit once the run is over.
const FAREWELL: Duration = Duration::from_secs(3);

/// The processes. Those that are left when this is dropped are killed.
pub(in crate::run) struct Children(Vec<Worker>);

struct Worker {
    name: String,
    process: Child,
    has_exited: bool,
    /// When that was seen, until it is told what follows from it.
    missing_since: Option<Instant>,
}

impl Children {
    /// Starts `count` workers that join the controller at `address`, and shares `threads` among them, at least one each.
    ///
    /// # Errors
    /// When a process cannot be started; those before it are stopped.
    pub(in crate::run) fn start(
        count: u32,
        threads: usize,
        address: SocketAddr,
        token: &Token,
    ) -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut children = Self(Vec::new());
        for index in 0..count as usize {
            let share = (threads / count as usize + usize::from(index < threads % count as usize)).max(1);
            let name = (index + 1).to_string();
            let process = Command::new(&program)
                .arg0("throng")
                .args(["worker", "--quiet", "--controller", &address.to_string()])
                .args(["--name", &name, "--threads", &share.to_string(), "--join-timeout", "10s"])
                .env("THRONG_TOKEN", token.reveal())
                // Settings of this process's own log, which a worker's records end up in anyway.
                .env_remove("K6_LOG_OUTPUT")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                // Ctrl-C in a terminal is for us: we stop them in order.
                .process_group(0)
                .spawn()?;
            children.0.push(Worker { name, process, has_exited: false, missing_since: None });
        }
        Ok(children)
    }

    /// Says, once, which of them have exited before their time.
    pub(in crate::run) fn look_after(&mut self, log: &Logger) {
        for worker in self.0.iter_mut().filter(|worker| !worker.has_exited) {
            if let Ok(Some(status)) = worker.process.try_wait() {
                worker.has_exited = true;
                worker.missing_since = Some(Instant::now());
                let level = if status.success() { Level::Debug } else { Level::Warning };
                log.log(level, &format!("the process of worker {} has ended: {status}", worker.name), &[]);
            }
        }
    }

    /// The name of one that has exited, once.
    pub(in crate::run) fn take_missing(&mut self) -> Option<String> {
        let is_due = |worker: &&mut Worker| worker.missing_since.is_some_and(|at| at.elapsed() >= LAST_WORDS);
        let worker = self.0.iter_mut().find(is_due)?;
        worker.missing_since = None;
        Some(worker.name.clone())
    }

    /// Waits for them to exit, as they have been told to.
    pub(in crate::run) fn reap(mut self, log: &Logger) {
        let deadline = Instant::now() + FAREWELL;
        for worker in self.0.iter_mut().filter(|worker| !worker.has_exited) {
            loop {
                match worker.process.try_wait() {
                    Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                    Ok(None) => {
                        log.warn(&format!("worker {} did not end by itself and is killed", worker.name));
                        break;
                    }
                    Ok(Some(_)) | Err(_) => {
                        worker.has_exited = true;
                        break;
                    }
                }
            }
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for worker in self.0.iter_mut().filter(|worker| !worker.has_exited) {
            // One that is gone meanwhile cannot be killed, which is as good.
            let _ = worker.process.kill();
            let _ = worker.process.wait();
        }
    }
}
