//! Content codings of request and response bodies, all in Rust: no C library to build or to audit.

use std::fmt;
use std::io::{self, Read, Write};

use bytes::Bytes;

use crate::error::{RequestError, code};

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

/// A coding nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown compression algorithm {0}, supported algorithms are [gzip deflate zstd br]")]
pub struct UnknownAlgorithm(String);

impl Algorithm {
    /// By its name in `Content-Encoding`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd].into_iter().find(|a| a.name() == name)
    }

    /// k6's `compression`: names separated by commas.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, UnknownAlgorithm> {
        text.split(',')
            .map(str::trim)
            .map(|name| Self::from_name(name).ok_or_else(|| UnknownAlgorithm(name.to_owned())))
            .collect()
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

    fn encode(self, data: &[u8]) -> io::Result<Vec<u8>> {
        let level = flate2::Compression::default();
        match self {
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut out = Vec::new();
                // Quality 6 and a 4 MB window: the defaults of the encoder that k6 uses.
                let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 6, 22);
                encoder.write_all(data)?;
                drop(encoder);
                Ok(out)
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                Ok(ruzstd::encoding::compress_to_vec(data, level))
            }
        }
    }

    fn decode(self, data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::Gzip => flate2::read::MultiGzDecoder::new(data).read_to_end(&mut out)?,
            Self::Deflate => flate2::read::ZlibDecoder::new(data).read_to_end(&mut out)?,
            Self::Brotli => brotli::Decompressor::new(data, 4096).read_to_end(&mut out)?,
            Self::Zstd => {
                let mut decoder = ruzstd::decoding::StreamingDecoder::new(data).map_err(io::Error::other)?;
                decoder.read_to_end(&mut out)?
            }
        };
        Ok(out)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request body with these codings applied in order, and the `Content-Encoding` for it.
pub(crate) fn compress(body: &[u8], algorithms: &[Algorithm]) -> Result<(Bytes, String), RequestError> {
    let mut data = body.to_vec();
    for algorithm in algorithms {
        data = algorithm.encode(&data).map_err(|error| {
            RequestError::generic(format!("error compressing request body with {algorithm}: {error}"))
        })?;
    }
    let names: Vec<_> = algorithms.iter().map(|a| a.name()).collect();
    Ok((Bytes::from(data), names.join(", ")))
}

/// A response body without its codings, the last one first. A coding we do not know ends it: the body then
/// stays as it is, as observed on k6 1.1.
pub(crate) fn decompress(body: Bytes, encodings: &[u8]) -> Result<Bytes, RequestError> {
    let text = String::from_utf8_lossy(encodings);
    let algorithms: Option<Vec<Algorithm>> = text
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .map(|name| Algorithm::from_name(&name))
        .collect();
    let mut data = body;
    for algorithm in algorithms.unwrap_or_default().into_iter().rev() {
        data = Bytes::from(algorithm.decode(&data).map_err(|error| {
            let text = match error.kind() {
                io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
                _ => format!("{algorithm}: {error}"),
            };
            RequestError::new(code::DECOMPRESSION, format!("error decompressing response body ({text})"))
        })?);
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Algorithm; 4] = [Algorithm::Gzip, Algorithm::Deflate, Algorithm::Brotli, Algorithm::Zstd];

    #[test]
    fn every_coding_and_a_stack_of_them_round_trips() {
        let body = "hello hello hello ".repeat(500);
        for algorithms in ALL.map(|a| vec![a]).into_iter().chain([ALL.to_vec()]) {
            let (packed, header) = compress(body.as_bytes(), &algorithms).unwrap();
            assert!(packed.len() < body.len(), "{header}");
            assert_eq!(decompress(packed, header.as_bytes()).unwrap(), body);
        }
    }

    #[test]
    fn unknown_codings_leave_the_body_alone() {
        assert_eq!(decompress(Bytes::from_static(b"x"), b"foo").unwrap(), "x");
        assert_eq!(decompress(Bytes::from_static(b"x"), b"").unwrap(), "x");
    }

    #[test]
    fn broken_bodies_are_errors() {
        for algorithm in ALL {
            let error =
                decompress(Bytes::from_static(b"not packed"), algorithm.name().as_bytes()).unwrap_err();
            assert_eq!(error.code, 1701, "{error}");
        }
        let (packed, header) = compress(&[7; 1000], &[Algorithm::Gzip]).unwrap();
        let error = decompress(packed.slice(..packed.len() - 9), header.as_bytes()).unwrap_err();
        assert_eq!(error.message, "error decompressing response body (unexpected EOF)");
    }

    /// Observed on k6 1.1.
    #[test]
    fn lists_of_algorithms_are_parsed() {
        assert_eq!(Algorithm::parse_list("gzip, deflate").unwrap(), ALL[..2]);
        assert_eq!(
            Algorithm::parse_list("foo").unwrap_err().to_string(),
            "unknown compression algorithm foo, supported algorithms are [gzip deflate zstd br]"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(0u8.., 0..60)) {
            for algorithm in ALL {
                let _ = decompress(Bytes::from(body.clone()), algorithm.name().as_bytes());
            }
        }
    }
}
