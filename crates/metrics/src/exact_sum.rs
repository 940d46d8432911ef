//! A sum of `f64` values without rounding, so that the order of addition cannot matter.
//!
//! Floating-point addition (compensated or not) depends on order; a run on many workers would give sums that
//! differ in the last digits with the arrival of messages, and "merged exactly" would be a lie. Here the sum
//! is an integer: 128-bit fixed point with a quantum of 2⁻⁸², which holds every `f64` from about a nanosecond
//! in milliseconds up to 3.5·10¹³ without loss and costs one shift and one addition. A value, or a sum, that
//! does not fit moves into a superaccumulator over the full range of `f64` (R. M. Neal, "Fast exact summation
//! using small and large superaccumulators", 2015), allocated only then. [`ExactSum::value`] rounds once, at
//! the end, to nearest even.

use std::fmt;

/// The lowest bit of the fixed-point part stands for 2^(QUANTUM − 1074); a multiple of 32 to align limbs.
const QUANTUM: u32 = 992;
/// 32-bit digits that hold 2¹⁰²⁴ times a count of 2⁶³, in units of 2⁻¹⁰⁷⁴.
const LIMBS: usize = 68;
/// Additions of 32-bit digits that an `i64` limb takes before carries must move on.
const CARRY_AFTER: u32 = 1 << 30;

/// A sum that is exact until it is read.
#[derive(Clone, Default)]
pub struct ExactSum {
    fixed: i128,
    wide: Option<Box<Wide>>,
    /// Infinities and NaN among the values, which absorb everything else; zero when there were none.
    special: f64,
}

#[derive(Clone)]
struct Wide {
    limbs: [i64; LIMBS],
    pending: u32,
}

/// Sign and magnitude in units of 2⁻¹⁰⁷⁴, without leading or trailing zero digits: one form per value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canonical {
    pub(crate) negative: bool,
    pub(crate) first: usize,
    pub(crate) digits: Vec<u32>,
}

