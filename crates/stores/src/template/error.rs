//! What is wrong with a template, and where.

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {message}")]
pub struct TemplateError {
    /// The file, or what else messages call the template.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(name: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), line, column, message: message.into() }
    }
}
