//! Python objects as JSON text, as `json.dumps` writes it by default: ASCII, with a space after commas and colons.

use std::io::Write as _;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::DEPTH;

/// The value as JSON; `None` if it is not plain, or holds a NaN or an infinity.
pub(crate) fn dump(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    write(&mut out, value, DEPTH).then_some(out)
}

/// Whether the value could be written.
fn write(out: &mut Vec<u8>, value: &Bound<'_, PyAny>, depth: u32) -> bool {
    if let Ok(text) = value.cast_exact::<PyString>() {
        return write_text(out, text);
    }
    if let Ok(number) = value.cast_exact::<PyInt>() {
        return match number.extract::<i64>() {
            Ok(number) => write!(out, "{number}").is_ok(),
            Err(_) => false,
        };
    }
    if let Ok(truth) = value.cast_exact::<PyBool>() {
        out.extend_from_slice(if truth.is_true() { b"true" } else { b"false" });
        return true;
    }
    if value.is_none() {
        out.extend_from_slice(b"null");
        return true;
    }
    if depth == 0 {
        return false;
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return write_object(out, dict, depth - 1);
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        return write_array(out, list.iter(), depth - 1);
    }
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        return write_array(out, tuple.iter(), depth - 1);
    }
    if let Ok(number) = value.cast_exact::<PyFloat>()
        && number.value().is_finite()
        // Python's own spelling: 1e+16, 1.0.
        && let Ok(text) = number.repr()
        && let Ok(text) = text.to_str()
    {
        out.extend_from_slice(text.as_bytes());
        return true;
    }
    false
}

fn write_object(out: &mut Vec<u8>, dict: &Bound<'_, PyDict>, depth: u32) -> bool {
    out.push(b'{');
    let mut first = true;
    // Nothing below runs Python code, so the dictionary stays as it is.
    for (key, value) in dict {
        if !first {
            out.extend_from_slice(b", ");
        }
        first = false;
        let Ok(key) = key.cast_exact::<PyString>() else { return false };
        if !write_text(out, key) {
            return false;
        }
        out.extend_from_slice(b": ");
        if !write(out, &value, depth) {
            return false;
        }
    }
    out.push(b'}');
    true
}

fn write_array<'py>(out: &mut Vec<u8>, items: impl Iterator<Item = Bound<'py, PyAny>>, depth: u32) -> bool {
    out.push(b'[');
    let mut first = true;
    for item in items {
        if !first {
            out.extend_from_slice(b", ");
        }
        first = false;
        if !write(out, &item, depth) {
            return false;
        }
    }
    out.push(b']');
    true
}

/// A text with everything escaped that is not printable ASCII. Lone surrogates cannot be read as UTF-8: not plain.
fn write_text(out: &mut Vec<u8>, text: &Bound<'_, PyString>) -> bool {
    let Ok(text) = text.to_str() else { return false };
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !(b' '..=b'~').contains(&b) || b == b'"' || b == b'\\') {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        let Some(character) = characters.next() else { break };
        push_escape(out, character);
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
    true
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a vector does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
