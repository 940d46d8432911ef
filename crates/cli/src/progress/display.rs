//! When and where progress is shown: in place on a terminal, as blocks of lines elsewhere, or not at all.

use std::time::{Duration, Instant};

use super::layout::{Frame, Style, render};
use super::snapshot::Snapshot;
use crate::terminal::{Stream, Terminal};

/// Redrawing in place, ten times a second.
const TERMINAL_PERIOD: Duration = Duration::from_millis(100);
/// A block of lines, once a second.
const PLAIN_PERIOD: Duration = Duration::from_secs(1);

/// Shows progress for one run. Hand it every snapshot; it shows those whose time has come.
#[derive(Debug)]
pub struct Display {
    terminal: Terminal,
    quiet: bool,
    next: Instant,
    last: Option<Snapshot>,
    notes: Vec<String>,
}

impl Display {
    /// A display that begins at `now`. A quiet one never shows anything.
    pub fn new(terminal: Terminal, quiet: bool, now: Instant) -> Self {
        // A file gets its first block after a second: shorter runs have the final one only.
        let next = if terminal.is_terminal(Stream::Out) { now } else { now + PLAIN_PERIOD };
        Self { terminal, quiet, next, last: None, notes: Vec::new() }
    }

    /// When the next snapshot is wanted; `None` if never.
    pub fn next(&self) -> Option<Instant> {
        (!self.quiet).then_some(self.next)
    }

    /// Lines to show below the scenarios from now on.
    pub fn note(&mut self, lines: &[String]) {
        if self.notes != lines {
            self.notes = lines.to_vec();
        }
    }

    /// Shows a snapshot if it is time to. Periods that were missed are left out, not made up for.
    pub fn show(&mut self, snapshot: Snapshot, now: Instant) {
        if self.quiet {
            return;
        }
        if now >= self.next {
            let period = if self.terminal.is_terminal(Stream::Out) { TERMINAL_PERIOD } else { PLAIN_PERIOD };
            self.next += period;
            if self.next <= now {
                self.next = now + period;
            }
            self.put(&snapshot);
        }
        self.last = Some(snapshot);
    }

    /// Takes the block off a terminal, to print the summary.
    pub fn clear(&self) {
        if !self.quiet {
            self.terminal.clear();
        }
    }

    /// Shows the last snapshot for good.
    pub fn finish(&self) {
        if let Some(last) = &self.last {
            self.put(last);
            self.terminal.keep();
        }
    }

    fn put(&self, snapshot: &Snapshot) {
        if self.terminal.is_terminal(Stream::Out) {
            let style = Style::Bars {
                width: self.terminal.size().width,
                coloured: self.terminal.colours(Stream::Out),
            };
            self.terminal.draw(&render(snapshot, style).followed_by(&self.notes));
        } else {
            let frame: Frame = render(snapshot, Style::Plain).followed_by(&self.notes);
            self.terminal.print(Stream::Out, &frame.to_text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Phase;
    use crate::terminal::testing::terminal;

    fn snapshot() -> Snapshot {
        let phase = Phase::Setup;
        Snapshot { phase, max_duration: Duration::from_secs(1), max_vus: 1, scenarios: vec![] }
    }

    #[test]
    fn a_file_gets_a_block_a_second() {
        let (terminal, out, _) = terminal(false, false);
        let start = Instant::now();
        let mut display = Display::new(terminal, false, start);
        display.show(snapshot(), start + Duration::from_millis(999));
        assert_eq!(out.take(), "");
        display.show(snapshot(), start + PLAIN_PERIOD);
        assert_eq!(out.take(), "\nRun    [ 100% ] setup()\n");
        assert_eq!(display.next(), Some(start + 2 * PLAIN_PERIOD));
    }

    #[test]
    fn missed_periods_are_not_made_up_for() {
        let (terminal, _, _) = terminal(true, true);
        let start = Instant::now();
        let mut display = Display::new(terminal, false, start);
        let late = start + Duration::from_secs(9);
        display.show(snapshot(), late);
        assert_eq!(display.next(), Some(late + TERMINAL_PERIOD));
    }

    #[test]
    fn a_quiet_display_shows_nothing() {
        let (terminal, out, _) = terminal(true, true);
        let start = Instant::now();
        let mut display = Display::new(terminal, true, start);
        display.show(snapshot(), start);
        display.clear();
        display.finish();
        assert_eq!(out.take(), "");
    }

    #[test]
    fn the_last_block_stays() {
        let (terminal, out, _) = terminal(true, true);
        let start = Instant::now();
        let mut display = Display::new(terminal.clone(), false, start);
        display.show(snapshot(), start);
        display.clear();
        out.take();
        display.finish();
        assert!(out.take().contains("setup()"));
        terminal.print(Stream::Err, "error\n");
        assert_eq!(out.take(), "");
    }
}