impl ExactSum {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as u32;
        let mantissa = bits & ((1 << 52) - 1) | u64::from(exponent != 0) << 52;
        // In units of 2⁻¹⁰⁷⁴ the mantissa's lowest bit is at `exponent − 1` (subnormals: 0).
        let position = exponent.saturating_sub(1);
        if mantissa == 0 {
            return;
        }
        // 53 mantissa bits shifted by at most 73 leave the sign bit of an i128 free.
        if (QUANTUM..=QUANTUM + 73).contains(&position) {
            let magnitude = i128::from(mantissa) << (position - QUANTUM);
            let signed = if bits >> 63 == 0 { magnitude } else { -magnitude };
            if let Some(sum) = self.fixed.checked_add(signed) {
                self.fixed = sum;
                return;
            }
        }
        self.add_slow(value, mantissa, position);
    }

    #[cold]
    fn add_slow(&mut self, value: f64, mantissa: u64, position: u32) {
        if !value.is_finite() {
            self.add_special(value);
            return;
        }
        let below = QUANTUM.saturating_sub(position);
        if below > 0 && mantissa.trailing_zeros() >= below {
            let magnitude = i128::from(mantissa >> below);
            let signed = if value > 0.0 { magnitude } else { -magnitude };
            if let Some(sum) = self.fixed.checked_add(signed) {
                self.fixed = sum;
                return;
            }
        }
        self.wide().add(value < 0.0, u128::from(mantissa) << (position % 32), position as usize / 32);
    }

    fn add_special(&mut self, value: f64) {
        self.special += value;
        if self.special.is_nan() {
            self.special = f64::NAN;
        }
    }

    fn wide(&mut self) -> &mut Wide {
        self.wide.get_or_insert_with(|| Box::new(Wide { limbs: [0; LIMBS], pending: 0 }))
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        if let Some(sum) = self.fixed.checked_add(other.fixed) {
            self.fixed = sum;
        } else {
            let fixed = std::mem::take(&mut self.fixed);
            let wide = self.wide();
            wide.add_fixed(fixed);
            wide.add_fixed(other.fixed);
        }
        if let Some(theirs) = &other.wide {
            self.wide().merge(theirs);
        }
        if other.special != 0.0 {
            self.add_special(other.special);
        }
    }

    /// The sum, rounded once to the nearest `f64`.
    pub fn value(&self) -> f64 {
        if self.special != 0.0 {
            return self.special;
        }
        if self.wide.is_none() {
            // The conversion rounds to nearest even; scaling by a power of two is exact in this range.
            return self.fixed as f64 * 2f64.powi(QUANTUM as i32 - 1074);
        }
        self.canonical().value()
    }

    /// Infinities and NaN, or zero.
    pub(crate) fn special(&self) -> f64 {
        self.special
    }

    pub(crate) fn canonical(&self) -> Canonical {
        let mut wide = self.wide.as_deref().cloned().unwrap_or(Wide { limbs: [0; LIMBS], pending: 0 });
        wide.add_fixed(self.fixed);
        wide.canonical()
    }

    /// The sum of this canonical form. `None` if it is larger than any sum of `f64` values.
    pub(crate) fn from_canonical(canonical: &Canonical, special: f64) -> Option<Self> {
        let mut sum = Self { fixed: 0, wide: None, special };
        if canonical.digits.is_empty() {
            return Some(sum);
        }
        let first_fixed = QUANTUM as usize / 32;
        if canonical.first >= first_fixed && canonical.first + canonical.digits.len() <= first_fixed + 4 {
            let mut magnitude: u128 = 0;
            for (index, digit) in canonical.digits.iter().enumerate() {
                magnitude |= u128::from(*digit) << (32 * (canonical.first - first_fixed + index));
            }
            if let Ok(magnitude) = i128::try_from(magnitude) {
                sum.fixed = if canonical.negative { -magnitude } else { magnitude };
                return Some(sum);
            }
        }
        if canonical.first.checked_add(canonical.digits.len())? >= LIMBS {
            return None;
        }
        let wide = sum.wide();
        for (index, digit) in canonical.digits.iter().enumerate() {
            let digit = i64::from(*digit);
            wide.limbs[canonical.first + index] = if canonical.negative { -digit } else { digit };
        }
        wide.pending = 1;
        Some(sum)
    }
}

impl Wide {
    fn add(&mut self, negative: bool, mut magnitude: u128, mut limb: usize) {
        while magnitude != 0 {
            let digit = (magnitude & 0xffff_ffff) as i64;
            self.limbs[limb] += if negative { -digit } else { digit };
            magnitude >>= 32;
            limb += 1;
        }
        self.pending += 1;
        if self.pending >= CARRY_AFTER {
            self.carry();
        }
    }

    fn add_fixed(&mut self, fixed: i128) {
        self.add(fixed < 0, fixed.unsigned_abs(), QUANTUM as usize / 32);
    }

    fn merge(&mut self, other: &Self) {
        if self.pending.saturating_add(other.pending) >= CARRY_AFTER {
            self.carry();
        }
        let mut other = other.clone();
        other.carry();
        for (mine, theirs) in self.limbs.iter_mut().zip(other.limbs) {
            *mine += theirs;
        }
        self.pending += 1;
    }

    /// Moves carries up: afterwards every digit but the top one is in `0..2³²`.
    fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let total = *limb + carry;
            *limb = total & 0xffff_ffff;
            carry = total >> 32;
        }
        self.limbs[LIMBS - 1] += carry;
        self.pending = 1;
    }

    fn canonical(mut self) -> Canonical {
        self.carry();
        let negative = self.limbs[LIMBS - 1] < 0;
        if negative {
            self.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            self.carry();
        }
        let first = self.limbs.iter().position(|limb| *limb != 0);
        let Some(first) = first else {
            return Canonical { negative: false, first: 0, digits: Vec::new() };
        };
        let last = self.limbs.iter().rposition(|limb| *limb != 0).unwrap_or(first);
        let digits = self.limbs[first..=last].iter().map(|limb| *limb as u32).collect();
        Canonical { negative, first, digits }
    }
}

