//! Shows progress: ten times a second in place on a terminal, once a second as plain lines elsewhere, not at all when
//! quiet.

use std::time::{Duration, Instant};

use crate::progress::{Frame, Snapshot, Style, render};
use crate::spec::RunSpec;
use crate::terminal::{Stream, Terminal};

/// See the module's description.
pub(super) struct Display {
    terminal: Terminal,
    quiet: bool,
    next: Instant,
    last: Option<Frame>,
}

impl Display {
    pub(super) fn new(spec: &RunSpec) -> Self {
        Self { terminal: spec.terminal.clone(), quiet: spec.quiet, next: Instant::now(), last: None }
    }

    fn style(&self) -> Style {
        if self.terminal.is_terminal(Stream::Out) {
            Style::Bars { width: self.terminal.size().width, coloured: self.terminal.colours(Stream::Out) }
        } else {
            Style::Plain
        }
    }

    /// Shows a snapshot, if it is time to.
    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        let now = Instant::now();
        if self.quiet || now < self.next {
            if !self.quiet {
                self.last = Some(render(snapshot, self.style()));
            }
            return;
        }
        let frame = render(snapshot, self.style());
        if self.terminal.is_terminal(Stream::Out) {
            self.next = now + Duration::from_millis(100);
            self.terminal.draw(&frame);
        } else {
            self.next = now + Duration::from_secs(1);
            self.terminal.print(Stream::Out, &frame.to_text());
        }
        self.last = Some(frame);
    }

    /// Takes the block off the screen, for the summary.
    pub(super) fn clear(&self) {
        if !self.quiet {
            self.terminal.clear();
        }
    }

    /// Prints the last state for good, below the summary.
    pub(super) fn finish(&self) {
        if let (false, Some(frame)) = (self.quiet, &self.last) {
            self.terminal.print(Stream::Out, &frame.to_text());
        }
    }
}
