//! The starts of a changing arrival rate: the n-th is due when the integral of the rate reaches n.
//!
//! The integral is kept in whole numbers (twice the area, in rate · nanoseconds), so that fractions carry
//! from stage to stage without error; only the place within a stage is solved in floating point, which
//! for an hour is exact to a small part of a nanosecond.

use std::sync::Arc;
use std::time::Duration;

use throng_plan::Stage;

use crate::time::Time;

/// The schedule of a piecewise linear rate. Cheap to clone; keeps the place of the last answer.
#[derive(Debug, Clone)]
pub struct RampingRate {
    /// Twice the area below which one iteration is due: `2 · time_unit`.
    per_start: u128,
    stages: Arc<[RateStage]>,
    current: usize,
}

#[derive(Debug, Clone, Copy)]
struct RateStage {
    begin: u64,
    length: u64,
    from: u64,
    to: u64,
    /// Twice the area below the rate before this stage and up to its end.
    area_before: u128,
    area_after: u128,
}

impl RampingRate {
    /// Starts from `start_rate` per `time_unit` (not zero) and follows `stages`.
    pub fn new(start_rate: u64, time_unit: Duration, stages: &[Stage]) -> Self {
        let mut begin = 0_u64;
        let mut from = start_rate;
        let mut area = 0_u128;
        let stages = stages.iter().map(|stage| {
            let length = Time::from(stage.duration).as_nanos();
            let area_before = area;
            area += (u128::from(from) + u128::from(stage.target)) * u128::from(length);
            let result = RateStage { begin, length, from, to: stage.target, area_before, area_after: area };
            begin = begin.saturating_add(length);
            from = stage.target;
            result
        });
        let stages = stages.collect();
        Self { per_start: 2 * u128::from(Time::from(time_unit).as_nanos()), stages, current: 0 }
    }

    /// When start `index` (from 0) is due: where the integral reaches `index + 1`. The end is inclusive,
    /// as the last start of a ramp that amounts to a whole number falls exactly on it.
    pub fn at(&mut self, index: u64) -> Option<Time> {
        let area = (u128::from(index) + 1) * self.per_start;
        while self.stages.get(self.current)?.area_after < area {
            self.current += 1;
        }
        let stage = self.stages.get(self.current)?;
        Some(Time::from_nanos(stage.begin.saturating_add(stage.solve(area - stage.area_before))))
    }

    /// When its last start is due; zero if it has none.
    pub fn last(&self) -> Time {
        let area = self.stages.last().map_or(0, |stage| stage.area_after);
        let count = u64::try_from(area / self.per_start.max(1)).unwrap_or(u64::MAX);
        count.checked_sub(1).and_then(|last| self.clone().at(last)).unwrap_or(Time::ZERO)
    }

    /// The rate, per time unit, `since_start` after the start of the scenario.
    pub fn rate_at(&self, since_start: Duration) -> f64 {
        let now = Time::from(since_start).as_nanos();
        let current = self.stages.iter().find(|stage| now < stage.begin.saturating_add(stage.length));
        match current.or(self.stages.last()) {
            None => 0.0,
            Some(stage) => {
                let part = if stage.length == 0 {
                    1.0
                } else {
                    now.saturating_sub(stage.begin) as f64 / stage.length as f64
                };
                stage.from as f64 + (stage.to as f64 - stage.from as f64) * part.min(1.0)
            }
        }
    }
}

