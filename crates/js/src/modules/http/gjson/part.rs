//! One part of a path, up to the next `.` or `|`.

use std::borrow::Cow;

use super::modifier::Modifier;
use super::query::Query;

/// What stands behind a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<'p> {
    End,
    /// After a `.`: goes on inside of the value.
    More(&'p str),
    /// After a `|`: a path of its own, for the value as a whole.
    Pipe(&'p str),
}

impl<'p> Next<'p> {
    pub(super) fn pipe(self) -> Option<&'p str> {
        match self {
            Self::Pipe(path) => Some(path),
            Self::End | Self::More(_) => None,
        }
    }

    /// What stands at `at`, a dot or a bar. A dot before a modifier or a multipath is a bar.
    fn at(path: &'p str, at: usize, is_special: bool) -> Self {
        let rest = &path[at + 1..];
        if path.as_bytes()[at] == b'|' || (!is_special && starts_anew(rest)) {
            Self::Pipe(rest)
        } else {
            Self::More(rest)
        }
    }
}

fn starts_anew(path: &str) -> bool {
    path.starts_with(['[', '{']) || Modifier::parse(path).is_some()
}

/// The name of a member.
#[derive(Debug)]
pub(super) struct ObjectPart<'p> {
    /// Without escapes; of a pattern with them.
    pub(super) name: Cow<'p, str>,
    pub(super) is_pattern: bool,
    pub(super) next: Next<'p>,
}

impl<'p> ObjectPart<'p> {
    pub(super) fn parse(path: &'p str) -> Self {
        let (mut is_pattern, mut is_escaped, mut end, mut next) = (false, false, path.len(), Next::End);
        let mut bytes = path.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    is_escaped = true;
                    bytes.next();
                }
                b'*' | b'?' => is_pattern = true,
                b'.' | b'|' => {
                    (end, next) = (at, Next::at(path, at, false));
                    break;
                }
                _ => {}
            }
        }
        let name = &path[..end];
        let name = if is_escaped && !is_pattern { Cow::Owned(unescaped(name)) } else { Cow::Borrowed(name) };
        Self { name, is_pattern, next }
    }
}

/// What leads into a list.
#[derive(Debug)]
pub(super) struct ArrayPart<'p> {
    pub(super) step: ArrayStep<'p>,
    pub(super) next: Next<'p>,
}

#[derive(Debug)]
pub(super) enum ArrayStep<'p> {
    Index(usize),
    /// `#`
    Length,
    /// `#.path`: the path is for each item, up to the first bar in it.
    Each(&'p str),
    /// `#(…)`, `#(…)#`
    Query {
        query: Query<'p>,
        all: bool,
    },
    Nothing,
}

impl<'p> ArrayPart<'p> {
    pub(super) fn parse(path: &'p str) -> Self {
        let bytes = path.as_bytes();
        let (mut query, mut all, mut at) = (None, false, 0);
        match (bytes.first(), bytes.get(1)) {
            (Some(b'#'), Some(b'.')) => return Self { step: ArrayStep::Each(&path[2..]), next: Next::End },
            (Some(b'#'), Some(b'(' | b'[')) => match Query::parse(path) {
                Some((read, end)) => {
                    (query, at) = (Some(read), end);
                    all = bytes.get(end) == Some(&b'#');
                }
                None => return Self { step: ArrayStep::Nothing, next: Next::End },
            },
            _ => {}
        }
        let end = bytes[at..].iter().position(|byte| matches!(byte, b'.' | b'|')).map(|found| at + found);
        let name = &path[..end.unwrap_or(path.len())];
        let is_special = name.contains('#');
        let step = match query {
            // What else stands behind it is not looked at.
            Some(query) => ArrayStep::Query { query, all },
            None if name == "#" => ArrayStep::Length,
            None if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                name.parse().map_or(ArrayStep::Nothing, ArrayStep::Index)
            }
            None => ArrayStep::Nothing,
        };
        Self { step, next: end.map_or(Next::End, |at| Next::at(path, at, is_special)) }
    }
}

/// What applies to each item, and what to the list of the results: divides at the first bar outside of brackets and
/// quotes.
pub(super) fn split_at_pipe(path: &str) -> (&str, Option<&str>) {
    let mut depth = 0usize;
    let mut bytes = path.bytes().enumerate();
    let mut quoted = false;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => return (&path[..at], Some(&path[at + 1..])),
            _ => {}
        }
    }
    (path, None)
}

/// How long the value is that `text` begins with, a bracket or a string; all of it when it does not end.
pub(super) fn balanced(text: &str) -> usize {
    let (mut depth, mut quoted) = (0usize, false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return at + 1;
                }
            }
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// `*` for anything, `?` for one character, `\` for what follows as it is.
pub(super) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let literal = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            Some('\\') => pattern.get(p + 1).map(|c| (*c, 2)),
            other => other.map(|c| (*c, 1)),
        };
        match (literal, &mut star) {
            (Some((c, len)), _) if c == text[t] => (p, t) = (p + len, t + 1),
            // The last star takes one character more.
            (_, Some((at, from))) => {
                *from += 1;
                (p, t) = (*at + 1, *from);
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_stars_questions_and_escapes() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*", "", true),
            ("a?c", "abc", true),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            ("*a*b", "xxaxxb", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
