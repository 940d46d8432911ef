//! The compact binary form of a delta, for the cluster and the controller's log.
//!
//! Canonical: deltas with the same content have the same bytes, whatever the order in which they were merged.
//! Numbers are LEB128 varints, strings stand once in a sorted table, buckets are sparse with differences of
//! keys. Decoding trusts nothing: every length is checked against what is left.

mod reader;
mod samples;
mod sinks;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use samples::{SamplesError, decode_samples, encode_samples};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::checks::{CheckCounts, CheckKey, Checks, Stamp};
use crate::delta::{Delta, Notice, Series};
use crate::distribution::Distribution;
use crate::kind::{Contains, Kind};
use crate::registry::MetricDef;
use crate::tags::TagSet;
use crate::time::UnixNanos;
use reader::Reader;
use writer::Writer;

const VERSION: u8 = 1;
const KINDS: [Kind; 4] = [Kind::Counter, Kind::Gauge, Kind::Rate, Kind::Trend];
const CONTENTS: [Contains; 3] = [Contains::Default, Contains::Time, Contains::Data];

/// Why bytes are no delta.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Written by a version of throng that this one does not understand.
    #[error("decode metrics: version {0} is not known; use the same version of throng on all machines")]
    Version(u8),
    /// The bytes end too early.
    #[error("decode metrics: the data ends at byte {0}, in the middle of a value")]
    Truncated(usize),
    /// Something that no encoder writes.
    #[error("decode metrics: {what} at byte {at} makes no sense")]
    Invalid {
        /// What was being read.
        what: &'static str,
        /// Where.
        at: usize,
    },
}

impl Distribution {
    /// The canonical bytes of this distribution alone.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION, BTreeMap::new());
        sinks::write_distribution(&mut writer, self);
        writer.finish()
    }

    /// The distribution that these bytes stand for.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let distribution = sinks::read_distribution(&mut reader)?;
        reader.finish()?;
        Ok(distribution)
    }
}

impl Delta {
    /// The canonical bytes of this delta.
    pub fn encode(&self) -> Vec<u8> {
        let mut metrics: Vec<(&MetricDef, u32)> = self.metrics.iter().zip(0..).collect();
        metrics.sort();
        let mut position = vec![0_usize; metrics.len()];
        for (sorted, (_, original)) in metrics.iter().enumerate() {
            position[*original as usize] = sorted;
        }
        let mut series: Vec<&Series> = self.series.iter().collect();
        series.sort_by(|a, b| a.tags.cmp(&b.tags));

        let mut writer = Writer::new(VERSION, self.strings());
        writer.varint(metrics.len() as u64);
        for (metric, _) in metrics {
            writer.string(&metric.name);
            let kind = KINDS.iter().position(|kind| *kind == metric.kind).unwrap_or_default();
            let contains =
                CONTENTS.iter().position(|contains| *contains == metric.contains).unwrap_or_default();
            writer.byte((kind << 4 | contains) as u8);
        }
        writer.varint(series.len() as u64);
        for series in series {
            writer.varint(series.tags.len() as u64);
            for (key, value) in series.tags.iter() {
                writer.string(key);
                writer.string(value);
            }
            let mut sinks: Vec<_> =
                series.sinks.iter().map(|(metric, sink)| (position[*metric as usize], sink)).collect();
            sinks.sort_by_key(|(metric, _)| *metric);
            writer.varint(sinks.len() as u64);
            for (metric, sink) in sinks {
                writer.varint(metric as u64);
                sinks::write(&mut writer, sink);
            }
        }
        self.encode_checks(&mut writer);
        let mut notices = self.notices.clone();
        notices.sort();
        writer.varint(notices.len() as u64);
        for notice in &notices {
            match notice {
                Notice::SeriesFolded { limit, keys } => {
                    writer.byte(0);
                    writer.varint(*limit);
                    writer.varint(keys.len() as u64);
                    for key in keys {
                        writer.string(key);
                    }
                }
                Notice::ErrorsFolded { limit } => {
                    writer.byte(1);
                    writer.varint(*limit);
                }
            }
        }
        writer.varint(self.raw_dropped);
        writer.finish()
    }

