//! Request bodies: text, bytes, forms, multipart.
//!
//! What a form's values look like on the wire is what k6 1.1 was observed to send, Go's way of printing included.

use std::fmt::Write as _;

use bytes::Bytes;
use throng_quickjs::{JsResult, Thrown, Value};

use super::file::FileData;
use super::prepare::Failure;

/// A body, and the content type that goes with its kind.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Option<Bytes>,
    pub(super) content_type: Option<String>,
}

/// The body that a script gave.
pub(super) fn body(value: &Value) -> Result<Body, Failure> {
    if value.is_nullish() {
        return Ok(Body::default());
    }
    if value.is_string() {
        return Ok(Body { bytes: Some(text(value)?), content_type: None });
    }
    if let Some(bytes) = value.with_bytes(Bytes::copy_from_slice) {
        return Ok(Body { bytes: Some(bytes), content_type: None });
    }
    let kind = if value.is_array() {
        "an array"
    } else if value.is_function() {
        "a function"
    } else if value.is_object() {
        if is_boxed_string(value)? {
            return Ok(Body { bytes: Some(text(value)?), content_type: None });
        }
        if !value.is_instance_of(&value.ctx().globals().get("Map")?) {
            return object(value);
        }
        "a Map"
    } else if value.is_bool() {
        "a boolean"
    } else {
        "a number"
    };
    Err(Failure::plain(format!(
        "the request body is {kind}; it can be a string, an ArrayBuffer, a typed array or an object (a form)"
    )))
}

fn text(value: &Value) -> JsResult<Bytes> {
    value.with_str(|text| Bytes::copy_from_slice(text.as_bytes()))
}

fn is_boxed_string(value: &Value) -> JsResult<bool> {
    Ok(value.is_instance_of(&value.ctx().globals().get("String")?))
}

