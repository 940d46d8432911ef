//! What a template generates, before a database's encoding.
//!
//! The few types that all three databases have in common; each store encodes them in its own way and says how long the
//! result is.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, Unit};

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// A day.
    Date(Date),
    /// A moment, to the millisecond.
    DateTime(Timestamp),
    /// A UUID.
    Uuid([u8; 16]),
    /// The key of a record, of this or of another collection.
    Key(RecordKey),
    /// A list.
    Array(Vec<Value>),
    /// Named values, in order.
    Object(Vec<(Arc<str>, Value)>),
}

/// An exact decimal: `unscaled` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// All digits.
    pub unscaled: i64,
    /// How many of them follow the point.
    pub scale: u8,
}

/// Which record of which fill: a document's `_id`, or the number in a table's key column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey {
    /// Which fill: see [`crate::template::tag`].
    pub tag: u32,
    /// Which of its records, from 0.
    pub sequence: u64,
}

/// The number in a table's key column for the first record.
pub(crate) const FIRST_KEY: i64 = 1;

impl RecordKey {
    /// The twelve bytes of a MongoDB `ObjectId`: which fill, then which record. So all of a fill's documents lie in one
    /// range of the index on `_id`, in order.
    pub fn object_id(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.tag.to_be_bytes());
        bytes[4..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    /// The number in a key column.
    pub fn number(self) -> i64 {
        FIRST_KEY.saturating_add_unsigned(self.sequence)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let width = usize::from(self.scale) + 1;
        let digits = format!("{:0width$}", self.unscaled.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

impl Value {
    /// The value as text for a column, for `$join`, and for people; none for [`Value::Null`].
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Decimal(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::Date(value) => value.to_string(),
            Self::DateTime(value) => iso(*value),
            Self::Uuid(value) => uuid_text(value),
            Self::Key(value) => value.number().to_string(),
            Self::Array(_) | Self::Object(_) => self.json(),
        })
    }

    /// The value as JSON text.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(_) | Self::Int(_) | Self::Key(_) => out.push_str(&self.text().unwrap_or_default()),
            // JSON has one kind of number; a decimal keeps its digits in it.
            Self::Decimal(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => {
                    let _ = write!(out, "{number}");
                }
                None => out.push_str("null"),
            },
            Self::Text(text) => quote(text, out),
            Self::Date(_) | Self::DateTime(_) | Self::Uuid(_) => quote(&self.text().unwrap_or_default(), out),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The bytes that a column with this value counts for: the length of text, eight for a number or a moment, four for
    /// a day, sixteen for a UUID, one for a boolean, none for nothing. Rows have overheads besides, which differ from
    /// server to server and are not counted.
    pub fn logical_bytes(&self) -> u64 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Float(_) | Self::DateTime(_) | Self::Key(_) => 8,
            Self::Date(_) => 4,
            Self::Uuid(_) => 16,
            Self::Text(text) => text.len() as u64,
            Self::Decimal(_) | Self::Array(_) | Self::Object(_) => {
                self.text().map_or(0, |text| text.len() as u64)
            }
        }
    }
}

/// A moment as RFC 3339 in UTC, to the millisecond.
fn iso(moment: Timestamp) -> String {
    // Made from milliseconds, so rounding changes nothing but cannot fail either.
    let moment = moment.round(Unit::Millisecond).unwrap_or(moment);
    format!("{moment:.3}")
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn quote(text: &str, out: &mut String) {
    // Text can always be written as JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (unscaled, scale, text) in
            [(12_345, 2, "123.45"), (-5, 2, "-0.05"), (0, 2, "0.00"), (7, 0, "7"), (100, 3, "0.100")]
        {
            assert_eq!(Decimal { unscaled, scale }.to_string(), text);
        }
    }

    #[test]
    fn nested_values_are_json() {
        let value = Value::Object(vec![
            ("a\"b".into(), Value::Array(vec![Value::Int(1), Value::Null, Value::Bool(true)])),
            ("price".into(), Value::Decimal(Decimal { unscaled: 150, scale: 2 })),
            ("id".into(), Value::Uuid([0x12; 16])),
            ("at".into(), Value::DateTime(Timestamp::from_millisecond(1_700_000_000_120).unwrap())),
        ]);
        assert_eq!(
            value.json(),
            r#"{"a\"b":[1,null,true],"price":1.50,"id":"12121212-1212-1212-1212-121212121212","at":"2023-11-14T22:13:20.120Z"}"#
        );
        assert_eq!(value.logical_bytes(), value.json().len() as u64);
    }

    #[test]
    fn keys_of_one_fill_are_in_the_order_of_their_records() {
        let id = |sequence| RecordKey { tag: 7, sequence }.object_id();
        assert!(id(255) < id(256) && id(256) < id(65_536));
        assert_eq!(RecordKey { tag: 7, sequence: 0 }.number(), 1);
    }
}
