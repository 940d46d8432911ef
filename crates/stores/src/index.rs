//! Indexes to create: `email:unique,department,city+-age`.

use std::fmt;
use std::str::FromStr;

/// An index of one or several fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The fields, in order.
    pub fields: Vec<IndexField>,
    /// Whether no two records may have the same values.
    pub unique: bool,
}

/// A field of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexField {
    /// Its name; in MongoDB a path such as `address.city`.
    pub name: String,
    /// Whether the highest value comes first.
    pub descending: bool,
}

/// Why a text names no index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is no index; name its fields, joined by +, with - before one that descends and :unique at the end, such as \
     email:unique or city+-age"
)]
pub struct IndexError {
    text: String,
}

impl Index {
    /// The indexes in a list with commas.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, IndexError> {
        text.split(',').map(str::parse).collect()
    }

    /// The name that it gets: fields and directions, as MongoDB makes it.
    pub fn name(&self) -> String {
        let fields = self.fields.iter();
        let parts: Vec<String> = fields
            .map(|field| format!("{}_{}", field.name, if field.descending { "-1" } else { "1" }))
            .collect();
        parts.join("_")
    }
}

impl FromStr for Index {
    type Err = IndexError;

    fn from_str(text: &str) -> Result<Self, IndexError> {
        let error = || IndexError { text: text.to_owned() };
        let text = text.trim();
        let (fields, unique) = match text.split_once(':') {
            None => (text, false),
            Some((fields, "unique")) => (fields, true),
            Some(_) => return Err(error()),
        };
        let fields = fields.split('+').map(|field| {
            let (name, descending) = field.strip_prefix('-').map_or((field, false), |name| (name, true));
            let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '\0');
            is_name.then(|| IndexField { name: name.to_owned(), descending }).ok_or_else(error)
        });
        Ok(Self { fields: fields.collect::<Result<_, _>>()?, unique })
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_from_a_list() {
        let indexes = Index::parse_list("email:unique, address.city+-age").unwrap();
        assert!(indexes[0].unique && indexes[0].name() == "email_1");
        assert_eq!(indexes[1].name(), "address.city_1_age_-1");
        assert!(!indexes[1].unique);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in ["", "a,,b", "a+", "a:uniq", "a b", "-"] {
            assert!(Index::parse_list(text).is_err(), "{text}");
        }
    }
}
