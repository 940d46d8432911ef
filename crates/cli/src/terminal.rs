//! The two standard streams and the progress block, behind one lock.
//!
//! On a terminal the progress block stays at the bottom: printing erases it, writes, and draws it again,
//! each step inside the lock and as few writes as possible, so that log lines and progress never tear each
//! other. Where standard output is no terminal nothing is redrawn and bytes pass through unchanged.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::progress::Frame;

/// One of the standard streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: header, progress, summary.
    Out,
    /// Standard error: the log, unless redirected.
    Err,
}

/// Size of a terminal in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Default for Size {
    /// What a terminal is taken to be when it does not tell.
    fn default() -> Self {
        Self { width: 80, height: 24 }
    }
}

/// Whether to colour what goes to terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Where the stream is a terminal.
    Auto,
    /// Nowhere: `--no-color`, `NO_COLOR`, `K6_NO_COLOR`.
    Never,
}

/// The terminal; clones share it.
#[derive(Clone)]
pub struct Terminal {
    inner: Arc<Inner>,
}

struct Inner {
    out_is_terminal: bool,
    err_is_terminal: bool,
    colour: Colour,
    size: fn() -> Option<Size>,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    block: Vec<String>,
    /// Terminal rows that the block takes, counting lines that wrap.
    drawn_rows: usize,
}

impl Terminal {
    /// The streams of this process.
    pub fn of_process(colour: Colour) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        Self {
            inner: Arc::new(Inner {
                out_is_terminal: out.is_terminal(),
                err_is_terminal: err.is_terminal(),
                colour,
                size: process_size,
                state: Mutex::new(State::new(Box::new(out), Box::new(err))),
            }),
        }
    }

    /// Standard error alone: for what is said beside a program whose standard output is its own.
    pub fn of_stderr(colour: Colour) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self {
            inner: Arc::new(Inner {
                out_is_terminal: is_terminal,
                err_is_terminal: is_terminal,
                colour,
                size: process_size,
                state: Mutex::new(State::new(Box::new(io::stderr()), Box::new(io::stderr()))),
            }),
        }
    }

    /// The same streams with another choice of colours; for the time before the flags are known.
    #[must_use]
    pub fn with_colour(&self, colour: Colour) -> Self {
        if colour == self.inner.colour { self.clone() } else { Self::of_process(colour) }
    }

    /// Whether the stream is a terminal.
    pub fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => self.inner.out_is_terminal,
            Stream::Err => self.inner.err_is_terminal,
        }
    }

    /// Whether to colour what goes to the stream.
    pub fn colours(&self, stream: Stream) -> bool {
        self.inner.colour == Colour::Auto && self.is_terminal(stream)
    }

    /// Whether colours are switched off, whatever the streams are.
    pub fn is_colourless(&self) -> bool {
        self.inner.colour != Colour::Auto
    }

    /// The present size.
    pub fn size(&self) -> Size {
        (self.inner.size)().unwrap_or_default()
    }

    /// Writes `text` to a stream, above the progress block if one is drawn.
    pub fn print(&self, stream: Stream, text: &str) {
        let size = self.size_if_drawing();
        let mut state = self.lock();
        let shares_screen = self.is_terminal(stream) && state.drawn_rows > 0;
        if shares_screen {
            state.erase();
        }
        state.write(stream, text.as_bytes());
        if shares_screen {
            // A text without a line end would be overwritten by the block.
            if !text.ends_with('\n') {
                state.write(stream, b"\n");
            }
            state.draw(size);
        }
    }

    /// Writes bytes as they are to a stream, above the progress block if one is drawn.
    pub fn print_bytes(&self, stream: Stream, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.print(stream, text);
        }
        let size = self.size_if_drawing();
        let mut state = self.lock();
        let shares_screen = self.is_terminal(stream) && state.drawn_rows > 0;
        if shares_screen {
            state.erase();
        }
        state.write(stream, bytes);
        if shares_screen {
            state.write(stream, b"\n");
            state.draw(size);
        }
    }

    /// Draws a progress frame in place of the one before. Does nothing where standard output is no
    /// terminal; print [`Frame::to_text`] there, once a second.
    pub fn draw(&self, frame: &Frame) {
        if !self.inner.out_is_terminal {
            return;
        }
        let size = self.size();
        let mut state = self.lock();
        state.erase();
        state.block = frame.lines_within(size.height);
        state.draw(size);
    }

    /// Takes the progress block off the screen.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.erase();
        state.block.clear();
        state.flush(Stream::Out);
    }

    /// Leaves the progress block on the screen for good; what follows is written below it.
    pub fn keep(&self) {
        let mut state = self.lock();
        state.block.clear();
        state.drawn_rows = 0;
    }

    fn size_if_drawing(&self) -> Size {
        if self.inner.out_is_terminal { self.size() } else { Size::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("out_is_terminal", &self.inner.out_is_terminal)
            .field("err_is_terminal", &self.inner.err_is_terminal)
            .field("colour", &self.inner.colour)
            .finish_non_exhaustive()
    }
}

