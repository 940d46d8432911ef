//! How a run speaks on this terminal: its own words to the log, the controller's output to standard output.

use throng_kube::Say;

use crate::face::Invocation;
use crate::logging::Logger;
use crate::terminal::{Stream, Terminal};

/// The terminal and the log of a command.
pub(super) struct Teller {
    terminal: Terminal,
    log: Logger,
    quiet: bool,
}

impl Teller {
    pub(super) fn new(invocation: &Invocation) -> Result<Self, crate::failure::Failure> {
        let quiet = invocation.values.switch("quiet")? == Some(true);
        Ok(Self { terminal: invocation.terminal.clone(), log: invocation.log.clone(), quiet })
    }
}

impl Say for Teller {
    fn note(&self, text: &str) {
        if !self.quiet {
            self.log.info(text);
        }
    }

    fn warn(&self, text: &str) {
        self.log.warn(text);
    }

    fn line(&self, line: &[u8]) {
        let mut bytes = line.to_vec();
        bytes.push(b'\n');
        self.terminal.print_bytes(Stream::Out, &bytes);
    }
}
