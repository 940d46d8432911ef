//! What can be wrong with the log settings.

use std::io;
use std::path::PathBuf;

/// Why the logger could not be set up as asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No such output.
    #[error("unsupported log output '{output}'; use stderr, stdout, none or file=path[,level=name]")]
    UnknownOutput {
        /// What was asked for.
        output: String,
    },
    /// An output that k6 has and throng does not.
    #[error("log output '{output}' is not supported yet")]
    NotSupported {
        /// Its name.
        output: &'static str,
    },
    /// `file` alone.
    #[error("log output 'file' needs a path, as in file=./throng.log")]
    FileWithoutPath,
    /// A key other than `level` after the file.
    #[error("unknown key '{key}' in log output 'file'; only level=name may follow the path")]
    UnknownFileKey {
        /// The key.
        key: String,
    },
    /// No such level.
    #[error("unknown log level '{level}'; use debug, info, warning or error")]
    UnknownLevel {
        /// The level.
        level: String,
    },
    /// The directory of a log file is missing; it is not created, as a typing error would fill the disk.
    #[error("directory '{}' for the log file does not exist", directory.display())]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The file cannot be opened for appending.
    #[error("failed to open log file '{}': {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
