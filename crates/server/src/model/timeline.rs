//! The charts' points: one a second, of all requests and of each name, in bounded memory.
//!
//! All timelines share one grid. When it is full, every two neighbours become one and the step doubles, so that a run of
//! any length fits; the page is told by a new snapshot. Counts add exactly; of two percentiles the worse one stays, as
//! the percentile of both cannot be had from them and a chart must not flatter.

use serde_json::{Value, json};

use super::number::{array, short};
use super::update::Second;

/// Points of a timeline at most: four and a half hours of seconds.
pub(super) const MOST_POINTS: usize = 16_384;
/// Points of all request names together at most, at 32 bytes each.
pub(super) const MOST_OF_REQUESTS: usize = 1_500_000;

/// What is measured within one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    /// Seconds that it covers; 0 if nothing is known.
    pub(super) covers: f32,
    pub(super) count: u32,
    pub(super) fails: u32,
    pub(super) time: f32,
    /// NaN where there was nothing.
    pub(super) p50: f32,
    pub(super) p95: f32,
    pub(super) p99: f32,
}

impl Point {
    /// What was measured in `covers` seconds.
    pub(super) fn new(covers: f64, second: Option<&Second>) -> Self {
        let second = second.copied().unwrap_or_default();
        let time = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        Self {
            covers: covers as f32,
            count: second.count.min(u64::from(u32::MAX)) as u32,
            fails: second.fails.min(u64::from(u32::MAX)) as u32,
            time: second.time as f32,
            p50: time(second.p50),
            p95: time(second.p95),
            p99: time(second.p99),
        }
    }

    /// The `part`th of `parts` of what was measured; of the time it covers nothing, as that was told.
    pub(super) fn part(second: &Second, part: usize, parts: usize) -> Self {
        let (part, parts) = (part as u64, parts as u64);
        let share = |count: u64| count / parts + u64::from(part < count % parts);
        let second = Second {
            count: share(second.count),
            fails: share(second.fails),
            time: second.time / parts as f64,
            ..*second
        };
        Self::new(0.0, Some(&second))
    }

    /// Nothing known.
    pub(super) fn gap() -> Self {
        Self::new(0.0, None)
    }

    /// Together with another one of the same or the next step.
    pub(super) fn and(self, other: Self) -> Self {
        // `max` of a number and NaN is the number.
        Self {
            covers: self.covers + other.covers,
            count: self.count.saturating_add(other.count),
            fails: self.fails.saturating_add(other.fails),
            time: self.time + other.time,
            p50: self.p50.max(other.p50),
            p95: self.p95.max(other.p95),
            p99: self.p99.max(other.p99),
        }
    }

    pub(super) fn rps(&self) -> f64 {
        self.rate(self.count)
    }

    pub(super) fn fps(&self) -> f64 {
        self.rate(self.fails)
    }

    pub(super) fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { f64::from(self.time) / f64::from(self.count) }
    }

    fn rate(&self, count: u32) -> f64 {
        if self.covers > 0.0 { f64::from(count) / f64::from(self.covers) } else { f64::NAN }
    }
}

/// Virtual users at the end of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Crowd {
    pub(super) now: f32,
    pub(super) target: f32,
}

/// The points of all requests together, with the users.
#[derive(Debug)]
pub(super) struct Timeline {
    /// When the first step begins, in ms since the Unix epoch.
    pub(super) start: u64,
    /// Seconds of a step.
    pub(super) step: u32,
    points: Vec<Point>,
    crowd: Vec<Crowd>,
}

impl Timeline {
    pub(super) fn new(start: u64) -> Self {
        Self { start, step: 1, points: Vec::new(), crowd: Vec::new() }
    }

    /// The index of the step that ended at `now`.
    pub(super) fn index(&self, now: u64) -> usize {
        let ended = now.saturating_sub(self.start);
        // What is told at 1.98 s or 2.02 s was measured in the second that ended at 2 s.
        let seconds = ((ended + 500) / 1_000).max(1) - 1;
        (seconds / u64::from(self.step)) as usize
    }

    /// The last step that has a point.
    pub(super) fn last(&self) -> Option<usize> {
        self.points.len().checked_sub(1)
    }

