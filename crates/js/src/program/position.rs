//! From places in compiled code back to places in the user's file, and stack traces in k6's form.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Maps line and column (both from 1) of what was compiled to those of the user's file.
#[derive(Debug, Clone, Default)]
pub struct Positions {
    /// Sorted (generated line, generated column, source line, source column), from 0; empty for identity.
    tokens: Vec<(u32, u32, u32, u32)>,
    /// Characters put before the first line.
    first_line_shift: u32,
}

impl Positions {
    /// The file was compiled as it is.
    pub fn identity() -> Self {
        Self::default()
    }

    /// The file was compiled after a transformation: (generated line, generated column, source line, source column)
    /// from 0, in the order of the generated text.
    pub fn from_tokens(tokens: impl Iterator<Item = (u32, u32, u32, u32)>) -> Self {
        Self { tokens: tokens.collect(), first_line_shift: 0 }
    }

    /// Something was put before the first line.
    #[must_use]
    pub fn with_first_line_shift(mut self, characters: u32) -> Self {
        self.first_line_shift = characters;
        self
    }

    /// The place in the user's file.
    pub fn original(&self, line: u32, column: u32) -> (u32, u32) {
        let column = if line == 1 { column.saturating_sub(self.first_line_shift).max(1) } else { column };
        if self.tokens.is_empty() {
            return (line, column);
        }
        let wanted = (line.saturating_sub(1), column.saturating_sub(1));
        let after = self.tokens.partition_point(|t| (t.0, t.1) <= wanted);
        match after.checked_sub(1).map(|i| self.tokens[i]) {
            Some((_, _, line, column)) => (line + 1, column + 1),
            None => (line, column),
        }
    }
}

/// Line and column (from 1, in characters) of a byte offset.
pub fn line_and_column(source: &str, offset: usize) -> (u32, u32) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    (line, column)
}

/// File, line and column.
pub(super) type Place<'a> = (&'a str, u32, u32);

/// What QuickJS calls code that a script makes of a text, and the text of `JSON.parse`.
const EVALUATED: &str = "<input>";

/// One line of a QuickJS stack: `at function (file:line:column)` or `at file:line:column`.
fn parse_frame(line: &str) -> Option<(&str, Option<Place<'_>>)> {
    let rest = line.trim().strip_prefix("at ")?;
    let (function, place) = match rest.rsplit_once(" (") {
        Some((function, place)) => (function, place.trim_end_matches(')')),
        None => ("", rest),
    };
    let mut parts = place.rsplitn(3, ':');
    let parsed = (|| {
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some((parts.next()?, line, column))
    })();
    Some((function, parsed))
}

/// The place of the innermost frame of a QuickJS stack, if that is not a host function's.
pub(super) fn first_place(stack: &str) -> Option<Place<'_>> {
    parse_frame(stack.lines().next()?)?.1
}

/// A QuickJS stack as k6 prints one: a tab, `at function (file:line:column)`, places in the user's files, which `map`
/// finds.
pub fn translate_stack<'a>(
    stack: &'a str,
    mut map: impl FnMut(&'a str, u32, u32) -> (Cow<'a, str>, u32, u32),
) -> String {
    let mut text = String::new();
    let frames: Vec<_> = stack.lines().filter_map(parse_frame).collect();
    for (i, (function, place)) in frames.iter().copied().enumerate() {
        // `JSON.parse` is ours and hands what is no JSON to the engine's, which adds a place in the text it was given.
        let is_parse = |frame: Option<&(&str, Option<Place<'_>>)>| frame == Some(&("parse", None));
        let is_in_json = function.is_empty() && place.is_some_and(|(file, ..)| file == EVALUATED);
        if is_parse(frames.get(i + 1)) && (is_in_json || is_parse(frames.get(i))) {
            continue;
        }
        match place {
            Some((file, line, column)) => {
                let (file, line, column) = map(file, line, column);
                let file = if file == EVALUATED { "<eval>" } else { &*file };
                let function = if function == "<anonymous>" || function == "<eval>" { "" } else { function };
                if function.is_empty() {
                    let _ = write!(text, "\n\tat {file}:{line}:{column}");
                } else {
                    let _ = write!(text, "\n\tat {function} ({file}:{line}:{column})");
                }
            }
            // A host function: k6 names it too.
            None if !function.is_empty() => {
                let _ = write!(text, "\n\tat {function} (native)");
            }
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_keeps_places_and_a_shift_only_moves_the_first_line() {
        assert_eq!(Positions::identity().original(3, 7), (3, 7));
        let shifted = Positions::identity().with_first_line_shift(10);
        assert_eq!(shifted.original(1, 15), (1, 5));
        assert_eq!(shifted.original(2, 15), (2, 15));
    }

    #[test]
    fn offsets_count_lines_and_characters() {
        assert_eq!(line_and_column("ab\ncdé x", 3), (2, 1));
        assert_eq!(line_and_column("ab\ncdé x", 8), (2, 5));
    }

    #[test]
    fn stacks_read_like_those_of_k6() {
        let stack =
            "    at f (file:///a.js:3:5)\n    at get (native)\n    at <anonymous> (file:///a.js:9:1)\n";
        let text = translate_stack(stack, |file, line, column| (file.into(), line + 1, column));
        assert_eq!(text, "\n\tat f (file:///a.js:4:5)\n\tat get (native)\n\tat file:///a.js:10:1");
    }

    #[test]
    fn json_that_is_none_is_one_frame_and_evaluated_code_has_its_name() {
        fn same(file: &str, line: u32, column: u32) -> (Cow<'_, str>, u32, u32) {
            (file.into(), line, column)
        }
        let json =
            "    at <input>:1:2\n    at parse (native)\n    at parse (native)\n    at f (file:///a.js:3:5)\n";
        assert_eq!(translate_stack(json, same), "\n\tat parse (native)\n\tat f (file:///a.js:3:5)");
        let eval = "    at <eval> (<input>:1:7)\n    at f (file:///a.js:3:5)\n";
        assert_eq!(translate_stack(eval, same), "\n\tat <eval>:1:7\n\tat f (file:///a.js:3:5)");
    }
}
