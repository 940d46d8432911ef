//! The options of one generator, read by name; what is left over is refused.

use std::str::FromStr;

use super::error::TemplateError;
use super::json::{Kind, Node};

/// The options of the generator `name`.
#[derive(Debug)]
pub(super) struct Options<'a> {
    name: &'a str,
    /// Where the generator stands.
    node: Node<'a>,
    left: Vec<(String, Node<'a>)>,
}

impl<'a> Options<'a> {
    /// Takes the options of a generator that was written as `"$name"` or `{"$name": {…}}`.
    pub(super) fn new(
        name: &'a str,
        node: Node<'a>,
        arguments: Option<Node<'a>>,
    ) -> Result<Self, TemplateError> {
        let left = match arguments {
            None => Vec::new(),
            Some(arguments) => match arguments.kind()? {
                Kind::Object(pairs) => pairs,
                Kind::Null => Vec::new(),
                _ => return Err(arguments.error(format!("${name} takes its options as an object"))),
            },
        };
        Ok(Self { name, node, left })
    }

    /// The option as it stands, taken out.
    pub(super) fn take(&mut self, option: &str) -> Option<Node<'a>> {
        let index = self.left.iter().position(|(name, _)| name == option)?;
        Some(self.left.remove(index).1)
    }

    /// An option that must be there.
    pub(super) fn need(&mut self, option: &str) -> Result<Node<'a>, TemplateError> {
        self.take(option).ok_or_else(|| self.node.error_at_key(format!("${} needs \"{option}\"", self.name)))
    }

    /// A whole number.
    pub(super) fn int(&mut self, option: &str, default: i64) -> Result<i64, TemplateError> {
        match self.take(option) {
            None => Ok(default),
            Some(node) => match node.kind()? {
                Kind::Int(value) => Ok(value),
                _ => Err(node.error(format!("\"{option}\" of ${} must be a whole number", self.name))),
            },
        }
    }

    /// A number.
    pub(super) fn float(&mut self, option: &str, default: f64) -> Result<f64, TemplateError> {
        match self.take(option) {
            None => Ok(default),
            Some(node) => match node.kind()? {
                Kind::Int(value) => Ok(value as f64),
                Kind::Float(value) => Ok(value),
                _ => Err(node.error(format!("\"{option}\" of ${} must be a number", self.name))),
            },
        }
    }

    /// A share between 0 and 1.
    pub(super) fn share(&mut self, option: &str, default: f64) -> Result<f64, TemplateError> {
        let at = self.left.iter().find(|(name, _)| name == option).map_or(self.node, |(_, node)| *node);
        let value = self.float(option, default)?;
        if !(0.0..=1.0).contains(&value) {
            return Err(at.error(format!("\"{option}\" of ${} must be between 0 and 1", self.name)));
        }
        Ok(value)
    }

    /// Text.
    pub(super) fn text(&mut self, option: &str) -> Result<Option<(String, Node<'a>)>, TemplateError> {
        let Some(node) = self.take(option) else { return Ok(None) };
        match node.kind()? {
            Kind::Text(text) => Ok(Some((text, node))),
            _ => Err(node.error(format!("\"{option}\" of ${} must be text", self.name))),
        }
    }

    /// Text in the form of a `T`, such as a date.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        option: &str,
        default: T,
        form: &str,
    ) -> Result<T, TemplateError> {
        match self.text(option)? {
            None => Ok(default),
            Some((text, node)) => {
                text.parse().map_err(|_| node.error(format!("\"{option}\" of ${} must be {form}", self.name)))
            }
        }
    }

    /// Refuses what nobody asked for, and bounds that are the wrong way round.
    pub(super) fn finish(self) -> Result<(), TemplateError> {
        match self.left.first() {
            None => Ok(()),
            Some((option, node)) => Err(node.error(format!("${} has no option \"{option}\"", self.name))),
        }
    }

    /// An error at the generator.
    pub(super) fn error(&self, message: impl AsRef<str>) -> TemplateError {
        self.node.error_at_key(format!("${}: {}", self.name, message.as_ref()))
    }
}