    fn encode_checks(&self, writer: &mut Writer<'_>) {
        writer.varint(self.checks.checks.len() as u64);
        for (key, (stamp, counts)) in &self.checks.checks {
            writer.string(&key.scenario);
            writer.string(&key.group);
            writer.string(&key.name);
            write_stamp(writer, *stamp);
            writer.varint(counts.passes);
            writer.varint(counts.fails);
        }
        writer.varint(self.checks.groups.len() as u64);
        for (path, stamp) in &self.checks.groups {
            writer.string(path);
            write_stamp(writer, *stamp);
        }
    }

    /// Every string of the delta, sorted, once.
    fn strings(&self) -> BTreeMap<&str, u64> {
        let mut strings = BTreeMap::new();
        let mut add = |text| {
            strings.insert(text, 0);
        };
        for metric in &self.metrics {
            add(&*metric.name);
        }
        for (key, value) in self.series.iter().flat_map(|series| series.tags.iter()) {
            add(key);
            add(value);
        }
        for key in self.checks.checks.keys() {
            add(&key.scenario);
            add(&key.group);
            add(&key.name);
        }
        for path in self.checks.groups.keys() {
            add(path);
        }
        for notice in &self.notices {
            if let Notice::SeriesFolded { keys, .. } = notice {
                for key in keys {
                    add(key);
                }
            }
        }
        for ((_, index), position) in strings.iter_mut().zip(0..) {
            *index = position;
        }
        strings
    }

    /// Reads what [`Delta::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let metrics = reader.list(|reader| {
            let name = reader.string()?;
            let at = reader.at();
            let byte = reader.byte()?;
            let kind = KINDS.get(usize::from(byte >> 4));
            let contains = CONTENTS.get(usize::from(byte & 0xf));
            let (Some(&kind), Some(&contains)) = (kind, contains) else {
                return Err(WireError::Invalid { what: "a metric's kind", at });
            };
            Ok(MetricDef { name, kind, contains })
        })?;
        let series = reader.list(|reader| {
            let pairs = reader.list(|reader| Ok((reader.string()?, reader.string()?)))?;
            let sinks = reader.list(|reader| {
                let at = reader.at();
                let metric = reader.varint()?;
                let definition = usize::try_from(metric).ok().and_then(|index| metrics.get(index));
                let definition = definition.ok_or(WireError::Invalid { what: "a metric's number", at })?;
                Ok((metric as u32, sinks::read(reader, definition.kind)?))
            })?;
            Ok(Series { tags: Arc::new(TagSet::new(pairs)), sinks })
        })?;
        let checks = Self::decode_checks(&mut reader)?;
        let notices = reader.list(|reader| {
            let at = reader.at();
            match reader.byte()? {
                0 => Ok(Notice::SeriesFolded { limit: reader.varint()?, keys: reader.list(Reader::string)? }),
                1 => Ok(Notice::ErrorsFolded { limit: reader.varint()? }),
                _ => Err(WireError::Invalid { what: "a notice", at }),
            }
        })?;
        let raw_dropped = reader.varint()?;
        reader.finish()?;
        Ok(Self { metrics, series, checks, notices, raw_dropped })
    }

    fn decode_checks(reader: &mut Reader<'_>) -> Result<Checks, WireError> {
        let checks = reader.list(|reader| {
            let key =
                CheckKey { scenario: reader.string()?, group: reader.string()?, name: reader.string()? };
            let stamp = read_stamp(reader)?;
            Ok((key, (stamp, CheckCounts { passes: reader.varint()?, fails: reader.varint()? })))
        })?;
        let groups = reader.list(|reader| Ok((reader.string()?, read_stamp(reader)?)))?;
        Ok(Checks { checks: checks.into_iter().collect(), groups: groups.into_iter().collect() })
    }
}

fn write_stamp(writer: &mut Writer<'_>, stamp: Stamp) {
    writer.varint(stamp.at.0);
    writer.varint(stamp.sequence);
}

fn read_stamp(reader: &mut Reader<'_>) -> Result<Stamp, WireError> {
    Ok(Stamp { at: UnixNanos(reader.varint()?), sequence: reader.varint()? })
}

/// Deltas are equal when their canonical bytes are.
impl PartialEq for Delta {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Serialize for Delta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.encode())
    }
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> serde::de::Visitor<'de> for Bytes {
            type Value = Delta;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the bytes of an encoded delta")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Delta, E> {
                Delta::decode(bytes).map_err(E::custom)
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Delta, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = sequence.next_element()? {
                    bytes.push(byte);
                }
                self.visit_bytes(&bytes)
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}
