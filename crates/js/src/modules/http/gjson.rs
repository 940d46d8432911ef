//! The selectors of `response.json(selector)`: the paths of the `gjson` library that k6 uses, as its documentation
//! describes them, but for modifiers, multipaths, literals and JSON lines, which are refused by name.
//!
//! `a.b.0`, wildcards `*` and `?`, `\` escapes, `#` (length), `#.a` (of each), `#(a=="b")` (the first),
//! `#(a=="b")#` (all), `|` (as `.`, but on the whole result).

use std::borrow::Cow;

use serde_json::Value;

/// A selector that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathError {
    /// gjson has it, we do not yet.
    #[error("the selector {path:?} uses {what}, which is not supported yet")]
    Unsupported {
        /// The selector.
        path: String,
        /// What part of it.
        what: &'static str,
    },
}

/// A parsed selector.
#[derive(Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
struct Step {
    kind: Kind,
    /// It stands after a `|`.
    piped: bool,
}

#[derive(Debug)]
enum Kind {
    Key {
        name: String,
        is_pattern: bool,
    },
    /// `#`
    Each,
    /// `#(…)`, `#(…)#`
    Query {
        query: Box<Query>,
        all: bool,
    },
}

#[derive(Debug)]
struct Query {
    path: Option<Path>,
    test: Option<(Op, Operand)>,
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
}

/// The right-hand side of a test, in both of its readings.
#[derive(Debug)]
struct Operand {
    text: String,
    quoted: bool,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        let unsupported = |what| Err(PathError::Unsupported { path: text.to_owned(), what });
        if text.starts_with("..") {
            return unsupported("JSON lines (..)");
        }
        let chars: Vec<char> = text.chars().collect();
        let mut steps = Vec::new();
        let (mut i, mut piped) = (0, false);
        loop {
            let kind = match chars.get(i) {
                Some('@') => return unsupported("a modifier (@)"),
                Some('{' | '[') => return unsupported("a multipath ({} or [])"),
                Some('!') => return unsupported("a literal (!)"),
                Some('#') if matches!(chars.get(i + 1), Some('(' | '[')) => {
                    let end = closing(&chars, i + 1);
                    let inside: String = chars[i + 2..end].iter().collect();
                    i = (end + 1).min(chars.len());
                    let all = chars.get(i) == Some(&'#');
                    i += usize::from(all);
                    Kind::Query { query: Box::new(Query::parse(&inside)?), all }
                }
                Some('#') if matches!(chars.get(i + 1), None | Some('.' | '|')) => {
                    i += 1;
                    Kind::Each
                }
                _ => {
                    let (mut name, mut is_pattern) = (String::new(), false);
                    while let Some(&c) = chars.get(i).filter(|c| !matches!(c, '.' | '|')) {
                        i += 1;
                        match c {
                            '\\' => {
                                if let Some(&escaped) = chars.get(i) {
                                    i += 1;
                                    // Kept escaped for the matcher, should the name turn out to be a pattern.
                                    if matches!(escaped, '*' | '?' | '\\') {
                                        name.push('\\');
                                    }
                                    name.push(escaped);
                                }
                            }
                            '*' | '?' => {
                                is_pattern = true;
                                name.push(c);
                            }
                            c => name.push(c),
                        }
                    }
                    if !is_pattern {
                        name = unescaped(&name);
                    }
                    Kind::Key { name, is_pattern }
                }
            };
            steps.push(Step { kind, piped });
            match chars.get(i) {
                None => return Ok(Self(steps)),
                Some(c) => piped = *c == '|',
            }
            i += 1;
        }
    }

    /// What the path leads to.
    pub(super) fn find<'a>(&self, document: &'a Value) -> Option<Cow<'a, Value>> {
        find(document, &self.0)
    }
}

/// Where the bracket at `open` closes, or the end.
fn closing(chars: &[char], open: usize) -> usize {
    let (mut depth, mut quoted, mut i) = (0usize, false, open);
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 1,
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
        i += 1;
    }
    chars.len()
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

impl Query {
    fn parse(text: &str) -> Result<Self, PathError> {
        let (path, test) = match find_operator(text) {
            None => (text.trim(), None),
            Some((at, len, op)) => {
                let operand = text[at + len..].trim();
                if operand.starts_with('~') {
                    return Err(PathError::Unsupported {
                        path: text.to_owned(),
                        what: "a comparison with ~",
                    });
                }
                let quoted = operand.len() >= 2 && operand.starts_with('"') && operand.ends_with('"');
                let inner =
                    if quoted { unescaped(&operand[1..operand.len() - 1]) } else { operand.to_owned() };
                (text[..at].trim(), Some((op, Operand { text: inner, quoted })))
            }
        };
        let path = if path.is_empty() { None } else { Some(Path::parse(path)?) };
        Ok(Self { path, test })
    }

