//! Execution segments: which share of one test an instance runs.
//!
//! A test is cut into segments (`0:1/3`, `1/3:2/3`, …). The union of what all segments run is exactly
//! what one instance without segments would run: every virtual user, every iteration index and every
//! planned start belongs to one segment. The cut is made by striping (see [`Slots`]), so that each
//! segment sees the same shape of load and not, say, only the first third of a ramp.

mod fraction;
mod slots;

use std::fmt;
use std::str::FromStr;

pub use fraction::Fraction;
pub use slots::{Owned, Slots};

/// The longest stripe pattern we build. `0.3333333` needs 10,000,000 slots; finer cuts are mistakes.
pub const MAX_PERIOD: u64 = 10_000_000;

/// What is wrong with a segment or a sequence of segments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Not a fraction, decimal number or percentage.
    #[error(
        "`{0}` is not a share: use a fraction (1/3), a decimal number (0.25) or a percentage (25%) from 0 to 1"
    )]
    NotAShare(String),
    /// More than one colon.
    #[error("`{0}` is not a segment: use FROM:TO, or TO alone for 0:TO")]
    NotASegment(String),
    /// `from` is not below `to`, or `to` is beyond the whole.
    #[error("segment {from}:{to} is empty or outside 0:1: FROM has to be below TO, and TO at most 1")]
    OutOfRange {
        /// Where it was to start.
        from: Fraction,
        /// Where it was to end.
        to: Fraction,
    },
    /// Fewer than two points.
    #[error("`{0}` is not a sequence of segments: give at least two increasing points, such as 0,1/2,1")]
    NotASequence(String),
    /// Two neighbours of a sequence do not meet.
    #[error("segments {0} and {1} do not meet: each has to start where the one before ends")]
    Gap(ExecutionSegment, ExecutionSegment),
    /// The instance's segment is not one of the sequence.
    #[error("segment {segment} does not occur in the sequence {sequence}")]
    NotInSequence {
        /// The instance's own segment.
        segment: ExecutionSegment,
        /// The sequence it should be part of.
        sequence: SegmentSequence,
    },
    /// The common denominator is beyond [`MAX_PERIOD`].
    #[error("the segments {0} have no common denominator below 10000000: use coarser shares")]
    TooFine(SegmentSequence),
}

/// A share of a test, from `from` (inclusive) to `to` (exclusive), both between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExecutionSegment {
    from: Fraction,
    to: Fraction,
}

impl ExecutionSegment {
    /// The whole test, `0:1`.
    pub const WHOLE: Self = Self { from: Fraction::ZERO, to: Fraction::ONE };

    /// The segment from `from` to `to`; `0 ≤ from < to ≤ 1`.
    pub fn new(from: Fraction, to: Fraction) -> Result<Self, SegmentError> {
        if from < to && to <= Fraction::ONE {
            Ok(Self { from, to })
        } else {
            Err(SegmentError::OutOfRange { from, to })
        }
    }

    /// Where it starts.
    pub fn from(&self) -> Fraction {
        self.from
    }

    /// Where it ends.
    pub fn to(&self) -> Fraction {
        self.to
    }

    /// Its part of the whole, between 0 and 1.
    pub fn share(&self) -> f64 {
        self.to.as_f64() - self.from.as_f64()
    }
}

impl FromStr for ExecutionSegment {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let text = text.trim();
        let (from, to) = match text.split_once(':') {
            None => (Fraction::ZERO, text.parse()?),
            Some((_, to)) if to.contains(':') => return Err(SegmentError::NotASegment(text.to_owned())),
            Some((from, to)) => (from.parse()?, to.parse()?),
        };
        Self::new(from, to)
    }
}

impl fmt::Display for ExecutionSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.from, self.to)
    }
}

/// All segments of a test in order: never empty, each starts where the one before ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSequence(Vec<ExecutionSegment>);

impl SegmentSequence {
    /// The sequence of one segment that is the whole test.
    pub fn whole() -> Self {
        Self(vec![ExecutionSegment::WHOLE])
    }

