//! `@name` and `@name:argument`: what makes another value of one. Those of gjson; k6 adds none.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Found, get, part};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What changes only how a text is written: `@this`, `@pretty`, `@ugly`, `@valid`.
    Same,
    Reverse,
    Flatten,
    Join,
    Keys,
    Values,
    ToString,
    FromString,
    Group,
    Dig,
}

const KINDS: [(&str, Kind); 13] = [
    ("pretty", Kind::Same),
    ("ugly", Kind::Same),
    ("this", Kind::Same),
    ("valid", Kind::Same),
    ("reverse", Kind::Reverse),
    ("flatten", Kind::Flatten),
    ("join", Kind::Join),
    ("keys", Kind::Keys),
    ("values", Kind::Values),
    ("tostr", Kind::ToString),
    ("fromstr", Kind::FromString),
    ("group", Kind::Group),
    ("dig", Kind::Dig),
];

#[derive(Debug)]
pub(super) struct Modifier<'p> {
    kind: Kind,
    argument: &'p str,
}

impl<'p> Modifier<'p> {
    /// Reads the modifier that `path` begins with, and what follows it. Others are names of members.
    pub(super) fn parse(path: &'p str) -> Option<(Self, &'p str)> {
        let text = path.strip_prefix('@')?;
        let end = text.find([':', '.', '|']).unwrap_or(text.len());
        let (_, kind) = KINDS.iter().find(|(name, _)| *name == &text[..end])?;
        let rest = &text[end..];
        let Some(argued) = rest.strip_prefix(':') else {
            return Some((Self { kind: *kind, argument: "" }, rest));
        };
        let end = match argued.bytes().next() {
            Some(b'{' | b'[' | b'"') => part::balanced(argued),
            _ => part::split_at_pipe(argued).0.len(),
        };
        Some((Self { kind: *kind, argument: &argued[..end] }, &argued[end..]))
    }

    /// What it makes of a value, or of nothing.
    pub(super) fn apply<'a>(&self, value: Found<'a>, depth: usize) -> Found<'a> {
        match (self.kind, value) {
            (Kind::Same, value) => value,
            (Kind::Keys | Kind::Values, None) => owned(Value::Array(Vec::new())),
            (Kind::ToString, None) => owned(Value::String(String::new())),
            (Kind::Dig, value) => {
                let mut found = Vec::new();
                if let Some(value) = value {
                    dig(&value, self.argument, depth + 1, &mut found);
                }
                owned(Value::Array(found))
            }
            (_, None) => None,
            (Kind::ToString, Some(value)) => owned(Value::String(value.to_string())),
            (Kind::FromString, Some(value)) => match &*value {
                Value::String(text) => read(text).map(Cow::Owned),
                Value::Null => None,
                _ => Some(value),
            },
            (kind, Some(value)) => self.rebuild(kind, value),
        }
    }

    /// Those that look inside of lists and objects.
    fn rebuild<'a>(&self, kind: Kind, value: Cow<'a, Value>) -> Found<'a> {
        let has_option = |name: &str| {
            let options: Option<Value> = serde_json::from_str(self.argument).ok();
            match options.as_ref().and_then(|options| options.get(name)) {
                Some(Value::Bool(is)) => *is,
                Some(Value::Number(number)) => number.as_f64() != Some(0.0),
                Some(Value::String(text)) => matches!(text.to_ascii_lowercase().as_str(), "1" | "t" | "true"),
                _ => false,
            }
        };
        let made = match (kind, &*value) {
            (Kind::Reverse, Value::Array(items)) => items.iter().rev().cloned().collect(),
            (Kind::Reverse, Value::Object(members)) => Value::Object(
                members.iter().rev().map(|(name, value)| (name.clone(), value.clone())).collect(),
            ),
            (Kind::Flatten, Value::Array(items)) => {
                let mut flat = Vec::new();
                flatten(items, has_option("deep"), &mut flat);
                Value::Array(flat)
            }
            (Kind::Join, Value::Array(items)) => join(items, has_option("preserve")),
            (Kind::Keys, Value::Object(members)) => members.keys().cloned().map(Value::String).collect(),
            (Kind::Keys, Value::Array(items)) => items.iter().map(|_| Value::Null).collect(),
            (Kind::Keys, _) => Value::Array(vec![Value::Null]),
            (Kind::Values, Value::Object(members)) => members.values().cloned().collect(),
            (Kind::Values, scalar) if !scalar.is_array() => Value::Array(vec![scalar.clone()]),
            (Kind::Group, Value::Object(members)) => group(members),
            (Kind::Group, _) => return None,
            _ => return Some(value),
        };
        owned(made)
    }
}

fn owned<'a>(value: Value) -> Found<'a> {
    Some(Cow::Owned(value))
}

/// The value of a text that should be JSON. What is none but begins like it is empty, as in k6.
fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| match text.trim_start().bytes().next() {
        Some(b'{') => Some(Value::Object(Map::new())),
        Some(b'[') => Some(Value::Array(Vec::new())),
        _ => None,
    })
}

fn flatten(items: &[Value], deep: bool, flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Array(inner) if deep => flatten(inner, deep, flat),
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
}

/// One object of all objects in a list. With `preserve` every member stays, of which k6 shows the first of a name.
fn join(items: &[Value], preserve: bool) -> Value {
    let mut joined = Map::new();
    for (name, value) in items.iter().filter_map(Value::as_object).flatten() {
        if !preserve || !joined.contains_key(name) {
            joined.insert(name.clone(), value.clone());
        }
    }
    Value::Object(joined)
}

/// An object of lists as a list of objects.
fn group(members: &Map<String, Value>) -> Value {
    let mut grouped: Vec<Map<String, Value>> = Vec::new();
    for (name, value) in members {
        let Value::Array(items) = value else { continue };
        grouped.resize_with(grouped.len().max(items.len()), Map::new);
        for (group, item) in grouped.iter_mut().zip(items) {
            group.insert(name.clone(), item.clone());
        }
    }
    grouped.into_iter().map(Value::Object).collect()
}

/// What is at the path in the value and in everything inside of it.
fn dig(value: &Value, path: &str, depth: usize, found: &mut Vec<Value>) {
    found.extend(get(Some(Cow::Borrowed(value)), path, depth).map(Cow::into_owned));
    match value {
        Value::Array(items) => items.iter().for_each(|item| dig(item, path, depth, found)),
        Value::Object(members) => members.values().for_each(|item| dig(item, path, depth, found)),
        _ => {}
    }
}
