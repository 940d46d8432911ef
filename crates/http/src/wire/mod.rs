//! HTTP/1.1 as bytes, without any I/O: requests are written to a buffer, responses are fed in pieces.

mod chunked;
mod encode;
mod explain;
mod parser;

pub(crate) use encode::{WireRequest, encode_request};
pub(crate) use parser::{Notable, ParsedResponse, Progress, ResponseParser};
