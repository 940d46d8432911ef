//! Counters, gauges, rates and trends on the wire.

use super::{Reader, WireError, Writer};
use crate::bucket::Buckets;
use crate::distribution::{Distribution, Shape};
use crate::exact_sum::{Canonical, ExactSum};
use crate::kind::Kind;
use crate::sink::{Gauge, GaugePart, Rate, Sink};
use crate::time::UnixNanos;

const NEGATIVE: u8 = 1;
const INFINITE: u8 = 2;
const CONTRADICTION: u8 = 4;
const MINUS_INFINITE: u8 = 8;

pub(super) fn write(writer: &mut Writer<'_>, sink: &Sink) {
    match sink {
        Sink::Counter(sum) => write_sum(writer, sum),
        Sink::Gauge(gauge) => {
            writer.varint(gauge.parts.len() as u64);
            for (source, part) in &gauge.parts {
                writer.varint(*source);
                writer.varint(part.at.0);
                for value in [part.value, part.min, part.max] {
                    writer.float(value);
                }
            }
        }
        Sink::Rate(rate) => {
            writer.varint(rate.passes);
            writer.varint(rate.total);
        }
        Sink::Trend(distribution) => write_distribution(writer, distribution),
    }
}

pub(super) fn write_distribution(writer: &mut Writer<'_>, distribution: &Distribution) {
    match distribution.shape() {
        Shape::Values(values) => {
            writer.byte(0);
            writer.varint(values.len() as u64);
            for value in values {
                writer.float(value);
            }
        }
        Shape::Buckets(buckets) => {
            writer.byte(1);
            write_sum(writer, distribution.sum_state());
            writer.float(distribution.min());
            writer.float(distribution.max());
            let entries: Vec<_> = buckets.iter().collect();
            writer.varint(entries.len() as u64);
            let mut previous = 0_i32;
            for (index, (key, count)) in entries.into_iter().enumerate() {
                let difference = i64::from(key) - i64::from(previous);
                // Keys rise, so that only the first difference has a sign.
                writer.varint(if index == 0 { zigzag(difference) } else { difference as u64 });
                writer.varint(count);
                previous = key;
            }
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, kind: Kind) -> Result<Sink, WireError> {
    Ok(match kind {
        Kind::Counter => Sink::Counter(read_sum(reader)?),
        Kind::Gauge => {
            let parts = reader.list(|reader| {
                let source = reader.varint()?;
                let at = UnixNanos(reader.varint()?);
                Ok((
                    source,
                    GaugePart { at, value: reader.float()?, min: reader.float()?, max: reader.float()? },
                ))
            })?;
            Sink::Gauge(Gauge { parts: parts.into_iter().collect() })
        }
        Kind::Rate => Sink::Rate(Rate { passes: reader.varint()?, total: reader.varint()? }),
        Kind::Trend => Sink::Trend(read_distribution(reader)?),
    })
}

pub(super) fn read_distribution(reader: &mut Reader<'_>) -> Result<Distribution, WireError> {
    let at = reader.at();
    match reader.byte()? {
        0 => Ok(Distribution::exact(reader.list(Reader::float)?)),
        1 => {
            let sum = read_sum(reader)?;
            let (min, max) = (reader.float()?, reader.float()?);
            let mut key = None;
            let counts = reader.list(|reader| {
                let at = reader.at();
                let invalid = WireError::Invalid { what: "a bucket", at };
                let difference = reader.varint()?;
                let next = match key {
                    None => Some(unzigzag(difference)),
                    Some(previous) => {
                        i64::try_from(difference).ok().and_then(|rise| rise.checked_add(previous))
                    }
                };
                let next = next.filter(|next| Some(*next) > key || key.is_none()).ok_or(invalid.clone())?;
                let count = reader.varint()?;
                key = Some(next);
                let bucket = i32::try_from(next).ok().filter(|key| Buckets::is_key(*key) && count > 0);
                bucket.map(|bucket| (bucket, count)).ok_or(invalid)
            })?;
            Ok(Distribution::from_counts(sum, min, max, counts))
        }
        _ => Err(WireError::Invalid { what: "the shape of a trend", at }),
    }
}

fn write_sum(writer: &mut Writer<'_>, sum: &ExactSum) {
    let canonical = sum.canonical();
    let special = sum.special();
    let mut flags = if canonical.negative { NEGATIVE } else { 0 };
    if special.is_nan() {
        flags |= CONTRADICTION;
    } else if special != 0.0 {
        flags |= if special < 0.0 { MINUS_INFINITE } else { INFINITE };
    }
    writer.byte(flags);
    writer.varint(canonical.first as u64);
    writer.varint(canonical.digits.len() as u64);
    for digit in canonical.digits {
        writer.varint(u64::from(digit));
    }
}

fn read_sum(reader: &mut Reader<'_>) -> Result<ExactSum, WireError> {
    let at = reader.at();
    let invalid = WireError::Invalid { what: "a sum", at };
    let flags = reader.byte()?;
    let special = match flags & !NEGATIVE {
        0 => 0.0,
        INFINITE => f64::INFINITY,
        MINUS_INFINITE => f64::NEG_INFINITY,
        CONTRADICTION => f64::NAN,
        _ => return Err(invalid),
    };
    let first = usize::try_from(reader.varint()?).map_err(|_| invalid.clone())?;
    let digits = reader.list(|reader| u32::try_from(reader.varint()?).map_err(|_| invalid.clone()))?;
    let canonical = Canonical { negative: flags & NEGATIVE != 0, first, digits };
    ExactSum::from_canonical(&canonical, special).ok_or(invalid)
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