    fn matches(&self, item: &Value) -> bool {
        let found = match &self.path {
            None => Some(Cow::Borrowed(item)),
            Some(path) => path.find(item),
        };
        match (found, &self.test) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(value), Some((op, operand))) => operand.compare(&value, *op),
        }
    }
}

/// The first operator outside brackets and quotes: its place, its length, its meaning.
fn find_operator(text: &str) -> Option<(usize, usize, Op)> {
    const OPERATORS: [(&str, Op); 9] = [
        ("==", Op::Equal),
        ("!=", Op::NotEqual),
        ("!%", Op::Unlike),
        ("<=", Op::LessOrEqual),
        (">=", Op::GreaterOrEqual),
        ("=", Op::Equal),
        ("<", Op::Less),
        (">", Op::Greater),
        ("%", Op::Like),
    ];
    let (mut depth, mut quoted, mut skip) = (0i32, false, false);
    for (i, c) in text.char_indices() {
        if std::mem::take(&mut skip) {
            continue;
        }
        match c {
            '\\' => skip = true,
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            _ if depth == 0 && !quoted => {
                let rest = &text[i..];
                if let Some((sign, op)) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign)) {
                    return Some((i, sign.len(), *op));
                }
            }
            _ => {}
        }
    }
    None
}

impl Operand {
    fn compare(&self, value: &Value, op: Op) -> bool {
        use std::cmp::Ordering;
        let order = match value {
            Value::String(text) => match op {
                Op::Like => return matches_pattern(&self.text, text),
                Op::Unlike => return !matches_pattern(&self.text, text),
                _ => Some(text.as_str().cmp(&self.text)),
            },
            Value::Number(number) if !self.quoted => {
                let (left, right) = (number.as_f64(), self.text.parse::<f64>().ok());
                left.zip(right).and_then(|(left, right)| left.partial_cmp(&right))
            }
            Value::Bool(flag) if !self.quoted => {
                let right = match self.text.as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                };
                right.map(|right| flag.cmp(&right))
            }
            Value::Null if !self.quoted && self.text == "null" => Some(Ordering::Equal),
            _ => None,
        };
        match (order, op) {
            (None, op) => op == Op::NotEqual,
            (Some(order), Op::Equal) => order.is_eq(),
            (Some(order), Op::NotEqual) => order.is_ne(),
            (Some(order), Op::Less) => order.is_lt(),
            (Some(order), Op::LessOrEqual) => order.is_le(),
            (Some(order), Op::Greater) => order.is_gt(),
            (Some(order), Op::GreaterOrEqual) => order.is_ge(),
            (Some(_), Op::Like | Op::Unlike) => false,
        }
    }
}

/// `*` for anything, `?` for one character, `\` for what follows as it is.
fn matches_pattern(pattern: &str, text: &str) -> bool {
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

fn find<'a>(value: &'a Value, steps: &[Step]) -> Option<Cow<'a, Value>> {
    let Some((step, rest)) = steps.split_first() else { return Some(Cow::Borrowed(value)) };
    match (&step.kind, value) {
        (Kind::Key { name, is_pattern: false }, Value::Object(members)) => find(members.get(name)?, rest),
        (Kind::Key { name, is_pattern: true }, Value::Object(members)) => {
            let (_, member) = members.iter().find(|(key, _)| matches_pattern(name, key))?;
            find(member, rest)
        }
        (Kind::Key { name, .. }, Value::Array(items)) => {
            let is_index = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
            find(items.get(name.parse::<usize>().ok().filter(|_| is_index)?)?, rest)
        }
        (Kind::Each, Value::Array(items)) => {
            if rest.first().is_none_or(|next| next.piped) {
                return find_owned(&items.len().into(), rest);
            }
            let (each, after) = split_at_pipe(rest);
            let found = items.iter().filter_map(|item| find(item, each)).map(Cow::into_owned);
            find_owned(&found.collect::<Vec<_>>().into(), after)
        }
        (Kind::Query { query, all: false }, Value::Array(items)) => {
            find(items.iter().find(|item| query.matches(item))?, rest)
        }
        (Kind::Query { query, all: true }, Value::Array(items)) => {
            let (each, after) = split_at_pipe(rest);
            let matching = items.iter().filter(|item| query.matches(item));
            let found = matching.filter_map(|item| find(item, each)).map(Cow::into_owned);
            find_owned(&found.collect::<Vec<_>>().into(), after)
        }
        _ => None,
    }
}

