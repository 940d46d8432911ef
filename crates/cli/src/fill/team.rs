//! `throng fill --workers N`: processes of this very program that make the records.
//!
//! They are started with the command line of this one and speak with it through their standard input and output, a line of
//! JSON for each order and answer. So they end with it, and what is secret in a command is told to nobody else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use throng_stores::error::FillError;
use throng_stores::plan::Plan;
use throng_stores::team::{self, Gate, Orders};

use crate::exit::Exit;
use crate::failure::Failure;

/// Set in the processes that are workers of another.
pub(crate) const VARIABLE: &str = "THRONG_FILL_WORKER";
/// The most workers; more than processors is already of no use.
pub(crate) const MOST: u32 = 100;

/// The processes. They end by themselves when their leader has nothing for them; that is waited for when this is dropped.
#[derive(Debug)]
pub(super) struct Team(Vec<JoinHandle<()>>);

impl Team {
    /// Starts so many.
    pub(super) fn start(workers: u32, gate: &Gate) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::other(format!("cannot start a worker: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut threads = Vec::new();
        for number in 1..=workers as usize {
            let mut process = Command::new(&program)
                .arg0("throng")
                .args(std::env::args_os().skip(1))
                .env(VARIABLE, number.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                // Ctrl-C in a terminal is for the leader, who stops them in order.
                .process_group(0)
                .spawn()
                .map_err(failed)?;
            let orders = gate.joined(number);
            let stdin = process.stdin.take();
            let writer = std::thread::Builder::new().name(format!("orders {number}"));
            writer.spawn(move || pass_on(orders, stdin)).map_err(failed)?;
            let reader = std::thread::Builder::new().name(format!("worker {number}"));
            let gate = gate.clone();
            threads.push(reader.spawn(move || listen(&gate, number, process)).map_err(failed)?);
        }
        Ok(Self(threads))
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // It cannot panic, and there would be nothing to do about it.
            let _ = thread.join();
        }
    }
}

/// Writes orders until there are no more, which the end of its input tells a worker.
fn pass_on(mut orders: Orders, stdin: Option<ChildStdin>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(order) = orders.wait() {
        let Ok(mut line) = serde_json::to_string(&order) else { break };
        line.push('\n');
        // One that does not read is gone, as its reader is about to say.
        if stdin.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
}

/// Reads a worker's answers until it is gone.
fn listen(gate: &Gate, number: usize, mut process: Child) {
    if let Some(stdout) = process.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let Some(answer) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else {
                // The last line of one that was killed may be half a line, and one that talks nonsense is of no use.
                let _ = process.kill();
                break;
            };
            gate.said(number, answer);
        }
    }
    let reason = process.wait().map_or_else(|error| error.to_string(), told);
    gate.gone(number, reason);
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with code {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Works for the process that started this one.
pub(crate) fn work(plan: &Plan) -> Result<Exit, Failure> {
    let other = |error: &dyn std::fmt::Display| Failure::other(format!("cannot work: {error}"));
    let (desk, orders) = team::orders();
    let reader = std::thread::Builder::new().name("orders".into()).spawn(move || {
        for line in std::io::stdin().lines() {
            let Some(order) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
            if !desk.give(order) {
                break;
            }
        }
    });
    reader.map_err(|error| other(&error))?;
    let out = Mutex::new(std::io::stdout());
    let say = move |answer| {
        let Ok(mut line) = serde_json::to_string(&answer) else { return };
        line.push('\n');
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        // A leader that is gone closes the input as well, which ends the work.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    };
    match team::serve(plan, orders, say) {
        Err(error @ FillError::Start(_)) => Err(other(&error)),
        // What else failed the leader has been told, and tells.
        Ok(()) | Err(_) => Ok(Exit::Success),
    }
}