    /// A sequence of the given segments, which have to meet.
    pub fn new(segments: Vec<ExecutionSegment>) -> Result<Self, SegmentError> {
        if segments.is_empty() {
            return Err(SegmentError::NotASequence(String::new()));
        }
        for pair in segments.windows(2) {
            if pair[0].to != pair[1].from {
                return Err(SegmentError::Gap(pair[0], pair[1]));
            }
        }
        Ok(Self(segments))
    }

    /// The test cut into `n` segments of equal size (at least one).
    pub fn equal(n: u32) -> Self {
        let n = u64::from(n.max(1));
        let point = |i| Fraction::new(i, n).unwrap_or(Fraction::ONE);
        Self((0..n).map(|i| ExecutionSegment { from: point(i), to: point(i + 1) }).collect())
    }

    /// The segments in order.
    pub fn segments(&self) -> &[ExecutionSegment] {
        &self.0
    }

    /// Completes a sequence that does not reach from 0 to 1: what is missing at either end becomes one
    /// segment (observed on k6 1.1: `--execution-segment 1/4:1/2` alone runs as part of 0,1/4,1/2,1).
    #[must_use]
    pub fn filled(mut self) -> Self {
        let first = self.0.first().map_or(Fraction::ZERO, |s| s.from);
        if first > Fraction::ZERO {
            self.0.insert(0, ExecutionSegment { from: Fraction::ZERO, to: first });
        }
        let last = self.0.last().map_or(Fraction::ZERO, |s| s.to);
        if last < Fraction::ONE {
            self.0.push(ExecutionSegment { from: last, to: Fraction::ONE });
        }
        self
    }
}

impl FromStr for SegmentSequence {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let points = text.split(',').map(str::parse).collect::<Result<Vec<Fraction>, _>>()?;
        if points.len() < 2 {
            return Err(SegmentError::NotASequence(text.to_owned()));
        }
        points.windows(2).map(|p| ExecutionSegment::new(p[0], p[1])).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for SegmentSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.0.first() {
            write!(f, "{}", first.from)?;
        }
        self.0.iter().try_for_each(|segment| write!(f, ",{}", segment.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(text: &str) -> Result<ExecutionSegment, SegmentError> {
        text.parse()
    }

    #[test]
    fn segments_are_read_in_every_notation() {
        for text in ["0:1/4", "1/4", "0.25", "25%", "0:25%", " 0.0 : 0.250 "] {
            assert_eq!(segment(text).expect(text).to_string(), "0:1/4", "{text}");
        }
        assert_eq!(segment("0.2:2/3").expect("valid").to_string(), "1/5:2/3");
    }

    #[test]
    fn empty_reversed_and_too_long_segments_are_refused() {
        for text in
            ["0", "0.5:0.5", "1/2:1/3", "0:1.1", "101%", "", ":", "a", "0:1:2", "1/0", "-1/2:1", "1/2/3"]
        {
            assert!(segment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_sequence_is_its_points() {
        let sequence: SegmentSequence = "0, 1/3,2/3 ,1".parse().expect("valid");
        assert_eq!(sequence, SegmentSequence::equal(3));
        assert_eq!(sequence.to_string(), "0,1/3,2/3,1");
        for text in ["", "0", "1", "0,0.5,0.4,1", "0,,1"] {
            assert!(text.parse::<SegmentSequence>().is_err(), "{text}");
        }
    }

    #[test]
    fn segments_of_a_sequence_have_to_meet() {
        let (a, b) = (segment("0:1/3").expect("a"), segment("1/2:1").expect("b"));
        assert_eq!(SegmentSequence::new(vec![a, b]), Err(SegmentError::Gap(a, b)));
    }

    #[test]
    fn a_partial_sequence_is_filled_at_both_ends() {
        let partial = SegmentSequence::new(vec![segment("1/4:1/2").expect("valid")]).expect("one segment");
        assert_eq!(partial.filled().to_string(), "0,1/4,1/2,1");
    }
}
