//! The ramp of looping virtual users: during which spans the k-th one is wanted.
//!
//! Going up, number k (from 1) is wanted from when the ramp reaches k; going down, until the ramp has
//! reached k − 1. Both are closed formulas of k, so a worker computes its own virtual users only.

use throng_plan::Stage;

use super::mul_div;
use crate::time::Time;

/// A time during which a virtual user is wanted, relative to the start of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it starts.
    pub on: Time,
    /// When the ramp passes below it; `None` if it is still wanted when the last stage ends.
    pub off: Option<Time>,
}

/// A number of virtual users that follows stages.
#[derive(Debug, Clone, Copy)]
pub struct Ramp<'a> {
    /// How many at the beginning.
    pub start_vus: u64,
    /// How the number goes on.
    pub stages: &'a [Stage],
}

impl Ramp<'_> {
    /// The largest number that is ever wanted.
    pub fn peak(&self) -> u64 {
        self.stages.iter().map(|stage| stage.target).fold(self.start_vus, u64::max)
    }

    /// When it has come down to nobody and stays there; `None` if somebody is wanted to the end.
    pub fn over(&self) -> Option<Time> {
        // The first virtual user is the last to go.
        self.spans(0).last().map_or(Some(Time::ZERO), |last| last.off)
    }

    /// When virtual user `index` of the whole test (from 0) is wanted, in order. A span may be empty: where
    /// a jump goes up and down again in no time, k6 (observed on 1.1) reserves the virtual users all the
    /// same, but they run nothing.
    pub fn spans(&self, index: u64) -> Vec<Span> {
        let number = index + 1;
        let mut spans: Vec<Span> = Vec::new();
        if self.start_vus >= number {
            spans.push(Span { on: Time::ZERO, off: None });
        }
        let mut end = 0_u64;
        let mut from = self.start_vus;
        for stage in self.stages {
            let length = Time::from(stage.duration).as_nanos();
            end = end.saturating_add(length);
            let to = stage.target;
            if from < number && number <= to {
                let at = Time::from_nanos(end - mul_div(length, to - number, to - from));
                match spans.last_mut() {
                    // Gone and back at the same moment: it never stopped.
                    Some(last) if last.off == Some(at) => last.off = None,
                    _ => spans.push(Span { on: at, off: None }),
                }
            } else if to < number && number <= from {
                let at = Time::from_nanos(end - mul_div(length, number - to - 1, from - to));
                if let Some(last) = spans.last_mut() {
                    last.off = Some(at);
                }
            }
            from = to;
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stage(ms: u64, target: u64) -> Stage {
        Stage { duration: Duration::from_millis(ms), target }
    }

    fn spans(start_vus: u64, stages: &[Stage], index: u64) -> Vec<(u64, Option<u64>)> {
        let ms = |time: Time| time.as_nanos() / 1_000_000;
        let spans = Ramp { start_vus, stages }.spans(index);
        spans.into_iter().map(|span| (ms(span.on), span.off.map(ms))).collect()
    }

    #[test]
    fn going_up_each_starts_when_the_ramp_reaches_it() {
        let up = [stage(1000, 10)];
        let starts: Vec<u64> = (0..10).map(|k| spans(0, &up, k)[0].0).collect();
        assert_eq!(starts, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
        assert_eq!(spans(5, &up, 4), [(0, None)]);
        assert_eq!(spans(5, &up, 5), [(200, None)]);
        assert_eq!(spans(0, &up, 10), []);
    }

    #[test]
    fn going_down_each_stops_when_the_ramp_has_left_it() {
        let down = [stage(1000, 0)];
        let stops: Vec<u64> = (0..10).map(|k| spans(10, &down, k)[0].1.expect("stops")).collect();
        assert_eq!(stops, [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100]);
    }

    #[test]
    fn a_stage_without_duration_is_an_instant_jump() {
        let stages = [stage(1000, 2), stage(0, 5), stage(1000, 5), stage(0, 1), stage(1000, 1)];
        assert_eq!(spans(2, &stages, 4), [(1000, Some(2000))]);
        assert_eq!(spans(2, &stages, 0), [(0, None)]);
    }

    #[test]
    fn gone_and_back_at_the_same_moment_is_not_gone() {
        assert_eq!(spans(3, &[stage(1000, 3), stage(0, 0), stage(0, 3), stage(1000, 3)], 2), [(0, None)]);
    }

    #[test]
    fn a_spike_of_no_length_is_an_empty_span() {
        let spike = [stage(1000, 1), stage(0, 20), stage(0, 2), stage(1000, 2)];
        assert_eq!(spans(1, &spike, 19), [(1000, Some(1000))]);
        assert_eq!(Ramp { start_vus: 1, stages: &spike }.peak(), 20);
    }

    #[test]
    fn it_is_over_when_the_last_has_been_left_for_good() {
        let over = |start_vus, stages: &[Stage]| {
            Ramp { start_vus, stages }.over().map(|at| at.as_nanos() / 1_000_000)
        };
        assert_eq!(over(0, &[stage(1000, 2), stage(500, 0), stage(2000, 0)]), Some(1500));
        assert_eq!(over(3, &[stage(500, 3), stage(0, 0), stage(2000, 0)]), Some(500));
        assert_eq!(over(1, &[stage(500, 0), stage(1000, 0), stage(500, 1)]), None);
        assert_eq!(over(0, &[stage(500, 0), stage(1000, 1), stage(500, 0)]), Some(2000));
        assert_eq!(over(0, &[stage(500, 0)]), Some(0));
    }

    #[test]
    fn several_hills_are_several_spans() {
        let hills = [stage(1000, 2), stage(1000, 0), stage(1000, 2)];
        assert_eq!(spans(0, &hills, 1), [(1000, Some(1500)), (3000, None)]);
        assert_eq!(spans(0, &hills, 0), [(500, Some(2000)), (2500, None)]);
    }
}
