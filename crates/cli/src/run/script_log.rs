//! What scripts and virtual machines log, on its way to the process's loggers.

use throng_js::log::{Level, Log};

use crate::logging::{self, Field, Logger};

/// Console records go to `console`, everything else to `log`.
pub(super) struct ScriptLog {
    pub(super) log: Logger,
    pub(super) console: Logger,
}

fn level_of(level: Level) -> logging::Level {
    match level {
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warning,
        Level::Error => logging::Level::Error,
    }
}

impl Log for ScriptLog {
    fn enabled(&self, level: Level) -> bool {
        self.log.enabled(level_of(level)) || self.console.enabled(level_of(level))
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let is_console = fields.contains(&("source", "console"));
        let fields: Vec<Field> =
            fields.iter().map(|(key, value)| Field::new((*key).to_owned(), (*value).to_owned())).collect();
        let logger = if is_console { &self.console } else { &self.log };
        logger.log(level_of(level), message, &fields);
    }
}

/// Nothing is said.
pub(super) struct Silent;

impl Log for Silent {
    fn enabled(&self, _: Level) -> bool {
        false
    }

    fn log(&self, _: Level, _: &str, _: &[(&str, &str)]) {}
}
