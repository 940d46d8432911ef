//! Where a script's `console` and our own remarks about it go: the host program's logger.

/// How important a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Shown with `-v` only.
    Debug,
    /// Ordinary output; also `console.log`.
    Info,
    /// Something the user should look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// A sink for log records; called from every thread.
pub trait Log: Send + Sync {
    /// Whether a record of this level would be shown, so that nobody formats in vain.
    fn enabled(&self, level: Level) -> bool;
    /// Takes a record. Fields keep their order; `source=console` marks a script's own output.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);
}
