//! `#(path op value)`: what items of a list are asked for.

use std::borrow::Cow;

use serde_json::Value;

use super::part::{matches_pattern, unescaped};
use super::{Found, get};

#[derive(Debug)]
pub(super) struct Query<'p> {
    path: &'p str,
    test: Option<(Op, Cow<'p, str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Unlike,
    /// A lone `!`.
    Never,
}

/// Longer ones first.
const OPERATORS: [(&str, Op); 10] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("!%", Op::Unlike),
    ("<=", Op::LessOrEqual),
    (">=", Op::GreaterOrEqual),
    ("=", Op::Equal),
    ("<", Op::Less),
    (">", Op::Greater),
    ("%", Op::Like),
    ("!", Op::Never),
];

impl<'p> Query<'p> {
    /// Reads the query that `path` begins with, `#(…)` or `#[…]`; also where it ends.
    pub(super) fn parse(path: &'p str) -> Option<(Self, usize)> {
        let (mut depth, mut operator, mut end) = (1usize, None, None);
        let (mut quoted, mut skip) = (false, false);
        for (at, byte) in path.bytes().enumerate().skip(2) {
            if std::mem::take(&mut skip) {
                continue;
            }
            match byte {
                b'\\' => skip = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'!' | b'=' | b'<' | b'>' | b'%' if depth == 1 && operator.is_none() => operator = Some(at),
                b'(' | b'[' => depth += 1,
                b')' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        end = Some(at);
                        break;
                    }
                }
                _ => {}
            }
        }
        let end = end?;
        let test = match operator {
            None => None,
            Some(at) => {
                let text = &path[at..end];
                let (sign, op) = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign))?;
                Some((*op, operand(text[sign.len()..].trim())))
            }
        };
        Some((Self { path: path[2..operator.unwrap_or(end)].trim(), test }, end + 1))
    }

    pub(super) fn matches(&self, item: &Value, depth: usize) -> bool {
        let found = match item {
            Value::Array(_) | Value::Object(_) => get(Some(Cow::Borrowed(item)), self.path, depth),
            _ if self.path.is_empty() => Some(Cow::Borrowed(item)),
            _ => return false,
        };
        let Some((op, operand)) = &self.test else { return found.is_some() };
        match operand.strip_prefix('~') {
            Some(kind) => match is_like(&found, kind) {
                Some(is) => compare(&Value::Bool(is), *op, "true"),
                None => false,
            },
            None => found.is_some_and(|found| compare(&found, *op, operand)),
        }
    }
}

/// Quotes only let a value have brackets in it: `"5"` is as good as `5`.
fn operand(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')) {
        Some(inside) if inside.contains('\\') => {
            Cow::Owned(serde_json::from_str(text).unwrap_or_else(|_| unescaped(inside)))
        }
        Some(inside) => Cow::Borrowed(inside),
        None => Cow::Borrowed(text),
    }
}

/// `~true`, `~false`, `~null`, `~*` (there at all).
fn is_like(found: &Found<'_>, kind: &str) -> Option<bool> {
    let found = found.as_deref();
    let reads = |text: &str, words: [&str; 3]| words.contains(&text.to_ascii_lowercase().as_str());
    match kind {
        "*" => Some(found.is_some()),
        "null" => Some(found.is_none_or(Value::is_null)),
        "true" => Some(match found {
            Some(Value::Bool(is)) => *is,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => reads(text, ["1", "t", "true"]),
            _ => false,
        }),
        "false" => Some(match found {
            None | Some(Value::Null) => true,
            Some(Value::Bool(is)) => !is,
            Some(Value::Number(number)) => number.as_f64() == Some(0.0),
            Some(Value::String(text)) => reads(text, ["0", "f", "false"]),
            _ => false,
        }),
        _ => None,
    }
}

/// Texts as texts, numbers as numbers, with 0 for what is none; `null`, objects and lists are like nothing, not even
/// unlike it.
fn compare(value: &Value, op: Op, operand: &str) -> bool {
    let order = match value {
        Value::String(text) => match op {
            Op::Like => return matches_pattern(operand, text),
            Op::Unlike => return !matches_pattern(operand, text),
            _ => Some(text.as_str().cmp(operand)),
        },
        Value::Number(number) => {
            number.as_f64().and_then(|number| number.partial_cmp(&operand.parse().unwrap_or(0.0)))
        }
        Value::Bool(is) => return compare_flag(*is, op, operand),
        _ => None,
    };
    let Some(order) = order else { return false };
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterOrEqual => order.is_ge(),
        Op::Like | Op::Unlike | Op::Never => false,
    }
}

fn compare_flag(is: bool, op: Op, operand: &str) -> bool {
    let (own, other) = if is { ("true", "false") } else { ("false", "true") };
    match op {
        Op::Equal => operand == own,
        Op::NotEqual => operand != own,
        Op::Greater => is && operand == other,
        Op::GreaterOrEqual => is,
        Op::Less => !is && operand == other,
        Op::LessOrEqual => !is,
        Op::Like | Op::Unlike | Op::Never => false,
    }
}
