//! Where an output writes: standard output or a file, plain or compressed.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::OutputError;

/// Where an output writes. A file whose name ends in `.gz` is compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, made anew.
    File(PathBuf),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Target {
    /// Writes all of what is there already.
    pub fn write_all(&self, content: &[u8]) -> io::Result<()> {
        let mut sink = match self {
            Self::Stdout => Sink::Plain(BufWriter::new(Box::new(io::stdout()))),
            Self::File(path) => Sink::to_file(path)?,
        };
        sink.write_all(content)?;
        sink.finish()
    }

    /// Opens the target for an output of this name.
    pub(super) fn open(&self, output: &'static str) -> Result<Sink, OutputError> {
        let Self::File(path) = self else {
            return Ok(Sink::Plain(BufWriter::new(Box::new(io::stdout()))));
        };
        let failed = |source| OutputError::Open { output, target: self.clone(), source };
        Sink::to_file(path).map_err(failed)
    }
}

/// An open target.
pub(super) enum Sink {
    Plain(BufWriter<Box<dyn Write + Send>>),
    /// `None` once the trailer is written.
    Gzip(Option<GzEncoder<BufWriter<File>>>),
}

impl Sink {
    fn to_file(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        if path.extension().is_some_and(|extension| extension == "gz") {
            return Ok(Self::Gzip(Some(GzEncoder::new(BufWriter::new(file), Compression::default()))));
        }
        Ok(Self::Plain(BufWriter::new(Box::new(file))))
    }

    /// Ends the file: writes the trailer, if there is one, and flushes.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Gzip(encoder) => match encoder.take() {
                Some(encoder) => encoder.finish()?.flush(),
                None => Ok(()),
            },
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Gzip(Some(encoder)) => encoder.write(bytes),
            Self::Gzip(None) => Err(io::Error::other("the file is ended already")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            // Flushing a compressor costs compression; the trailer comes at the end.
            Self::Gzip(_) => Ok(()),
        }
    }
}
