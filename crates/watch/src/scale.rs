//! How long scaling took, from the load's rise to response times that are well again, step by step.
//!
//! A [`Tracker`] takes what is seen (the load and its response times once a second, what autoscalers and pods do) and
//! tells the story of each decision to scale up. Times are seconds since the start of the run phase, as the one clock of
//! this process saw them; before it they are negative.

mod story;

use std::collections::BTreeMap;

pub use story::{Back, ScaleUp, Step, StepKind};

/// What an autoscaler or a pod did.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// An autoscaler's state.
    Hpa(Hpa),
    /// How much of what they asked for the pods of a workload use, in percent.
    Utilisation {
        /// Whose.
        workload: String,
        /// In percent of what they request.
        percent: f64,
    },
    /// A pod came to a stage of its life.
    Pod {
        /// Whose it is.
        workload: String,
        /// Its name.
        name: String,
        /// Where it is.
        stage: Stage,
    },
}

/// An autoscaler's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Hpa {
    /// Its name.
    pub name: String,
    /// What it scales.
    pub workload: String,
    /// Replicas that it counts.
    pub current: u32,
    /// Replicas that it wants.
    pub desired: u32,
    /// What it goes by.
    pub metrics: Vec<Going>,
}

/// What an autoscaler goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Going {
    /// Such as `cpu`.
    pub name: String,
    /// What it is, if it is known.
    pub current: Option<f64>,
    /// What it is to be.
    pub target: f64,
    /// Whether it is in percent of what pods request.
    pub is_utilisation: bool,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It exists.
    Created,
    /// No node has room for it; why.
    Unschedulable(String),
    /// It has a node.
    Scheduled,
    /// Its image is being pulled.
    Pulling,
    /// Its image is there.
    Pulled,
    /// All its containers run.
    Started,
    /// It takes requests.
    Ready,
    /// It is gone.
    Gone,
}

/// When a pod came where.
#[derive(Debug, Clone, Default)]
struct Pod {
    workload: String,
    created: Option<f64>,
    unschedulable: Option<String>,
    scheduled: Option<f64>,
    pulling: Option<f64>,
    pulled: Option<f64>,
    started: Option<f64>,
    ready: Option<f64>,
}

/// A second of the load.
#[derive(Debug, Clone, Copy)]
struct Second {
    at: f64,
    load: f64,
    /// The 95th percentile of its response times, in ms.
    latency: Option<f64>,
}

/// What is known of one autoscaler.
#[derive(Debug, Default)]
struct History {
    workload: String,
    states: Vec<(f64, Hpa)>,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Tracker {
    unit: String,
    seconds: Vec<Second>,
    hpas: BTreeMap<String, History>,
    /// By workload.
    utilisation: BTreeMap<String, Vec<(f64, f64)>>,
    pods: BTreeMap<String, Pod>,
    ended: Option<f64>,
}

/// States and pods that are kept of each autoscaler at most: days of a busy one.
const MOST: usize = 20_000;
/// Seconds that are kept: half a day.
const MOST_SECONDS: usize = 50_000;

impl Tracker {
    /// One whose load is counted in this.
    pub fn of(unit: &str) -> Self {
        Self { unit: unit.to_owned(), ..Self::default() }
    }

    /// How much load there was in the second before, and how it was answered.
    pub fn second(&mut self, at: f64, load: f64, latency: Option<f64>) {
        if self.seconds.len() < MOST_SECONDS {
            self.seconds.push(Second { at, load, latency });
        }
    }

    /// The load is over.
    pub fn end(&mut self, at: f64) {
        self.ended = Some(at);
    }

    /// Something happened.
    pub fn take(&mut self, at: f64, fact: Fact) {
        match fact {
            Fact::Hpa(hpa) => {
                let history = self.hpas.entry(hpa.name.clone()).or_default();
                history.workload.clone_from(&hpa.workload);
                if history.states.last().is_none_or(|(_, last)| *last != hpa) && history.states.len() < MOST {
                    history.states.push((at, hpa));
                }
            }
            Fact::Utilisation { workload, percent } => {
                let known = self.utilisation.entry(workload).or_default();
                if known.len() < MOST {
                    known.push((at, percent));
                }
            }
            Fact::Pod { workload, name, stage } => {
                if self.pods.len() >= MOST && !self.pods.contains_key(&name) {
                    return;
                }
                let pod = self.pods.entry(name).or_default();
                pod.workload = workload;
                let place = match stage {
                    Stage::Created => &mut pod.created,
                    Stage::Scheduled => &mut pod.scheduled,
                    Stage::Pulling => &mut pod.pulling,
                    Stage::Pulled => &mut pod.pulled,
                    Stage::Started => &mut pod.started,
                    Stage::Ready => &mut pod.ready,
                    Stage::Unschedulable(why) => {
                        pod.unschedulable.get_or_insert(why);
                        return;
                    }
                    Stage::Gone => return,
                };
                place.get_or_insert(at);
            }
        }
    }

    /// The story of each decision to scale up, in order.
    pub fn scale_ups(&self) -> Vec<ScaleUp> {
        let mut all: Vec<ScaleUp> = self.hpas.iter().flat_map(|(name, hpa)| self.told(name, hpa)).collect();
        all.sort_by(|a, b| a.decided.total_cmp(&b.decided));
        all
    }

    /// When autoscalers were back at the replicas they began with, after the end of the load.
    pub fn backs(&self) -> Vec<Back> {
        let Some(end) = self.ended else { return Vec::new() };
        self.hpas
            .iter()
            .filter_map(|(name, hpa)| {
                let before = hpa.states.iter().take_while(|(at, _)| *at <= 0.0).last();
                let began_with = before.or(hpa.states.first())?.1.current;
                let highest = hpa.states.iter().map(|(_, state)| state.current).max()?;
                let back = hpa.states.iter().find(|(at, state)| *at >= end && state.current <= began_with);
                let at_end = hpa.states.iter().rev().find(|(at, _)| *at <= end)?.1.current;
                let is_up = highest > began_with && at_end > began_with;
                is_up.then(|| Back {
                    hpa: name.clone(),
                    replicas: began_with,
                    highest,
                    after: back.map(|(at, _)| at - end),
                })
            })
            .collect()
    }
}
