//! The distribution of a trend's values: exact while small, bucketed beyond, mergeable in any order.

use std::borrow::Cow;

use crate::bucket::Buckets;
use crate::exact_sum::ExactSum;

/// Up to so many values a distribution keeps each one, so that percentiles are exact, as k6's are.
pub const EXACT_LIMIT: u64 = 1_000;

/// Count, sum, extremes and shape of a set of values.
///
/// Count, sum, minimum and maximum are always exact. Percentiles are exact while there are at most
/// [`EXACT_LIMIT`] values and no part has been bucketed; beyond, they are within 0.05 %.
#[derive(Clone, Debug)]
pub struct Distribution {
    count: u64,
    sum: ExactSum,
    min: f64,
    max: f64,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// Each value, in no particular order.
    Exact(Vec<f64>),
    /// Values on their way into buckets: a second's few values under one tag set are cheaper to pass on than
    /// to bucket, since whoever merges them has the buckets already. Otherwise the same as `Buckets`.
    Loose(Vec<f64>),
    /// Counts by key as they came over the wire, rising and none of them zero. Pages for a second's few values are
    /// ten times as large and slow to walk; whoever merges them has the pages already. Otherwise the same as `Buckets`.
    Counts(Vec<(i32, u64)>),
    Buckets(Buckets),
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            count: 0,
            sum: ExactSum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            body: Body::Exact(Vec::new()),
        }
    }
}

impl Distribution {
    /// A distribution that keeps each of these values, whatever their number.
    pub(crate) fn exact(values: impl IntoIterator<Item = f64>) -> Self {
        let mut distribution = Self::loose(values.into_iter().collect());
        if let Body::Loose(values) = distribution.body {
            distribution.body = Body::Exact(values);
        }
        distribution
    }

    /// A distribution of these values that counts as bucketed.
    pub(crate) fn loose(values: Vec<f64>) -> Self {
        let mut distribution = Self::default();
        for value in &values {
            distribution.count_in(*value);
        }
        distribution.body = Body::Loose(values);
        distribution
    }

    /// Adds values to the buckets. Values kept so far move there as well.
    pub(crate) fn extend_bucketed(&mut self, values: &[f64]) {
        for value in values {
            self.count_in(*value);
        }
        let buckets = self.bucketed();
        for value in values {
            buckets.add(*value, 1);
        }
    }

    /// Adds values: each one is kept while there are at most [`EXACT_LIMIT`], beyond that they are bucketed.
    ///
    /// For those who gather a distribution without a [`crate::Recorder`]; adding many at once is cheaper.
    pub fn extend(&mut self, values: &[f64]) {
        if self.count + values.len() as u64 > EXACT_LIMIT {
            return self.extend_bucketed(values);
        }
        for value in values {
            self.count_in(*value);
        }
        match &mut self.body {
            Body::Exact(kept) | Body::Loose(kept) => kept.extend_from_slice(values),
            Body::Counts(_) | Body::Buckets(_) => {
                let buckets = self.bucketed();
                for value in values {
                    buckets.add(*value, 1);
                }
            }
        }
    }

    #[inline]
    fn count_in(&mut self, value: f64) {
        self.count += 1;
        self.sum.add(value);
        // `f64::min` would do, but is slower: it also minds NaN, which never comes here.
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
    }

    pub(crate) fn bucketed(&mut self) -> &mut Buckets {
        match &self.body {
            Body::Exact(values) | Body::Loose(values) => self.body = Body::Buckets(Buckets::of(values)),
            Body::Counts(counts) => self.body = Body::Buckets(Buckets::of_counts(counts)),
            Body::Buckets(_) => {}
        }
        match &mut self.body {
            Body::Buckets(buckets) => buckets,
            _ => unreachable!("turned into buckets above"),
        }
    }

