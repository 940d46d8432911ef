//! Content codings of request and response bodies.

use std::fmt;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 1952
    Gzip,
    /// RFC 1950, the zlib format, which is what HTTP calls deflate.
    Deflate,
    /// RFC 7932
    Brotli,
    /// RFC 8878
    Zstd,
}

impl Algorithm {
    /// By its name in `Content-Encoding` and in k6's `compression`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd].into_iter().find(|a| a.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
