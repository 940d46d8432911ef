//! The selectors of `response.json(selector)`: the paths of the `gjson` library that k6 uses, as its documentation
//! describes them and k6 1.1 was observed to follow them. Nothing is an error: what leads nowhere finds nothing.
//!
//! `a.b.0`, wildcards `*` and `?`, `\` escapes, `#` (length), `#.a` (of each), `#(a=="b")` (the first), `#(a=="b")#`
//! (all), `|` (as `.`, but on the whole result), `..` (the document as a list of one line), `[a,b]` and `{a,"x":b}`
//! ([`multipath`]), `!literal`, and `@modifiers` ([`modifier`]). A path is read while it is followed, as what its dots
//! mean depends on the values they come to.

mod literal;
mod modifier;
mod multipath;
mod part;
mod query;

use std::borrow::Cow;
use std::slice;

use serde_json::Value;

use modifier::Modifier;
use part::{ArrayPart, ArrayStep, Next, ObjectPart};

/// Pipes, multipaths and queries inside of each other go this deep; the rest finds nothing. Host functions have 128 KB
/// of stack at least.
const DEEPEST: usize = 40;

/// What is at a path; modifiers may be given nothing at all, too.
type Found<'a> = Option<Cow<'a, Value>>;

/// What `path` leads to.
pub(super) fn select<'a>(document: &'a Value, path: &str) -> Found<'a> {
    get(Some(Cow::Borrowed(document)), path, 0)
}

fn get<'a>(value: Found<'a>, path: &str, depth: usize) -> Found<'a> {
    if depth > DEEPEST {
        return None;
    }
    if path.len() > 1 {
        match path.as_bytes()[0] {
            b'@' => {
                if let Some((modifier, rest)) = Modifier::parse(path) {
                    return go_on(modifier.apply(value, depth), rest, depth);
                }
            }
            b'!' => {
                if let Some((literal, rest)) = literal::parse(path) {
                    return go_on(Some(Cow::Owned(literal)), rest, depth);
                }
            }
            b'[' | b'{' => {
                if let Some((parts, rest)) = multipath::parse(path) {
                    let made = multipath::make(path, &parts, |path| get(value.clone(), path, depth + 1));
                    return go_on(Some(Cow::Owned(made)), rest, depth);
                }
            }
            _ => {}
        }
    }
    let (found, pipe) = match value {
        None => (None, None),
        Some(Cow::Borrowed(value)) => start(value, path, depth),
        Some(Cow::Owned(value)) => {
            let (found, pipe) = start(&value, path, depth);
            (found.map(|found| Cow::Owned(found.into_owned())), pipe)
        }
    };
    match pipe {
        Some(pipe) => get(found, pipe, depth + 1),
        None => found,
    }
}

/// What follows a modifier, a literal or a multipath.
fn go_on<'a>(value: Found<'a>, rest: &str, depth: usize) -> Found<'a> {
    match rest.strip_prefix(['.', '|']) {
        Some(rest) => get(value, rest, depth + 1),
        None => value,
    }
}

/// What a part of a path leads to, and the path that is still to be followed from there.
type Step<'a, 'p> = (Found<'a>, Option<&'p str>);

fn start<'a, 'p>(value: &'a Value, path: &'p str, depth: usize) -> Step<'a, 'p> {
    match path.strip_prefix("..") {
        // JSON lines: `json()` takes a body only if it is JSON as a whole, so there is one.
        Some(path) => in_array(slice::from_ref(value), path, depth),
        None => step(value, path, depth),
    }
}

fn step<'a, 'p>(value: &'a Value, path: &'p str, depth: usize) -> Step<'a, 'p> {
    match value {
        Value::Object(members) => in_object(members, path, depth),
        Value::Array(items) => in_array(items, path, depth),
        _ => (None, None),
    }
}

fn in_object<'a, 'p>(
    members: &'a serde_json::Map<String, Value>,
    path: &'p str,
    depth: usize,
) -> Step<'a, 'p> {
    let part = ObjectPart::parse(path);
    let take = |member: &'a Value| match part.next {
        Next::More(rest) => step(member, rest, depth),
        Next::Pipe(pipe) => (Some(Cow::Borrowed(member)), Some(pipe)),
        Next::End => (Some(Cow::Borrowed(member)), None),
    };
    let mut pipe = part.next.pipe();
    if !part.is_pattern {
        return members.get(&*part.name).map_or((None, pipe), take);
    }
    for (name, member) in members {
        if part::matches_pattern(&part.name, name) {
            let (found, onwards) = take(member);
            if found.is_some() {
                return (found, onwards);
            }
            pipe = onwards.or(pipe);
        }
    }
    (None, pipe)
}

fn in_array<'a, 'p>(items: &'a [Value], path: &'p str, depth: usize) -> Step<'a, 'p> {
    let ArrayPart { step: what, next } = ArrayPart::parse(path);
    match what {
        ArrayStep::Index(index) => match (items.get(index), next) {
            (Some(item), Next::More(rest)) => step(item, rest, depth),
            (item, next) => (item.map(Cow::Borrowed), next.pipe()),
        },
        ArrayStep::Length => (Some(Cow::Owned(items.len().into())), next.pipe()),
        ArrayStep::Each(path) => {
            let (each, pipe) = part::split_at_pipe(path);
            let found = items.iter().filter_map(|item| get(Some(Cow::Borrowed(item)), each, depth + 1));
            (Some(Cow::Owned(found.map(Cow::into_owned).collect())), pipe)
        }
        ArrayStep::Query { query, all } => {
            let mut matching = items.iter().filter(|item| query.matches(item, depth + 1)).peekable();
            let (each, pipe) = match next {
                // Observed on k6 1.1: where nothing matches, what follows a pipe is not looked at.
                Next::More(rest) if matching.peek().is_some() => {
                    let (each, pipe) = part::split_at_pipe(rest);
                    (Some(each), pipe)
                }
                Next::More(_) => (None, None),
                next => (None, next.pipe()),
            };
            let found = |item: &'a Value| match each {
                Some(path) => get(Some(Cow::Borrowed(item)), path, depth + 1),
                None => Some(Cow::Borrowed(item)),
            };
            if all {
                (Some(Cow::Owned(matching.filter_map(found).map(Cow::into_owned).collect())), pipe)
            } else {
                (matching.next().and_then(found), pipe)
            }
        }
        ArrayStep::Nothing => (None, next.pipe()),
    }
}

#[cfg(test)]
mod tests;
