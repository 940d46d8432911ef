//! The rows of the statistics table: one for each method and name.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use super::number::rounded;
use super::timeline::{Point, Sparse};
use super::update::Measured;

/// Updates that the current rates are the mean of.
const RECENT: usize = 5;

/// A row as the page reads it; times in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is the column of that name, described at `Measured`")]
pub struct Row {
    pub id: usize,
    pub method: String,
    pub name: String,
    pub count: u64,
    pub fails: u64,
    pub rps: Option<f64>,
    pub fps: Option<f64>,
    pub avg: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub median: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub size: Option<f64>,
}

impl Row {
    fn take(&mut self, measured: &Measured) {
        let number = |value: Option<f64>| value.and_then(rounded);
        self.count = measured.count;
        self.fails = measured.fails;
        self.avg = number(measured.avg);
        self.min = number(measured.min);
        self.max = number(measured.max);
        self.median = number(measured.median);
        self.p90 = number(measured.p90);
        self.p95 = number(measured.p95);
        self.p99 = number(measured.p99);
        self.size = number(measured.size);
    }
}

/// The last updates, for current rates.
#[derive(Debug, Default)]
struct Recent(VecDeque<Point>);

impl Recent {
    fn push(&mut self, point: Point) {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(point);
    }

    fn rates(&self) -> (Option<f64>, Option<f64>) {
        let sum = self.0.iter().copied().fold(Point::gap(), Point::and);
        (rounded(sum.rps()), rounded(sum.fps()))
    }
}

/// A row with what it is made of.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) row: Row,
    recent: Recent,
    history: Sparse,
}

impl Entry {
    /// Takes new numbers, if there are any, and the time that went by; true if the row changed.
    pub(super) fn apply(&mut self, measured: Option<&Measured>, covers: f64) -> bool {
        let before = self.row.clone();
        if let Some(measured) = measured {
            self.row.take(measured);
        }
        if covers > 0.0 {
            self.recent.push(Point::new(covers, measured.and_then(|measured| measured.second.as_ref())));
            (self.row.rps, self.row.fps) = self.recent.rates();
        }
        self.row != before
    }

    /// Current rates are of what runs.
    pub(super) fn rest(&mut self) {
        self.recent.0.clear();
        (self.row.rps, self.row.fps) = (Some(0.0), Some(0.0));
    }
}

/// All rows, by method and name.
#[derive(Debug, Default)]
pub(super) struct Rows {
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
    /// Points of all entries together.
    points: usize,
}

impl Rows {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.entries.iter().map(|entry| &entry.row)
    }

    pub(super) fn row(&self, id: usize) -> &Row {
        &self.entries[id].row
    }

    pub(super) fn points(&self) -> usize {
        self.points
    }

    fn place(&mut self, measured: &Measured) -> usize {
        let key = format!("{}\0{}", measured.method, measured.name);
        let entries = &mut self.entries;
        *self.index.entry(key).or_insert_with(|| {
            let id = entries.len();
            let row =
                Row { id, method: measured.method.clone(), name: measured.name.clone(), ..Row::default() };
            entries.push(Entry { row, ..Entry::default() });
            id
        })
    }

    /// Takes what was measured at the step `index`; returns the rows that changed, and those that have a point there.
    pub(super) fn apply(
        &mut self,
        measured: &[Measured],
        covers: f64,
        index: Option<usize>,
    ) -> (Vec<usize>, Vec<usize>) {
        let mut news: HashMap<usize, &Measured> = HashMap::with_capacity(measured.len());
        for one in measured {
            let id = self.place(one);
            news.insert(id, one);
        }
        let (mut changed, mut active) = (Vec::new(), Vec::new());
        for (id, entry) in self.entries.iter_mut().enumerate() {
            let one = news.get(&id).copied();
            let second = one.and_then(|one| one.second.as_ref());
            if let (Some(index), Some(_)) = (index, second) {
                self.points += usize::from(entry.history.add(index, Point::new(covers, second)));
                active.push(id);
            }
            if entry.apply(one, covers) {
                changed.push(id);
            }
        }
        (changed, active)
    }

    /// The run is over: nothing has a current rate. Returns the rows.
    pub(super) fn rest(&mut self) -> Vec<usize> {
        self.entries.iter_mut().for_each(Entry::rest);
        (0..self.entries.len()).collect()
    }

    /// Adds a part of what came late, measured in so many seconds, to a step of the row's; returns its number.
    pub(super) fn amend(&mut self, row: &Measured, index: usize, point: Point, covers: f32) -> usize {
        let id = self.place(row);
        self.points += usize::from(self.entries[id].history.amend(index, point, covers));
        id
    }

    /// A step gives back the time that it took of a gap, in all rows that have it; their numbers.
    pub(super) fn give_back(&mut self, index: usize, seconds: f32) -> Vec<(usize, usize)> {
        let rows = self.entries.iter_mut().enumerate();
        rows.filter_map(|(id, entry)| entry.history.give_back(index, seconds).then_some((id, index)))
            .collect()
    }

    pub(super) fn point(&self, id: usize, index: usize) -> Option<Value> {
        self.entries.get(id)?.history.point(id, index)
    }

    pub(super) fn last_point(&self, id: usize) -> Option<Value> {
        self.entries[id].history.last(id)
    }

    pub(super) fn timeline(&self, id: usize) -> Option<Value> {
        Some(self.entries.get(id)?.history.json())
    }

    pub(super) fn coarsen(&mut self) {
        self.points = 0;
        for entry in &mut self.entries {
            entry.history.coarsen();
            self.points += entry.history.len();
        }
    }
}
