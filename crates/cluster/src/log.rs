//! Log records on their way from a worker to the controller.

/// How grave a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Steps of our own work.
    Debug,
    /// Ordinary output, and `console.log`.
    Info,
    /// Something is likely not as intended.
    Warning,
    /// Something failed.
    Error,
}

/// One record of a worker's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// How grave it is.
    pub level: LogLevel,
    /// The text; may span lines.
    pub message: String,
    /// Keys beside it, such as `source` with `console`, in their order.
    pub fields: Vec<(String, String)>,
}
