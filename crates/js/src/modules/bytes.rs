//! Binary input as scripts give it: a string, an `ArrayBuffer`, a typed array or a `DataView`.

use throng_quickjs::{JsResult, Thrown, Value};

/// Lends the bytes of `input`, a string's as UTF-8. `owner` names what they are for, in errors.
pub(crate) fn with<R>(input: &Value, owner: &str, use_it: impl FnOnce(&[u8]) -> R) -> JsResult<R> {
    if input.is_string() {
        return input.with_str(|text| use_it(text.as_bytes()));
    }
    match input.with_bytes(use_it) {
        Some(result) => Ok(result),
        None => Err(Thrown::type_error(format!("{owner} takes a string, an ArrayBuffer or a typed array"))),
    }
}
