//! Columns of a table that is made for a template, and what the two SQL stores share.

use std::sync::Arc;

use crate::error::{StoreError, Trouble};
use crate::generate::Generator;
use crate::template::{Record, Template};
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
