//! Content encodings: answers in each of them, and requests decoded from each.

use std::io::{Read as _, Write as _};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

const BODY: &str =
    r#"{"compressed":true,"text":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;

pub fn routes() -> Router {
    Router::new()
        .route("/encoded/{encoding}", get(encoded))
        .route("/encoded-badly/{encoding}", get(encoded_badly))
}

/// `gzip`, `deflate`, `br`, `zstd`, or several joined by commas, applied in that order.
async fn encoded(Path(encoding): Path<String>) -> Response {
    let mut body = BODY.as_bytes().to_vec();
    for layer in encoding.split(',') {
        match encode(layer.trim(), &body) {
            Ok(encoded) => body = encoded,
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        }
    }
    ([(CONTENT_ENCODING, encoding.as_str()), (CONTENT_TYPE, "application/json")], body).into_response()
}

/// Says it is encoded and is not.
async fn encoded_badly(Path(encoding): Path<String>) -> Response {
    ([(CONTENT_ENCODING, encoding)], "this was never compressed").into_response()
}

fn encode(encoding: &str, plain: &[u8]) -> std::io::Result<Vec<u8>> {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain)?;
            encoder.finish()
        }
        // RFC 9110 section 8.4.1.2: the zlib format, whatever some servers send.
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain)?;
            encoder.finish()
        }
        "br" => {
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &plain[..], &mut out, &brotli::enc::BrotliEncoderParams::default())?;
            Ok(out)
        }
        "zstd" => Ok(ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)),
        other => Err(std::io::Error::other(format!("no such encoding: {other}"))),
    }
}

/// A request body without its content encodings; as it is when it cannot be decoded.
pub fn decode(encodings: &str, body: &Bytes) -> Bytes {
    let mut plain = body.to_vec();
    for encoding in encodings.rsplit(',').map(str::trim).filter(|encoding| !encoding.is_empty()) {
        let mut out = Vec::new();
        let decoded = match encoding {
            "gzip" => GzDecoder::new(&plain[..]).read_to_end(&mut out),
            "deflate" => ZlibDecoder::new(&plain[..]).read_to_end(&mut out),
            "br" => brotli::Decompressor::new(&plain[..], 4096).read_to_end(&mut out),
            "zstd" => ruzstd::decoding::StreamingDecoder::new(&plain[..])
                .map_err(std::io::Error::other)
                .and_then(|mut decoder| decoder.read_to_end(&mut out)),
            _ => return body.clone(),
        };
        if decoded.is_err() {
            return body.clone();
        }
        plain = out;
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_in_layers_is_decoded_from_the_outermost_in() {
        for encodings in ["gzip", "deflate", "br", "zstd", "gzip, br, deflate"] {
            let mut body = BODY.as_bytes().to_vec();
            for layer in encodings.split(',') {
                body = encode(layer.trim(), &body).unwrap();
            }
            assert_ne!(body, BODY.as_bytes(), "{encodings}");
            assert_eq!(decode(encodings, &body.into()), BODY, "{encodings}");
        }
    }
}
