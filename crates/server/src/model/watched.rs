//! What is watched beside the load (replicas, connections): a series each, on the grid of the other charts.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::number::{array, short};
use super::parts::Watched;

/// Series at most; a report with more could not be read.
const MOST: usize = 300;

/// One of them.
#[derive(Debug)]
struct Series {
    chart: String,
    label: String,
    contains: String,
    /// The index of the first point.
    from: usize,
    /// NaN where nothing was read.
    points: Vec<f32>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Board {
    series: Vec<Series>,
    index: HashMap<(String, String), usize>,
}

impl Board {
    /// Takes what was read within a step; the series that have a point of it.
    pub(super) fn add(&mut self, step: usize, readings: &[Watched]) -> Vec<usize> {
        let mut changed = Vec::new();
        for reading in readings {
            let key = (reading.chart.clone(), reading.label.clone());
            let id = match self.index.get(&key) {
                Some(id) => *id,
                None if self.series.len() >= MOST => continue,
                None => {
                    self.index.insert(key, self.series.len());
                    self.series.push(Series {
                        chart: reading.chart.clone(),
                        label: reading.label.clone(),
                        contains: reading.contains.clone(),
                        from: step,
                        points: Vec::new(),
                    });
                    self.series.len() - 1
                }
            };
            self.series[id].set(step, reading.value as f32);
            changed.push(id);
        }
        changed
    }

    /// Makes every two steps one.
    pub(super) fn coarsen(&mut self) {
        for series in &mut self.series {
            let whole: Vec<f32> =
                std::iter::repeat_n(f32::NAN, series.from % 2).chain(series.points.iter().copied()).collect();
            series.from /= 2;
            // Of two the larger stays: a chart must not hide what was there.
            series.points =
                whole.chunks(2).map(|pair| pair.iter().copied().fold(f32::NAN, f32::max)).collect();
        }
    }

    pub(super) fn json(&self) -> Vec<Value> {
        let of = |(id, series): (usize, &Series)| {
            let mut json = series.head(id);
            json["from"] = series.from.into();
            json["values"] = array(series.points.iter().map(|value| f64::from(*value)));
            json
        };
        self.series.iter().enumerate().map(of).collect()
    }

    /// The last point of a series as a tick has it: with what it is, as it may be the first.
    pub(super) fn last(&self, id: usize) -> Option<Value> {
        let series = self.series.get(id)?;
        let mut json = series.head(id);
        json["index"] = (series.from + series.points.len().checked_sub(1)?).into();
        json["value"] = short(f64::from(*series.points.last()?));
        Some(json)
    }
}

impl Series {
    fn set(&mut self, step: usize, value: f32) {
        // The clock was set back: the points stay in order.
        let place = step.saturating_sub(self.from).max(self.points.len().saturating_sub(1));
        if place >= self.points.len() {
            self.points.resize(place + 1, f32::NAN);
        }
        // `max` of a number and NaN is the number; within a step the larger stays.
        self.points[place] = self.points[place].max(value);
    }

    fn head(&self, id: usize) -> Value {
        json!({ "id": id, "chart": self.chart, "label": self.label, "contains": self.contains })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(label: &str, value: f64) -> Watched {
        Watched {
            chart: "Replicas".to_owned(),
            label: label.to_owned(),
            contains: "default".to_owned(),
            value,
        }
    }

    #[test]
    fn a_series_begins_where_it_is_first_read_and_has_gaps() {
        let mut board = Board::default();
        assert_eq!(board.add(0, &[reading("web", 2.0)]), [0]);
        assert_eq!(board.add(3, &[reading("web", 4.0), reading("api", 1.0)]), [0, 1]);
        let json = board.json();
        assert_eq!((&json[0]["from"], &json[0]["values"]), (&json!(0), &json!([2.0, null, null, 4.0])));
        assert_eq!((&json[1]["from"], &json[1]["values"]), (&json!(3), &json!([1.0])));
        assert_eq!(board.last(1).map(|last| last["index"].clone()), Some(json!(3)));
    }

    #[test]
    fn a_coarser_grid_keeps_the_larger_value() {
        let mut board = Board::default();
        for (step, value) in [(1, 2.0), (2, 5.0), (3, 3.0)] {
            board.add(step, &[reading("web", value)]);
        }
        board.coarsen();
        let json = board.json();
        assert_eq!((&json[0]["from"], &json[0]["values"]), (&json!(0), &json!([2.0, 5.0])));
    }
}
