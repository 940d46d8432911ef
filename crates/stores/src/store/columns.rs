//! Columns of a table that is made for a template, and what the two SQL stores share.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{StoreError, Trouble};
use crate::generate::Generator;
use crate::index::Index;
use crate::template::{Key, Record, Template};
use crate::value::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Integer,
    Float,
    Decimal {
        scale: u8,
    },
    Boolean,
    Date,
    DateTime,
    Uuid,
    /// Text that can be indexed.
    Text,
    /// Text of any length.
    LongText,
    Json,
}

/// Text up to this length is taken for something to search by.
const SHORT: usize = 255;

/// The columns beside the key, with what they hold.
pub(super) fn columns(template: &Template) -> impl Iterator<Item = (&Arc<str>, ColumnType)> {
    let key = &template.key().field;
    template.generators().iter().filter(move |(name, _)| name != key).map(|(name, of)| (name, column(of)))
}

fn column(generator: &Generator) -> ColumnType {
    match generator {
        Generator::Sequence { .. } | Generator::Int { .. } | Generator::Reference { .. } => {
            ColumnType::Integer
        }
        Generator::Float { .. } => ColumnType::Float,
        Generator::Decimal { scale, .. } => ColumnType::Decimal { scale: *scale },
        Generator::Bool { .. } => ColumnType::Boolean,
        Generator::Date { .. } => ColumnType::Date,
        Generator::DateTime { .. } => ColumnType::DateTime,
        Generator::Uuid => ColumnType::Uuid,
        Generator::Object(_) | Generator::List(_) | Generator::Repeat { .. } => ColumnType::Json,
        Generator::Fake(_) | Generator::Join(_) | Generator::ObjectId => ColumnType::Text,
        Generator::Filler { max, .. } if *max <= SHORT => ColumnType::Text,
        // No word of ours is longer than fifteen letters.
        Generator::Words { max, .. } if max * 16 <= SHORT => ColumnType::Text,
        Generator::Filler { .. } | Generator::Words { .. } => ColumnType::LongText,
        Generator::Optional { of, .. } => column(of),
        Generator::Choice { of, .. } => {
            let mut types =
                of.iter().filter(|one| !matches!(one, Generator::Literal(Value::Null))).map(column);
            let first = types.next().unwrap_or(ColumnType::Text);
            match (types.all(|other| other == first), first) {
                (true, same) => same,
                // Of several kinds: text holds all of them.
                (false, ColumnType::LongText | ColumnType::Json) => ColumnType::LongText,
                (false, _) => ColumnType::Text,
            }
        }
        Generator::Literal(value) => match value {
            Value::Bool(_) => ColumnType::Boolean,
            Value::Int(_) | Value::Key(_) => ColumnType::Integer,
            Value::Float(_) => ColumnType::Float,
            Value::Decimal(decimal) => ColumnType::Decimal { scale: decimal.scale },
            Value::Date(_) => ColumnType::Date,
            Value::DateTime(_) => ColumnType::DateTime,
            Value::Uuid(_) => ColumnType::Uuid,
            Value::Array(_) | Value::Object(_) => ColumnType::Json,
            Value::Text(text) if text.len() > SHORT => ColumnType::LongText,
            Value::Null | Value::Text(_) => ColumnType::Text,
        },
    }
}

/// How one of the two SQL stores writes names and types.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// What stands around a name, and twice within it.
    pub(super) quote: char,
    /// What the key's column is.
    pub(super) key: &'static str,
    /// What another column is.
    pub(super) type_name: fn(ColumnType) -> String,
    /// What follows the columns.
    pub(super) options: &'static str,
}

impl Dialect {
    pub(super) fn quoted(self, name: &str) -> String {
        let quote = self.quote;
        format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
    }

    /// The names of all columns, in the order of a record's fields.
    pub(super) fn names(self, template: &Template) -> String {
        let names: Vec<String> = template.generators().iter().map(|(name, _)| self.quoted(name)).collect();
        names.join(", ")
    }

    pub(super) fn create_table(self, table: &str, template: &Template) -> String {
        let (table, key) = (self.quoted(table), self.quoted(&template.key().field));
        let mut sql = format!("CREATE TABLE IF NOT EXISTS {table} ({key} {}", self.key);
        for (name, column) in columns(template) {
            let _ = write!(sql, ", {} {}", self.quoted(name), (self.type_name)(column));
        }
        let _ = write!(sql, "){}", self.options);
        sql
    }

    /// `CREATE INDEX`, with `exists` before the name.
    pub(super) fn create_index(self, index: &Index, exists: &str, name: &str, table: &str) -> String {
        let direction = |descending| if descending { " DESC" } else { "" };
        let fields: Vec<String> = index
            .fields
            .iter()
            .map(|field| format!("{}{}", self.quoted(&field.name), direction(field.descending)))
            .collect();
        let unique = if index.unique { "UNIQUE " } else { "" };
        let (name, table) = (self.quoted(name), self.quoted(table));
        format!("CREATE {unique}INDEX {exists}{name} ON {table} ({})", fields.join(", "))
    }
}

/// The first and the last key of records with these numbers.
pub(super) fn bounds(key: &Key, range: &Range<u64>) -> (i64, i64) {
    (key.number(range.start), key.number(range.end.saturating_sub(1)))
}

/// The logical bytes of a row: those of its values.
pub(crate) fn row_bytes(record: &Record) -> u64 {
    record.fields.iter().map(|(_, value)| value.logical_bytes()).sum()
}

/// The fields that can be compared with what a server gives back, whatever type their column has: not floats and
/// moments, which servers round, and not what they format in their own way.
pub(super) fn comparable<'r>(
    record: &'r Record,
    key: &'r str,
) -> impl Iterator<Item = (&'r Arc<str>, &'r Value)> {
    let plain = |value: &Value| matches!(value, Value::Int(_) | Value::Text(_) | Value::Key(_));
    record.fields.iter().filter(move |(name, value)| &**name != key && plain(value)).map(|(n, v)| (n, v))
}

/// A table of somebody else's in which a record sent twice would be there twice.
pub(super) fn no_unique_key(table: &str, key: &str) -> StoreError {
    let message = format!(
        "table {table} is there and its column {key} has no unique index of its own, without which rows could come twice; \
         make one, or name another column with --key"
    );
    StoreError::new(Trouble::Refused, message)
}