impl State {
    fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self { out, err, block: Vec::new(), drawn_rows: 0 }
    }

    // A stream that is closed (`throng run … | head`) must not end the test: its numbers also go to files
    // and thresholds. So errors of writing are dropped here.

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let writer = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    }

    fn flush(&mut self, stream: Stream) {
        self.write(stream, b"");
    }

    fn erase(&mut self) {
        if self.drawn_rows > 0 {
            // To the first row of the block, then clear to the end of the screen.
            let escape = format!("\r\x1b[{}A\x1b[J", self.drawn_rows);
            self.write(Stream::Out, escape.as_bytes());
            self.drawn_rows = 0;
        }
    }

    fn draw(&mut self, size: Size) {
        let mut text = String::new();
        let mut rows = 0;
        for line in &self.block {
            text.push_str(line);
            text.push_str("\x1b[K\n");
            rows += visible_width(line).div_ceil(size.width.max(1)).max(1);
        }
        self.drawn_rows = rows;
        self.write(Stream::Out, text.as_bytes());
    }
}

fn process_size() -> Option<Size> {
    let (width, height) = terminal_size::terminal_size()?;
    Some(Size { width: width.0.into(), height: height.0.into() })
}

/// The cells that a line takes on screen: characters, without escape sequences.
pub(crate) fn visible_width(line: &str) -> usize {
    let mut width = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            // Only `ESC [ … letter` is ever written by us.
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            width += 1;
        }
    }
    width
}

/// A terminal in memory.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    #[derive(Clone, Default)]
    pub(crate) struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        pub(crate) fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
        }
    }

    /// A terminal 10 cells wide and 5 high, with what is written to its two streams.
    pub(crate) fn terminal(out_is_terminal: bool, err_is_terminal: bool) -> (Terminal, Screen, Screen) {
        let (out, err) = (Screen::default(), Screen::default());
        let inner = Inner {
            out_is_terminal,
            err_is_terminal,
            colour: Colour::Auto,
            size: || Some(Size { width: 10, height: 5 }),
            state: Mutex::new(State::new(Box::new(out.clone()), Box::new(err.clone()))),
        };
        (Terminal { inner: Arc::new(inner) }, out, err)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::terminal;
    use super::*;

    fn frame(lines: &[&str]) -> Frame {
        Frame::new(lines.iter().map(|&line| line.to_owned()).collect())
    }

    #[test]
    fn a_log_line_goes_above_the_progress_block() {
        let (terminal, out, err) = terminal(true, true);
        terminal.draw(&frame(&["one", "two"]));
        assert_eq!(out.take(), "one\x1b[K\ntwo\x1b[K\n");
        terminal.print(Stream::Err, "log\n");
        assert_eq!(err.take(), "log\n");
        assert_eq!(out.take(), "\r\x1b[2A\x1b[Jone\x1b[K\ntwo\x1b[K\n");
    }

    #[test]
    fn lines_that_wrap_are_erased_whole() {
        let (terminal, out, _) = terminal(true, true);
        terminal.draw(&frame(&["0123456789abc"]));
        out.take();
        terminal.clear();
        assert_eq!(out.take(), "\r\x1b[2A\x1b[J");
    }

    #[test]
    fn a_block_higher_than_the_screen_says_what_is_left_out() {
        let (terminal, out, _) = terminal(true, true);
        terminal.draw(&frame(&["", "run", "a", "b", "c", "d"]));
        assert_eq!(out.take().replace("\x1b[K", ""), "\nrun\na\n… and 3 more\n");
    }

    #[test]
    fn a_redirected_log_leaves_the_block_alone() {
        let (terminal, out, err) = terminal(true, false);
        terminal.draw(&frame(&["one"]));
        out.take();
        terminal.print(Stream::Err, "log\n");
        assert_eq!((out.take().as_str(), err.take().as_str()), ("", "log\n"));
    }

    #[test]
    fn nothing_is_drawn_into_a_file() {
        let (terminal, out, _) = terminal(false, true);
        terminal.draw(&frame(&["one"]));
        terminal.print(Stream::Out, "text");
        assert_eq!(out.take(), "text");
    }

    #[test]
    fn a_kept_block_is_not_erased() {
        let (terminal, out, _) = terminal(true, true);
        terminal.draw(&frame(&["one"]));
        out.take();
        terminal.keep();
        terminal.print(Stream::Out, "next\n");
        assert_eq!(out.take(), "next\n");
    }

    #[test]
    fn escapes_take_no_cells() {
        assert_eq!(visible_width("a\x1b[32m✓\x1b[0m b"), 4);
    }
}
