//! The logger that every thread holds: cheap to clone, one lock around the sink.
//!
//! Invariant: a record is formatted before the lock is taken and written with one call, so that lines of
//! two threads never mix. A level that is switched off costs one comparison.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::{Field, Format, Level, LogError, Record};
use crate::terminal::{Stream, Terminal};

/// Where a logger writes.
#[derive(Debug)]
pub enum Sink {
    /// Nowhere.
    None,
    /// A standard stream; shares the lock of the progress display.
    Terminal {
        /// The terminal, which keeps the progress block below the log.
        terminal: Terminal,
        /// Which of its streams.
        stream: Stream,
    },
    /// A file, opened for appending.
    File(Mutex<File>),
    /// Memory, for tests.
    Memory(Arc<Mutex<String>>),
}

impl Sink {
    /// Opens `path` for appending, creating the file but no directory.
    pub fn append_to(path: &Path) -> Result<Self, LogError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.exists()) {
            return Err(LogError::NoDirectory { directory: directory.to_owned() });
        }
        match OpenOptions::new().create(true).append(true).open(path) {
            Ok(file) => Ok(Self::File(Mutex::new(file))),
            Err(source) => Err(LogError::Open { path: path.to_owned(), source }),
        }
    }

    fn write(&self, text: &str) {
        // A log that cannot be written has nowhere to say so; the run is worth more than the record.
        match self {
            Self::None => {}
            Self::Terminal { terminal, stream } => terminal.print(*stream, text),
            Self::File(file) => {
                let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
            }
            Self::Memory(buffer) => buffer.lock().unwrap_or_else(PoisonError::into_inner).push_str(text),
        }
    }
}

/// Writes records to one sink. Clones share it.
#[derive(Debug, Clone)]
pub struct Logger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sink: Sink,
    format: Format,
    level: Level,
    source: bool,
    /// Who reads along.
    tap: OnceLock<Tap>,
}

type Reader = dyn Fn(Level, &str, &[Field]) + Send + Sync;

struct Tap(Box<Reader>);

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap(…)")
    }
}

impl Logger {
    /// A logger that writes records of at least `level`.
    pub fn new(sink: Sink, format: Format, level: Level) -> Self {
        // Terminals show seconds since the first logger was made, which is the start of the process.
        start();
        Self { inner: Arc::new(Inner { sink, format, level, source: true, tap: OnceLock::new() }) }
    }

    /// The same logger, but leaving out the `source` field: `--console-output` files hold nothing else.
    #[must_use]
    pub fn without_source(self) -> Self {
        match Arc::try_unwrap(self.inner) {
            Ok(inner) => Self { inner: Arc::new(Inner { source: false, ..inner }) },
            Err(inner) => Self { inner },
        }
    }

    /// Has records read along by `reader`, on the thread that writes them. The first one stays.
    pub fn tap(&self, reader: impl Fn(Level, &str, &[Field]) + Send + Sync + 'static) {
        let _ = self.inner.tap.set(Tap(Box::new(reader)));
    }

    /// Whether records of `level` are written: ask before building an expensive message.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.inner.level && !matches!(self.inner.sink, Sink::None)
    }

    /// Writes one record.
    pub fn log(&self, level: Level, message: &str, fields: &[Field]) {
        if !self.enabled(level) {
            return;
        }
        let kept: Vec<Field>;
        let fields = if self.inner.source {
            fields
        } else {
            kept = fields.iter().filter(|field| field.key != "source").cloned().collect();
            &kept
        };
        if let Some(Tap(reader)) = self.inner.tap.get() {
            reader(level, message, fields);
        }
        let time = jiff::Zoned::now();
        let offset = if time.offset().is_zero() { "Z".to_owned() } else { time.strftime("%:z").to_string() };
        let time = format!("{}{offset}", time.strftime("%Y-%m-%dT%H:%M:%S"));
        let mut text = String::with_capacity(message.len() + 96);
        let record = Record { time: &time, since_start: start().elapsed(), level, message, fields };
        self.inner.format.write(&record, &mut text);
        self.inner.sink.write(&text);
    }

    /// Writes a debug record.
    pub fn debug(&self, message: &str) {
        self.log(Level::Debug, message, &[]);
    }

    /// Writes an info record.
    pub fn info(&self, message: &str) {
        self.log(Level::Info, message, &[]);
    }

    /// Writes a warning.
    pub fn warn(&self, message: &str) {
        self.log(Level::Warning, message, &[]);
    }

    /// Writes an error.
    pub fn error(&self, message: &str) {
        self.log(Level::Error, message, &[]);
    }
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_memory(format: Format, level: Level) -> (Logger, Arc<Mutex<String>>) {
        let buffer = Arc::new(Mutex::new(String::new()));
        (Logger::new(Sink::Memory(buffer.clone()), format, level), buffer)
    }

    #[test]
    fn records_below_the_level_are_left_out() {
        let (logger, buffer) = in_memory(Format::Raw, Level::Info);
        logger.debug("hidden");
        logger.info("shown");
        assert_eq!(*buffer.lock().unwrap(), "shown\n");
        assert!(!logger.enabled(Level::Debug));
    }

    #[test]
    fn console_files_have_no_source_field() {
        let (logger, buffer) = in_memory(Format::Logfmt, Level::Info);
        logger.without_source().log(Level::Info, "hello", &[Field::new("source", "console")]);
        assert!(buffer.lock().unwrap().ends_with("level=info msg=hello\n"));
    }

    #[test]
    fn threads_do_not_mix_their_lines() {
        let (logger, buffer) = in_memory(Format::Raw, Level::Info);
        std::thread::scope(|scope| {
            for c in ["a", "b", "c", "d"] {
                let logger = logger.clone();
                scope.spawn(move || (0..100).for_each(|_| logger.info(&c.repeat(50))));
            }
        });
        let text = buffer.lock().unwrap();
        assert_eq!(text.lines().count(), 400);
        assert!(text.lines().all(|line| line.len() == 50 && line.chars().all(|c| line.starts_with(c))));
    }

    #[test]
    fn a_file_is_appended_to_but_no_directory_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        for _ in 0..2 {
            Logger::new(Sink::append_to(&path).unwrap(), Format::Raw, Level::Info).info("line");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line\nline\n");
        let error = Sink::append_to(&dir.path().join("no/x.log")).unwrap_err().to_string();
        assert!(error.contains("does not exist"), "{error}");
    }
}