/// A form: multipart if one of its values is a file, or a list with files in it.
fn object(value: &Value) -> Result<Body, Failure> {
    let mut fields = value.entries()?;
    for (_, field) in &fields {
        let has_file = is_file(field) || (field.is_array() && field.elements()?.iter().any(is_file));
        if has_file {
            return multipart(&fields);
        }
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let mut form = String::new();
    for (name, field) in &fields {
        let values = if field.is_array() { field.elements()? } else { vec![field.clone()] };
        for value in &values {
            if !form.is_empty() {
                form.push('&');
            }
            push_encoded(&mut form, name);
            form.push('=');
            push_encoded(&mut form, &go_text(value)?);
        }
    }
    let content_type = Some("application/x-www-form-urlencoded".to_owned());
    Ok(Body { bytes: Some(form.into()), content_type })
}

fn is_file(value: &Value) -> bool {
    value.downcast::<FileData>().is_some()
}

fn multipart(fields: &[(String, Value)]) -> Result<Body, Failure> {
    let boundary = boundary();
    let mut out: Vec<u8> = Vec::new();
    for (name, field) in fields {
        let is_list_of_files = field.is_array() && field.elements()?.iter().any(is_file);
        let parts = if is_list_of_files { field.elements()? } else { vec![field.clone()] };
        for part in &parts {
            out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            push_part(&mut out, name, part)?;
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = Some(format!("multipart/form-data; boundary={boundary}"));
    Ok(Body { bytes: Some(out.into()), content_type })
}

fn push_part(out: &mut Vec<u8>, name: &str, part: &Value) -> JsResult<()> {
    let name = quoted(name);
    if !is_file(part) {
        out.extend_from_slice(format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes());
        out.extend_from_slice(go_text(part)?.as_bytes());
        return Ok(());
    }
    let file = quoted(&part.get("filename")?.to_text()?);
    let kind = part.get("content_type")?.to_text()?;
    let head = format!(
        "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    let data = part.get("data")?;
    if data.with_bytes(|bytes| out.extend_from_slice(bytes)).is_none() {
        data.with_str(|text| out.extend_from_slice(text.as_bytes()))?;
    }
    Ok(())
}

/// Sixty hexadecimal digits that are no part of anybody's file.
fn boundary() -> String {
    use std::hash::{BuildHasher, RandomState};
    let mut text = String::with_capacity(64);
    while text.len() < 60 {
        let _ = write!(text, "{:016x}", RandomState::new().hash_one(text.len()));
    }
    text.truncate(60);
    text
}

/// A name inside quotes, as Go's multipart writer escapes it.
fn quoted(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "%0D").replace('\n', "%0A")
}

/// The encoding of `application/x-www-form-urlencoded` as Go does it.
fn push_encoded(out: &mut String, text: &str) {
    for b in text.bytes() {
        match b {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(char::from(b)),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
}

/// Deeper than any form; a cycle ends here.
const MAX_DEPTH: usize = 100;

/// A value as Go prints it: `<nil>`, `[a b]`, `map[k:v]`.
fn go_text(value: &Value) -> JsResult<String> {
    let mut text = String::new();
    push_go(value, &mut text, 0)?;
    Ok(text)
}

fn push_go(value: &Value, out: &mut String, depth: usize) -> JsResult<()> {
    if depth > MAX_DEPTH {
        return Err(Thrown::error("the form is nested too deeply, or contains itself"));
    }
    if value.is_nullish() {
        out.push_str("<nil>");
    } else if let Some(number) = value.as_number() {
        out.push_str(&go_number(number));
    } else if value.is_date() {
        let iso = value.invoke("toISOString", &[])?.to_text()?;
        let (day, time) = iso.trim_end_matches('Z').split_once('T').unwrap_or((&iso, ""));
        // There always are three decimals, so the zeros of the seconds are safe.
        let time = time.trim_end_matches('0').trim_end_matches('.');
        let _ = write!(out, "{day} {time} +0000 UTC");
    } else if value.is_array() {
        out.push('[');
        for (i, item) in value.elements()?.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            push_go(item, out, depth + 1)?;
        }
        out.push(']');
    } else if value.is_object() && !value.is_function() && !is_boxed_string(value)? {
        let mut entries = value.entries()?;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        out.push_str("map[");
        for (i, (name, item)) in entries.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            out.push_str(name);
            out.push(':');
            push_go(item, out, depth + 1)?;
        }
        out.push(']');
    } else {
        value.with_str(|text| out.push_str(text))?;
    }
    Ok(())
}

/// A number as Go prints it: an integer in full while it is exact, else with an exponent from 10^6 or below 10^-4.
fn go_number(number: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return format!("{number:.0}");
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed on k6 1.1.
    #[test]
    fn numbers_print_as_in_go() {
        let printed =
            [1e21, 0.1, -5.0, 1e6, 123_456_789.0, 12_345_678_901_234_567_890.0, f64::NAN].map(go_number);
        assert_eq!(printed, ["1e+21", "0.1", "-5", "1000000", "123456789", "1.2345678901234567e+19", "NaN"]);
        let printed =
            [1_234_567.5, 0.000_01, 123_456.5, 1e20, -0.0, 1e-7, f64::INFINITY, 0.0001].map(go_number);
        assert_eq!(printed, ["1.2345675e+06", "1e-05", "123456.5", "1e+20", "-0", "1e-07", "+Inf", "0.0001"]);
    }

    /// Observed on k6 1.1.
    #[test]
    fn forms_are_encoded_as_in_go() {
        let mut out = String::new();
        push_encoded(&mut out, "~!*()'-._é&=+/ x");
        assert_eq!(out, "~%21%2A%28%29%27-._%C3%A9%26%3D%2B%2F+x");
    }

    #[test]
    fn boundaries_are_sixty_digits_and_never_the_same() {
        let (a, b) = (boundary(), boundary());
        assert!(a.len() == 60 && a.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(a, b);
    }
}