    /// Adds what was measured to a step.
    pub(super) fn add(&mut self, index: usize, point: Point, crowd: Crowd) {
        if index >= self.points.len() {
            self.points.resize(index + 1, Point::gap());
            self.crowd.resize(index + 1, Crowd { now: f32::NAN, target: f32::NAN });
        }
        self.points[index] = self.points[index].and(point);
        self.crowd[index] = crowd;
    }

    /// Adds what came late to a step that is there. Nothing was told of a gap: a later step took its time as well, and gives
    /// it back; returns that step.
    pub(super) fn amend(&mut self, index: usize, mut point: Point) -> Option<usize> {
        let step = self.step as f32;
        let mut gave = None;
        if self.points[index].covers <= 0.0 {
            point.covers = step;
            gave = (index + 1..self.points.len()).find(|at| self.points[*at].covers >= 2.0 * step);
            if let Some(at) = gave {
                self.points[at].covers -= step;
            }
        }
        self.points[index] = self.points[index].and(point);
        gave
    }

    /// Makes every two steps one.
    pub(super) fn coarsen(&mut self) {
        self.step *= 2;
        self.points = self
            .points
            .chunks(2)
            .map(|pair| pair.iter().copied().reduce(Point::and))
            .map(Option::unwrap_or_default)
            .collect();
        self.crowd = self.crowd.chunks(2).filter_map(|pair| pair.last().copied()).collect();
    }

    pub(super) fn point(&self, index: usize) -> Value {
        let (point, crowd) = (self.points[index], self.crowd[index]);
        json!({
            "index": index,
            "users": short(f64::from(crowd.now)),
            "target": short(f64::from(crowd.target)),
            "rps": short(point.rps()),
            "fps": short(point.fps()),
            "p50": short(f64::from(point.p50)),
            "p95": short(f64::from(point.p95)),
            "p99": short(f64::from(point.p99)),
            "mean": short(point.mean()),
        })
    }

    pub(super) fn json(&self) -> Value {
        let of = |value: fn(&Point) -> f64| array(self.points.iter().map(value));
        json!({
            "start": self.start,
            "step": self.step,
            "users": array(self.crowd.iter().map(|crowd| f64::from(crowd.now))),
            "target": array(self.crowd.iter().map(|crowd| f64::from(crowd.target))),
            "rps": of(Point::rps),
            "fps": of(Point::fps),
            "p50": of(|point| f64::from(point.p50)),
            "p95": of(|point| f64::from(point.p95)),
            "p99": of(|point| f64::from(point.p99)),
            "mean": of(Point::mean),
        })
    }
}

/// The points of one request name: only steps in which it did something.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    points: Vec<(u32, Point)>,
}

impl Sparse {
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// Adds what was measured to a step; true if that took a further point.
    pub(super) fn add(&mut self, index: usize, point: Point) -> bool {
        let index = index as u32;
        match self.points.last_mut() {
            Some((last, kept)) if *last == index => {
                *kept = kept.and(point);
                false
            }
            // The clock was set back: the points stay in order.
            Some((last, kept)) if *last > index => {
                *kept = kept.and(point);
                false
            }
            _ => {
                self.points.push((index, point));
                true
            }
        }
    }

    pub(super) fn coarsen(&mut self) {
        let mut coarse: Vec<(u32, Point)> = Vec::with_capacity(self.points.len() / 2 + 1);
        for (index, point) in &self.points {
            match coarse.last_mut() {
                Some((last, kept)) if *last == index / 2 => *kept = kept.and(*point),
                _ => coarse.push((index / 2, *point)),
            }
        }
        self.points = coarse;
    }

