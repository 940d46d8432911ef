//! `k6/encoding`: base64 in its four spellings.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use throng_quickjs::{Call, Ctx, JsResult, Thrown, Value};

use super::bytes;

/// k6 takes any bits in the unused end of the last character (observed on k6 1.1: "aGVsbG9=" is "hello").
const PADDED: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const RAW: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

static STD: GeneralPurpose = GeneralPurpose::new(&STANDARD, PADDED);
static RAW_STD: GeneralPurpose = GeneralPurpose::new(&STANDARD, RAW);
pub(super) static URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PADDED);
pub(super) static RAW_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, RAW);

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("b64encode", 2, encode)?;
    exports.export("b64decode", 3, decode)?;
    Ok(exports)
}

/// The spelling of this name; like k6, standard base64 for unknown ones.
fn spelling(name: &Value) -> JsResult<&'static GeneralPurpose> {
    if !name.is_string() {
        return Ok(&STD);
    }
    name.with_str(|name| match name {
        "rawstd" => &RAW_STD,
        "url" => &URL,
        "rawurl" => &RAW_URL,
        _ => &STD,
    })
}

/// `b64encode(input, encoding = 'std')`
fn encode(call: &Call<'_>) -> JsResult {
    let spelling = spelling(&call.arg(1))?;
    let text = bytes::with(&call.arg(0), "b64encode()", |bytes| spelling.encode(bytes))?;
    Ok(call.ctx().string(&text))
}

/// `b64decode(text, encoding = 'std', format?)`: an `ArrayBuffer`, or with the format `'s'` a string.
fn decode(call: &Call<'_>) -> JsResult {
    let (ctx, input, format) = (call.ctx(), call.arg(0), call.arg(2));
    let spelling = spelling(&call.arg(1))?;
    let text = if input.is_nullish() { String::new() } else { input.to_text()? };
    // Line breaks are allowed anywhere, as in Go.
    let decoded = if text.contains(['\n', '\r']) {
        spelling.decode(text.replace(['\n', '\r'], ""))
    } else {
        spelling.decode(&text)
    };
    let bytes = decoded.map_err(|error| Thrown::error(format!("cannot decode base64: {error}")))?;
    if format.is_string() && format.with_str(|format| format == "s")? {
        return Ok(ctx.string_lossy(&bytes));
    }
    Ok(ctx.array_buffer(&bytes))
}
