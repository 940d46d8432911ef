//! `[a,b]` and `{a,"x":b}`: a new list, or object, of what several paths lead to. What leads nowhere is left out.

use serde_json::{Map, Value};

use super::{Found, part};

/// One of the paths, and the name it was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'p> {
    name: Option<&'p str>,
    path: &'p str,
}

/// Reads the multipath that `path` begins with; `None` if it is none. Also what follows it, a `.`, a `|` or nothing.
pub(super) fn parse(path: &str) -> Option<(Vec<Part<'_>>, &str)> {
    let bytes = path.as_bytes();
    let (mut parts, mut depth, mut start, mut at) = (Vec::new(), 1usize, 1, 1);
    let (mut colon, mut in_modifier) = (None, false);
    while at < bytes.len() {
        match bytes[at] {
            // What is escaped is no delimiter.
            b'\\' => {
                at += 2;
                continue;
            }
            b'"' => at += part::balanced(&path[at..]) - 1,
            // Its arguments follow a colon too.
            b'@' if depth == 1 && (at == start || matches!(bytes[at - 1], b'.' | b'|')) => in_modifier = true,
            b':' if depth == 1 && colon.is_none() && !in_modifier => colon = Some(at),
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && bytes[at] == b',') {
            let part = match colon.take() {
                Some(colon) => Part { name: Some(&path[start..colon]), path: &path[colon + 1..at] },
                None => Part { name: None, path: &path[start..at] },
            };
            parts.push(part);
            (start, in_modifier) = (at + 1, false);
        }
        at += 1;
        if depth == 0 {
            let rest = &path[at..];
            return (rest.is_empty() || rest.starts_with(['.', '|'])).then_some((parts, rest));
        }
    }
    None
}

/// Makes the list or the object.
pub(super) fn make<'a>(multipath: &str, parts: &[Part<'_>], get: impl Fn(&str) -> Found<'a>) -> Value {
    let found = parts.iter().filter_map(|part| Some((part, get(part.path)?.into_owned())));
    if multipath.starts_with('[') {
        return found.map(|(_, value)| value).collect();
    }
    let mut members = Map::new();
    for (part, value) in found {
        // Of two with one name k6 shows the first.
        members.entry(part.member_name()).or_insert(value);
    }
    Value::Object(members)
}

impl Part<'_> {
    fn member_name(&self) -> String {
        match self.name {
            Some(name) if name.starts_with('"') => {
                serde_json::from_str(name).unwrap_or_else(|_| name.to_owned())
            }
            Some(name) => name.to_owned(),
            None => last_name(self.path).to_owned(),
        }
    }
}

/// The last name of a path, `_` where that is not simply a name.
fn last_name(path: &str) -> &str {
    let bytes = path.as_bytes();
    let starts = (0..bytes.len()).rev().find(|at| {
        let is_escaped = at.checked_sub(1).is_some_and(|before| bytes[before] == b'\\');
        matches!(bytes[*at], b'.' | b'|') && !is_escaped
    });
    let last = starts.map_or(path, |at| &path[at + 1..]);
    let is_name = |c: char| c >= ' ' && !matches!(c, '[' | ']' | '{' | '}' | '(' | ')' | '#' | '|' | '!');
    if last.chars().all(is_name) { last } else { "_" }
}
