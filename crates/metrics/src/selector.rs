//! Sub-metrics: a metric narrowed to the samples that carry certain tags, `name{tag:value,…}`.

use std::fmt;
use std::sync::Arc;

use crate::registry::{MetricId, Registry};
use crate::tags::TagSet;

/// Tags a sample must carry, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    pairs: Vec<(Arc<str>, Arc<str>)>,
}

/// A metric, whole or narrowed by a selector, as a threshold names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Submetric {
    /// The metric it is a part of.
    pub metric: MetricId,
    /// The name as k6 prints it: the selector without the spaces around it.
    pub name: String,
    /// What stands between the braces, spaces around it removed.
    pub suffix: String,
    /// Which samples count.
    pub selector: Selector,
}

/// Why the name of a threshold's metric cannot be read. Columns count characters from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// `name{…` without the closing brace, or the other way round.
    #[error("read metric {name:?}: unmatched curly brace at column {column}")]
    UnmatchedBrace {
        /// The text as given.
        name: String,
        /// Where the lonely brace is.
        column: usize,
    },
    /// Something follows the closing brace.
    #[error(
        "read metric {name:?}: the closing curly brace must be last, but text follows at column {column}"
    )]
    TrailingText {
        /// The text as given.
        name: String,
        /// Where the text begins.
        column: usize,
    },
    /// Not `tag:value`.
    #[error("read metric {name:?}: {part:?} at column {column} is not of the form tag:value")]
    MalformedTag {
        /// The text as given.
        name: String,
        /// The part between the commas.
        part: String,
        /// Where the part begins.
        column: usize,
    },
    /// No metric has this name.
    #[error(
        "read metric {name:?}: there is no metric {base:?}; custom metrics must be declared in the script's \
         init code"
    )]
    UnknownMetric {
        /// The text as given.
        name: String,
        /// The name before the brace.
        base: String,
    },
}

impl Selector {
    /// A selector of these pairs.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { pairs: pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect() }
    }

    /// Whether a sample with these tags counts.
    pub fn matches(&self, tags: &TagSet) -> bool {
        self.pairs.iter().all(|(key, value)| tags.get(key) == Some(&**value))
    }

    /// The required tags, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether every sample counts: a metric without a selector.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}:{value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Submetric {
    /// Reads `name` or `name{tag:value,…}`.
    ///
    /// Spaces and matching quotes around tags and values are dropped, and only the first colon separates
    /// (`group:::login`). Observed on k6 1.1: `tag:` without a value is refused, and a value is all between
    /// the colon and the comma, so it cannot hold a comma. Quoted, a value may be empty (`group:""`).
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, SelectorError> {
        let name = text.to_owned();
        let column = |byte: usize| text[..byte].chars().count() + 1;
        let (base, inner) = match (text.find('{'), text.rfind('}')) {
            (None, None) => (text, None),
            (Some(open), Some(close)) if open < close => {
                if close + 1 != text.len() {
                    return Err(SelectorError::TrailingText { name, column: column(close + 1) });
                }
                (&text[..open], Some((open + 1, &text[open + 1..close])))
            }
            (open, close) => {
                let at = open.or(close).unwrap_or_default();
                return Err(SelectorError::UnmatchedBrace { name, column: column(at) });
            }
        };
        let mut selector = Selector::default();
        if let Some((start, inner)) = inner {
            let mut offset = start;
            for part in inner.split(',') {
                let pair =
                    part.split_once(':').filter(|(key, value)| !key.trim().is_empty() && !value.is_empty());
                let Some((key, value)) = pair.filter(|(key, _)| !unquote(key).is_empty()) else {
                    return Err(SelectorError::MalformedTag {
                        name,
                        part: part.to_owned(),
                        column: column(offset),
                    });
                };
                selector.pairs.push((unquote(key).into(), unquote(value).into()));
                offset += part.len() + 1;
            }
        }
        let Some(metric) = registry.get(base) else {
            return Err(SelectorError::UnknownMetric { name, base: base.to_owned() });
        };
        let suffix = inner.map(|(_, inner)| inner.trim().to_owned()).unwrap_or_default();
        let name = if inner.is_some() { format!("{base}{{{suffix}}}") } else { name };
        Ok(Self { metric, name, suffix, selector })
    }
}

/// Without the spaces around it, and without one pair of quotes around the rest.
fn unquote(text: &str) -> &str {
    let text = text.trim();
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Submetric, SelectorError> {
        Submetric::parse(text, &Registry::new())
    }

    #[test]
    fn spaces_and_quotes_are_trimmed_and_the_value_may_hold_colons() {
        let submetric = parse("http_reqs{ group : ::front ,name:\"a b\"}").unwrap();
        assert_eq!(submetric.name, "http_reqs{group : ::front ,name:\"a b\"}");
        assert_eq!(submetric.selector.iter().collect::<Vec<_>>(), [("group", "::front"), ("name", "a b")]);
        assert!(submetric.selector.matches(&TagSet::new([
            ("group", "::front"),
            ("name", "a b"),
            ("x", "y")
        ])));
        assert!(!submetric.selector.matches(&TagSet::new([("group", "::front")])));
    }

    #[test]
    fn a_quoted_value_may_be_empty() {
        let submetric = parse("http_reqs{group:\"\"}").unwrap();
        assert!(submetric.selector.matches(&TagSet::new([("group", "")])));
        assert!(!submetric.selector.matches(&TagSet::default()));
    }

    #[test]
    fn errors_name_the_column() {
        let message = |text| parse(text).unwrap_err().to_string();
        assert_eq!(
            message("http_reqs{a:b"),
            "read metric \"http_reqs{a:b\": unmatched curly brace at column 10"
        );
        assert_eq!(
            message("http_reqs{a:b}x"),
            "read metric \"http_reqs{a:b}x\": the closing curly brace must be last, but text follows at column 15"
        );
        for malformed in ["http_reqs{}", "http_reqs{a}", "http_reqs{a:}", "http_reqs{:b}"] {
            assert!(message(malformed).ends_with("at column 11 is not of the form tag:value"), "{malformed}");
        }
        assert!(message("http_reqs{a:b,}").contains("column 15"));
        assert!(message("nope").contains("there is no metric \"nope\""));
        assert!(message("http_reqs {a:b}").contains("no metric \"http_reqs \""));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(http_reqs)?[{}:,\"' a-zé]{0,20}") {
            let _ = parse(&text);
        }
    }
}
