//! Templates: what the records of a fill look like.
//!
//! A template is a JSON document of the shape that the records have; texts and objects that begin with `$` are replaced
//! by what they generate. It is compiled once, with line and column for whatever is wrong in it; making records from it
//! cannot fail.

mod compile;
mod error;
mod json;
mod options;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use error::TemplateError;

use self::compile::{Surroundings, fields};
use self::json::{Kind, Source};
use crate::generate::{Generator, Making};
use crate::value::{RecordKey, Value};

/// The template for those who bring none: people with a job, about half a kilobyte each.
pub const DEFAULT: &str = include_str!("default.json");

/// A compiled template of one fill.
#[derive(Debug)]
pub struct Template {
    fields: Vec<(Arc<str>, Generator)>,
    key: Key,
    seed: u64,
    tag: u32,
}

/// What tells the records of a fill apart, and which number a record has.
#[derive(Debug, Clone)]
pub struct Key {
    /// The field or column that is unique.
    pub field: Arc<str>,
    kind: KeyKind,
}

#[derive(Debug, Clone, Copy)]
enum KeyKind {
    /// An `ObjectId` of fill and number.
    ObjectId { tag: u32 },
    /// A number; this one for the first record.
    Number { start: i64 },
}

/// What the database wants for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStyle<'a> {
    /// `_id`, an `ObjectId` unless the template has another.
    Document,
    /// A column of whole numbers with this name.
    Column(&'a str),
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number, from 0.
    pub sequence: u64,
    /// Its fields, the key among them.
    pub fields: Vec<(Arc<str>, Value)>,
}

impl Template {
    /// Compiles `text`, which messages call `name`, for the records of `collection` that belong to `seed`.
    pub fn compile(
        name: &str,
        text: &str,
        collection: &str,
        seed: u64,
        style: KeyStyle<'_>,
    ) -> Result<Self, TemplateError> {
        let root = Source::parse(name, text)?;
        let Kind::Object(pairs) = root.kind()? else {
            return Err(root.error("a template is an object, of the shape that the records have"));
        };
        if pairs.first().is_some_and(|(name, _)| name.starts_with('$') && !name.starts_with("$$")) {
            return Err(root
                .error_at_key("a template is an object of fields; a generator can only be in one of them"));
        }
        let (field, default) = match style {
            KeyStyle::Document => ("_id", KeyKind::ObjectId { tag: tag(seed, collection) }),
            KeyStyle::Column(name) => (name, KeyKind::Number { start: crate::value::FIRST_KEY }),
        };
        let at = pairs.iter().find(|(name, _)| name == field).map(|(_, node)| *node);
        let mut fields = fields(pairs, Surroundings { seed }, 0)?;
        let place = fields.iter().position(|(name, _)| &**name == field);
        let kind = match (place.map(|place| &fields[place].1), at) {
            (Some(Generator::Sequence { start }), _) => KeyKind::Number { start: *start },
            (Some(_), Some(at)) => {
                return Err(at.error(format!(
                    "\"{field}\" tells the records apart and must be \"$sequence\"; leave it out to have one made"
                )));
            }
            _ => default,
        };
        let key = Key { field: Arc::from(field), kind };
        if let Some(place) = place {
            // First, as MongoDB wants it, and where people look.
            let field = fields.remove(place);
            fields.insert(0, field);
        } else {
            let generator = match kind {
                KeyKind::ObjectId { .. } => Generator::ObjectId,
                KeyKind::Number { start } => Generator::Sequence { start },
            };
            fields.insert(0, (key.field.clone(), generator));
        }
        Ok(Self { fields, key, seed, tag: tag(seed, collection) })
    }

    /// What tells the records apart.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Record number `sequence`: always the same one.
    pub fn record(&self, sequence: u64) -> Record {
        let mut making = Making::new(self.seed, self.tag, sequence);
        let fields = self.fields.iter().map(|(name, of)| (name.clone(), of.make(&mut making))).collect();
        Record { sequence, fields }
    }

    /// The fields with what makes them, for the types of columns.
    pub(crate) fn generators(&self) -> &[(Arc<str>, Generator)] {
        &self.fields
    }
}

impl Key {
    /// The key of record number `sequence`.
    pub fn value(&self, sequence: u64) -> Value {
        match self.kind {
            KeyKind::ObjectId { tag } => Value::Key(RecordKey { tag, sequence }),
            KeyKind::Number { start } => Value::Int(start.saturating_add_unsigned(sequence)),
        }
    }

    /// The numeric key of record number `sequence`.
    pub(crate) fn number(&self, sequence: u64) -> i64 {
        let start = match self.kind {
            KeyKind::Number { start } => start,
            KeyKind::ObjectId { .. } => 0,
        };
        start.saturating_add_unsigned(sequence)
    }

    /// The number of the record with this numeric key, if it can be one of ours.
    pub(crate) fn sequence_of(&self, number: i64) -> Option<u64> {
        u64::try_from(i128::from(number) - i128::from(self.number(0))).ok()
    }

    /// Whether the keys are `ObjectId`s; otherwise they are numbers.
    pub(crate) fn is_object_id(&self) -> bool {
        matches!(self.kind, KeyKind::ObjectId { .. })
    }
}

/// Which fill: 32 bits from its seed and collection, the same in every version (FNV-1a, folded).
pub fn tag(seed: u64, collection: &str) -> u32 {
    let bytes = seed.to_le_bytes().into_iter().chain(collection.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 32) as u32 ^ hash as u32
}
