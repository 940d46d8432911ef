//! JSON that knows where it stands.
//!
//! `serde_json` parses and checks the text; its raw values are slices of the source, so that the place of each is its
//! distance from the start. No second parser is needed to say line and column.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::TemplateError;

/// The text of a template, to find places in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

/// One value of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    source: Source<'a>,
    text: &'a str,
}

/// What kind of value a node is, taken apart by one level.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

impl<'a> Source<'a> {
    /// Checks the whole text; `name` is what messages call it.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Result<Node<'a>, TemplateError> {
        let source = Self { name, text };
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Ok(Node { source, text: raw.get() }),
            Err(error) => {
                // serde_json says the place itself; ours is said once.
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                Err(TemplateError::new(name, error.line(), error.column(), message))
            }
        }
    }
}

impl<'a> Node<'a> {
    /// An error at this value.
    pub(super) fn error(&self, message: impl Into<String>) -> TemplateError {
        self.error_at(0, message)
    }

    /// An error at the first key of this object, or at the value itself if it is none.
    pub(super) fn error_at_key(&self, message: impl Into<String>) -> TemplateError {
        let inside = self.text.strip_prefix('{').unwrap_or_default();
        let spaces = inside.len() - inside.trim_start().len();
        self.error_at(if inside.is_empty() { 0 } else { 1 + spaces }, message)
    }

    fn error_at(&self, further: usize, message: impl Into<String>) -> TemplateError {
        let offset = self.text.as_ptr().addr().saturating_sub(self.source.text.as_ptr().addr()) + further;
        let before = &self.source.text[..offset.min(self.source.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        TemplateError::new(self.source.name, line, column, message)
    }

    /// Takes the value apart.
    pub(super) fn kind(&self) -> Result<Kind<'a>, TemplateError> {
        let failed = |error: serde_json::Error| self.error(error.to_string());
        Ok(match self.text.as_bytes().first() {
            Some(b'{') => {
                let Pairs(pairs) = serde_json::from_str(self.text).map_err(failed)?;
                Kind::Object(pairs.into_iter().map(|(name, raw)| (name, self.child(raw))).collect())
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(self.text).map_err(failed)?;
                Kind::Array(items.into_iter().map(|raw| self.child(raw)).collect())
            }
            Some(b'"') => Kind::Text(serde_json::from_str(self.text).map_err(failed)?),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Null,
            _ => match self.text.parse() {
                Ok(whole) => Kind::Int(whole),
                Err(_) => Kind::Float(serde_json::from_str(self.text).map_err(failed)?),
            },
        })
    }

    fn child(&self, raw: &'a RawValue) -> Self {
        Self { source: self.source, text: raw.get() }
    }
}

/// The pairs of an object in order, with keys that come twice.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }

        deserializer.deserialize_map(InOrder).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, find: impl Fn(&Node<'_>) -> TemplateError) -> (usize, usize) {
        let error = find(&Source::parse("t.json", text).unwrap());
        (error.line, error.column)
    }

    #[test]
    fn values_know_their_line_and_column() {
        let text = "{\n  \"é\": [1, 2],\n  \"b\": {  \"c\": 3 } }";
        let child = |node: &Node<'_>, index: usize| match node.kind().unwrap() {
            Kind::Object(pairs) => pairs[index].1.error("x"),
            _ => unreachable!(),
        };
        assert_eq!(place(text, |node| child(node, 0)), (2, 8));
        assert_eq!(place(text, |node| child(node, 1)), (3, 8));
        let key = |node: &Node<'_>| match node.kind().unwrap() {
            Kind::Object(pairs) => pairs[1].1.error_at_key("x"),
            _ => unreachable!(),
        };
        assert_eq!(place(text, key), (3, 11));
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        let error = Source::parse("t.json", "{\n \"a\": }").unwrap_err();
        assert_eq!((error.line, error.column), (2, 7));
        assert_eq!(error.to_string(), "t.json:2:7: expected value");
    }

    #[test]
    fn numbers_keep_their_kind() {
        let kind = |text| Source::parse("", text).unwrap().kind().unwrap();
        assert!(matches!(kind("12"), Kind::Int(12)));
        assert!(matches!(kind("1.5"), Kind::Float(_)));
        assert!(matches!(kind("99999999999999999999"), Kind::Float(_)));
    }
}
