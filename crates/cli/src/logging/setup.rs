//! `--log-output`, `--log-format`, `--verbose`, `--console-output`: from texts to loggers.

use std::path::{Path, PathBuf};

use super::{Format, Level, LogError, Logger, Sink};
use crate::terminal::{Stream, Terminal};

/// Where log records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard error, the default.
    Stderr,
    /// Standard output.
    Stdout,
    /// Nowhere.
    None,
    /// Appended to a file.
    File {
        /// Its path; the directory must exist.
        path: PathBuf,
        /// Records below this level are left out; `None` writes all that are enabled.
        level: Option<Level>,
    },
}

impl LogOutput {
    /// Reads the value of `--log-output` or `K6_LOG_OUTPUT`.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        match text {
            "stderr" => return Ok(Self::Stderr),
            "stdout" => return Ok(Self::Stdout),
            "none" => return Ok(Self::None),
            _ => {}
        }
        if text.starts_with("loki") {
            return Err(LogError::NotSupported { output: "loki" });
        }
        if text != "file" && !text.starts_with("file=") && !text.starts_with("file,") {
            return Err(LogError::UnknownOutput { output: text.to_owned() });
        }
        let (mut path, mut level) = (None, None);
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("file", value)) if !value.is_empty() => path = Some(PathBuf::from(value)),
                Some(("level", value)) => level = Some(value.parse()?),
                Some(("file", _)) | None if part.starts_with("file") => {}
                Some((key, _)) => return Err(LogError::UnknownFileKey { key: key.to_owned() }),
                None => return Err(LogError::UnknownFileKey { key: part.to_owned() }),
            }
        }
        let path = path.ok_or(LogError::FileWithoutPath)?;
        Ok(Self::File { path, level })
    }
}

/// Everything that decides how and where this process logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSetup {
    /// The least grave level that is shown.
    pub level: Level,
    /// Where records go.
    pub output: LogOutput,
    /// The value of `--log-format`; text for anything but `json` and `raw`.
    pub format: String,
}

impl Default for LogSetup {
    fn default() -> Self {
        Self { level: Level::Info, output: LogOutput::Stderr, format: String::new() }
    }
}

impl LogSetup {
    /// Opens the logger of the process.
    pub fn open(&self, terminal: &Terminal) -> Result<Logger, LogError> {
        let stream = |stream| {
            let coloured = terminal.is_terminal(stream) && terminal.colours(stream);
            Logger::new(
                Sink::Terminal { terminal: terminal.clone(), stream },
                Format::choose(&self.format, coloured),
                self.level,
            )
        };
        match &self.output {
            LogOutput::Stderr => Ok(stream(Stream::Err)),
            LogOutput::Stdout => Ok(stream(Stream::Out)),
            LogOutput::None => Ok(Logger::new(Sink::None, Format::Raw, Level::Error)),
            LogOutput::File { path, level } => {
                let level = level.map_or(self.level, |level| level.max(self.level));
                self.file(path, level)
            }
        }
    }

    /// Opens the logger for `console.*` when `--console-output` redirects it. Its records carry no
    /// `source` field, which [`Logger::without_source`] takes care of.
    pub fn open_console(&self, path: &Path) -> Result<Logger, LogError> {
        Ok(self.file(path, self.level)?.without_source())
    }

    fn file(&self, path: &Path, level: Level) -> Result<Logger, LogError> {
        Ok(Logger::new(Sink::append_to(path)?, Format::choose(&self.format, false), level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read() {
        assert_eq!(LogOutput::parse("stderr").unwrap(), LogOutput::Stderr);
        assert_eq!(LogOutput::parse("none").unwrap(), LogOutput::None);
        assert_eq!(
            LogOutput::parse("file=./a.log,level=warn").unwrap(),
            LogOutput::File { path: "./a.log".into(), level: Some(Level::Warning) }
        );
    }

    #[test]
    fn bad_outputs_name_what_is_wrong() {
        for (text, expected) in [
            ("foo", "unsupported log output 'foo'"),
            ("stderr,level=error", "unsupported log output 'stderr,level=error'"),
            ("file", "log output 'file' needs a path"),
            ("file=", "log output 'file' needs a path"),
            ("file=a,foo=b", "unknown key 'foo' in log output 'file'"),
            ("file=a,level=foo", "unknown log level 'foo'"),
            ("loki=http://x", "log output 'loki' is not supported yet"),
        ] {
            let error = LogOutput::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
