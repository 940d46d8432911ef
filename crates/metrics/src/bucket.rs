//! Log-linear buckets on the bits of an `f64`, and counts of them in pages.
//!
//! A bucket is the sign, the exponent and the ten leading mantissa bits of a value, so its width is at most
//! 2⁻¹⁰ of the value and its middle at most 0.05 % away from anything in it. The bucket is a pure function of
//! the value: it cannot matter in which order, or on which machine, values were counted. k6's trends may be
//! negative or tiny, which histograms of the HDR kind cannot hold.
//!
//! Counts live in pages of 16 neighbouring buckets (two cache lines), found through a directory that spans the
//! pages in use: adding a value is two loads and a store, and a sparse distribution stays small. Pages of 64
//! buckets cost three times as much on twenty endpoints, for the caches they fill. The count of exact zeros
//! (most `http_req_connecting` samples) has a place of its own.

const MANTISSA_BITS: u32 = 10;
const SHIFT: u32 = 52 - MANTISSA_BITS;
const PAGE: usize = 16;

/// A bucket of either sign: the magnitude's leading bits and the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Bucket {
    negative: bool,
    magnitude: u32,
}

fn bucket(value: f64) -> Bucket {
    let bits = value.to_bits();
    Bucket { negative: bits >> 63 != 0, magnitude: (bits << 1 >> 1 >> SHIFT) as u32 }
}

/// The middle of a bucket of positive values; infinity is exact.
fn middle(magnitude: u32) -> f64 {
    let low = u64::from(magnitude) << SHIFT;
    f64::from_bits(if low >= f64::INFINITY.to_bits() { low } else { low | 1 << (SHIFT - 1) })
}

/// How many values fell into which bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    zeros: u64,
    positive: Side,
    negative: Side,
}

/// The buckets of one sign, by magnitude.
#[derive(Clone, Debug, Default)]
struct Side {
    /// The page number that `directory[0]` stands for.
    first: usize,
    /// One plus the index into `pages`; zero where no page is.
    directory: Vec<u32>,
    pages: Vec<[u64; PAGE]>,
}

impl Side {
    fn add(&mut self, magnitude: u32, count: u64) {
        let page = magnitude as usize / PAGE;
        let slot = match self.directory.get(page.wrapping_sub(self.first)) {
            Some(&slot) if slot != 0 => slot,
            _ => self.insert(page),
        };
        self.pages[slot as usize - 1][magnitude as usize % PAGE] += count;
    }

    #[cold]
    fn insert(&mut self, page: usize) -> u32 {
        if self.directory.is_empty() {
            self.first = page;
        } else if page < self.first {
            let missing = self.first - page;
            self.directory.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = page;
        }
        let offset = page - self.first;
        if offset >= self.directory.len() {
            self.directory.resize(offset + 1, 0);
        }
        self.pages.push([0; PAGE]);
        let slot = self.pages.len() as u32;
        self.directory[offset] = slot;
        slot
    }

    /// Non-empty buckets by rising magnitude.
    fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        self.directory.iter().enumerate().filter(|(_, slot)| **slot != 0).flat_map(move |(offset, slot)| {
            let base = ((self.first + offset) * PAGE) as u32;
            let page = &self.pages[*slot as usize - 1];
            (0..PAGE).filter(|index| page[*index] != 0).map(move |index| (base + index as u32, page[index]))
        })
    }
}

impl Buckets {
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut buckets = Self::default();
        for value in values {
            buckets.add(*value, 1);
        }
        buckets
    }

    pub(crate) fn add(&mut self, value: f64, count: u64) {
        if value == 0.0 {
            self.zeros += count;
            return;
        }
        let Bucket { negative, magnitude } = bucket(value);
        if negative { &mut self.negative } else { &mut self.positive }.add(magnitude, count);
    }

    /// Whether a key is a bucket's.
    pub(crate) fn is_key(key: i32) -> bool {
        key == 0 || key.unsigned_abs() - 1 <= bucket(f64::INFINITY).magnitude
    }

    /// Counts by key, as [`Buckets::iter`] yields them.
    pub(crate) fn of_counts(counts: &[(i32, u64)]) -> Self {
        let mut buckets = Self::default();
        buckets.add_counts(counts);
        buckets
    }

    /// Adds counts by key; each has to be [a bucket's](Self::is_key).
    pub(crate) fn add_counts(&mut self, counts: &[(i32, u64)]) {
        for (key, count) in counts {
            match key.unsigned_abs() {
                0 => self.zeros += count,
                magnitude if *key < 0 => self.negative.add(magnitude - 1, *count),
                magnitude => self.positive.add(magnitude - 1, *count),
            }
        }
    }

    /// Without what `other` has; none if that has more of something.
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        let mut left = Self::default();
        // Both rise.
        let mut theirs = other.iter().peekable();
        for (key, count) in self.iter() {
            let known = theirs.next_if(|(theirs, _)| *theirs == key).map_or(0, |(_, known)| known);
            match count.checked_sub(known)? {
                0 => {}
                more => left.add_counts(&[(key, more)]),
            }
        }
        theirs.peek().is_none().then_some(left)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        for (magnitude, count) in other.positive.iter() {
            self.positive.add(magnitude, count);
        }
        for (magnitude, count) in other.negative.iter() {
            self.negative.add(magnitude, count);
        }
    }

    /// Non-empty buckets as (key, count) by rising value. Keys are contiguous integers in the order of the
    /// values: zero for zero, `±(magnitude + 1)` for the rest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, u64)> {
        let negative = self.negative.iter().rev().map(|(magnitude, count)| (-(magnitude as i32) - 1, count));
        let zeros = (self.zeros != 0).then_some((0, self.zeros));
        let positive = self.positive.iter().map(|(magnitude, count)| (magnitude as i32 + 1, count));
        negative.chain(zeros).chain(positive)
    }

    /// Non-empty buckets as (middle, count) by rising value.
    pub(crate) fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        self.iter().map(|(key, count)| {
            let value = match key.unsigned_abs() {
                0 => 0.0,
                key => middle(key - 1),
            };
            (if key < 0 { -value } else { value }, count)
        })
    }
}

impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_middle_is_within_a_twentieth_of_a_percent(value in proptest::num::f64::NORMAL) {
            let mut buckets = Buckets::default();
            buckets.add(value, 1);
            let (middle, count) = buckets.values().next().unwrap();
            prop_assert_eq!(count, 1);
            prop_assert!(((middle - value) / value).abs() <= 0.0005, "{} for {}", middle, value);
        }

        #[test]
        fn buckets_come_in_the_order_of_values(values in prop::collection::vec(any::<f64>(), 1..50)) {
            let mut buckets = Buckets::default();
            values.iter().filter(|value| !value.is_nan()).for_each(|value| buckets.add(*value, 1));
            let out: Vec<_> = buckets.values().collect();
            prop_assert!(out.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let counts: Vec<_> = buckets.iter().collect();
            prop_assert!(counts.iter().all(|(key, _)| Buckets::is_key(*key)));
            prop_assert_eq!(Buckets::of_counts(&counts), buckets);
        }
    }

    #[test]
    fn a_key_beyond_infinity_is_refused() {
        assert!(!Buckets::is_key(i32::MAX) && !Buckets::is_key(i32::MIN));
    }
}
