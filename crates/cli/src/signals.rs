//! SIGINT and SIGTERM: the first asks for a graceful end, the second ends at once.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::exit::Exit;
use crate::logging::{Field, Level, Logger};

/// A request to end the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What supervisors send.
    Terminate,
}

impl Signal {
    /// The word that log records use for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminated",
        }
    }

    /// The message of the error with which the run ends, exit code [`Exit::Signal`].
    pub fn message(self) -> String {
        format!("the run was aborted by the signal '{}'", self.name())
    }
}

/// Listens until dropped.
#[derive(Debug)]
pub struct Listener {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Calls `on_first` on a thread of its own when the first signal arrives. The second one ends the process
/// there and then, without summary: whoever sends it does not want to wait.
pub fn listen(log: Logger, on_first: impl FnOnce(Signal) + Send + 'static) -> io::Result<Listener> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let handle = signals.handle();
    let thread = std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut on_first = Some(on_first);
        for number in signals.forever() {
            let signal = if number == SIGINT { Signal::Interrupt } else { Signal::Terminate };
            if let Some(on_first) = on_first.take() {
                log.debug(&format!("ending the run after the signal '{}'", signal.name()));
                on_first(signal);
            } else {
                let field = Field::new("sig", signal.name());
                log.log(Level::Error, "ending at once after a second signal", &[field]);
                std::process::exit(Exit::Signal.code().into());
            }
        }
    })?;
    Ok(Listener { handle, thread: Some(thread) })
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic but in `on_first`, whose panic has been reported by then.
            let _ = thread.join();
        }
    }
}
