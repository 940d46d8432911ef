//! The test as a child process: started in its folder, told to end, waited for.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Shared, Variables};
use crate::error::{Error, Result};

/// Whether this pod is to end.
pub(super) struct Signals {
    terminated: watch::Receiver<bool>,
}

impl Signals {
    pub(super) async fn wait(&self) {
        let mut terminated = self.terminated.clone();
        if terminated.wait_for(|terminated| *terminated).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// SIGTERM and SIGINT to this process end the test, and this process after it.
pub(super) fn watch_signals(shared: Arc<Shared>) -> Result<Signals> {
    let failed = |error: std::io::Error| Error::Local(format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (sender, terminated) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            sender.send_replace(true);
            shared.stop.send_modify(|stop| *stop += 1);
        }
    });
    Ok(Signals { terminated })
}

/// Runs the test, and gives its code; what ended by a signal has 128 and its number, as in a shell.
pub(super) async fn run(shared: &Arc<Shared>, folder: &Path, variables: Variables) -> Result<i32> {
    let mut command = command(&shared.orders, folder, variables)?;
    let failed = |error: std::io::Error| {
        Error::Local(format!("cannot start {}: {error}", shared.orders.command.join(" ")))
    };
    let mut child = command.spawn().map_err(failed)?;
    let mut stop = shared.stop.subscribe();
    let mut asked = *stop.borrow_and_update();
    if asked > 0 {
        interrupt(&child);
    }
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(failed)?;
                return Ok(status.code().or(status.signal().map(|number| 128 + number)).unwrap_or(255));
            }
            Ok(()) = stop.changed() => {
                let now = *stop.borrow_and_update();
                if now > asked {
                    asked = now;
                    interrupt(&child);
                }
            }
        }
    }
}

/// As Ctrl-C: the first lets the test end, the second ends it.
fn interrupt(child: &tokio::process::Child) {
    let process = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(process) = process {
        // It may just have ended by itself.
        let _ = kill_process(process, Signal::INT);
    }
}

fn command(orders: &super::Orders, folder: &Path, variables: Variables) -> Result<Command> {
    let (program, arguments) =
        orders.command.split_first().ok_or_else(|| Error::Unusable("there is nothing to run".into()))?;
    let mut command = if program == "throng" {
        // The same program, wherever the image keeps it.
        let own = std::env::current_exe()
            .map_err(|error| Error::Local(format!("cannot find this program: {error}")))?;
        Command::new(own)
    } else {
        Command::new(program)
    };
    command.args(arguments).current_dir(folder).envs(variables);
    // Only throng's own nodes take it, and none shows it to scripts: controllers, fills that have workers, and masters (`run` of a
    // locustfile) with their workers (`locust`).
    let takes = ["controller", "fill", "run", "locust"];
    if !orders.command.get(1).is_some_and(|word| takes.contains(&word.as_str())) {
        command.env_remove("THRONG_TOKEN");
    }
    Ok(command)
}

/// What a worker's pod becomes: the test itself.
pub fn become_test(
    orders: &super::Orders,
    folder: &Path,
    variables: Variables,
) -> Result<std::process::Command> {
    Ok(command(orders, folder, variables)?.into_std())
}
