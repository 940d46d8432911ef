//! What a watcher tells.

use std::time::Instant;

use crate::metric::Metric;
use crate::scale::Fact;

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which.
    pub metric: &'static Metric,
    /// What it is of, such as `db: mysql`.
    pub tags: Vec<(&'static str, String)>,
    /// In the metric's unit.
    pub value: f64,
}

impl Sample {
    /// A sample.
    pub fn new(metric: &'static Metric, tags: &[(&'static str, &str)], value: f64) -> Self {
        Self { metric, tags: tags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(), value }
    }
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An autoscaler decided, or replicas came or went.
    Scale,
    /// Something befell a pod.
    Pod,
    /// Something befell a database.
    Database,
    /// A line of a log matched.
    Log,
    /// A watch broke, or works again.
    Watch,
}

/// Something that happened to what is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was seen, or when it is known to have happened.
    pub at: Instant,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// Whether somebody should look at it.
    pub grave: bool,
    /// In words, beginning with what it is about.
    pub text: String,
}

/// What a watcher tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What a target said at one moment.
    Samples(Instant, Vec<Sample>),
    /// Something happened.
    Event(Event),
    /// Something that the story of scaling is made of.
    Fact(Instant, Fact),
}