    /// Adds what came late, measured in so many seconds, to a step; true if there was nothing in it.
    pub(super) fn amend(&mut self, index: usize, point: Point, covers: f32) -> bool {
        let index = index as u32;
        match self.points.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(place) => {
                self.points[place].1 = self.points[place].1.and(point);
                false
            }
            Err(place) => {
                self.points.insert(place, (index, Point { covers, ..point }));
                true
            }
        }
    }

    /// Takes so many seconds from what a step covers; false if it does not cover more.
    pub(super) fn give_back(&mut self, index: usize, seconds: f32) -> bool {
        let place = self.points.binary_search_by_key(&(index as u32), |(index, _)| *index);
        let point = place.ok().map(|place| &mut self.points[place].1);
        let Some(point) = point.filter(|point| point.covers >= 2.0 * seconds) else { return false };
        point.covers -= seconds;
        true
    }

    /// The last point as a tick has it.
    pub(super) fn last(&self, id: usize) -> Option<Value> {
        self.points.last().map(|(index, point)| tick(id, *index, point))
    }

    /// The point of a step as a tick has it.
    pub(super) fn point(&self, id: usize, index: usize) -> Option<Value> {
        let place = self.points.binary_search_by_key(&(index as u32), |(index, _)| *index).ok()?;
        self.points.get(place).map(|(index, point)| tick(id, *index, point))
    }

    /// From the first point on, without holes: a step in which nothing was done has a rate of 0 and no times.
    pub(super) fn json(&self) -> Value {
        let from = self.points.first().map_or(0, |(index, _)| *index);
        let until = self.points.last().map_or(0, |(index, _)| *index + 1);
        let mut dense = vec![Point { covers: 1.0, ..Point::gap() }; (until - from) as usize];
        for (index, point) in &self.points {
            dense[(index - from) as usize] = *point;
        }
        let of = |value: fn(&Point) -> f64| array(dense.iter().map(value));
        json!({
            "from": from,
            "rps": of(Point::rps),
            "fps": of(Point::fps),
            "p50": of(|point| f64::from(point.p50)),
            "p95": of(|point| f64::from(point.p95)),
            "p99": of(|point| f64::from(point.p99)),
        })
    }
}

fn tick(id: usize, index: u32, point: &Point) -> Value {
    json!({
        "id": id,
        "index": index,
        "rps": short(point.rps()),
        "fps": short(point.fps()),
        "p50": short(f64::from(point.p50)),
        "p95": short(f64::from(point.p95)),
        "p99": short(f64::from(point.p99)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(count: u64, p95: f64) -> Second {
        Second { count, fails: 1, time: count as f64 * 2.0, p50: Some(1.0), p95: Some(p95), p99: Some(p95) }
    }

    #[test]
    fn updates_around_a_second_belong_to_the_one_that_ended() {
        let timeline = Timeline::new(10_000);
        let indices: Vec<usize> =
            [10_000, 10_980, 11_020, 11_600, 12_000].map(|now| timeline.index(now)).to_vec();
        assert_eq!(indices, [0, 0, 0, 1, 1]);
    }

    #[test]
    fn a_missed_second_is_a_gap_and_not_a_zero() {
        let mut timeline = Timeline::new(0);
        timeline.add(0, Point::new(1.0, Some(&second(4, 9.0))), Crowd { now: 1.0, target: 1.0 });
        timeline.add(2, Point::new(2.0, None), Crowd { now: 1.0, target: 1.0 });
        let json = timeline.json();
        assert_eq!(json["rps"], json!([4.0, null, 0.0]));
        assert_eq!(json["p95"], json!([9.0, null, null]));
        assert_eq!(json["mean"], json!([2.0, null, null]));
        assert_eq!(json["users"], json!([1.0, null, 1.0]));
    }

    #[test]
    fn a_coarser_grid_keeps_rates_and_the_worse_percentiles() {
        let mut timeline = Timeline::new(0);
        let mut sparse = Sparse::default();
        for (index, p95) in [5.0, 50.0, 7.0].into_iter().enumerate() {
            let point = Point::new(1.0, Some(&second(10, p95)));
            timeline.add(index, point, Crowd { now: index as f32, target: 9.0 });
            sparse.add(index + 1, point);
        }
        timeline.coarsen();
        sparse.coarsen();
        let json = timeline.json();
        assert_eq!((&json["step"], &json["rps"]), (&json!(2), &json!([10.0, 10.0])));
        assert_eq!((&json["p95"], &json["users"]), (&json!([50.0, 7.0]), &json!([1.0, 2.0])));
        let json = sparse.json();
        assert_eq!((&json["from"], &json["p95"]), (&json!(0), &json!([5.0, 50.0])));
    }

    #[test]
    fn a_request_that_rested_has_a_rate_of_nothing_meanwhile() {
        let mut sparse = Sparse::default();
        sparse.add(3, Point::new(1.0, Some(&second(2, 1.0))));
        sparse.add(5, Point::new(1.0, Some(&second(2, 1.0))));
        let json = sparse.json();
        assert_eq!((&json["from"], &json["rps"]), (&json!(3), &json!([2.0, 0.0, 2.0])));
        assert_eq!(json["p95"], json!([1.0, null, 1.0]));
        assert_eq!(sparse.last(7).unwrap()["index"], 5);
    }
}
