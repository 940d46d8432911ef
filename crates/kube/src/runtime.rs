//! The runtime of the commands, and signals within it.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// How many signals have come.
pub type Signals = watch::Receiver<u32>;

/// Runs something to its end.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Local(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // Lookups of names that hang must not hold the end up.
    runtime.shutdown_background();
    done
}

/// Counts SIGINT and SIGTERM from now on, instead of ending the process.
pub fn signals() -> Result<Signals> {
    let failed = |error: std::io::Error| Error::Local(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let (sender, receiver) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            sender.send_modify(|count| *count += 1);
        }
    });
    Ok(receiver)
}

/// Waits for a signal.
pub async fn signalled(mut count: Signals) {
    if count.wait_for(|count| *count > 0).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Does some work until something else is done; none if that came first.
pub async fn until<T>(work: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = other => None,
    }
}

/// Runs a program to its end and gives its code, as a shell would. It shares this one's terminal, if there is one: Ctrl-C
/// reaches it from there, and is passed on only where there is none.
pub async fn child(program: &std::path::Path, arguments: &[std::ffi::OsString]) -> std::io::Result<i32> {
    use std::io::IsTerminal;
    use std::os::unix::process::ExitStatusExt;
    let is_by_itself = !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal();
    let mut child = tokio::process::Command::new(program).args(arguments).spawn()?;
    let process = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pass_on = |signal| {
        if let Some(process) = process {
            // It may just have ended by itself.
            let _ = rustix::process::kill_process(process, signal);
        }
    };
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                return Ok(status.code().or(status.signal().map(|number| 128 + number)).unwrap_or(255));
            }
            _ = terminate.recv() => pass_on(rustix::process::Signal::TERM),
            _ = interrupt.recv() => {
                if is_by_itself {
                    pass_on(rustix::process::Signal::INT);
                }
            }
        }
    }
}