impl RateStage {
    /// The nanosecond of this stage at which twice the area below the rate is `area`:
    /// `from·t + (to−from)·t²/(2·length) = area/2`, in the form that does not cancel for flat ramps.
    fn solve(&self, area: u128) -> u64 {
        let (from, to, length, area) = (self.from as f64, self.to as f64, self.length as f64, area as f64);
        let root = (from * from + (to - from) * area / length).max(0.0).sqrt();
        ((area / (from + root)).round() as u64).min(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(ms: u64, target: u64) -> Stage {
        Stage { duration: Duration::from_millis(ms), target }
    }

    fn starts(start_rate: u64, stages: &[Stage]) -> Vec<u64> {
        let mut rate = RampingRate::new(start_rate, Duration::from_secs(1), stages);
        (0..).map_while(|i| rate.at(i)).map(Time::as_nanos).collect()
    }

    #[test]
    fn from_nothing_to_twenty_a_second_in_two_seconds_are_twenty_starts() {
        let starts = starts(0, &[stage(2000, 20)]);
        assert_eq!(starts.len(), 20);
        assert_eq!(starts[0], 447_213_595, "sqrt(0.2) s");
        assert_eq!(starts[4], 1_000_000_000);
        assert_eq!(starts[19], 2_000_000_000);
    }

    #[test]
    fn a_level_rate_is_evenly_spaced_and_starts_one_interval_late() {
        assert_eq!(starts(10, &[stage(500, 10)]), [1, 2, 3, 4, 5].map(|i| i * 100_000_000));
    }

    #[test]
    fn fractions_carry_across_stages() {
        // 0.5 + 0.5 + 1 iterations: the first start falls exactly between the second and third stage.
        assert_eq!(
            starts(1, &[stage(500, 1), stage(500, 1), stage(1000, 1)]),
            [1_000_000_000, 2_000_000_000]
        );
        // 2.5 iterations going up and 2.5 coming down.
        let hill = starts(0, &[stage(1000, 5), stage(1000, 0)]);
        assert_eq!(hill.len(), 5);
        assert_eq!(
            hill[1] + hill[2],
            2 * 1_000_000_000 - (1_000_000_000 - hill[1]) + (hill[2] - 1_000_000_000)
        );
        assert_eq!(hill[4], 2_000_000_000);
    }

    #[test]
    fn a_stage_without_duration_is_a_jump_and_a_rate_of_zero_a_pause() {
        let jump = starts(
            0,
            &[stage(0, 10), stage(200, 10), stage(0, 0), stage(1000, 0), stage(0, 1), stage(1000, 1)],
        );
        assert_eq!(jump, [100_000_000, 200_000_000, 2_200_000_000]);
    }

    #[test]
    fn the_last_start_is_known_without_the_others() {
        let rate =
            |start_rate, stages: &[Stage]| RampingRate::new(start_rate, Duration::from_secs(1), stages);
        for (start_rate, stages) in [
            (10, vec![stage(500, 0), stage(2000, 0)]),
            (0, vec![stage(2000, 20)]),
            (10, vec![stage(500, 10), stage(1500, 1)]),
            (0, vec![stage(0, 10), stage(200, 10), stage(0, 0), stage(1000, 0), stage(0, 1), stage(1000, 1)]),
        ] {
            assert_eq!(
                Some(rate(start_rate, &stages).last().as_nanos()),
                starts(start_rate, &stages).last().copied()
            );
        }
        assert_eq!(rate(0, &[stage(2000, 0)]).last(), Time::ZERO);
        assert_eq!(rate(1, &[stage(900, 1)]).last(), Time::ZERO);
    }

    #[test]
    fn the_rate_can_be_read_at_any_time() {
        let rate = RampingRate::new(0, Duration::from_secs(1), &[stage(1000, 10), stage(1000, 10)]);
        assert_eq!(rate.rate_at(Duration::from_millis(500)), 5.0);
        assert_eq!(rate.rate_at(Duration::from_secs(5)), 10.0);
    }

    #[test]
    fn a_day_at_a_million_a_second_keeps_its_precision() {
        let day = [stage(86_400_000, 1_000_000)];
        let mut rate = RampingRate::new(1_000_000, Duration::from_secs(1), &day);
        let last = 86_400 * 1_000_000 - 1;
        assert_eq!(rate.at(last), Some(Time::from_nanos(86_400_000_000_000)));
        assert_eq!(rate.at(last + 1), None);
    }
}
