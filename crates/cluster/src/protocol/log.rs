//! Log records as messages, and back.

use super::LogMessage;
use super::bundle::{flat, pairs};
use crate::log::{LogLevel, LogRecord};

const LEVELS: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error];

impl From<LogRecord> for LogMessage {
    fn from(record: LogRecord) -> Self {
        Self { level: record.level as u32, message: record.message, fields: flat(&record.fields) }
    }
}

impl From<LogMessage> for LogRecord {
    fn from(message: LogMessage) -> Self {
        // A level that a newer worker may have is shown as the gravest.
        let level = LEVELS.get(message.level as usize).copied().unwrap_or(LogLevel::Error);
        Self { level, message: message.message, fields: pairs(message.fields) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_arrives_as_it_was_sent() {
        for level in LEVELS {
            let fields = vec![("source".to_owned(), "console".to_owned())];
            let record = LogRecord { level, message: "hello".to_owned(), fields };
            assert_eq!(LogRecord::from(LogMessage::from(record.clone())), record);
        }
    }
}
