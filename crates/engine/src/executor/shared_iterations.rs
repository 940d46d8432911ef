//! shared-iterations: virtual users take iterations from one counter until it runs out.
//!
//! The counter is the worker's: all shards take from the same number. Once time is over it is closed, and
//! whoever closes it learns how many iterations nobody has taken.

use crate::shared::Sequence;

/// Beyond every number of iterations: a closed counter.
const CLOSED: u64 = 1 << 63;

/// Takes the next of `total` iterations; `None` if there is none left.
pub(crate) fn claim(sequence: &Sequence, total: u64) -> Option<u64> {
    Some(sequence.next()).filter(|taken| *taken < total)
}

/// Lets nobody take another and returns how many of `total` were left, to the first caller only.
pub(crate) fn close(sequence: &Sequence, total: u64) -> u64 {
    total.saturating_sub(sequence.replace(CLOSED))
}

/// How many of `total` have been taken.
pub(crate) fn taken(sequence: &Sequence, total: u64) -> u64 {
    sequence.peek().min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_iteration_is_taken_once_and_the_rest_is_reported_once() {
        let sequence = Sequence::default();
        assert_eq!((claim(&sequence, 3), claim(&sequence, 3)), (Some(0), Some(1)));
        assert_eq!((close(&sequence, 3), close(&sequence, 3)), (1, 0));
        assert_eq!(claim(&sequence, 3), None);
    }

    #[test]
    fn a_counter_that_ran_out_leaves_nothing() {
        let sequence = Sequence::default();
        assert_eq!((claim(&sequence, 1), claim(&sequence, 1), claim(&sequence, 1)), (Some(0), None, None));
        assert_eq!(close(&sequence, 1), 0);
    }
}
