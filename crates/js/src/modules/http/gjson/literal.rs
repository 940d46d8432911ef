//! `!value`: a value that the path itself brings along.

use serde_json::Value;

use super::part;

/// Reads the literal that `path` begins with, and what follows it.
pub(super) fn parse(path: &str) -> Option<(Value, &str)> {
    let text = path.strip_prefix('!')?;
    let end = match text.bytes().next()? {
        b'{' | b'[' | b'"' => part::balanced(text),
        b'+' | b'-' | b'0'..=b'9' => {
            let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
            text.find(|c| !is_number(c)).unwrap_or(text.len())
        }
        _ => text.find(['.', '|']).unwrap_or(text.len()),
    };
    let literal = text[..end].trim_start_matches('+');
    Some((serde_json::from_str(literal).ok()?, &text[end..]))
}