impl Canonical {
    fn bit(&self, position: usize) -> bool {
        let digit = (position / 32).checked_sub(self.first).and_then(|index| self.digits.get(index));
        digit.is_some_and(|digit| digit >> (position % 32) & 1 != 0)
    }

    fn value(&self) -> f64 {
        let Some(top_digit) = self.digits.last() else { return 0.0 };
        let top = (self.first + self.digits.len()) * 32 - 1 - top_digit.leading_zeros() as usize;
        let lowest = top.saturating_sub(52);
        let mut mantissa = (lowest..=top).rev().fold(0_u64, |bits, at| bits << 1 | u64::from(self.bit(at)));
        let half = lowest > 0 && self.bit(lowest - 1);
        let beyond_half = lowest > 1 && (self.first * 32..lowest - 1).any(|at| self.bit(at));
        if half && (beyond_half || mantissa & 1 != 0) {
            mantissa += 1;
        }
        // Below 2⁵³ units of 2⁻¹⁰⁷⁴ the integer is the bit pattern itself. Above, adding (not or-ing) the
        // mantissa with its leading bit lets a carry out of the rounding reach the exponent.
        let magnitude = if lowest == 0 {
            f64::from_bits(mantissa)
        } else if lowest >= 0x7fe {
            f64::INFINITY
        } else {
            f64::from_bits(((lowest as u64) << 52) + mantissa)
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.special.to_bits() == other.special.to_bits() && self.canonical() == other.canonical()
    }
}

impl fmt::Debug for ExactSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExactSum").field(&self.value()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        for value in values {
            sum.add(*value);
        }
        sum
    }

    #[test]
    fn what_floats_lose_is_kept() {
        assert_eq!(sum(&[1e16, 1.0, -1e16]).value(), 1.0);
        assert_eq!(sum(&[0.1; 10]).value(), 1.0);
        assert_eq!(sum(&[1e300, 1e-300, -1e300]).value(), 1e-300);
        assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
        assert_eq!(sum(&[]).value(), 0.0);
        assert_eq!(sum(&[-0.0]).value(), 0.0);
    }

    #[test]
    fn infinities_absorb_and_contradict_as_in_ieee() {
        assert_eq!(sum(&[1.0, f64::INFINITY]).value(), f64::INFINITY);
        assert!(sum(&[f64::NEG_INFINITY, 1.0, f64::INFINITY]).value().is_nan());
    }

    #[test]
    fn an_overflowing_fixed_part_moves_on() {
        let mut total = ExactSum::default();
        for _ in 0..10_000 {
            total.add(3e13);
        }
        assert_eq!(total.value(), 3e17);
        let mut merged = total.clone();
        merged.merge(&total);
        assert_eq!(merged.value(), 6e17);
    }

    fn finite() -> impl Strategy<Value = f64> {
        use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        prop_oneof![POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO, -1e6..1e6, 0.0..1e-3]
    }

    proptest! {
        #[test]
        fn one_value_is_itself(value in finite()) {
            let mut wide = sum(&[value]);
            wide.add(1e-300);
            wide.add(-1e-300);
            prop_assert_eq!(wide.value(), value);
            prop_assert_eq!(sum(&[value]).value(), value);
        }

        #[test]
        fn two_values_round_as_ieee_addition_does(a in finite(), b in finite()) {
            let expected = a + b;
            prop_assert_eq!(sum(&[a, b]).value(), expected);
        }

        #[test]
        fn order_and_grouping_do_not_matter(mut values in prop::collection::vec(finite(), 0..40), cut in 0_usize..40) {
            let forward = sum(&values);
            let cut = cut.min(values.len());
            let mut grouped = sum(&values[cut..]);
            grouped.merge(&sum(&values[..cut]));
            values.reverse();
            prop_assert_eq!(&forward, &grouped);
            prop_assert_eq!(&forward, &sum(&values));
            prop_assert_eq!(forward.value().to_bits(), grouped.value().to_bits());
            let copy = ExactSum::from_canonical(&forward.canonical(), 0.0).unwrap();
            prop_assert_eq!(copy, forward);
        }
    }
}
