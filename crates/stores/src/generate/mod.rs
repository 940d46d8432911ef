//! Generators: what a compiled template is made of.
//!
//! A record is a pure function of seed, collection and number: each has a random generator of its own. So records can be
//! made again in any order and by any process, and an interrupted fill knows what it wrote without having kept it.

mod faker;
mod text;

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::value::{Decimal, RecordKey, Value};

pub(crate) use faker::{Faker, LOCALES, NAMES as FAKER_NAMES, faker};

/// The random generator of one record.
pub(crate) type Random = Xoshiro256PlusPlus;

/// What makes a value.
#[derive(Debug)]
pub(crate) enum Generator {
    /// Always the same.
    Literal(Value),
    /// An object of generators.
    Object(Vec<(Arc<str>, Generator)>),
    /// A list of generators.
    List(Vec<Generator>),
    /// The key of the record, as a MongoDB `ObjectId`.
    ObjectId,
    /// The number of the record.
    Sequence { start: i64 },
    /// A whole number, both ends included.
    Int { min: i64, max: i64 },
    /// A number, rounded to some decimals if that was asked for.
    Float { min: f64, max: f64, decimals: Option<u8> },
    /// A decimal, between two that have the same scale.
    Decimal { min: i64, max: i64, scale: u8 },
    /// True with this probability.
    Bool { probability: f64 },
    /// A day, so many after the first.
    Date { from: Date, days: i32 },
    /// A moment, in milliseconds since 1970, both ends included.
    DateTime { from: i64, to: i64 },
    /// A random UUID.
    Uuid,
    /// One of several, whose weights are summed up.
    Choice { of: Vec<Generator>, sums: Vec<f64> },
    /// Nothing, but with this probability something.
    Optional { of: Box<Generator>, probability: f64 },
    /// A list of so many, both ends included.
    Repeat { of: Box<Generator>, min: usize, max: usize },
    /// The texts of several, one after the other.
    Join(Vec<Generator>),
    /// Words of so many bytes together, both ends included.
    Filler { min: usize, max: usize },
    /// So many words, both ends included.
    Words { min: usize, max: usize },
    /// A name, an address and the like.
    Fake(Faker),
    /// The key of one of the first `documents` records of another fill.
    Reference { tag: u32, documents: u64 },
}

/// One record being made.
pub(crate) struct Making {
    /// Which fill.
    tag: u32,
    /// Its number, from 0.
    sequence: u64,
    /// Its randomness.
    random: Random,
}

impl Making {
    /// The beginnings of record `sequence` of the fill that `tag` and `seed` stand for.
    pub(crate) fn new(seed: u64, tag: u32, sequence: u64) -> Self {
        // Neighbours must not resemble each other: `seed_from_u64` mixes what it is given with SplitMix64, and the odd
        // factor (the golden ratio) spreads seed and tag over all bits first.
        let spread = (seed ^ (u64::from(tag) << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { tag, sequence, random: Random::seed_from_u64(spread.wrapping_add(sequence)) }
    }
}

impl Generator {
    /// Makes the next value.
    pub(crate) fn make(&self, making: &mut Making) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Object(fields) => {
                Value::Object(fields.iter().map(|(name, of)| (name.clone(), of.make(making))).collect())
            }
            Self::List(items) => Value::Array(items.iter().map(|of| of.make(making)).collect()),
            Self::ObjectId => Value::Key(RecordKey { tag: making.tag, sequence: making.sequence }),
            Self::Sequence { start } => Value::Int(start.saturating_add_unsigned(making.sequence)),
            Self::Int { min, max } => Value::Int(making.random.random_range(*min..=*max)),
            Self::Float { min, max, decimals } => {
                let value = making.random.random_range(*min..=*max);
                Value::Float(match decimals {
                    Some(decimals) => {
                        let factor = 10f64.powi(i32::from(*decimals));
                        (value * factor).round() / factor
                    }
                    None => value,
                })
            }
            Self::Decimal { min, max, scale } => {
                Value::Decimal(Decimal { unscaled: making.random.random_range(*min..=*max), scale: *scale })
            }
            Self::Bool { probability } => Value::Bool(making.random.random_bool(*probability)),
            Self::Date { from, days } => {
                let after = making.random.random_range(0..=*days);
                // Both ends were checked to be days, so all between are.
                Value::Date(from.checked_add(Span::new().days(after)).unwrap_or(*from))
            }
            Self::DateTime { from, to } => {
                let at = making.random.random_range(*from..=*to);
                Value::DateTime(Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH))
            }
            Self::Uuid => {
                let mut bytes: [u8; 16] = making.random.random();
                // Version 4, variant 1 (RFC 9562).
                bytes[6] = bytes[6] & 0x0f | 0x40;
                bytes[8] = bytes[8] & 0x3f | 0x80;
                Value::Uuid(bytes)
            }
            Self::Choice { of, sums } => {
                let total = sums.last().copied().unwrap_or_default();
                let point = making.random.random_range(0.0..total);
                let index = sums.partition_point(|&sum| sum <= point).min(of.len() - 1);
                of[index].make(making)
            }
            Self::Optional { of, probability } => {
                if making.random.random_bool(*probability) {
                    of.make(making)
                } else {
                    Value::Null
                }
            }
            Self::Repeat { of, min, max } => {
                let count = making.random.random_range(*min..=*max);
                Value::Array((0..count).map(|_| of.make(making)).collect())
            }
            Self::Join(parts) => {
                let mut joined = String::new();
                for part in parts {
                    joined.push_str(&part.make(making).text().unwrap_or_default());
                }
                Value::Text(joined)
            }
            Self::Filler { min, max } => {
                let bytes = making.random.random_range(*min..=*max);
                Value::Text(text::filler(bytes, &mut making.random))
            }
            Self::Words { min, max } => {
                let words = making.random.random_range(*min..=*max);
                Value::Text(text::words(words, &mut making.random))
            }
            Self::Fake(faker) => Value::Text(faker.make(&mut making.random)),
            Self::Reference { tag, documents } => {
                let sequence = making.random.random_range(0..*documents);
                Value::Key(RecordKey { tag: *tag, sequence })
            }
        }
    }
}