    /// Adds another distribution.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(&other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&other.body, &mut self.body) {
            (Body::Exact(theirs), Body::Exact(mine)) if self.count <= EXACT_LIMIT => {
                mine.extend_from_slice(theirs);
            }
            (Body::Buckets(theirs), _) => self.bucketed().merge(theirs),
            (Body::Counts(theirs), _) => self.bucketed().add_counts(theirs),
            (Body::Exact(theirs) | Body::Loose(theirs), _) => {
                let buckets = self.bucketed();
                for value in theirs {
                    buckets.add(*value, 1);
                }
            }
        }
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of the values.
    pub fn sum(&self) -> f64 {
        self.sum.value()
    }

    /// The smallest value; zero when there is none, as k6 reports it.
    pub fn min(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min }
    }

    /// The largest value; zero when there is none.
    pub fn max(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.max }
    }

    /// The arithmetic mean; zero when there is no value.
    pub fn avg(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum() / self.count as f64 }
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// Whether percentiles are exact.
    pub fn is_exact(&self) -> bool {
        matches!(self.body, Body::Exact(_))
    }

    /// The value below which `percent` (0 to 100) of the values lie; zero when there is none.
    ///
    /// As in k6, linear interpolation between the two values around index `percent / 100 · (n − 1)`.
    pub fn percentile(&self, percent: f64) -> f64 {
        self.percentiles(&[percent])[0]
    }

    /// Several percentiles with one pass over the values.
    pub fn percentiles(&self, percents: &[f64]) -> Vec<f64> {
        let ranks: Vec<_> = percents.iter().map(|percent| Rank::new(*percent, self.count)).collect();
        if self.count == 0 {
            return vec![0.0; percents.len()];
        }
        let value_at: Box<dyn Fn(u64) -> f64> = match &self.body {
            Body::Exact(values) | Body::Loose(values) => {
                let sorted = sorted(values);
                Box::new(move |index| sorted[index as usize])
            }
            Body::Counts(_) | Body::Buckets(_) => {
                let cumulated: Vec<(u64, f64)> = self
                    .in_buckets()
                    .values()
                    .scan(0, |below, (value, count)| {
                        *below += count;
                        Some((*below, value))
                    })
                    .collect();
                Box::new(move |index| {
                    let bucket = cumulated.partition_point(|(up_to, _)| *up_to <= index);
                    match index {
                        0 => self.min,
                        _ if index + 1 == self.count => self.max,
                        _ => cumulated[bucket].1.clamp(self.min, self.max),
                    }
                })
            }
        };
        ranks.iter().map(|rank| rank.interpolate(value_at(rank.index), value_at(rank.next))).collect()
    }

    /// Percentiles of what was added since it was `earlier`, which is an earlier copy of it; none if nothing was, or if that is
    /// no such copy.
    pub fn percentiles_since(&self, earlier: &Self, percents: &[f64]) -> Option<Vec<f64>> {
        if self.count <= earlier.count {
            return None;
        }
        let later = if let (Body::Exact(all), Body::Exact(known)) = (&self.body, &earlier.body) {
            Self::loose(all.get(known.len()..)?.to_vec())
        } else {
            let buckets = self.in_buckets().minus(&earlier.in_buckets())?;
            let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
            for (value, _) in buckets.values() {
                (min, max) = (min.min(value), max.max(value));
            }
            Self::from_buckets(ExactSum::default(), min, max, buckets)
        };
        Some(later.percentiles(percents))
    }

    fn in_buckets(&self) -> Cow<'_, Buckets> {
        match &self.body {
            Body::Exact(values) | Body::Loose(values) => Cow::Owned(Buckets::of(values)),
            Body::Counts(counts) => Cow::Owned(Buckets::of_counts(counts)),
            Body::Buckets(buckets) => Cow::Borrowed(buckets),
        }
    }

    pub(crate) fn sum_state(&self) -> &ExactSum {
        &self.sum
    }

    /// The kept values in rising order, or the buckets.
    pub(crate) fn shape(&self) -> Shape<'_> {
        match &self.body {
            Body::Exact(values) => Shape::Values(sorted(values)),
            Body::Loose(_) | Body::Counts(_) | Body::Buckets(_) => Shape::Buckets(self.in_buckets()),
        }
    }

    /// Puts a distribution together from its parts: counts by key as [`Buckets::iter`] yields them.
    pub(crate) fn from_counts(sum: ExactSum, min: f64, max: f64, counts: Vec<(i32, u64)>) -> Self {
        let count = counts.iter().fold(0_u64, |total, (_, count)| total.saturating_add(*count));
        Self { count, sum, min, max, body: Body::Counts(counts) }
    }

    /// The same from buckets.
    fn from_buckets(sum: ExactSum, min: f64, max: f64, buckets: Buckets) -> Self {
        let count = buckets.iter().fold(0_u64, |total, (_, count)| total.saturating_add(count));
        Self { count, sum, min, max, body: Body::Buckets(buckets) }
    }
}

