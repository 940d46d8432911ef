//! Locust's rounded response times: about two significant digits, kept as counts.
//!
//! They feed everything that must read as Locust's does (console, CSV, wire); the fine distribution beside them is
//! ours. Locust keeps a dictionary; here the values that its rounding can give have a place in an array each, and
//! whatever a locustfile's own rounding gives goes to a map.

use std::collections::BTreeMap;

/// Places for 0..100 by one, 100..1000 by ten, 1000..10000 by a hundred.
const THOUSANDS: usize = 280;

/// Array places at most: response times beyond 1,000 s go to the map.
const PLACES: usize = THOUSANDS + 991;

/// The value a response time in milliseconds is counted under: two significant digits, halves to even.
pub fn bucket(ms: f64) -> i64 {
    let unit = if ms < 100.0 {
        1.0
    } else if ms < 1_000.0 {
        10.0
    } else if ms < 10_000.0 {
        100.0
    } else {
        1_000.0
    };
    // Python rounds the exact decimal value; the remainder of a division by a power of ten is exact too.
    let rest = ms.rem_euclid(unit);
    let below = (ms - rest) / unit;
    let up = rest > unit / 2.0 || (rest == unit / 2.0 && below.rem_euclid(2.0) == 1.0);
    ((below + f64::from(u8::from(up))) * unit) as i64
}

/// Locust's percentile over counts by value in descending order: the first value for which no more than
/// `count * share` requests were faster.
pub fn percentile(descending: impl Iterator<Item = (i64, u64)>, count: u64, share: f64) -> i64 {
    let limit = (count as f64 * share) as i64;
    let mut slower = 0;
    for (value, n) in descending {
        slower += n as i64;
        if count as i64 - slower <= limit {
            return value;
        }
    }
    0
}

/// Counts of rounded response times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bins {
    places: Vec<u64>,
    others: BTreeMap<i64, u64>,
}

impl Bins {
    /// Counts one response time under the value that [`bucket`], or a locustfile's own rounding, gave for it.
    pub fn add(&mut self, value: i64, count: u64) {
        let Some(place) = place(value) else {
            *self.others.entry(value).or_default() += count;
            return;
        };
        if place >= self.places.len() {
            self.places.resize(place + 1, 0);
        }
        self.places[place] += count;
    }

    /// Values and counts, the fastest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> {
        let mut all: Vec<(i64, u64)> = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(place, n)| (value_of(place), *n))
            .collect();
        if !self.others.is_empty() {
            all.extend(self.others.iter().map(|(value, n)| (*value, *n)));
            all.sort_unstable();
        }
        all.into_iter()
    }

    /// Locust's percentile; `count` is the number of requests that have a response time.
    pub fn percentile(&self, count: u64, share: f64) -> i64 {
        percentile(self.iter().rev(), count, share)
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (value, n) in other.iter() {
            self.add(value, n);
        }
    }

    /// What was counted since `before`, an earlier copy of these.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |place: usize| before.places.get(place).copied().unwrap_or_default();
        let places =
            self.places.iter().enumerate().map(|(place, n)| n.saturating_sub(earlier(place))).collect();
        let others = self.others.iter().map(|(value, n)| {
            (*value, n.saturating_sub(before.others.get(value).copied().unwrap_or_default()))
        });
        Self { places, others: others.filter(|(_, n)| *n > 0).collect() }
    }

    /// Forgets all counts.
    pub fn clear(&mut self) {
        self.places.clear();
        self.others.clear();
    }
}

fn place(value: i64) -> Option<usize> {
    let v = usize::try_from(value).ok()?;
    let place = match v {
        0..100 => v,
        100..1_000 if v.is_multiple_of(10) => 90 + v / 10,
        1_000..10_000 if v.is_multiple_of(100) => 180 + v / 100,
        10_000.. if v.is_multiple_of(1_000) => 270 + v / 1_000,
        _ => return None,
    };
    (place < PLACES).then_some(place)
}

fn value_of(place: usize) -> i64 {
    (match place {
        0..100 => place,
        100..190 => (place - 90) * 10,
        190..280 => (place - 180) * 100,
        _ => (place - 270) * 1_000,
    }) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Locust 2.47.
    #[test]
    fn response_times_are_rounded_as_locust_rounds_them() {
        let vectors = [
            (0.5, 0),
            (0.51, 1),
            (1.5, 2),
            (2.5, 2),
            (3.5, 4),
            (99.4, 99),
            (99.5, 100),
            (104.9, 100),
            (105.0, 100),
            (115.0, 120),
            (125.0, 120),
            (147.0, 150),
            (994.9, 990),
            (995.0, 1000),
            (1049.0, 1000),
            (1050.0, 1000),
            (1150.0, 1200),
            (1250.0, 1200),
            (3432.0, 3400),
            (9949.0, 9900),
            (9950.0, 10_000),
            (10_499.0, 10_000),
            (10_500.0, 10_000),
            (11_500.0, 12_000),
            (58_760.0, 59_000),
            (123_456.0, 123_000),
        ];
        for (ms, value) in vectors {
            assert_eq!(bucket(ms), value, "{ms}");
        }
    }

    fn bins(counts: &[(i64, u64)]) -> Bins {
        let mut bins = Bins::default();
        for (value, n) in counts {
            bins.add(*value, *n);
        }
        bins
    }

    /// Computed with Locust 2.47.
    #[test]
    fn percentiles_are_locusts() {
        let even = bins(&[(10, 1), (20, 1), (30, 1), (40, 1)]);
        for (share, value) in [(0.0, 10), (0.25, 20), (0.5, 30), (0.66, 30), (0.75, 40), (1.0, 40)] {
            assert_eq!(even.percentile(4, share), value, "{share}");
        }
        let skewed = bins(&[(1, 50), (2, 30), (10, 15), (100, 4), (1000, 1)]);
        let expected = [
            (0.5, 2),
            (0.66, 2),
            (0.75, 2),
            (0.8, 10),
            (0.9, 10),
            (0.95, 100),
            (0.98, 100),
            (0.99, 1000),
            (1.0, 1000),
        ];
        for (share, value) in expected {
            assert_eq!(skewed.percentile(100, share), value, "{share}");
        }
        assert_eq!(bins(&[]).percentile(0, 0.5), 0);
    }

    #[test]
    fn values_of_another_rounding_are_kept_as_they_are() {
        let odd = bins(&[(-5, 1), (101, 2), (7, 1), (9_999_000, 3)]);
        assert_eq!(odd.iter().collect::<Vec<_>>(), [(-5, 1), (7, 1), (101, 2), (9_999_000, 3)]);
    }

    proptest::proptest! {
        #[test]
        fn every_rounded_value_has_its_own_place(ms in 0.0..2_000_000.0_f64) {
            let value = bucket(ms);
            let bins = bins(&[(value, 1)]);
            proptest::prop_assert_eq!(bins.iter().collect::<Vec<_>>(), vec![(value, 1)]);
        }
    }
}
