//! The compact binary form of raw samples, for outputs that one process writes for many.
//!
//! A batch is self-contained: its strings, metrics and tag sets stand once, samples refer to them by number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::reader::Reader;
use super::writer::Writer;
use super::{CONTENTS, KINDS, WireError};
use crate::raw::RawSample;
use crate::registry::{MetricDef, MetricId, Registry, RegistryError};
use crate::tags::TagSet;
use crate::time::UnixNanos;

const VERSION: u8 = 1;

/// Why bytes are no batch of samples for this run.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// They are no batch at all.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A metric is another one here.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Things in the order in which they were first seen.
struct Numbered<K> {
    numbers: HashMap<K, u64>,
    order: Vec<K>,
}

impl<K: Copy + Eq + std::hash::Hash> Numbered<K> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), order: Vec::new() }
    }

    fn number(&mut self, key: K) -> u64 {
        let next = self.order.len() as u64;
        *self.numbers.entry(key).or_insert_with(|| {
            self.order.push(key);
            next
        })
    }
}

/// The bytes of a batch whose metrics are those of `registry`.
pub fn encode_samples(samples: &[RawSample], registry: &Registry) -> Vec<u8> {
    let (mut metrics, mut sets) = (Numbered::<MetricId>::new(), Numbered::<*const TagSet>::new());
    let mut by_address: HashMap<*const TagSet, &TagSet> = HashMap::new();
    let mut rows = Vec::with_capacity(samples.len());
    for sample in samples {
        let mut number = |set: &'_ Arc<TagSet>| sets.number(Arc::as_ptr(set));
        let tags = number(&sample.tags);
        // 0 is none.
        let metadata = sample.metadata.as_ref().map_or(0, |set| number(set) + 1);
        by_address.insert(Arc::as_ptr(&sample.tags), &sample.tags);
        by_address.extend(sample.metadata.iter().map(|set| (Arc::as_ptr(set), &**set)));
        rows.push((metrics.number(sample.metric), tags, metadata));
    }
    let definitions: Vec<MetricDef> = metrics.order.iter().map(|id| registry.def(*id)).collect();
    let sets: Vec<&TagSet> = sets.order.iter().map(|address| by_address[address]).collect();
    let mut strings: BTreeMap<&str, u64> = BTreeMap::new();
    strings.extend(definitions.iter().map(|definition| (&*definition.name, 0)));
    strings.extend(sets.iter().flat_map(|set| set.iter()).flat_map(|(key, value)| [(key, 0), (value, 0)]));
    for ((_, index), position) in strings.iter_mut().zip(0..) {
        *index = position;
    }
    let mut writer = Writer::new(VERSION, strings);
    writer.varint(definitions.len() as u64);
    for definition in &definitions {
        writer.string(&definition.name);
        let kind = KINDS.iter().position(|kind| *kind == definition.kind).unwrap_or_default();
        let contains = CONTENTS.iter().position(|c| *c == definition.contains).unwrap_or_default();
        writer.byte((kind << 4 | contains) as u8);
    }
    writer.varint(sets.len() as u64);
    for set in sets {
        writer.varint(set.len() as u64);
        for (key, value) in set.iter() {
            writer.string(key);
            writer.string(value);
        }
    }
    writer.varint(samples.len() as u64);
    for (sample, (metric, tags, metadata)) in samples.iter().zip(rows) {
        writer.varint(metric);
        writer.varint(tags);
        writer.varint(metadata);
        writer.varint(sample.time.0);
        writer.float(sample.value);
    }
    writer.finish()
}

/// Reads what [`encode_samples`] wrote; metrics that `registry` does not know are added to it.
///
/// # Errors
/// When the bytes are no batch, or a metric of the same name is of another kind here.
pub fn decode_samples(bytes: &[u8], registry: &Registry) -> Result<Vec<RawSample>, SamplesError> {
    let mut reader = Reader::new(bytes, VERSION)?;
    let definitions = reader.list(|reader| {
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
    let metrics: Vec<MetricId> = definitions
        .iter()
        .map(|definition| registry.register(&definition.name, definition.kind, definition.contains))
        .collect::<Result<_, _>>()?;
    let sets: Vec<Arc<TagSet>> = reader.list(|reader| {
        let pairs = reader.list(|reader| Ok((reader.string()?, reader.string()?)))?;
        Ok(Arc::new(TagSet::new(pairs)))
    })?;
    let samples = reader.list(|reader| {
        let at = reader.at();
        let missing = |what| WireError::Invalid { what, at };
        let metric = usize::try_from(reader.varint()?).ok().and_then(|index| metrics.get(index).copied());
        let tags = usize::try_from(reader.varint()?).ok().and_then(|index| sets.get(index).cloned());
        let metadata = match reader.varint()? {
            0 => None,
            number => {
                let set = usize::try_from(number - 1).ok().and_then(|index| sets.get(index).cloned());
                Some(set.ok_or_else(|| missing("a sample's metadata"))?)
            }
        };
        Ok(RawSample {
            metric: metric.ok_or_else(|| missing("a sample's metric"))?,
            tags: tags.ok_or_else(|| missing("a sample's tags"))?,
            metadata,
            time: UnixNanos(reader.varint()?),
            value: reader.float()?,
        })
    })?;
    reader.finish()?;
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::{Contains, Kind};

    fn set(pairs: &[(&str, &str)]) -> Arc<TagSet> {
        Arc::new(TagSet::new(pairs.iter().copied()))
    }

    #[test]
    fn a_batch_is_read_back_by_another_process() {
        let (here, there) = (Registry::new(), Registry::new());
        // Numbers of metrics differ between processes.
        there.register("other", Kind::Gauge, Contains::Default).unwrap();
        let mine = here.register("mine", Kind::Trend, Contains::Time).unwrap();
        let (tags, metadata) = (set(&[("url", "x"), ("status", "200")]), set(&[("vu", "1")]));
        let sample = |value, metadata: Option<&Arc<TagSet>>| RawSample {
            metric: mine,
            tags: tags.clone(),
            value,
            time: UnixNanos(1_700_000_000_000_000_001),
            metadata: metadata.cloned(),
        };
        let batch = [sample(1.5, None), sample(-2.0, Some(&metadata))];
        let bytes = encode_samples(&batch, &here);
        let read = decode_samples(&bytes, &there).unwrap();
        let id = there.get("mine").unwrap();
        assert_eq!(there.def(id), here.def(mine));
        let expected = batch.map(|sample| RawSample { metric: id, ..sample });
        assert_eq!(read, expected);
        assert!(Arc::ptr_eq(&read[0].tags, &read[1].tags));
        assert_eq!(decode_samples(&encode_samples(&[], &here), &there).unwrap(), []);
    }

    #[test]
    fn a_metric_of_another_kind_is_refused() {
        let (here, there) = (Registry::new(), Registry::new());
        let mine = here.register("mine", Kind::Trend, Contains::Time).unwrap();
        there.register("mine", Kind::Counter, Contains::Default).unwrap();
        let sample =
            RawSample { metric: mine, tags: set(&[]), value: 1.0, time: UnixNanos(1), metadata: None };
        let result = decode_samples(&encode_samples(&[sample], &here), &there);
        assert!(matches!(result, Err(SamplesError::Registry(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_samples(&bytes, &Registry::new());
        }
    }
}