/// What a distribution keeps of its values, in canonical order.
pub(crate) enum Shape<'a> {
    Values(Vec<f64>),
    Buckets(Cow<'a, Buckets>),
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
            && self.sum == other.sum
            && self.min() == other.min()
            && self.max() == other.max()
            && match (self.shape(), other.shape()) {
                (Shape::Values(mine), Shape::Values(theirs)) => mine == theirs,
                (Shape::Buckets(mine), Shape::Buckets(theirs)) => mine == theirs,
                _ => false,
            }
    }
}

/// A position between two neighbouring values.
struct Rank {
    index: u64,
    next: u64,
    fraction: f64,
}

impl Rank {
    fn new(percent: f64, count: u64) -> Self {
        let last = count.saturating_sub(1);
        let position = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
        let index = (position.floor() as u64).min(last);
        Self { index, next: (index + 1).min(last), fraction: position - position.floor() }
    }

    fn interpolate(&self, low: f64, high: f64) -> f64 {
        if low == high { low } else { low + (high - low) * self.fraction }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(values: &[f64]) -> Distribution {
        Distribution::exact(values.iter().copied())
    }

    #[test]
    fn percentiles_interpolate_as_in_k6() {
        let distribution = exact(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(distribution.median(), 2.5);
        assert_eq!(distribution.percentile(0.0), 1.0);
        assert_eq!(distribution.percentile(100.0), 4.0);
        assert_eq!(distribution.percentile(90.0), 3.7);
        assert_eq!(distribution.avg(), 2.5);
    }

    #[test]
    fn an_empty_distribution_is_zero_throughout() {
        let empty = Distribution::default();
        assert_eq!([empty.avg(), empty.min(), empty.max(), empty.median(), empty.percentile(95.0)], [0.0; 5]);
    }

    #[test]
    fn the_merged_total_decides_about_exactness() {
        let mut total = exact(&vec![1.0; 999]);
        total.merge(&exact(&[2.0]));
        assert!(total.is_exact());
        total.merge(&exact(&[3.0]));
        assert!(!total.is_exact());
        assert_eq!((total.count(), total.max()), (1001, 3.0));
    }

    #[test]
    fn what_was_added_since_a_copy_has_percentiles_of_its_own() {
        let mut all = exact(&[1.0, 2.0]);
        for count in [3_usize, 5_000] {
            let earlier = all.clone();
            all.extend(&vec![70.0; count]);
            let found = all.percentiles_since(&earlier, &[0.0, 50.0, 100.0]).unwrap();
            assert!(found.iter().all(|value| (value - 70.0).abs() < 0.05), "{found:?}");
        }
        let earlier = all.clone();
        assert_eq!(all.percentiles_since(&earlier, &[50.0]), None);
        all.extend(&[5.0]);
        assert!((all.percentiles_since(&earlier, &[99.0]).unwrap()[0] - 5.0).abs() < 0.01);
        assert_eq!(earlier.percentiles_since(&all, &[50.0]), None);
    }

    #[test]
    fn counts_of_the_wire_are_buckets_to_everyone() {
        let mut whole = Distribution::default();
        whole.extend_bucketed(&[-3.0, 0.0, 0.0, 1.0, 7.5, 7.5]);
        let sent = Distribution::decode(&whole.encode()).unwrap();
        assert!(matches!(sent.body, Body::Counts(_)));
        assert_eq!(sent, whole);
        assert_eq!(sent.encode(), whole.encode());
        assert_eq!(sent.percentiles(&[0.0, 50.0, 90.0]), whole.percentiles(&[0.0, 50.0, 90.0]));
        for (mut a, mut b) in [(sent.clone(), whole.clone()), (exact(&[2.0]), exact(&[2.0]))] {
            a.merge(&sent);
            b.merge(&whole);
            a.extend(&[5.0]);
            b.extend(&[5.0]);
            assert_eq!(a, b);
        }
        let mut more = sent.clone();
        more.extend(&[9.0]);
        assert_eq!(more.percentiles_since(&sent, &[50.0]), {
            let mut more = whole.clone();
            more.extend(&[9.0]);
            more.percentiles_since(&whole, &[50.0])
        });
    }

    proptest! {
        #[test]
        fn bucketed_percentiles_stay_within_the_bound(
            values in prop::collection::vec(1e-6..1e7_f64, 1..300),
            percent in 0.0..100.0_f64,
        ) {
            let truth = exact(&values);
            let mut bucketed = Distribution::default();
            bucketed.extend_bucketed(&values);
            let (expected, got) = (truth.percentile(percent), bucketed.percentile(percent));
            prop_assert!((got - expected).abs() <= expected * 0.0005, "{got} for {expected}");
            prop_assert_eq!(bucketed.avg(), truth.avg());
        }
    }
}