/// What applies to each item, and what to the list of the results.
fn split_at_pipe(steps: &[Step]) -> (&[Step], &[Step]) {
    let at = steps.iter().position(|step| step.piped).unwrap_or(steps.len());
    steps.split_at(at)
}

fn find_owned(value: &Value, steps: &[Step]) -> Option<Cow<'static, Value>> {
    let found = find(value, steps)?.into_owned();
    Some(Cow::Owned(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"a":{"b":[1,2,{"c":"x"}],"d.e":5},"friends":[
        {"first":"Dale","last":"Murphy","age":44,"nets":["ig","fb"]},
        {"first":"Roger","last":"Craig","age":68,"nets":["fb"]},
        {"first":"Jane","last":"Murphy","age":47,"nets":["ig"]}],"n":null,"t":true,"s":"str"}"#;

    fn select(path: &str) -> String {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        match Path::parse(path) {
            Ok(path) => path.find(&document).map_or_else(|| "none".to_owned(), |found| found.to_string()),
            Err(error) => error.to_string(),
        }
    }

    /// All observed on k6 1.1.
    #[test]
    fn selectors_find_what_k6_finds() {
        for (path, expected) in [
            ("a.b", r#"[1,2,{"c":"x"}]"#),
            ("a.b.0", "1"),
            ("a.b.00", "1"),
            ("a.b.2.c", "\"x\""),
            ("a.b.#", "3"),
            (r"a.d\.e", "5"),
            ("friends.#.first", r#"["Dale","Roger","Jane"]"#),
            (r#"friends.#(last=="Murphy").first"#, "\"Dale\""),
            (r#"friends.#(last=="Murphy")#.first"#, r#"["Dale","Jane"]"#),
            ("friends.#(age>45)#.last", r#"["Craig","Murphy"]"#),
            (r#"friends.#(first%"D*").last"#, "\"Murphy\""),
            (r#"friends.#(first!%"D*").last"#, "\"Craig\""),
            (r#"friends.#(nets.#(=="fb"))#.first"#, r#"["Dale","Roger"]"#),
            ("fri*.0.first", "\"Dale\""),
            ("fr?ends.0.age", "44"),
            ("n", "null"),
            ("t", "true"),
            ("zz", "none"),
            ("a.b.9", "none"),
            ("a|b", r#"[1,2,{"c":"x"}]"#),
            ("friends.#(age>45)#|0.first", "\"Roger\""),
            ("friends.1.last", "\"Craig\""),
            ("friends.#.nets.0", r#"["ig","fb","ig"]"#),
            ("friends.#.nets.#", "[2,1,1]"),
            (r#"friends.#(last="Murphy").first"#, "\"Dale\""),
            (r#"friends.#[last=="Craig"].first"#, "\"Roger\""),
            ("s.x", "none"),
            ("friends.first", "none"),
            ("friends.-1", "none"),
            ("friends.#(age<=44).first", "\"Dale\""),
            ("friends.#(t==true)", "none"),
            ("friends.#(nope==1)", "none"),
            ("friends.#(nope==1)#", "[]"),
            ("friends.#(nets)#.age", "[44,68,47]"),
            (r#"friends.#(last!="Murphy")#.first"#, r#"["Roger"]"#),
            ("", "none"),
            (".", "none"),
            ("a.", "none"),
            ("#", "none"),
        ] {
            assert_eq!(select(path), expected, "{path}");
        }
    }

    #[test]
    fn what_we_do_not_have_is_refused_by_name() {
        for (path, what) in
            [("@this", "modifier"), ("a.@reverse", "modifier"), ("{a,s}", "multipath"), ("..0", "lines")]
        {
            let error = select(path);
            assert!(error.contains(what) && error.contains("not supported yet"), "{error}");
        }
    }

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

    proptest::proptest! {
        #[test]
        fn no_selector_makes_it_panic(path in r#"[a-z0-9.#()\[\]\\"|*?=<>!%@{} ]{0,24}"#) {
            let _ = select(&path);
        }
    }
}
